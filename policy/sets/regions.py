"""Sets of packets as few disjoint boxes: what people read instead of a formula."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policy.ir import Field, Match, Not, all_of, either_of
from policy.packet import Intervals, Masked, Names, ValueSet
from policy.packet.address import V4, V4_BASE, V6, whole
from policy.sets.budget import Exhausted
from policy.sets.dd import Formula
from policy.sets.encoding import ADDRESSES, Encoding
from policy.sets.layout import Layout

Values = Intervals | Masked
Box = tuple[tuple[str, Values], ...]
"""The fields that are restricted, in order of their names; interfaces by the numbers of their atoms."""

_WITH_FIELDS = Intervals.of((0, 1))
"""The fragments that have the fields of their protocol."""

_EXPANDED = 8
"""A field of up to so many bits is never described by a mask."""


@dataclass(frozen=True, slots=True)
class Region:
    """The well-formed packets with one of *values* in each of these fields (interfaces: numbers of atoms)."""

    values: dict[str, Values]

    def match(self, layout: Layout) -> Match:
        """Return the region as the match of a rule."""
        return all_of(*(_match(name, values, layout) for name, values in self.values.items()))


def _match(name: str, values: Values, layout: Layout) -> Match:
    if name not in ("in", "out"):
        return Field(name, values)
    assert isinstance(values, Intervals)
    names = layout.atoms.names(values)
    if names is not None:
        return Field(name, names)
    parts: list[Match] = []
    for number in (n for low, high in values.ranges for n in range(low, high + 1)):
        alone = layout.atoms.names(Intervals.of(number))
        if alone is None:
            atom = layout.atoms.all[number]
            inside = [a for a in layout.atoms.all if a != atom and a.text.startswith(atom.text)]
            without = Names(
                frozenset(a.text for a in inside if not a.open), frozenset(a.text for a in inside if a.open)
            )
            parts.append(all_of(Field(name, Names(prefixes=frozenset({atom.text}))), Not(Field(name, without))))
        else:
            parts.append(Field(name, alone))
    return either_of(*parts)


def regions(encoding: Encoding, formula: Formula, most: int) -> list[Region]:
    """Return disjoint regions that are *formula*, which has no unknowns; raises `Exhausted` above *most* of them."""
    boxes: list[Box] = []
    families = encoding.layout.families
    for family in sorted(families):
        mine = formula & encoding.inside("src", whole(family), encoding.bits["src"])
        boxes += _Split(encoding, family, most).boxes(mine)
    boxes = merged(boxes)
    return [Region(plain(dict(box), encoding.layout)) for box in boxes]


class _Split:
    """Takes a formula apart field by field: values that leave the same formula stand in one box."""

    def __init__(self, encoding: Encoding, family: int, most: int) -> None:
        self.encoding = encoding
        self.family = family
        self.most = most
        self.fields = encoding.layout.fields
        self.place: dict[int, tuple[int, int]] = {}
        for at, name in enumerate(self.fields):
            bits = encoding.bits[name][1:] if name in ADDRESSES else encoding.bits[name]
            bits = bits[:32] if name in ADDRESSES and family == 4 else bits
            for position, bit in enumerate(bits):
                found = bit.branches()
                assert found is not None
                self.place[found[0]] = at, position
        if len(encoding.layout.families) == 2:
            found = encoding.family.branches()
            assert found is not None
            self.place[found[0]] = -1, 0
        self.done: dict[Formula, list[Box]] = {}

    def boxes(self, formula: Formula) -> list[Box]:
        """Return the boxes of one family, each with both addresses."""
        if not formula:
            return []
        branches = formula.branches()
        if branches is not None and self.place[branches[0]][0] == -1:
            formula = branches[1] if self.family == 4 else branches[2]
        found = self._boxes(formula)
        everything: dict[str, Values] = dict.fromkeys(ADDRESSES, whole(self.family))
        return [tuple(sorted({**everything, **dict(box)}.items())) for box in found]

    def _boxes(self, formula: Formula) -> list[Box]:
        if formula.valid:
            return [()]
        if formula in self.done:
            return self.done[formula]
        branches = formula.branches()
        if branches is None:
            return []
        at, _ = self.place[branches[0]]
        name = self.fields[at]
        width = len(self.encoding.bits[name])
        if name in ADDRESSES:
            width = 32 if self.family == 4 else 128
        found: list[Box] = []
        for rest, cubes in self._edges(formula, at, width).items():
            for values in self._values(name, cubes, width):
                found += [tuple(sorted(((name, values), *box))) for box in self._boxes(rest)]
                if len(found) > 4 * self.most:
                    raise Exhausted(f"{self.most} regions")
        found = merged(found)
        if len(found) > self.most:
            raise Exhausted(f"{self.most} regions")
        self.done[formula] = found
        return found

    def _edges(self, formula: Formula, at: int, width: int) -> dict[Formula, list[tuple[int, int]]]:
        """Return what is left for the values of a field, with the (value, mask) cubes that lead there."""
        edges: dict[Formula, list[tuple[int, int]]] = {}
        waiting = [(formula, 0, 0)]
        count = 0
        while waiting:
            rest, value, mask = waiting.pop()
            branches = rest.branches()
            if branches is None or self.place[branches[0]][0] != at:
                if rest:
                    edges.setdefault(rest, []).append((value, mask))
                    count += 1
                    if count > 64 * self.most:
                        raise Exhausted(f"{self.most} regions")
                continue
            variable, one, zero = branches
            bit = 1 << width - 1 - self.place[variable][1]
            waiting += [(one, value | bit, mask | bit), (zero, value, mask | bit)]
        return edges

    def _values(self, name: str, cubes: Iterable[tuple[int, int]], width: int) -> list[Values]:
        """Return disjoint sets of values that cubes make up: one `Intervals`, and those that are no list of ranges."""
        base = V4_BASE if name in ADDRESSES and self.family == 4 else 0
        most = (1 << width) - 1
        ranges: list[tuple[int, int]] = []
        masks: list[Values] = []
        for value, mask in cubes:
            free = most & ~mask
            if free & (free + 1) == 0:
                ranges.append((base + value, base + value + free))
            elif width <= _EXPANDED or name in ("in", "out"):
                ranges += [(n, n) for n in range(most + 1) if n & mask == value]
            else:
                masks.append(Masked(base + value, V4_BASE + mask if name in ADDRESSES else mask))
        values = Intervals.of(*ranges) if ranges else Intervals()
        if name in ("in", "out"):
            values &= self.encoding.layout.domain(name)
        return [*([values] if values else []), *masks]


def merged(boxes: list[Box]) -> list[Box]:
    """Unite disjoint boxes that differ in one field, or in the addresses of the two families, until none do."""
    before = -1
    while len(boxes) != before:
        before = len(boxes)
        for name in sorted({name for box in boxes for name, _ in box}):
            boxes = _united(boxes, (name,))
        boxes = _united(boxes, ADDRESSES)
    return boxes


def _united(boxes: list[Box], names: tuple[str, ...]) -> list[Box]:
    groups: dict[Box, list[dict[str, Values]]] = {}
    for box in boxes:
        rest = tuple(item for item in box if item[0] not in names)
        mine = {name: values for name, values in box if name in names}
        group = groups.setdefault(rest, [])
        for other in group:
            if _unite(other, mine):
                break
        else:
            group.append(mine)
    return [tuple(sorted((*rest, *mine.items()))) for rest, group in groups.items() for mine in group]


def _unite(one: dict[str, Values], two: dict[str, Values]) -> bool:
    """Add *two* to *one* where that is a box; True if it was."""
    if one.keys() != two.keys():
        return False
    pairs = [(one[name], two[name]) for name in one]
    if not all(isinstance(a, Intervals) and isinstance(b, Intervals) for a, b in pairs):
        return one == two
    if len(pairs) == 2 and any(_families(a) & _families(b) for a, b in pairs):
        return False
    for name, (a, b) in zip(tuple(one), pairs, strict=True):
        assert isinstance(a, Intervals)
        assert isinstance(b, Intervals)
        one[name] = a | b
    return True


def _families(values: ValueSet) -> set[int]:
    assert isinstance(values, Intervals)
    return {family for family, addresses in ((4, V4), (6, V6)) if addresses.meets(values)}


def plain(values: dict[str, Values], layout: Layout) -> dict[str, Values]:
    """Leave out what restricts nothing, or no more than another field does: whole domains, any address of a family."""
    left = {name: found for name, found in values.items() if name in ADDRESSES or found != layout.domain(name)}
    if left.get("fragment") == _WITH_FIELDS and any(_needs_fragment(layout, name) for name in left):
        del left["fragment"]
    for name, other in (("src", "dst"), ("dst", "src")):
        mine, beside = left.get(name), left.get(other, layout.addresses)
        spoken = _families(beside) if isinstance(beside, Intervals) else set(layout.families)
        if other not in left and mine != layout.addresses:
            continue
        if isinstance(mine, Intervals) and all(mine.covers(whole(family)) for family in spoken):
            del left[name]
    return left


def _needs_fragment(layout: Layout, name: str) -> bool:
    found = layout.presence(name)
    return isinstance(found, tuple) and all(("fragment", _WITH_FIELDS) in parts for parts in found)
