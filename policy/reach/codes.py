"""Every set of values of a field as intervals of numbers, so that one kind of arithmetic serves all fields.

Numbers stay as they are. Where a field has names, or where a rule looks at some bits of it only, values that no
set of the list tells apart form a class, and a set becomes the numbers of its classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import chain, count, product
from string import ascii_lowercase, digits

from policy.packet import EMPTY, FIELDS, Intervals, Masked, Names, ValueSet
from policy.packet.address import V4, V6

MOST_CLASSES = 1024
MOST_CUBES = 20_000
LONGEST_NAME = 15

Cube = tuple[int, int]
"""A value and a mask: the numbers with just these bits under the mask."""


class NotBoxes(Exception):
    """The packets that match cannot be written as boxes within the limits."""


class Codes:
    """The codes of one list of rules, made from all the sets that the rules name."""

    def __init__(self, named: Mapping[str, Iterable[ValueSet]]) -> None:
        self._classes: dict[str, list[int] | list[str]] = {}
        self._known: dict[tuple[str, ValueSet], Intervals] = {}
        for name, sets in named.items():
            distinct = set(sets)
            if isinstance(FIELDS[name].domain, Names):
                self._classes[name] = _names([s for s in distinct if isinstance(s, Names)])
            elif any(isinstance(s, Masked) for s in distinct):
                numbers = _numbers(name, [s for s in distinct if not isinstance(s, Names)])
                if numbers is not None:
                    self._classes[name] = numbers

    def encode(self, name: str, values: ValueSet) -> Intervals:
        """Return the code of a set that the rules name, or of the whole domain; raises NotBoxes where there is none."""
        key = (name, values)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._encode(name, values)
        return found

    def _encode(self, name: str, values: ValueSet) -> Intervals:
        classes = self._classes.get(name)
        if classes is not None:
            inside = [number for number, value in enumerate(classes) if value in values]  # type: ignore[operator]
            return Intervals.of(*inside) if inside else EMPTY
        domain = FIELDS[name].domain
        if isinstance(values, Intervals) and isinstance(domain, Intervals):
            return values if is_within(values, domain) else values & domain
        if isinstance(domain, Names):
            return Intervals.of(0) if values == domain else EMPTY
        raise NotBoxes(f"the masks on the {FIELDS[name].title} tell too many values apart")

    def is_classed(self, name: str) -> bool:
        """Are the codes of this field classes, of which each counts as one?"""
        return name in self._classes

    def decode(self, name: str, code: Intervals) -> Intervals | list[int] | list[str]:
        """Return the values with a code; of classes one value each."""
        classes = self._classes.get(name)
        if classes is None:
            return code
        return [classes[i] for low, high in code.ranges for i in range(low, high + 1)]  # type: ignore[return-value]


def is_within(code: Intervals, full: Intervals) -> bool:
    """Is a set inside another one? (Quick; a `no` may be wrong where the other has several ranges.)"""
    ranges, (first, *rest) = code.ranges, full.ranges
    return not rest and bool(ranges) and first[0] <= ranges[0][0] and ranges[-1][1] <= first[1]


# Names


def _names(sets: list[Names]) -> list[str]:
    """Return one name of every class, sorted, so that the names with a prefix stand together."""
    exact = {name for s in sets for name in s.exact}
    prefixes = {prefix for s in sets for prefix in s.prefixes} | {""}
    return sorted(exact | {_fresh(prefix, exact, prefixes) for prefix in prefixes})


def _fresh(prefix: str, exact: set[str], prefixes: set[str]) -> str:
    """Return a name with *prefix*, and no longer one of *prefixes*, that is not one of *exact*."""
    longer = tuple(p for p in prefixes if len(p) > len(prefix) and p.startswith(prefix))
    tails = chain(digits, ascii_lowercase, map("".join, product(ascii_lowercase, repeat=2)))
    own = (prefix,) if prefix else ()
    natural = (*own, *(prefix + tail for tail in tails))
    usual = ("eth0",) if not prefix else natural if len(prefix) >= LONGEST_NAME else (*natural[1:], prefix)
    endless: Iterator[str] = (prefix + chr(number) for number in count(0xC0))
    names: Iterator[str] = chain(usual, natural, endless)
    return next(name for name in names if name not in exact and not name.startswith(longer))


# Masks


def _numbers(name: str, sets: list[Intervals | Masked]) -> list[int] | None:
    """Return one number of every class, or None where there are too many."""
    if FIELDS[name].labels:
        domain = FIELDS[name].domain
        assert isinstance(domain, Intervals)
        return [number for low, high in domain.ranges for number in range(low, high + 1)]
    regions = (V6, V4) if name in ("src", "dst") else (FIELDS[name].domain,)
    bits = max(r.ranges[-1][1] for r in regions if isinstance(r, Intervals)).bit_length()
    classes = [list(_cubes(region, bits)) for region in regions]  # type: ignore[arg-type]
    for values in sorted(sets, key=repr):
        cubes = list(_cubes(values, bits))
        if sum(map(len, classes)) * max(len(cubes), 1) > MOST_CUBES * 16:
            return None
        split = [part for each in classes for part in (_inside(each, cubes), reduce(_outside, cubes, each)) if part]
        if len(split) > MOST_CLASSES or sum(map(len, split)) > MOST_CUBES:
            return None
        classes = split
    return sorted(each[0][0] for each in classes)


def _cubes(values: Intervals | Masked, bits: int) -> Iterator[Cube]:
    """Yield disjoint cubes that together are *values*."""
    every = (1 << bits) - 1
    if isinstance(values, Masked):
        if not values.value & ~values.mask and values.value <= every:
            yield values.value, values.mask & every
        return
    for low, high in values.ranges:
        at = low
        while at <= high:
            size = min(at & -at or every + 1, 1 << (high - at + 1).bit_length() - 1)
            yield at, every & ~(size - 1)
            at += size


def _inside(some: list[Cube], others: list[Cube]) -> list[Cube]:
    return [
        (value | wanted, mask | under)
        for value, mask in some
        for wanted, under in others
        if not (value ^ wanted) & mask & under
    ]


def _outside(some: list[Cube], other: Cube) -> list[Cube]:
    """Return disjoint cubes of what is in *some* but not in *other*."""
    wanted, under = other
    found: list[Cube] = []
    for value, mask in some:
        if (value ^ wanted) & mask & under:
            found.append((value, mask))
            continue
        free = under & ~mask
        shared, seen = value, mask
        while free:
            bit = free & -free
            found.append((shared | ~wanted & bit, seen | bit))
            shared, seen, free = shared | wanted & bit, seen | bit, free & ~bit
    return found
