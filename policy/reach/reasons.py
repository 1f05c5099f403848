"""Why a rule is dead: the earlier rule with the same packets, the one that takes them all, or the fewest that do."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from policy.packet import Intervals
from policy.reach.cover import localised, uncovered
from policy.reach.effects import End, telling
from policy.reach.listing import Listing
from policy.reach.pairs import SAFE, Shares, inside, shares_of, touching
from policy.reach.products import Product
from policy.reach.rows import Rows
from policy.sets import Budget

Shape = frozenset[tuple[str, Intervals]]
"""The values of each field that the packets of a rule have: equal for rules with the same packets."""


class Reasons:
    """Looks for the simplest reason, over all rules of a list that take packets, dead or alive."""

    def __init__(self, rules: Listing) -> None:
        self.list = rules
        self.axes = rules.axes
        self.asked = rules.asked
        self.covers = rules.covers
        count = np.arange(len(rules.rules) + 1)
        self.first_asked = np.searchsorted(self.asked.rule, count)
        self.first_cover = np.searchsorted(self.covers.rule, count)
        self.boxes = np.diff(self.first_cover)
        self.all_single = not (self.boxes > 1).any()

    def is_matchable(self, number: int) -> bool:
        """Does any packet match a rule?"""
        return bool(self.first_asked[number] < self.first_asked[number + 1])

    def catch_all(self, budget: Budget) -> int | None:
        """Return the first rule that takes every packet; raises `Exhausted`."""
        return self._first(self.list.everything, budget)

    def by_one(self, number: int, budget: Budget) -> int | None:
        """Return the first rule before a rule that takes all its packets; raises `Exhausted`."""
        return self._first(self._boxes(number), budget)

    def _boxes(self, number: int) -> Rows:
        return self.asked.take(slice(int(self.first_asked[number]), int(self.first_asked[number + 1])))

    def _first(self, boxes: Rows, budget: Budget) -> int | None:
        """Return the first rule before that of *boxes* that takes all of them."""
        rows, left = self.covers, int(self.first_cover[boxes.rule[0]])
        sure: set[int] | None = None
        for at in range(len(boxes)):
            box = boxes.take(slice(at, at + 1))
            which = touching(rows, box, left)
            owners = rows.rule[which]
            holding = set(owners[inside(rows, which, box)].tolist())
            sure = holding if sure is None else sure & holding
            rules, owner = np.unique(owners, return_inverse=True)
            taken = np.bincount(owner, shares_of(self.axes, box, rows, which), len(rules))
            # Only rules that may take this box, too, are looked at for the next one.
            able = rules[(taken >= SAFE) & ((self.boxes[rules] > 1) | np.isin(rules, [*sure]))]
            if not len(able):
                return None
            rows = self.covers.take(np.concatenate([self._rows_of(rule) for rule in able.tolist()]))
            left = len(rows)
        for rule in able.tolist():
            if (sure and rule in sure) or self._takes(rule, boxes, budget):
                return int(rule)
        return None

    def _rows_of(self, rule: int) -> npt.NDArray[np.intp]:
        return np.arange(self.first_cover[rule], self.first_cover[rule + 1])

    def _takes(self, rule: int, boxes: Rows, budget: Budget) -> bool:
        """Does one rule alone take all of *boxes*?"""
        others = self.covers.take(slice(int(self.first_cover[rule]), int(self.first_cover[rule + 1])))
        return all(self._covered(boxes.take(slice(at, at + 1)), others, budget) for at in range(len(boxes)))

    def _covered(self, box: Rows, others: Rows, budget: Budget) -> bool:
        which = touching(others, box, len(others))
        shares = shares_of(self.axes, box, others, which)
        if shares.sum() < SAFE:
            return False
        problem = localised(self.axes, box, others, which, shares)
        return uncovered(problem, problem.order, budget, set()) is None

    # Twins

    @cached_property
    def _by_shape(self) -> dict[Shape, list[int]]:
        found: dict[Shape, list[int]] = {}
        for number, products in self.list.exact.items():
            if products and self.list.effects[number].end is End.SURE:
                found.setdefault(self._shape(products), []).append(number)
        return found

    def _shape(self, products: list[Product]) -> Shape:
        if len(products) == 1:
            return frozenset(products[0].items())
        names = set.intersection(*(set(product) for product in products))
        shape = {name: Intervals.of(*(pair for p in products for pair in p[name].ranges)) for name in names}
        return frozenset(item for item in shape.items() if item[1] != self.list.products.full[item[0]])

    def twin(self, number: int, budget: Budget) -> int | None:
        """Return the first rule before a rule that takes exactly its packets and does the same; raises `Exhausted`."""
        products = self.list.exact.get(number)
        if products is None:
            return None
        action = telling(self.list.rules[number])
        for other in self._by_shape.get(self._shape(products), ()):
            if other >= number:
                break
            if telling(self.list.rules[other]) != action:
                continue
            if products == self.list.exact[other] or self._equal(number, other, budget):
                return other
        return None

    def _equal(self, number: int, other: int, budget: Budget) -> bool:
        if len(self.list.exact[number]) == len(self.list.exact[other]) == 1:
            return True
        one, two = self._boxes(number), self._boxes(other)
        for boxes, others in ((one, two), (two, one)):
            budget.spend(len(boxes))
            if not all(self._covered(boxes.take(slice(at, at + 1)), others, budget) for at in range(len(boxes))):
                return False
        return True

    # Several

    def fewest(self, number: int, used: Iterable[int], budget: Budget) -> list[int]:
        """Return those of the rules *used*, which together take the packets of a rule, that none can be missed of.

        Rules that take little are left out first. Raises `Exhausted`.
        """
        rules = sorted(used)
        others = self.covers.take(np.flatnonzero(np.isin(self.covers.rule, rules)))
        boxes = self._boxes(number)
        problems = []
        weight = dict.fromkeys(rules, 0.0)
        for at in range(len(boxes)):
            box = boxes.take(slice(at, at + 1))
            which = touching(others, box, len(others))
            shares: Shares = shares_of(self.axes, box, others, which)
            problem = localised(self.axes, box, others, which, shares)
            problems.append(problem)
            for rule, share in zip(problem.owners, shares.tolist(), strict=True):
                weight[rule] += share
        kept = set(rules)
        for rule in sorted(rules, key=lambda rule: (weight[rule], -rule)):
            kept.discard(rule)
            for problem in problems:
                left = [n for n in problem.order if problem.owners[n] in kept]
                if uncovered(problem, left, budget, set()) is not None:
                    kept.add(rule)
                    break
        return sorted(kept)
