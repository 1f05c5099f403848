"""The values that the packets of a set have in one field, and how many they are."""

from __future__ import annotations

from policy.packet import Intervals
from policy.packet.address import V4_BASE, bits, whole
from policy.sets.budget import Exhausted
from policy.sets.dd import Formula
from policy.sets.encoding import Bits, Encoding
from policy.sets.layout import ADDRESSES
from policy.sets.ranges import ranges

MOST_RANGES = 1 << 16
"""So many ranges of values are told apart."""


def projected(encoding: Encoding, formula: Formula, name: str) -> Intervals:
    """Return the numbers of a field in the packets of *formula*, which has no unknowns; of interfaces those of atoms.

    Raises `Exhausted` where they are more than `MOST_RANGES` ranges.
    """
    if name not in encoding.bits:
        return Intervals()
    others = encoding.beside(name)
    formula = formula & encoding.has(name)
    if name not in ADDRESSES:
        return _numbers(formula.some(others), encoding.bits[name], 0)
    found = Intervals()
    for each in encoding.layout.families:
        mine = (formula & encoding.inside(name, whole(each), encoding.bits[name])).some(others)
        found |= _numbers(mine, encoding.bits[name][1 : bits(each) + 1], V4_BASE if each == 4 else 0)
    return found


def counted(encoding: Encoding, formula: Formula, name: str, among: Intervals) -> int:
    """Return how many of the numbers *among* a field has in the packets of *formula*, which has no unknowns."""
    if name not in encoding.bits:
        return 0
    formula, total = formula & encoding.has(name), 0
    parts = [(among & whole(each), bits(each)) for each in encoding.layout.families] if name in ADDRESSES else []
    for values, width in parts or [(among, len(encoding.bits[name]))]:
        mine = formula & encoding.inside(name, values, encoding.bits[name])
        total += mine.some(encoding.beside(name)).solutions(width)
    return total


def _numbers(formula: Formula, bits: Bits, base: int) -> Intervals:
    """Return the numbers of some bits for which *formula*, which looks at nothing else, is true."""
    places: dict[int, int] = {}
    for place, bit in enumerate(bits):
        branches = bit.branches()
        assert branches is not None
        places[branches[0]] = place
    found = ranges(formula, places, len(bits), MOST_RANGES)
    if found is None:
        raise Exhausted(f"{MOST_RANGES:,} ranges")
    return Intervals.of(*((base + low, base + high) for low, high in found))
