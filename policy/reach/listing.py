"""A list of rules made ready for the question which of them are dead: every rule as boxes, in arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from policy.evaluate.index import INDEXED, bound
from policy.ir import Field, Match, Policy, Rule, all_of
from policy.packet import Intervals
from policy.reach.codes import Codes, NotBoxes
from policy.reach.effects import Effect, End, effect, touches
from policy.reach.products import Product, Products, Scope, Survey, survey
from policy.reach.rows import MOST_ROWS, Axis, Rows, axes_of, rows_of, width


@dataclass(frozen=True, slots=True)
class Listing:
    """The rules of a list in the order in which packets meet them; here rules are numbered by that order.

    *asked* are the boxes of the packets that may match a rule, each of one family; *covers* those of packets that
    a rule takes from the later ones for sure; *doubts* those of packets that it takes perhaps; *everything* those of
    all packets in the scope. *same* are the numbers in *asked* of the *covers*, where they are the same boxes. *left*
    says why a rule is not judged. *exact* holds the products of each rule that is judged and has no unknown condition,
    *shared* the rules with an unknown condition that stands elsewhere too.
    """

    rules: Sequence[Rule]
    effects: Sequence[Effect]
    scope: Scope
    codes: Codes
    products: Products
    axes: tuple[Axis, ...]
    asked: Rows
    covers: Rows
    doubts: Rows
    everything: Rows
    same: npt.NDArray[np.intp] | None
    left: Mapping[int, str]
    exact: Mapping[int, list[Product]]
    shared: frozenset[int]


def listing(policy: Policy, scope: Scope, policies: Mapping[str, Policy]) -> Listing:
    """Return the rules of *policy* for the packets in *scope*; *policies* are those that it may call."""
    rules = policy.rules[::-1] if policy.last_match else policy.rules
    return _Builder(rules, scope, policies).build()


class _Builder:
    def __init__(self, rules: Sequence[Rule], scope: Scope, policies: Mapping[str, Policy]) -> None:
        self.rules = rules
        self.scope = scope
        found: Survey = survey([rule.match for rule in rules], scope)
        self.unknown = found.unknown
        self.codes = Codes(found.sets)
        self.products = Products(self.codes, scope)
        self.effects = [effect(rule, policies) for rule in rules]
        self.fields = found.fields
        self.shared = _shared(found)
        self.may: dict[int, list[Product]] = {}
        self.sure: dict[int, list[Product]] = {}
        self.doubt: dict[int, list[Product]] = {}
        self.left: dict[int, str] = {}

    def build(self) -> Listing:
        for number in range(len(self.rules)):
            self._compile(number)
            if touches(self.effects[number].changes, self.fields):
                reason = "a rule before it changes what the rules look at"
                self.left.update(dict.fromkeys(range(number + 1, len(self.rules)), reason))
                break
        parts = {number: self._parts(found) for number, found in self.may.items()}
        whole = self.products.parts({})
        different = [
            some[number]
            for some in (self.sure, self.doubt, parts)
            for number in some
            if some[number] is not self.may.get(number)
        ]
        every = [product for each in (*self.may.values(), *different, whole) for product in each]
        axes = axes_of(every, self.products.full, self.codes.is_classed)
        del every, different
        self._leave_wide(axes, parts)
        asked, same = self._rows(axes, parts), None
        if all(self.sure[n] is self.may[n] for n in self.sure) and self._alike(parts):
            mask = np.zeros(len(self.rules) + 1, bool)
            mask[[*self.sure]] = True
            same = np.flatnonzero(mask[asked.rule])
            covers = asked if len(same) == len(asked) else asked.take(same)
        else:
            covers = self._rows(axes, self.sure)
        exact = {number: found for number, found in self.may.items() if number not in self.unknown}
        return Listing(
            self.rules, self.effects, self.scope, self.codes, self.products, axes,
            asked, covers, self._rows(axes, self.doubt), self._rows(axes, {len(self.rules): whole}), same, self.left,
            exact, self.shared,
        )  # fmt: skip

    def _compile(self, number: int) -> None:
        match, end = self.rules[number].match, self.effects[number].end
        try:
            may = self.products.of(match, unknown=True)
            sure = self.products.of(match, unknown=False) if number in self.unknown else may
        except NotBoxes as reason:
            self.left[number] = str(reason)
            if end is not End.NEVER:
                self.doubt[number] = self.products.of(_hull(match), unknown=True)
            return
        self.may[number] = may
        if end is End.SURE:
            self.sure[number] = sure
        if end is End.PERHAPS or (end is End.SURE and number in self.shared):
            self.doubt[number] = may

    def _parts(self, products: list[Product]) -> list[Product]:
        """Return the parts of one family each; the same list if they all are that already."""
        found = [part for product in products for part in self.products.parts(product)]
        same = len(found) == len(products) and all(one is other for one, other in zip(found, products, strict=True))
        return products if same else found

    def _leave_wide(self, axes: Sequence[Axis], parts: dict[int, list[Product]]) -> None:
        """Leave rules with very many rows, and keep one box around them as a doubt."""
        if not any(axis.split for axis in axes):
            return
        for some in (self.may, self.sure, self.doubt):
            for number in [n for n, each in some.items() if sum(width(axes, p) for p in each) > MOST_ROWS]:
                self.left[number] = f"the match is more than {MOST_ROWS} boxes"
                around = [_around(some[number])]
                self.may.pop(number, None)
                self.sure.pop(number, None)
                parts.pop(number, None)
                if self.effects[number].end is not End.NEVER:
                    self.doubt[number] = around

    def _alike(self, parts: dict[int, list[Product]]) -> bool:
        """Are the rules that take packets of one family each, so that their boxes are the same whoever asks?"""
        return all(parts[n] is self.may[n] for n in self.sure)

    def _rows(self, axes: Sequence[Axis], found: Mapping[int, list[Product]]) -> Rows:
        pairs = [(product, number) for number in sorted(found) for product in found[number]]
        products, numbers = [product for product, _ in pairs], [number for _, number in pairs]
        families = self.products.families_of

        def meet(source: Intervals, destination: Intervals) -> bool:
            return not set(families("src", source)).isdisjoint(families("dst", destination))

        several = len(self.products.families) > 1
        return rows_of(axes, self.products.full, products, numbers, meet if several else None)


def _shared(found: Survey) -> frozenset[int]:
    """Return the rules whose unknown conditions stand elsewhere too, with one truth."""
    met: dict[str, int] = {}
    for each in found.unknown.values():
        for unknown in each:
            met[unknown.key] = met.get(unknown.key, 0) + unknown.pure
    return frozenset(n for n, each in found.unknown.items() if any(u.pure and met[u.key] > 1 for u in each))


def _hull(match: Match) -> Match:
    """Return a simple match that is true wherever *match* is."""
    found = []
    for name in INDEXED:
        values = bound(match, name)
        if values:
            found.append(Field(name, Intervals.of((values.first, values.ranges[-1][1]))))
    return all_of(*found)


def _around(products: Sequence[Product]) -> Product:
    """Return the smallest product of single ranges around some others."""
    names = set.intersection(*(set(product) for product in products))
    return {
        name: Intervals.of((min(p[name].first for p in products), max(p[name].ranges[-1][1] for p in products)))
        for name in sorted(names)
    }
