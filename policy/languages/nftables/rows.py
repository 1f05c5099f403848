"""Many elements with several parts as one match: parts with few values are told apart first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from policy._record import dataclass
from policy.ipset.pieces import Piece, chosen
from policy.ir import NOTHING, Match, all_of, either_of
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.constants import Values
from policy.languages.nftables.contents import Row, united
from policy.languages.nftables.selectors.base import Operand
from policy.packet import Intervals
from policy.source import Span

_MOST_OVERLAPS = 500_000
"""So much work is done to lay ranges over each other that overlap."""
_FEW = 8


@dataclass(frozen=True, slots=True)
class Key:
    """A part of what is looked up: an operand, and what is made of its bits."""

    operand: Operand
    bits: Bits | None
    span: Span

    def among(self, values: Values) -> Match:
        """Return the packets whose part of the key is among values."""
        return self.operand.among(values, self.bits)

    @property
    def text(self) -> str:
        """What it is called in keys of unknown conditions."""
        return self.operand.text if self.bits is None else self.span.text


def found(key: Sequence[Key], rows: Sequence[Row]) -> Match:
    """Return the packets whose key is one of *rows*."""
    return _found(key, list(range(len(key))), rows)


def _found(key: Sequence[Key], parts: list[int], rows: Sequence[Row]) -> Match:
    if len(parts) == 1:
        return key[parts[0]].among(united(rows, parts[0]))
    if len(rows) == 1:
        return _all([key[at].among(rows[0][at]) for at in parts])
    counts = {at: len({row[at] for row in rows}) for at in parts}
    first = min(parts, key=lambda at: (counts[at], at))
    rest = [at for at in parts if at != first]
    groups: dict[Values, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[first], []).append(row)
    part = key[first]
    pieces = _pieces(part, groups) if len(groups) > _FEW and len(rest) >= 1 else None
    if pieces is None:
        return either_of(
            *(
                each
                for value, some in groups.items()
                if (each := _all([part.among(value), _found(key, rest, some)])) != NOTHING
            )
        )
    known: dict[int, Match] = {}
    made: list[Piece] = []
    for low, high, some in pieces:
        if id(some) not in known:
            known[id(some)] = _found(key, rest, some)
        made.append((low, high, known[id(some)]))
    field = part.operand.field
    assert field is not None
    return chosen(field, made) if made else NOTHING


def _all(matches: list[Match]) -> Match:
    return NOTHING if NOTHING in matches else all_of(*matches)


def _pieces(part: Key, groups: dict[Values, list[Row]]) -> list[tuple[int, int, list[Row]]] | None:
    """Return disjoint ranges with the rows that have them; None where the part is no plain field, or they are too many.

    Ranges with the same rows share one list.
    """
    if part.bits is not None or part.operand.field is None or any(value.open for value in groups):
        return None
    ranges: list[tuple[int, int, list[Row]]] = []
    for value, some in groups.items():
        assert isinstance(value.known, Intervals)
        ranges += [(low, high, some) for low, high in value.known.ranges]
    ranges.sort(key=lambda each: each[:2])
    if all(one[1] < other[0] for one, other in pairwise(ranges)):
        return ranges
    return _laid_out(ranges)


def _laid_out(ranges: list[tuple[int, int, list[Row]]]) -> list[tuple[int, int, list[Row]]] | None:
    """Return ranges that overlap as disjoint ones."""
    ends = sorted({low for low, _, _ in ranges} | {high + 1 for _, high, _ in ranges})
    pieces: list[tuple[int, int, list[Row]]] = []
    made: dict[tuple[int, ...], list[Row]] = {}
    active: list[tuple[int, int, list[Row]]] = []
    at = work = 0
    for start, end in pairwise(ends):
        active = [each for each in active if each[1] >= start]
        while at < len(ranges) and ranges[at][0] <= start:
            active.append(ranges[at])
            at += 1
        work += len(active)
        if work > _MOST_OVERLAPS:
            return None
        if active:
            which = tuple(sorted({id(some) for _, _, some in active}))
            if which not in made:
                made[which] = [row for some in {id(each[2]): each[2] for each in active}.values() for row in some]
            pieces.append((start, end - 1, made[which]))
    return pieces
