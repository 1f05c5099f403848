"""From a match to products: conjunctions of one set of values per field, which together are the packets that match.

A packet is thought to have every field. What it holds of a field that it does not have is never looked at: a rule
that names a field asks first for the packets that have it (`fields.REQUIRES`). So products need no value for
"absent", and inclusion, intersection and emptiness of products are those of the packets; only that source and
destination are of one family is left to be seen to, and `Scope` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import assert_never

from policy.ir import All, Any, Either, Field, Match, Not, Unknown, either_of, walk
from policy.packet import ESTABLISHED, FIELDS, HOOKS, INVALID, RELATED, STATES, Intervals, ValueSet
from policy.packet.address import V4_BASE, whole
from policy.packet.fields import REQUIRES
from policy.reach.codes import Codes, NotBoxes, is_within

MOST_PRODUCTS = 512
"""A rule with more products is left to other engines."""

MOST_PAIRS = 1 << 16

Product = dict[str, Intervals]
"""Codes of values by field; a field that may have any value (of the scope) is not there."""

_ALL_HOOKS = Intervals.of((0, len(HOOKS) - 1))
ALL_STATES = Intervals.of((0, len(STATES) - 1))
BEFORE_RULES = Intervals.of(ESTABLISHED, RELATED, INVALID)


@dataclass(frozen=True, slots=True)
class Scope:
    """The packets that come to a list of rules: their families, their hooks, their states."""

    families: frozenset[int] = frozenset({4, 6})
    hooks: Intervals = _ALL_HOOKS
    states: Intervals = ALL_STATES

    def sets(self) -> Iterator[Field]:
        """Yield the sets that bound the scope, as fields."""
        yield Field("hook", self.hooks)
        yield Field("state", self.states)
        for name in ("src", "dst"):
            yield Field(name, either(self.families))


def either(families: Iterable[int]) -> Intervals:
    """Return the addresses of some families."""
    found = Intervals()
    for family in families:
        found |= whole(family)
    return found


@dataclass(frozen=True, slots=True)
class Survey:
    """What the matches of a list name: fields, all sets of those that need codes, and unknown conditions by match."""

    fields: set[str]
    sets: dict[str, set[ValueSet]]
    unknown: dict[int, list[Unknown]]


def survey(matches: Sequence[Match], scope: Scope) -> Survey:
    """Return what *matches* name; the scope and what fields require name fields and sets as well."""
    found = Survey({each.name for each in scope.sets()}, {}, {})
    coded = set()
    for number, leaf in _leaves(matches):
        if isinstance(leaf, Unknown):
            found.unknown.setdefault(number, []).append(leaf)
        else:
            found.fields.add(leaf.name)
            if type(leaf.values) is not Intervals:
                coded.add(leaf.name)
    required = [part for name in found.fields for parts in REQUIRES.get(name, ()) for part in parts]
    found.fields.update(name for name, _ in required)
    if coded:
        every = (leaf for _, leaf in _leaves(matches) if isinstance(leaf, Field))
        for each in chain(every, scope.sets(), (Field(*part) for part in required)):
            if each.name in coded:
                found.sets.setdefault(each.name, set()).add(each.values)
    return found


def _leaves(matches: Sequence[Match]) -> Iterator[tuple[int, Field | Unknown]]:
    """Yield the fields and unknown conditions of every match, with its number."""
    for number, match in enumerate(matches):
        for part in match.parts if isinstance(match, All) else (match,):
            if isinstance(part, Field):
                yield number, part
            else:
                for leaf in walk(part):
                    if isinstance(leaf, Field | Unknown):
                        yield number, leaf


class Products:
    """Turns the matches of one list into products."""

    def __init__(self, codes: Codes, scope: Scope) -> None:
        self.codes = codes
        self.full = {f.name: codes.encode(f.name, f.values) for f in scope.sets()}
        """The code of all values, for every field that was met."""
        self.families = {family: codes.encode("src", whole(family)) for family in sorted(scope.families)}
        self._sides = {
            name: {family: codes.encode(name, whole(family)) for family in self.families} for name in ("src", "dst")
        }
        self._wholes = [{name: self._sides[name][family] for name in self._sides} for family in self.families]
        self._plain = {name for name in self._sides if not codes.is_classed(name)}
        self._literals: dict[tuple[Field, bool], tuple[Product, ...]] = {}
        self._meets: dict[tuple[int, int], Intervals] = {}
        self._kept: list[Intervals] = []

    def of(self, match: Match, unknown: bool) -> list[Product]:
        """Return products of the packets that match, where every unknown condition is *unknown* wherever it stands.

        With True these are the packets that may match, with False those that match for sure. Raises `NotBoxes`.
        """
        found = self._boxes(match, True, unknown)
        if len(found) > 1:
            found = _merged(found, self.full)
        return [product for each in found if (product := self._of_one_family(each)) is not None]

    def parts(self, product: Product) -> list[Product]:
        """Return the parts of a product of each family, where there are two."""
        if len(self.families) < 2 or ("src" in product and len(self.families_of("src", product["src"])) == 1):
            return [product]
        parts = (self._meet(product, each) for each in self._wholes)
        return [part for part in parts if part is not None]

    def _cut(self, product: Product, name: str, family: int) -> Intervals:
        mine, side = product.get(name), self._sides[name][family]
        return side if mine is None else mine & side

    def families_of(self, name: str, code: Intervals) -> tuple[int, ...]:
        """Return the families of which a side (`src` or `dst`) has addresses."""
        sides = self._sides[name]
        if name in self._plain and 4 in sides and 6 in sides:
            if code.ranges[0][0] >= V4_BASE:
                return (4,)
            if code.ranges[-1][1] < V4_BASE:
                return (6,)
            return (4, 6)
        return tuple(family for family, side in sides.items() if code.meets(side))

    def _of_one_family(self, product: Product) -> Product | None:
        """Take the addresses out that meet none of their family on the other side."""
        if len(self.families) < 2 or not ("src" in product or "dst" in product):
            return product
        sources = self.families_of("src", product.get("src", self.full["src"]))
        destinations = self.families_of("dst", product.get("dst", self.full["dst"]))
        if sources == destinations:
            return product
        common = [family for family in sources if family in destinations]
        if not common:
            return None
        sides = {name: self._union(product, name, common) for name in self._sides}
        return {**product, **sides}

    def _union(self, product: Product, name: str, families: Iterable[int]) -> Intervals:
        found = Intervals()
        for family in families:
            found |= self._cut(product, name, family)
        return self._same(found)

    def _same(self, code: Intervals) -> Intervals:
        """Return *code*, kept alive: others remember it by its identity."""
        self._kept.append(code)
        return code

    # The algebra

    def _boxes(self, match: Match, wanted: bool, unknown: bool) -> list[Product]:
        match match:
            case Field():
                return list(self._literal(match, wanted))
            case All(parts) if wanted:
                return self._conjunction(parts, True, unknown)
            case Either(parts) if not wanted:
                return self._conjunction(_together(parts), False, unknown)
            case All(parts) | Either(parts):
                found = [product for part in parts for product in self._boxes(part, wanted, unknown)]
                return _limited(_merged(found, self.full) if len(found) > 1 else found)
            case Not(part):
                return self._boxes(part, not wanted, unknown)
            case Any():
                return [{}] if wanted else []
            case Unknown():
                return [{}] if unknown else []
            case _:
                assert_never(match)

    def _conjunction(self, parts: tuple[Match, ...], wanted: bool, unknown: bool) -> list[Product]:
        if wanted and sum(isinstance(part, Not) for part in parts) > 1:
            inner = tuple(part.part for part in parts if isinstance(part, Not))
            parts = (*(part for part in parts if not isinstance(part, Not)), *map(Not, _together(inner)))
        found: list[Product] = [{}]
        for part in parts:
            others = self._literal(part, wanted) if isinstance(part, Field) else self._boxes(part, wanted, unknown)
            if len(found) == len(others) == 1:
                met = self._meet(found[0], others[0])
                found = [] if met is None else [met]
            else:
                if len(found) * len(others) > MOST_PAIRS:
                    raise NotBoxes(f"the match is more than {MOST_PRODUCTS} boxes")
                pairs = (self._meet(one, other) for one in found for other in others)
                found = _limited(_merged([met for met in pairs if met is not None], self.full))
            if not found:
                break
        return found

    def _meet(self, one: Product, other: Product) -> Product | None:
        met = one.copy()
        for name, code in other.items():
            mine = met.get(name)
            if mine is None:
                met[name] = code
            elif mine is not code:
                key = (id(mine), id(code))
                both = self._meets.get(key)
                if both is None:
                    both = self._meets[key] = self._same(mine & code)
                    self._kept += (mine, code)
                if not both:
                    return None
                met[name] = both
        return met

    def _literal(self, field: Field, wanted: bool) -> tuple[Product, ...]:
        if wanted and field.name in self._plain and isinstance(field.values, Intervals):
            # Most fields of long lists are addresses, each another one: there is nothing to remember.
            product = self._simple(field.name, field.values)
            return () if product is None else (product,)
        key = (field, wanted)
        found = self._literals.get(key)
        if found is None:
            found = self._literals[key] = tuple(self._has(field) if wanted else self._has_not(field))
        return found

    def _has(self, field: Field) -> Iterator[Product]:
        value = self._simple(field.name, self.codes.encode(field.name, field.values))
        if value is not None and field.name not in REQUIRES:
            yield value
        elif value is not None:
            for parts in REQUIRES[field.name]:
                deciders = [self._simple(name, self.codes.encode(name, wanted)) for name, wanted in parts]
                if all(each is not None for each in deciders):
                    met = self._meet({}, value)
                    for each in deciders:
                        met = None if met is None or each is None else self._meet(met, each)
                    if met is not None:
                        yield met

    def _has_not(self, field: Field) -> Iterator[Product]:
        """Yield the packets without the field, and those with another value."""
        absent: list[Product] = [{}] if field.name in REQUIRES else []
        for parts in REQUIRES.get(field.name, ()):
            others = []
            for name, wanted in parts:
                rest = self._simple(name, self._domain(name) - self.codes.encode(name, wanted))
                others += [] if rest is None else [rest]
            pairs = (self._meet(one, other) for one in absent for other in others)
            absent = [met for met in pairs if met is not None]
        yield from absent
        rest = self._simple(field.name, self._domain(field.name) - self.codes.encode(field.name, field.values))
        if rest is not None:
            yield rest

    def _domain(self, name: str) -> Intervals:
        found = self.full.get(name)
        if found is None:
            found = self.full[name] = self.codes.encode(name, FIELDS[name].domain)
        return found

    def _simple(self, name: str, code: Intervals) -> Product | None:
        """Return the product that only says *code* of a field: {} for every value, None for none."""
        full = self._domain(name)
        inside = code if is_within(code, full) else code & full
        if not inside:
            return None
        return {} if inside == full else {name: self._same(inside)}


def _limited(products: list[Product]) -> list[Product]:
    if len(products) > MOST_PRODUCTS:
        raise NotBoxes(f"the match is more than {MOST_PRODUCTS} boxes")
    return products


def _together(parts: tuple[Match, ...]) -> tuple[Match, ...]:
    """Return the same union with one part for each field that stands in several: its negation is then small."""
    flat = either_of(*parts)
    parts = flat.parts if isinstance(flat, Either) else (flat,)
    ranges: dict[str, list[tuple[int, int]]] = {}
    others: list[Match] = []
    for part in parts:
        if isinstance(part, Field) and isinstance(part.values, Intervals):
            ranges.setdefault(part.name, []).extend(part.values.ranges)
        else:
            others.append(part)
    return (*(Field(name, Intervals.of(*found)) for name, found in ranges.items()), *others)


def _merged(products: list[Product], full: Product) -> list[Product]:
    """Return the same packets in fewer products: those that differ in one field only become one."""
    found = list({frozenset(product.items()): product for product in products}.values())
    if any(not product for product in found):
        return [{}]
    for name in sorted({name for product in found for name in product}):
        groups: dict[frozenset[tuple[str, Intervals]], list[Product]] = {}
        for product in found:
            key = frozenset(item for item in product.items() if item[0] != name)
            groups.setdefault(key, []).append(product)
        if len(groups) < len(found):
            found = [_united(name, group, full) for group in groups.values()]
    return found


def _united(name: str, group: list[Product], full: Product) -> Product:
    if len(group) == 1:
        return group[0]
    if any(name not in product for product in group):
        return next(product for product in group if name not in product)
    union = Intervals.of(*(pair for product in group for pair in product[name].ranges))
    if union == full[name]:
        return {other: code for other, code in group[0].items() if other != name}
    return {**group[0], name: union}
