"""Judges the rules of a list one by one, after the whole list was looked at in arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from policy.reach.cover import Box, Local, localised, uncovered
from policy.reach.effects import verdict
from policy.reach.listing import Listing
from policy.reach.pairs import SAFE, Shares, crowding, holders, shares_of, touching
from policy.reach.reasons import Reasons
from policy.reach.rows import Rows, joined
from policy.reach.standing import Kind, Standing
from policy.sets import Budget, Exhausted

MOST_STEPS = 2_000_000
"""The steps for one rule."""

_ALIVE: Standing[int] = Standing(Kind.ALIVE)
SPENT = "the budget was spent"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the box *row* of those that are asked about, in the pieces of *problem*."""

    row: Rows
    problem: Local
    box: Box


class Judge:
    """The rules of a list, with what arrays tell of all of them at once."""

    def __init__(self, rules: Listing, budget: Budget) -> None:
        self.list = rules
        self.budget = budget
        self.reasons = Reasons(rules)
        self.catch_all = self._catch_all()
        count = len(rules.rules) if self.catch_all is None else self.catch_all + 1
        self.asked = _until(rules.asked, count)
        self.covers = _until(rules.covers, count)
        self.doubts = _until(rules.doubts, count)
        self.first: list[int] = np.searchsorted(self.asked.rule, np.arange(count + 1)).tolist()
        self.held = holders(self.asked, self.covers)
        same = rules.same
        held = holders(self.covers, self.covers) if same is None else self.held[same[: len(self.covers)]]
        self.useful = self.covers.take(held < 0)
        """Boxes that lie in an earlier one take nothing."""
        self.taken = self._crowding(self.useful)
        self.doubted = self._crowding(self.doubts)
        self.open = (self.taken + self.doubted < SAFE) & (self.held < 0)
        """Boxes of which the earlier ones, however they do, leave something."""

    def _catch_all(self) -> int | None:
        """Return the first rule that takes every packet; None also where finding it takes too long."""
        try:
            return self.reasons.catch_all(self.budget.share(MOST_STEPS))
        except Exhausted:
            return None

    def _crowding(self, earlier: Rows) -> Shares:
        if not len(earlier):
            return np.zeros(len(self.asked))
        try:
            return crowding(self.list.axes, self.asked, earlier, self.held < 0, self.budget)
        except Exhausted:
            return np.ones(len(self.asked))

    def standing(self, number: int) -> Standing[int]:
        """Return what there is to say of a rule."""
        behind = self.catch_all is not None and number > self.catch_all
        if number not in self.list.left and not self.reasons.is_matchable(number):
            return Standing(Kind.UNMATCHABLE)
        if behind and self.catch_all is not None:
            return self._dead(Kind.AFTER_CATCH_ALL, number, [self.catch_all])
        if number in self.list.left:
            return Standing(Kind.LEFT, reason=self.list.left[number])
        start, end = self.first[number : number + 2]
        if self.open[start:end].any() and number not in self.list.shared:
            return _ALIVE
        try:
            rows = np.arange(start, end)
            used = self._takers(rows, self.budget.share(MOST_STEPS))
            if used is None:
                return self._of_reachable(number, rows)
        except Exhausted:
            return Standing(Kind.UNDECIDED, reason=SPENT)
        return self._because(number, used)

    def _of_reachable(self, number: int, rows: npt.NDArray[np.intp]) -> Standing[int]:
        """Return the standing of a rule that the rules that take packets for sure do not cover."""
        if number in self.list.shared:
            return Standing(Kind.LEFT, reason="it hangs on an unknown condition that stands in other rules too")
        if not self.doubted[rows].any():
            return _ALIVE
        if self.free_part(number, self.budget.share(MOST_STEPS)) is not None:
            return _ALIVE
        return Standing(Kind.LEFT, reason="it hangs on what earlier rules do with the packets that match them")

    def _takers(self, rows: npt.NDArray[np.intp], budget: Budget) -> set[int] | None:
        """Return earlier rules that together take all packets of a rule, or None; raises `Exhausted`."""
        used: set[int] = set()
        for row in rows[self.held[rows] >= 0].tolist():
            used.add(int(self.covers.rule[self.held[row]]))
        others = rows[self.held[rows] < 0]
        if (self.taken[others] < SAFE).any():
            return None
        for row in others.tolist():
            found = self._part(row, self.useful, budget, used)
            if found is not None:
                return None
        return used

    def _part(self, row: int, earlier: Rows, budget: Budget, used: set[int]) -> Part | None:
        """Return a part of a box in which no earlier box is, or None; *used* gets the rules of the proof."""
        budget.spend(1)
        box = self.asked.take(slice(row, row + 1))
        which = touching(earlier, box, int(np.searchsorted(earlier.rule, box.rule[0], "left")))
        budget.spend(len(which))
        shares = shares_of(self.list.axes, box, earlier, which)
        problem = localised(self.list.axes, box, earlier, which, shares)
        relied: set[int] = set()
        part = uncovered(problem, problem.order, budget, relied)
        if part is not None:
            return Part(box, problem, part)
        used |= {problem.owners[number] for number in relied}
        return None

    def free_part(self, number: int, budget: Budget) -> Part | None:
        """Return packets of a rule that no earlier rule takes, not even perhaps; raises `Exhausted`."""
        earlier = joined(self.useful, self.doubts) if len(self.doubts) else self.useful
        rows = range(self.first[number], self.first[number + 1])
        for row in sorted(rows, key=lambda row: float(self.taken[row] + self.doubted[row]) + 2 * (self.held[row] >= 0)):
            found = self._part(row, earlier, budget, set())
            if found is not None:
                return found
        return None

    def _because(self, number: int, used: set[int]) -> Standing[int]:
        """Return why a rule is dead that the rules *used* cover."""
        budget = self.budget.share(MOST_STEPS)
        try:
            twin = self.reasons.twin(number, budget)
            if twin is not None:
                return self._dead(Kind.DUPLICATE, number, [twin])
            held = self.held[self.first[number]]
            simple = held >= 0 and self.first[number] + 1 == self.first[number + 1] and self.reasons.all_single
            one = int(self.covers.rule[held]) if simple else self.reasons.by_one(number, budget)
            if one is not None:
                return self._dead(Kind.COVERED, number, [one])
            return self._dead(Kind.COVERED_TOGETHER, number, self.reasons.fewest(number, used, budget))
        except Exhausted:
            return self._dead(Kind.COVERED_TOGETHER, number, sorted(used), settled=False)

    def _dead(self, kind: Kind, number: int, by: list[int], settled: bool = True) -> Standing[int]:
        rules = self.list.rules
        same = all(verdict(rules[number]) == verdict(rules[other]) for other in by)
        return Standing(kind, tuple(by), same, settled)


def _until(rows: Rows, count: int) -> Rows:
    return rows.take(slice(0, int(np.searchsorted(rows.rule, count, "left"))))
