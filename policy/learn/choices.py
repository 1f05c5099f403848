"""The answers of a question: the right one, and what each misconception would say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from random import Random

from policy._record import dataclass
from policy.app.answer import Region
from policy.evaluate import decide
from policy.ir import Ruleset
from policy.learn.misread import Misconception
from policy.learn.outcome import Default, Does, Line, Outcome, Outcomes
from policy.packet import NEW, Packet, complete
from policy.packet.connection import Role

CHOICES = 4

_OPPOSITE: dict[Does, Does] = {"allow": "drop", "drop": "allow", "reject": "allow"}
_OTHER_BLOCK: dict[Does, Does] = {"drop": "reject", "reject": "drop"}
_PAIRED = 0.5
"""How often both ways to block stand side by side: as often where neither is right, so that it gives nothing away."""

_TRACKED = ("direction", "ctmark", "ctstatus", "flags", "tcp_options")


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that can be chosen; a wrong one may be what a *misconception* leads to."""

    outcome: Outcome
    misconception: Misconception | None = None


class Readings:
    """What misconceptions say about packets; *misread* are the rules as somebody reads them."""

    def __init__(
        self, ruleset: Ruleset, misread: Iterable[tuple[Misconception, Ruleset]], outcomes: Outcomes | None = None
    ) -> None:
        self._ruleset = ruleset
        self._misread = tuple(misread)
        self._of = (outcomes or Outcomes(ruleset)).of_decision

    def wrong(self, region: Region, right: Outcome) -> list[Choice]:
        """Return what each misconception says of packets that end as *right*, where it says something else."""
        found: dict[Outcome, Choice] = {}
        for name, outcome in self._said(region, right):
            if outcome is not None and outcome != right:
                found.setdefault(outcome, Choice(outcome, name))
        return list(found.values())

    def _said(self, region: Region, right: Outcome) -> Iterator[tuple[Misconception, Outcome | None]]:
        first = region.packets[0].packet
        yield "reply forgotten", self._without_state(region, right)
        for name, rules in self._misread:
            if name != "only v4" or first.family == 6:
                yield name, self._of(decide(rules, first), "first")
        if isinstance(right.by, Default):
            does = _OPPOSITE[right.does]
            yield "default forgotten", Outcome(role_of(right, does), does, "nothing")
        if right.does != "allow":
            yield "drop refused", replace(right, does=_OTHER_BLOCK[right.does])

    def _without_state(self, region: Region, right: Outcome) -> Outcome | None:
        """Return what somebody says who takes each packet for the first one, or forgets that others follow it."""
        first = region.packets[0]
        if right.role != "first":
            return self._of(first.decision, "first")
        if len(region.packets) == 1:
            new = _as_new(first.packet)
            return None if new is None else self._of(decide(self._ruleset, new), "first")
        reply = region.packets[1]
        new = None if reply.translation.destination else _as_new(reply.packet)
        said = None if new is None else self._of(decide(self._ruleset, new), "reply")
        return said if said is not None and said.does != "allow" and right.does == "allow" else None


def _as_new(packet: Packet) -> Packet | None:
    """Return a packet of a known connection as if it opened one; None for one that does already, or that cannot."""
    if packet.values["state"] == NEW:
        return None
    kept = {name: value for name, value in packet.values.items() if name not in _TRACKED}
    try:
        return complete({**kept, "state": NEW})
    except ValueError:
        return None


def four(
    right: Outcome, wrong: list[Choice], others: list[Outcome], defaults: Mapping[Role, Default], random: Random
) -> tuple[Choice, ...]:
    """Return the right answer and three wrong ones, shuffled: those of misconceptions first, then *others* nearby.

    *defaults* are those that the packets of the connection come to where no rule decides.
    """
    chosen = {_meaning(right): Choice(right)}
    refused = [each for each in wrong if each.misconception == "drop refused"]
    beside = {each.outcome for each in refused}
    fillers = [Choice(each) for each in _fillers(right, others, defaults) if each not in beside]
    leading = [each for each in wrong if each.misconception != "drop refused"]
    random.shuffle(leading)
    pair = refused or _pair([*leading, *fillers])
    paired = random.random() < _PAIRED or not leading
    first = [*pair, *leading] if paired else leading
    for each in (*first, *fillers, *pair):
        if len(chosen) < CHOICES:
            chosen.setdefault(_meaning(each.outcome), each)
    found = list(chosen.values())
    random.shuffle(found)
    return tuple(found)


def _pair(wrong: list[Choice]) -> list[Choice]:
    """Return a wrong answer that something blocks the packet, and one that it does so otherwise."""
    for each in wrong:
        if (other := _OTHER_BLOCK.get(each.outcome.does)) is not None:
            return [each, Choice(replace(each.outcome, does=other))]
    return []


def role_of(right: Outcome, does: Does) -> Role:
    """Return the packet that is told where *does* is done to the one that decides."""
    return "first" if does == "allow" else right.role


def _meaning(outcome: Outcome) -> Outcome:
    """Return what an answer means: what no rule forbids is what some default allows."""
    return replace(outcome, by="nothing") if isinstance(outcome.by, Default) else outcome


def _fillers(right: Outcome, others: list[Outcome], defaults: Mapping[Role, Default]) -> Iterator[Outcome]:
    """Yield wrong answers that sound likely: the default, what other lines do, what this one does not, the rest."""
    at = right.by.number if isinstance(right.by, Line) else 0
    lines = [each for each in others if isinstance(each.by, Line) and each.by != right.by]
    yield from (each for each in others if isinstance(each.by, Default) and each.by != right.by)
    yield from sorted(lines, key=lambda each: abs(each.by.number - at) if isinstance(each.by, Line) else 0)
    yield from (replace(right, role=role_of(right, does), does=does) for does in _OPPOSITE if does != right.does)
    for role, default in defaults.items():
        yield from (Outcome(role, does, default) for does in _OPPOSITE if role == "first" or does != "allow")
    yield from (Outcome("first", "allow", "state"), Outcome("first", "drop", "state"))
