"""What is said of a rule, in its list or in all the rules of a file: alive, dead and why, or not known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar


class Kind(Enum):
    """What can be said of a rule. A dead rule is of the first kind that fits, in this order."""

    UNMATCHABLE = "unmatchable"
    """No packet matches, whatever stands before."""
    NOT_SENT = "not sent"
    """Packets match, but none of them is sent to its policy, whatever earlier rules decide."""
    AFTER_CATCH_ALL = "after a catch-all"
    """An earlier rule takes every packet; the first such is named."""
    DUPLICATE = "duplicate"
    """An earlier rule that takes packets matches the same ones and does the same; the first such is named."""
    COVERED = "covered"
    """One earlier rule takes all its packets; the first such is named."""
    COVERED_TOGETHER = "covered together"
    """Several earlier rules take all its packets, and no rule of those named can be missed."""
    ALIVE = "alive"
    """Some packet reaches and matches it."""
    NOT_ENTERED = "not entered"
    """No packet comes to its policy: nothing calls it, or only rules that are dead or not entered themselves."""
    UNDECIDED = "undecided"
    """The budget was spent before the answer was found."""
    LEFT = "left"
    """This engine cannot tell; the reason says why."""


DEAD = frozenset(
    {Kind.UNMATCHABLE, Kind.NOT_SENT, Kind.AFTER_CATCH_ALL, Kind.DUPLICATE, Kind.COVERED, Kind.COVERED_TOGETHER}
)
"""The kinds of rules that are dead though packets may come to their policy."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Standing(Generic[P]):
    """What was found out about one rule; a *P* is how rules are named: by number in a list, by place in a file.

    *by* are the rules that make it dead, in the order in which packets meet them (of a rule that nothing is sent to,
    the calls of its policy); *same*: do all of them do what it does? *settled* is False where the rule is dead but the
    budget did not suffice to look for a simpler reason. *reason* says why a rule is left, undecided, or not sent.
    """

    kind: Kind
    by: tuple[P, ...] = ()
    same: bool | None = None
    settled: bool = True
    reason: str | None = None

    @property
    def dead(self) -> bool:
        """Does no packet reach and match the rule?"""
        return self.kind in DEAD
