"""Sets of values of one packet field.

`Intervals` is for numbers (ports, protocols, addresses: see `address`), `Masked` for numbers of
which only some bits matter, `Names` for interface names. Each is closed under what its field needs
and compares by meaning: no two ranges of an `Intervals` overlap or touch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from policy._record import dataclass


@dataclass(frozen=True, slots=True)
class Intervals:
    """A set of integers as sorted, disjoint, non-touching closed ranges."""

    ranges: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def of(*ranges: int | tuple[int, int]) -> Intervals:
        """Return the union of single numbers and closed ranges; a reversed range is empty.

        >>> Intervals.of(80, (1, 5), (6, 9))
        Intervals(ranges=((1, 9), (80, 80)))
        """
        if len(ranges) == 1:
            only = ranges[0]
            low, high = (only, only) if isinstance(only, int) else only
            return Intervals(((low, high),)) if low <= high else EMPTY
        return Intervals(tuple(_normal((r, r) if isinstance(r, int) else r for r in ranges)))

    def __contains__(self, value: int) -> bool:
        ranges = self.ranges
        if len(ranges) == 1:
            return ranges[0][0] <= value <= ranges[0][1]
        at = bisect_right(ranges, value, key=_low) - 1
        return at >= 0 and value <= ranges[at][1]

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __or__(self, other: Intervals) -> Intervals:
        return Intervals(tuple(_normal((*self.ranges, *other.ranges))))

    def __and__(self, other: Intervals) -> Intervals:
        return Intervals(tuple(_overlaps(self.ranges, other.ranges)))

    def __sub__(self, other: Intervals) -> Intervals:
        return Intervals(tuple(_minus(self.ranges, other.ranges)))

    @property
    def size(self) -> int:
        """How many numbers are in the set."""
        return sum(high - low + 1 for low, high in self.ranges)

    @property
    def first(self) -> int:
        """The smallest number of a set that is not empty."""
        return self.ranges[0][0]

    def covers(self, other: Intervals) -> bool:
        """Is every number of *other* in this set?"""
        return not (other - self)

    def meets(self, other: Intervals) -> bool:
        """Is there a number in both sets?"""
        return next(_overlaps(self.ranges, other.ranges), None) is not None


def _low(pair: tuple[int, int]) -> int:
    return pair[0]


def _normal(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    current: tuple[int, int] | None = None
    for low, high in sorted(ranges):
        if low > high:
            continue
        if current is None:
            current = (low, high)
        elif low <= current[1] + 1:
            current = (current[0], max(current[1], high))
        else:
            yield current
            current = (low, high)
    if current is not None:
        yield current


def _overlaps(left: tuple[tuple[int, int], ...], right: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            yield low, high
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1


def _minus(left: tuple[tuple[int, int], ...], right: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    j = 0
    for start, high in left:
        low = start
        while j < len(right) and right[j][1] < low:
            j += 1
        k = j
        while k < len(right) and right[k][0] <= high:
            if low < right[k][0]:
                yield low, right[k][0] - 1
            low = right[k][1] + 1
            k += 1
        if low <= high:
            yield low, high


EMPTY = Intervals()


@dataclass(frozen=True, slots=True)
class Masked:
    """The numbers whose bits under *mask* are those of *value*: flags, marks, masks that are no prefix."""

    value: int
    mask: int

    def __contains__(self, number: int) -> bool:
        return number & self.mask == self.value

    def meets(self, low: int, high: int) -> bool:
        """Is a number from *low* to *high* in the set?"""
        wanted = low & ~self.mask | self.value
        if wanted & self.mask != self.value or wanted == low:
            return wanted & self.mask == self.value
        top = 1 << (wanted ^ low).bit_length() - 1  # above it `low` is as it should be; below it all may be least
        if not self.value & top:
            while top & self.mask or low & top:
                top <<= 1
        return low & ~self.mask & -(top << 1) | ~self.mask & top | self.value <= high


@dataclass(frozen=True, slots=True)
class Names:
    """Interface names: the *exact* ones and all that begin with one of *prefixes*; or, when *negated*, all others."""

    exact: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    negated: bool = False

    @staticmethod
    def of(*patterns: str) -> Names:
        """Return the names that match any of *patterns*; a trailing `+` stands for any ending, as in iptables."""
        return Names(
            frozenset(p for p in patterns if not p.endswith("+")),
            frozenset(p[:-1] for p in patterns if p.endswith("+")),
        )

    def __contains__(self, name: str) -> bool:
        found = name in self.exact or any(name.startswith(p) for p in self.prefixes)
        return found is not self.negated

    def covers(self, other: Names) -> bool:
        """Is every name of *other* in this set? (Sound: a `no` may only mean that it is not known.)"""
        if other.negated and self.negated:
            return other._without_sign().covers(self._without_sign())
        if other.negated:
            return "" in self.prefixes or "" in other.prefixes
        if self.negated:
            return not self._without_sign().meets(other)
        return all(n in self for n in other.exact) and all(
            any(p.startswith(mine) for mine in self.prefixes) for p in other.prefixes
        )

    def meets(self, other: Names) -> bool:
        """Is there a name in both sets? (Sound: a `yes` may only mean that none is known to be missing.)"""
        if self.negated and other.negated:
            return "" not in self.prefixes | other.prefixes
        if self.negated:
            return not self._without_sign().covers(other)
        if other.negated:
            return not other._without_sign().covers(self)
        return (
            any(n in other for n in self.exact)
            or any(n in self for n in other.exact)
            or any(p.startswith(q) or q.startswith(p) for p in self.prefixes for q in other.prefixes)
        )

    def _without_sign(self) -> Names:
        return Names(self.exact, self.prefixes)


ANY_NAME = Names(negated=True)

ValueSet = Intervals | Masked | Names
