"""Sets of packets as few disjoint boxes: what people read instead of a formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from policy.ir import Field, Match, Not, all_of, either_of
from policy.packet import Intervals, Masked, Names, ValueSet
from policy.packet.address import V4, V6, whole
from policy.sets.budget import Exhausted
from policy.sets.layout import ADDRESSES, Layout

Values = Intervals | Masked
Box = tuple[tuple[str, Values], ...]
"""The fields that are restricted, in order of their names; interfaces by the numbers of their atoms."""

WITH_FIELDS = Intervals.of((0, 1))
"""The fragments that have the fields of their protocol."""


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


def at_most(most: int, found: Iterator[Region]) -> list[Region]:
    """Return all of *found*; raises `Exhausted` where they are more than *most*."""
    first = list(islice(found, most + 1))
    if len(first) > most:
        raise Exhausted(f"{most:,} regions")
    return first


def merged(boxes: list[Box], check: Callable[[], None] = lambda: None) -> list[Box]:
    """Unite disjoint boxes that differ in one field, or in the addresses of the two families, until none do.

    *check* is called now and then, and may raise.
    """
    before = -1
    while len(boxes) != before:
        before = len(boxes)
        for name in sorted({name for box in boxes for name, _ in box}):
            boxes = _united(boxes, (name,), check)
        boxes = _united(boxes, ADDRESSES, check)
    return boxes


def _united(boxes: list[Box], names: tuple[str, ...], check: Callable[[], None]) -> list[Box]:
    groups: dict[Box, list[dict[str, Values]]] = {}
    for box in boxes:
        check()
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
    if left.get("fragment") == WITH_FIELDS and any(_needs_fragment(layout, name) for name in left):
        del left["fragment"]
    for name, other in (("dst", "src"), ("src", "dst")):
        mine, beside = left.get(name), left.get(other, layout.addresses)
        spoken = _families(beside) if isinstance(beside, Intervals) else set(layout.families)
        if other not in left and mine != layout.addresses:
            continue
        if isinstance(mine, Intervals) and all(mine.covers(whole(family)) for family in spoken):
            del left[name]
    return left


def _needs_fragment(layout: Layout, name: str) -> bool:
    found = layout.presence(name)
    return isinstance(found, tuple) and all(("fragment", WITH_FIELDS) in parts for parts in found)
