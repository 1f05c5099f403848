"""Matches for many disjoint values of a field, each with what else must hold: in a row, or as trees."""

from __future__ import annotations

from collections.abc import Sequence

from policy.ir import NOTHING, All, Either, Field, Match, all_of, either_of
from policy.packet import Intervals

Piece = tuple[int, int, Match]
"""A closed range of values, and what else must hold of packets with one of them."""

_FEW = 8
"""So many different conditions are asked for one after another."""


def chosen(field: str, pieces: Sequence[Piece]) -> Match:
    """Return the packets whose *field* is in one of *pieces*, sorted and disjoint, and that meet its condition.

    To ask for one value takes as many steps as the logarithm of their number.
    """
    if len(pieces) == 1:  # so it is where each address has a port of its own
        ((low, high, match),) = pieces
        return NOTHING if match == NOTHING else all_of(Field(field, Intervals(((low, high),))), match)
    wanted = [piece for piece in pieces if piece[2] != NOTHING]
    if len({id(match) for _, _, match in wanted}) <= _FEW:
        return _row(field, wanted)
    return _tree(field, wanted, 0, len(wanted))


def _row(field: str, pieces: Sequence[Piece]) -> Match:
    groups: dict[int, tuple[Match, list[tuple[int, int]]]] = {}
    for low, high, match in pieces:
        groups.setdefault(id(match), (match, []))[1].append((low, high))
    return either_of(*(all_of(Field(field, Intervals.of(*ranges)), match) for match, ranges in groups.values()))


def _tree(field: str, pieces: Sequence[Piece], start: int, end: int) -> Match:
    if end - start <= _FEW:
        return _row(field, pieces[start:end])
    middle = (start + end) // 2
    left = Field(field, Intervals(((pieces[start][0], pieces[middle - 1][1]),)))
    right = Field(field, Intervals(((pieces[middle][0], pieces[end - 1][1]),)))
    return Either(
        (
            All((left, _tree(field, pieces, start, middle)), guarded=True),
            All((right, _tree(field, pieces, middle, end)), guarded=True),
        )
    )
