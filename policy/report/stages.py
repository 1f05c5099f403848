"""The steps of a packet by the chains that it comes to, and what becomes of its header on the way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from policy._record import dataclass
from policy.app.answer import PacketAnswer
from policy.evaluate import Step, rewritten, truth
from policy.ir import Allow, Entry, Rewrite
from policy.netfilter import LOOPED, MEETS_NAT
from policy.packet import HOOKS, Packet

NAT = "nat"


@dataclass(frozen=True, slots=True)
class Stage:
    """The *steps* in a chain where packets enter, and *behind* it the packet, if connection tracking rewrites it there.

    Not *asked*: the packet belongs to a known connection, and so the rules of the nat table do not see it.
    """

    entry: Entry
    steps: tuple[Step, ...]
    asked: bool
    behind: Packet | None

    @property
    def title(self) -> str:
        """Where it is: `prerouting · nat PREROUTING`."""
        point, table = self.entry.point, self.entry.table
        chain = self.entry.policy.removeprefix(f"{table} ").rpartition(":")[2]
        return chain if point is None else point if point == table else f"{point} · {table} {chain}"

    @property
    def quiet(self) -> bool:
        """Does nothing happen here that matters?"""
        idle = all(step.matched is False or goes_on(step) for step in self.steps)
        return not self.entry.main and self.behind is None and (not self.asked or idle)


def goes_on(step: Step) -> bool:
    """Is it just the end of a chain that lets pass what no rule decides?"""
    at_end = step.implicit == "default" and step.policy == step.entry.policy
    return at_end and isinstance(step.entry.default, Allow)


def stages(answer: PacketAnswer) -> Iterator[Stage]:
    """Yield the chains that a packet comes to, in order; where unknowns part its ways, one way behind the other."""
    for entry, some in groupby(answer.steps, lambda step: step.entry):
        steps = tuple(some)
        last = steps[-1].packet
        translated = answer.translation.at(entry.translates, last)
        behind = rewritten(last, (Rewrite(translated),)) if translated else None
        meets = truth(MEETS_NAT, last, {}) is not False and truth(LOOPED, last, {}) is not True
        asked = (entry.translates is None and entry.table != NAT) or meets
        yield Stage(entry, steps, asked, behind)


def after(step: Step) -> Packet:
    """Return the packet as the rule of a step leaves it, if it matches."""
    return rewritten(step.packet, step.rule.actions) if step.rule and step.matched is not False else step.packet


def point(entry: Entry, packet: Packet) -> str | None:
    """Return the hook that an entry stands at: in the words of its language, else where the packet is."""
    hook = packet.get("hook")
    return entry.point or (HOOKS[hook] if isinstance(hook, int) else None)
