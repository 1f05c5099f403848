"""Which rules of a policy may match one packet together, by bounds alone: a filter before exact sets.

For each of a few fields the rules that begin up to a value, and those that end from it on, are known as bit sets
(Python integers). The rules that meet a range are an AND of two of them, those that meet a rule an AND over the fields.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import or_

from policy.evaluate.index import INDEXED, MOST_PIECES, bound, numbers_of
from policy.ir import Policy
from policy.packet import Intervals


class Nearby:
    """The rules of one policy, each with those that it may have packets in common with."""

    def __init__(self, policy: Policy) -> None:
        self.last_match = policy.last_match
        self.count = len(policy.rules)
        self._columns = [_Column([bound(rule.match, name) for rule in policy.rules]) for name in INDEXED]

    def before(self, number: int, among: int = -1) -> list[int]:
        """Return the rules near a rule that packets meet before it, in that order, of those whose bit is in *among*."""
        earlier, later = (1 << number) - 1, -1 << number + 1
        return self._walked(number, (later if self.last_match else earlier) & among)

    def behind(self, number: int, among: int = -1) -> list[int]:
        """Return the rules near a rule that packets meet behind it, in that order, of those whose bit is in *among*."""
        earlier, later = (1 << number) - 1, -1 << number + 1
        return self._walked(number, (earlier if self.last_match else later) & among)

    def _walked(self, number: int, among: int) -> list[int]:
        found = (1 << self.count) - 1 & among
        for column in self._columns:
            if not found:
                break
            found &= column.near(number)
        numbers = numbers_of(found)
        return numbers[::-1] if self.last_match else numbers


class _Column:
    """One field: the bit sets of the rules by where they begin and where they end."""

    def __init__(self, values: Sequence[Intervals | None]) -> None:
        self.values = values
        self._unbounded = sum(1 << n for n, each in enumerate(values) if each is None)
        bounded = [(n, each) for n, each in enumerate(values) if each]
        self._starts, self._begun = _up_to((each.first, n) for n, each in bounded)
        self._ends, self._open = _up_to((-each.ranges[-1][1], n) for n, each in bounded)

    def near(self, number: int) -> int:
        """Return the rules that do not exclude all values of a rule."""
        values = self.values[number]
        if values is None:
            return -1
        if not values:
            return 0
        begun = self._begun[_piece(self._starts, values.ranges[-1][1])]
        return begun & self._open[_piece(self._ends, -values.first)] | self._unbounded


def _up_to(pairs: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return bounds in order, and for each the numbers up to the next one as bits."""
    bits: dict[int, int] = {}
    for bound_, number in pairs:
        bits[bound_] = bits.get(bound_, 0) | 1 << number
    bounds = sorted(bits)
    found = list(accumulate((bits[each] for each in bounds), or_))
    # Of very many bounds only some are kept, each with what is up to the next: more rules then seem near.
    step = -(-len(bounds) // MOST_PIECES) or 1
    return bounds[::step], [found[min(at + step, len(bounds)) - 1] for at in range(0, len(bounds), step)]


def _piece(bounds: Sequence[int], value: int) -> int:
    return max(bisect_right(bounds, value) - 1, 0)
