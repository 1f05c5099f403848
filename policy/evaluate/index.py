"""A candidate index: which rules of a policy can match a packet at all.

For each of a few fields the values are cut where any rule begins or ends; every piece has a bit set (a
Python integer) of the rules that do not exclude it. The AND of one bit set per field leaves few
candidates. The others cannot match, so leaving them out changes no verdict.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from policy._record import dataclass
from policy.ir import All, Either, Field, Match, Policy
from policy.packet import EMPTY, Intervals, Packet

INDEXED = ("dst", "src", "dport", "sport", "proto")
MOST_PIECES = 4096
FEW = 8
"""Policies with fewer rules are walked as they are."""


@dataclass(frozen=True, slots=True)
class _Column:
    """The bit sets of one field: of the pieces that begin at `bounds`, and of packets without the field."""

    bounds: list[int]
    rules: list[int]
    absent: int


class Index:
    """Candidates for packets of one ruleset; tables are built when a policy is first asked for."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, _Column]] = {}

    def candidates(self, policy: Policy, packet: Packet) -> Sequence[int]:
        """Return the numbers of the rules of *policy* that may match *packet*, in order."""
        count = len(policy.rules)
        if count < FEW:
            return range(count)
        table = self._tables.get(policy.name)
        if table is None:
            table = self._tables[policy.name] = {name: _column(policy, name) for name in INDEXED}
        left = (1 << count) - 1
        for name, column in table.items():
            value = packet.values.get(name)
            if value is None:
                left &= column.absent
            elif isinstance(value, int):
                left &= column.rules[bisect_right(column.bounds, value) - 1]
        return numbers_of(left)


def numbers_of(bits: int) -> list[int]:
    """Return the numbers of the bits that are set, in order."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


def _column(policy: Policy, name: str) -> _Column:
    needed = [bound(rule.match, name) for rule in policy.rules]
    absent = sum(1 << i for i, values in enumerate(needed) if values is None)
    edges = {0}
    for values in needed:
        if values is not None:
            for low, high in values.ranges:
                edges.update((low, high + 1))
    bounds = sorted(edges)
    bounds = bounds[:: -(-len(bounds) // MOST_PIECES)]
    starts, ends = [0] * len(bounds), [0] * (len(bounds) + 1)
    for i, values in enumerate(needed):
        for first, last in _pieces(values, bounds) if values is not None else ():
            starts[first] |= 1 << i
            ends[last + 1] |= 1 << i
    rules, current = [], 0
    for start, end in zip(starts, ends, strict=False):
        current = current & ~end | start
        rules.append(current | absent)
    return _Column(bounds, rules, absent)


def _pieces(values: Intervals, bounds: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges of pieces that *values* touch; pieces may be wider than the values."""
    touched = [(bisect_right(bounds, low) - 1, bisect_right(bounds, high) - 1) for low, high in values.ranges]
    yield from Intervals.of(*touched).ranges if touched else ()


def bound(match: Match, name: str) -> Intervals | None:
    """Return values of a field outside of which *match* is false (also for packets without it), or None."""
    match match:
        case Field(field, values) if field == name and isinstance(values, Intervals):
            return values
        case All(parts):
            found: Intervals | None = None
            for part in parts:
                if (inner := bound(part, name)) is not None:
                    found = inner if found is None else found & inner
            return found
        case Either(called=str()):
            return None  # to look into a large set takes longer than to ask it
        case Either(parts):
            union = EMPTY
            for part in parts:
                inner = bound(part, name)
                if inner is None:
                    return None
                union |= inner
            return union
    return None
