"""What the evaluator yields: a step for each rule that was examined, and a decision at the end."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.evaluate.truth import Atom, Known
from policy.ir import Action, Entry, Rule, Ruleset, UnknownAction
from policy.packet import UNTRACKED, Packet, Value

Implicit = Literal["state", "default"]
"""What holds without a rule: the table of connections, or the end of the rules."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was examined, or (*implicit*: `state`, `default`) what holds without one.

    *matched* is None where an unknown decides; *packet* is what the rule saw; *depth* counts the calls. The *entry* is
    where the packet entered.
    """

    entry: Entry
    policy: str
    rule: Rule | None
    matched: bool | None
    packet: Packet
    depth: int = 0
    implicit: Implicit | None = None
    known: Known = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The last step: what happens to the packet.

    *verdict*: `allow` or `block` where every way the unknowns may turn out gives it; `depends` where
    unknowns decide; `mixed` where packets of a box differ. *action*, *rule* and *implicit* say what
    decided, where one thing did, and *policy* in which policy. *open*: what the verdict hangs on.
    *undecided*: the walk was too long. *finals*: what becomes of the packet where it passes: several, where
    unknowns decide that; where the verdict `depends`, perhaps not all, if not *every* one was asked for.
    """

    verdict: Literal["allow", "block", "depends", "mixed"]
    packet: Packet
    action: Action | None = None
    rule: Rule | None = None
    implicit: Implicit | None = None
    policy: str | None = None
    open: tuple[Atom | UnknownAction, ...] = ()
    undecided: bool = False
    finals: tuple[Final, ...] = ()


def is_implied(at: Step | Decision, ruleset: Ruleset) -> bool:
    """Is the rule of a step or a decision one that stands in no text: how packets are routed?"""
    if at.rule is None or at.policy is None:
        return False
    policy = ruleset.policies[at.policy]
    return policy.implied and not policy.is_told


@dataclass(frozen=True, slots=True)
class Final:
    """A packet as it leaves the rules, and which of its fields were *rewritten* on the way.

    *last*: an action that is not modelled let it pass, and may have made another packet of it.
    """

    packet: Packet
    rewritten: frozenset[str] = frozenset()
    last: UnknownAction | None = None


@dataclass(frozen=True, slots=True)
class Translation:
    """What connection tracking rewrites in a packet of a known connection, without a rule (nf_nat_core.c).

    First the *destination*, with the hook that this takes the packet to and the interface that it leaves by; then,
    behind the filter, the *source*. Each are the fields that change, with their new values. Of the fields *open*
    nothing is known before that. *aside* is what changes instead of the destination where the packet is not tracked.
    """

    destination: tuple[tuple[str, Value], ...] = ()
    source: tuple[tuple[str, Value], ...] = ()
    open: tuple[str, ...] = ()
    aside: tuple[tuple[str, Value], ...] = ()

    def at(self, point: Literal["dst", "src"] | None, packet: Packet) -> tuple[tuple[str, Value], ...]:
        """Return what is rewritten behind an entry (`ir.Entry.translates`) in a packet: if untracked, no address."""
        if packet.get("state") == UNTRACKED:
            return self.aside if point == "dst" else ()
        return self.destination if point == "dst" else self.source if point == "src" else ()
