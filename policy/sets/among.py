"""Numbers in ranges as a decision diagram, made from the lowest bit up: of many ranges what is alike is made once.

To unite the diagrams of single ranges would take as long for each of 50,000 as for one by itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, Self, TypeVar

_OFTEN = 256
"""The budget is looked at once for so many ranges."""


class Function(Protocol):
    """A formula of the library."""

    def ite(self, t: Self, e: Self, /) -> Self:
        """Return *t* where it is true, *e* where it is false."""

    def __invert__(self) -> Self: ...
    def __and__(self, other: Self, /) -> Self: ...
    def __or__(self, other: Self, /) -> Self: ...


F = TypeVar("F", bound=Function)


def either_range(true: F, bits: Sequence[F], ranges: Sequence[tuple[int, int]], check: Callable[[], None]) -> F:
    """Return that the number with these *bits*, the highest first, is in one of *ranges*, which rise and do not meet.

    No range goes beyond the bits. *check* raises where the budget is spent; the library raises `MemoryError`.
    """
    return _Ranges(true, bits, ranges, check).within(0, 0, 0, len(ranges))


class _Ranges(Generic[F]):
    def __init__(
        self, true: F, bits: Sequence[F], ranges: Sequence[tuple[int, int]], check: Callable[[], None]
    ) -> None:
        self._true, self._false = true, ~true
        self._bits = [(bit, ~bit) for bit in bits]
        self._width = len(bits)
        self._ranges = ranges
        self._lows, self._highs = [low for low, _ in ranges], [high for _, high in ranges]
        self._check = check
        self._split = 0
        self._least: dict[tuple[int, int], F] = {}
        self._most: dict[tuple[int, int], F] = {}

    def within(self, at: int, base: int, first: int, behind: int) -> F:
        """Return that the number that begins with *base*, and goes on with the bits from *at* on, is in some ranges.

        They are those from *first* on, up to the one that is *behind*: all that have such numbers.
        """
        if first == behind:
            return self._false
        last = base + (1 << self._width - at) - 1
        if behind - first == 1:
            low, high = self._ranges[first]
            if low <= base:
                return self._true if high >= last else self.at_most(at, high - base)
            if high >= last:
                return self.at_least(at, low - base)
        else:
            self._split += 1
            if self._split % _OFTEN == 0:
                self._check()
        middle = base + (1 << self._width - at - 1)
        above = self.within(at + 1, middle, bisect_left(self._highs, middle, first, behind), behind)
        below = self.within(at + 1, base, first, bisect_left(self._lows, middle, first, behind))
        return self._bits[at][0].ite(above, below)

    def at_least(self, at: int, low: int) -> F:
        """Return that the number of the bits from *at* on is at least *low*."""
        if not low:
            return self._true
        found = self._least.get((at, low))
        if found is None:
            half = 1 << self._width - at - 1
            rest = self.at_least(at + 1, low & half - 1)
            bit = self._bits[at][0]
            found = self._least[at, low] = bit & rest if low & half else bit | rest
        return found

    def at_most(self, at: int, high: int) -> F:
        """Return that the number of the bits from *at* on is at most *high*."""
        if high == (1 << self._width - at) - 1:
            return self._true
        found = self._most.get((at, high))
        if found is None:
            half = 1 << self._width - at - 1
            rest = self.at_most(at + 1, high & half - 1)
            no = self._bits[at][1]
            found = self._most[at, high] = no | rest if high & half else no & rest
        return found
