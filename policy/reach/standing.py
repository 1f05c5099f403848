"""What is said of a rule in its list: alive, dead and why, or not known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What can be said of a rule. A dead rule is of the first kind that fits, in this order."""

    UNMATCHABLE = "unmatchable"
    """No packet matches, whatever stands before."""
    AFTER_CATCH_ALL = "after a catch-all"
    """An earlier rule takes every packet; the first such is named."""
    DUPLICATE = "duplicate"
    """An earlier rule that takes packets matches the same ones; the first such is named."""
    COVERED = "covered"
    """One earlier rule takes all its packets; the first such is named."""
    COVERED_TOGETHER = "covered together"
    """Several earlier rules take all its packets, and no rule of those named can be missed."""
    ALIVE = "alive"
    """Some packet reaches and matches it."""
    UNDECIDED = "undecided"
    """The budget was spent before the answer was found."""
    LEFT = "left"
    """This engine cannot tell; the reason says why."""


DEAD = frozenset({Kind.UNMATCHABLE, Kind.AFTER_CATCH_ALL, Kind.DUPLICATE, Kind.COVERED, Kind.COVERED_TOGETHER})


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found out about one rule.

    *by* are the numbers of the rules that make it dead, in the order in which packets meet them; *same*: do all of
    them do what it does? *settled* is False where the rule is dead but the budget did not suffice to look for a
    simpler reason. *reason* says why a rule is left or undecided.
    """

    kind: Kind
    by: tuple[int, ...] = ()
    same: bool | None = None
    settled: bool = True
    reason: str | None = None

    @property
    def dead(self) -> bool:
        """Does no packet reach and match the rule?"""
        return self.kind in DEAD
