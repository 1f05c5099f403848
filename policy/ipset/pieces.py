"""Matches for many disjoint values of a field, each with what else must hold: in a row, or as trees."""

from __future__ import annotations

from collections.abc import Sequence

from policy.ir import NOTHING, Field, Match, all_of, either_of
from policy.packet import Intervals

Piece = tuple[int, int, Match]
"""A closed range of values, and what else must hold of packets with one of them."""

_FEW = 8
"""So many different conditions are asked for one after another."""
_LEAF = 4


def chosen(field: str, pieces: Sequence[Piece]) -> Match:
    """Return the packets whose *field* is in one of *pieces*, sorted and disjoint, and that meet its condition.

    To ask for one value takes as many steps as the logarithm of their number.
    """
    wanted = [piece for piece in pieces if piece[2] != NOTHING]
    groups: dict[int, tuple[Match, list[tuple[int, int]]]] = {}
    for low, high, match in wanted:
        groups.setdefault(id(match), (match, []))[1].append((low, high))
    if len(groups) <= _FEW or len(wanted) <= _LEAF:
        return either_of(*(all_of(_values(field, ranges), match) for match, ranges in groups.values()))
    middle = len(wanted) // 2
    halves = (wanted[:middle], wanted[middle:])
    return either_of(*(all_of(_values(field, [(half[0][0], half[-1][1])]), chosen(field, half)) for half in halves))


def _values(field: str, ranges: list[tuple[int, int]]) -> Field:
    return Field(field, Intervals.of(*ranges))
