"""What masks, shifts and the like make of a number, and which numbers give a value that is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from policy._record import dataclass
from policy.packet import Intervals, Masked

MOST = 1024
"""So many values under a mask are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Bits:
    """`((number << shift) & mask) ^ flipped`; a negative *shift* goes to the right."""

    shift: int
    mask: int
    flipped: int = 0

    def of(self, number: int) -> int:
        """Return what is made of a number."""
        moved = number << self.shift if self.shift >= 0 else number >> -self.shift
        return (moved & self.mask) ^ self.flipped

    def then(self, operator: str, by: int, bits: int) -> Bits:
        """Return this followed by one more operation on numbers of *bits* bits."""
        whole = (1 << bits) - 1
        match operator:
            case "&":
                return Bits(self.shift, self.mask & by, self.flipped & by)
            case "|":
                return Bits(self.shift, self.mask & ~by, self.flipped & ~by | by)
            case "^":
                return Bits(self.shift, self.mask, self.flipped ^ by)
            case "<<":
                return Bits(self.shift + by, self.mask << by & whole, self.flipped << by & whole)
        return Bits(self.shift - by, self.mask >> by, self.flipped >> by)

    def before(self, wanted: Intervals, bits: int) -> list[Intervals | Masked] | None:
        """Return the numbers of *bits* bits of which a *wanted* one is made; None where they are too many to say.

        >>> Bits(-2, 0x3F).before(Intervals.of((8, 9)), 8)
        [Intervals(ranges=((32, 39),))]
        """
        looked = self.mask >> self.shift if self.shift >= 0 else self.mask << -self.shift
        looked &= (1 << bits) - 1
        mask = self.of(looked) ^ self.flipped
        whole = (1 << bits) - 1
        if looked == whole and not self.shift and not self.flipped:
            return [wanted & Intervals(((0, whole),))]
        low = (looked & -looked).bit_length() - 1 if looked else 0
        run = looked >> low
        found: list[Intervals | Masked] = []
        if not looked or run & (run + 1):
            values = _submasks(mask, wanted, self.flipped)
            if values is None:
                return None
            return [Masked(self._back(value), looked) for value in values]
        offset = (mask & -mask).bit_length() - 1
        inside = _inside(wanted, offset, run.bit_length(), self.flipped & ~mask)
        if not self.flipped & mask and looked >> low == whole >> low:
            ranges = ((first << low, (last << low) | ((1 << low) - 1)) for first, last in inside.ranges)
            return [Intervals.of(*ranges)] if inside else []
        for first, last in inside.ranges:
            for start, free in _prefixes(first, last, run.bit_length()):
                value = (start ^ (self.flipped & mask) >> offset) & ~((1 << free) - 1)
                care = run & ~((1 << free) - 1)
                found.append(Masked(value << low, care << low))
            if len(found) > MOST:
                return None
        return found

    def _back(self, value: int) -> int:
        plain = value ^ self.flipped
        return plain >> self.shift if self.shift >= 0 else plain << -self.shift


def _submasks(mask: int, wanted: Intervals, flipped: int) -> list[int] | None:
    """Return the wanted ones of the numbers that a mask lets through, with some bits flipped."""
    if mask.bit_count() <= 10:
        found = []
        value = mask
        while True:
            if (value ^ flipped) in wanted:
                found.append(value ^ flipped)
            if not value:
                return found
            value = (value - 1) & mask
    if wanted.size > MOST:
        return None
    several = (value for low, high in wanted.ranges for value in range(low, high + 1))
    return [value for value in several if not (value ^ flipped) & ~mask]


def _inside(wanted: Intervals, offset: int, bits: int, fixed: int) -> Intervals:
    """Return the numbers t of *bits* bits for which `t << offset`, with the bits that are always set, is wanted."""
    found = []
    top = (1 << bits) - 1
    below, above = fixed & ((1 << offset) - 1), fixed >> offset + bits << offset + bits
    for low, high in wanted.ranges:
        first, last = low - below - above, high - below - above
        if last >= 0:
            found.append((max(0, -(-first >> offset)), min(top, last >> offset)))
    return Intervals.of(*found) if found else Intervals()


def _prefixes(low: int, high: int, bits: int) -> Iterator[tuple[int, int]]:
    """Yield prefixes that are together a range: the first number, and how many bits are free."""
    while low <= high:
        free = min((low & -low).bit_length() - 1 if low else bits, (high - low + 1).bit_length() - 1)
        yield low, free
        low += 1 << free
