"""What the evaluator yields: a step for each rule that was examined, and a decision at the end."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.evaluate.truth import Atom, Known
from policy.ir import Action, Rule, UnknownAction
from policy.packet import Packet

Implicit = Literal["state", "default"]
"""What holds without a rule: the table of connections, or the end of the rules."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was examined, or (*implicit*: `state`, `default`) what holds without one.

    *matched* is None where an unknown decides; *packet* is what the rule saw; *depth* counts the calls.
    """

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
    *undecided*: the walk was too long.
    """

    verdict: Literal["allow", "block", "depends", "mixed"]
    packet: Packet
    action: Action | None = None
    rule: Rule | None = None
    implicit: Implicit | None = None
    policy: str | None = None
    open: tuple[Atom | UnknownAction, ...] = ()
    undecided: bool = False
