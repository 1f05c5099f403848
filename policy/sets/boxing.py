"""A diagram as disjoint regions, one after another, the most general first.

The shortest way through the diagram is a box of the set; it is widened field by field as far as the set goes, is a
region then, and is taken away. So the first regions are there before the others are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from policy.packet import FIELDS, Intervals, Masked
from policy.packet.address import V4_BASE, whole
from policy.sets.choose import numbers
from policy.sets.dd import Formula
from policy.sets.encoding import Bits, Encoding
from policy.sets.layout import ADDRESSES
from policy.sets.ranges import cube, is_cube, ranges
from policy.sets.regions import WITH_FIELDS, Region, Values

MOST_RANGES = 1 << 17
"""A set of more ranges is taken apart by the bits under a mask."""

FEW_RANGES = 4
"""A mask is written as one where it would be more ranges than these."""

SEARCHED = 100_000
"""In a diagram of so many nodes the shortest way is looked for; in a larger one, that of a natural packet is taken."""

_NEVER = 1 << 30

_LAST = ("fragment", "sport", "in", "out", "src", "dst", "dport", "icmp_code", "icmp_type", "proto", "state")
"""The fields that are widened last: what is left open first is open in more packets."""


def boxing(encoding: Encoding, formula: Formula, within: Formula) -> Iterator[Region]:
    """Yield disjoint regions that are *formula*, which has no unknowns, as far as packets of *within* go."""
    found = _Boxing(encoding, formula & within, within)
    while found.left:
        yield found.next()


@dataclass(slots=True)
class _Box:
    """Packets by their fields, each as a formula and as values; the field "" is the family."""

    left: Formula
    within: Formula
    family: int
    tests: dict[str, Formula]
    values: dict[str, Values] = field(default_factory=dict)

    def rest(self, *apart: str) -> Formula:
        """Return the packets for which all tests hold, *apart* from some."""
        found = self.within
        for name, test in self.tests.items():
            if name not in apart:
                found &= test
        return found


class _Boxing:
    def __init__(self, encoding: Encoding, left: Formula, within: Formula) -> None:
        self.encoding = encoding
        self.left = left
        self.within = within
        self.short: dict[Formula, int] = {}
        self.place: dict[int, tuple[str, int]] = {}
        self.bits: dict[str, Bits] = {}
        layout = encoding.layout
        self.both = len(layout.families) == 2
        for name in layout.fields:
            self.bits[name] = encoding.bits[name][1:] if name in ADDRESSES else encoding.bits[name]
        if self.both:
            self.bits[""] = (encoding.family,)
        for name, bits in self.bits.items():
            for position, bit in enumerate(bits):
                branches = bit.branches()
                assert branches is not None
                self.place[branches[0]] = name, position
        everything = {name: encoding.diagram.all(bits) for name, bits in self.bits.items()}
        self.others = {
            name: encoding.diagram.all(test for other, test in everything.items() if other != name)
            for name in everything
        }
        self.beside_addresses = encoding.diagram.all(t for name, t in everything.items() if name not in ADDRESSES)

    def next(self) -> Region:
        """Take one region away."""
        box = self._cube(self.left, self.within)
        for name in sorted(box.tests, key=lambda name: (name in _LAST and _LAST.index(name) + 1, name)):
            self._widen(box, name)
            if name == "dst" or (name == "src" and "dst" not in box.tests):
                self._other_family(box)
        self._widen(box, "")
        self._without_ports(box)
        self.left -= box.rest()
        if "" in box.tests and not box.values.keys() & {*ADDRESSES}:
            box.values["src"] = whole(box.family)
        return Region({name: box.values[name] for name in self.encoding.layout.fields if name in box.values})

    def _widen(self, box: _Box, name: str) -> None:
        """Make a field as wide as the set allows, or drop it; the family only where no address hangs on it."""
        if name not in box.tests or (not name and box.tests.keys() & {*ADDRESSES}):
            return
        rest = box.rest(name)
        beyond = rest - box.left
        if not beyond:
            del box.tests[name]
            return
        if not name:
            return
        has = self.encoding.has(name)
        others = self.others[name]
        good = (rest & has).some(others) - (beyond & has).some(others)
        values, good = self._values(name, good, box)
        box.tests[name], box.values[name] = good & has, values

    def _other_family(self, box: _Box) -> None:
        """Add addresses of the other family, where the same holds for them."""
        if "" not in box.tests:
            return
        rest = box.rest(*ADDRESSES, "") - box.tests[""]
        if not rest & box.left:
            return
        within = rest.some(self.beside_addresses)
        good = within - (rest - box.left).some(self.beside_addresses)
        if not good:
            return
        other = self._cube(good, within, 10 - box.family)
        for name in ADDRESSES:
            self._widen(other, name)
        if any(isinstance(each.values.get(name), Masked) for name in ADDRESSES for each in (box, other)):
            return
        both = box.tests.pop("")
        united = [test & family for test, family in ((self._pair(box), both), (self._pair(other), ~both))]
        for name in ADDRESSES:
            found = [each.values.pop(name, whole(each.family)) for each in (box, other)]
            box.tests.pop(name, None)
            one, two = found
            assert isinstance(one, Intervals)
            assert isinstance(two, Intervals)
            if (values := one | two) != self.encoding.layout.addresses:
                box.values[name] = values
        box.tests["src"] = united[0] | united[1]

    def _pair(self, box: _Box) -> Formula:
        return self.encoding.diagram.all(box.tests[name] for name in ADDRESSES if name in box.tests)

    def _without_ports(self, box: _Box) -> None:
        """Say "not a later fragment" rather than "any port"."""
        name = "dport" if "dport" in box.tests else "sport"
        if name not in box.tests or "fragment" in box.tests or box.values[name] != FIELDS[name].domain:
            return
        first = self.encoding.test("fragment", WITH_FIELDS, self.encoding.original)
        if not (box.rest(name) & first) - box.left:
            del box.tests[name], box.values[name]
            box.tests["fragment"], box.values["fragment"] = first, WITH_FIELDS

    # Cubes

    def _cube(self, left: Formula, within: Formula, family: int | None = None) -> _Box:
        """Return a box of *left*: a way through the diagram that looks at few bits."""
        way = self._natural(left) if left.size > SEARCHED else self._shortest(left)
        by_field: dict[str, tuple[int, int]] = {}
        for variable, truth in way:
            name, position = self.place[variable]
            value, mask = by_field.get(name, (0, 0))
            bit = 1 << len(self.bits[name]) - 1 - position
            by_field[name] = value | bit * truth, mask | bit
        if family is None and self.both and "" not in by_field and by_field.keys() & {*ADDRESSES}:
            by_field[""] = 1, 1
            if not left & self.encoding.family:
                by_field[""] = 0, 1
        if family is None:
            family = (4 if by_field[""][0] else 6) if "" in by_field else min(self.encoding.layout.families)
        masked, has = self.encoding.diagram.masked, self.encoding.has
        tests = {n: masked(self.bits[n], *by_field[n]) & (has(n) if n else self.encoding.true) for n in by_field}
        return _Box(left, within, family, tests)

    def _shortest(self, formula: Formula) -> list[tuple[int, bool]]:
        self._measure(formula)
        way: list[tuple[int, bool]] = []
        while branches := formula.branches():
            variable, one, zero = branches
            family = self.place[variable][0] == ""
            then = self.short[one] <= self.short[zero] if family else self.short[one] < self.short[zero]
            formula = one if then else zero
            way.append((variable, then))
        return way

    def _measure(self, formula: Formula) -> None:
        """Find the least number of bits that decide, for every part of a formula."""
        waiting = [formula]
        while waiting:
            top = waiting[-1]
            if top in self.short:
                waiting.pop()
                continue
            branches = top.branches()
            if branches is None:
                self.short[top] = 0 if top else _NEVER
                continue
            parts = [part for part in branches[1:] if part not in self.short]
            waiting += parts
            if not parts:
                self.short[top] = 1 + min(self.short[part] for part in branches[1:])

    def _natural(self, formula: Formula) -> list[tuple[int, bool]]:
        found = numbers(self.encoding, formula)
        assert found is not None
        found[""] = family = found["src"] >= V4_BASE
        way: list[tuple[int, bool]] = []
        while branches := formula.branches():
            variable, one, zero = branches
            name, position = self.place[variable]
            width = 32 if family and name in ADDRESSES else len(self.bits[name])
            truth = bool(found[name] >> width - 1 - position & 1)
            formula = one if truth else zero
            way.append((variable, truth))
        return way

    def _values(self, name: str, formula: Formula, box: _Box) -> tuple[Values, Formula]:
        """Return a formula over the bits of a field as values; where these are too many ranges, a part of it."""
        short = box.family == 4 and name in ADDRESSES
        width = 32 if short else len(self.bits[name])
        base = V4_BASE if short else 0
        place = {variable: position for variable, (field, position) in self.place.items() if field == name}
        found = ranges(formula, place, width, MOST_RANGES)
        if found is not None and (len(found) <= FEW_RANGES or not is_cube(formula)):
            return Intervals(tuple((base + low, base + high) for low, high in found)), formula
        value, mask = cube(formula if is_cube(formula) else formula & box.tests[name], place, width)
        beyond = len(self.bits[name]) - width
        part = self.encoding.diagram.masked(self.bits[name], value << beyond, mask << beyond)
        return Masked(base + value, V4_BASE + mask if name in ADDRESSES else mask), part
