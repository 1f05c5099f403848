"""Products as rows of arrays: one row per box, one column (or two) per field.

The numbers of a field are cut where any set of the list begins or ends. A box has of each field either a range of
these pieces, or, where there are few, any set of them as the bits of a word; sets of several ranges in a field with
many pieces make several rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import or_

import numpy as np
import numpy.typing as npt

from policy.packet import Intervals
from policy.packet.address import V4_BASE
from policy.reach.products import Product

Numbers = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]

BITS = 64
"""Fields with at most so many pieces have them as bits."""

MOST_ROWS = 2048
"""A rule with more rows is left to other engines."""

_EXACT = 1 << 50
"""Larger pieces weigh less than their size, so that sums of weights stay exact."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One field: where its pieces begin, and what the pieces before each weigh together.

    Any positive weights serve: they only have to tell a part from the whole. *bytes* are the weights of the
    pieces that each value of each byte of a word stands for; None where boxes have ranges. *at* are the numbers of
    the pieces by their start; *split*: are there sets that are several ranges, and so several rows?
    """

    name: str
    starts: list[int]
    end: int
    before: npt.NDArray[np.int64]
    bytes: tuple[npt.NDArray[np.int64], ...] | None
    at: dict[int, int]
    split: bool

    @property
    def last(self) -> int:
        """The number of the last piece."""
        return len(self.starts) - 1

    def values(self, low: int, high: int) -> tuple[int, int]:
        """Return the range of numbers that a range of pieces is."""
        return self.starts[low], (self.starts[high + 1] if high < self.last else self.end + 1) - 1

    def weight(self, words: Words) -> npt.NDArray[np.float64]:
        """Return what the pieces of each word weigh."""
        assert self.bytes is not None
        parts = [table[(words >> np.uint64(8 * i)).astype(np.uint8)] for i, table in enumerate(self.bytes)]
        return reduce(np.add, parts).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Rows:
    """Boxes in the order of their rules. `low` and `high` bound the pieces; `words`, where they are bits, are exact."""

    rule: Numbers
    low: tuple[Numbers, ...]
    high: tuple[Numbers, ...]
    words: tuple[Words | None, ...]

    def __len__(self) -> int:
        return len(self.rule)

    def take(self, which: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> Rows:
        """Return some of the rows."""
        words = tuple(None if each is None else each[which] for each in self.words)
        low, high = (tuple(each[which] for each in side) for side in (self.low, self.high))
        return Rows(self.rule[which], low, high, words)


def axes_of(products: Sequence[Product], full: Product, classed: Callable[[str], bool]) -> tuple[Axis, ...]:
    """Return the fields that the products speak of, with their pieces."""
    sets: defaultdict[str, dict[int, Intervals]] = defaultdict(dict)
    for each in products:
        for name, code in each.items():
            sets[name][id(code)] = code
    return tuple(_axis(name, list(sets[name].values()), full[name], classed(name)) for name in full if name in sets)


def _axis(name: str, codes: list[Intervals], full: Intervals, classed: bool) -> Axis:
    bounds = {low for low, _ in full.ranges} | {high + 1 for _, high in full.ranges}
    for code in codes:
        for low, high in code.ranges:
            bounds.add(low)
            bounds.add(high + 1)
    starts = sorted(bounds)
    end = starts.pop()
    weights = [1 if classed else _weight(low, high) for low, high in zip(starts, [*starts[1:], end], strict=True)]
    before = np.zeros(len(weights) + 1, np.int64)
    np.cumsum(np.array(weights, np.int64), out=before[1:])
    tables = None
    if len(starts) <= BITS:
        eights = [weights[at : at + 8] for at in range(0, len(weights), 8)]
        tables = tuple(_table(eight) for eight in eights)
    at = {start: number for number, start in enumerate((*starts, end))}
    split = tables is None and any(len(code.ranges) > 1 for code in codes)
    return Axis(name, starts, end - 1, before, tables, at, split)


def _weight(low: int, high: int) -> int:
    size = high - low
    return size if size < _EXACT and (low >= V4_BASE or high < _EXACT) else 1 + int(float(size) ** (1 / 3))


def _table(weights: list[int]) -> npt.NDArray[np.int64]:
    found = np.zeros(256, np.int64)
    every = np.arange(256)
    for bit, weight in enumerate(weights):
        found += np.where(every >> bit & 1, weight, 0)
    return found


def rows_of(
    axes: Sequence[Axis],
    full: Product,
    products: Sequence[Product],
    rules: Sequence[int],
    meet: Callable[[Intervals, Intervals], bool] | None = None,
) -> Rows:
    """Return the boxes of *products*, which belong to *rules* (in order).

    With *meet*, boxes with a range of sources and one of destinations for which it says no are left out.
    """
    pieces, starts = [], []
    for axis in axes:
        piece = _Pieces(axis, full[axis.name])
        starts.append(np.array([piece.number(each.get(axis.name)) for each in products], np.int32))
        pieces.append(piece)
    rule = np.array(rules, np.int32)
    low, high, many = [], [], np.zeros(len(products), bool)
    words: list[Words | None] = []
    for piece, number in zip(pieces, starts, strict=True):
        low.append(np.array([ranges[0][0] for ranges in piece.ranges], np.int32)[number])
        high.append(np.array([ranges[-1][1] for ranges in piece.ranges], np.int32)[number])
        if piece.axis.bytes is None:
            words.append(None)
            many |= np.array([len(ranges) > 1 for ranges in piece.ranges])[number]
        else:
            words.append(np.array([_word(ranges) for ranges in piece.ranges], np.uint64)[number])
    found = Rows(rule, tuple(low), tuple(high), tuple(words))
    if not many.any():
        return found
    return _split(found, pieces, starts, many, meet)


def joined(one: Rows, other: Rows) -> Rows:
    """Return the rows of both, in the order of their rules."""
    order = np.argsort(np.concatenate([one.rule, other.rule]), kind="stable")
    low, high = (
        tuple(np.concatenate(pair)[order] for pair in zip(*sides, strict=True))
        for sides in ((one.low, other.low), (one.high, other.high))
    )
    words = tuple(
        None if mine is None or theirs is None else np.concatenate([mine, theirs])[order]
        for mine, theirs in zip(one.words, other.words, strict=True)
    )
    return Rows(np.concatenate([one.rule, other.rule])[order], low, high, words)


def width(axes: Sequence[Axis], product: Product) -> int:
    """Return how many rows a product makes."""
    found = 1
    for axis in axes:
        code = product.get(axis.name)
        if code is not None and axis.split:
            found *= len(code.ranges)
    return found


def _split(
    rows: Rows,
    pieces: list[_Pieces],
    numbers: list[Numbers],
    many: npt.NDArray[np.bool_],
    meet: Callable[[Intervals, Intervals], bool] | None,
) -> Rows:
    """Make a row for each combination of ranges of the rows in *many*."""
    names = [piece.axis.name for piece in pieces]
    sides = (names.index("src"), names.index("dst")) if meet and {"src", "dst"} <= {*names} else None
    origin: list[int] = []
    low: list[list[int]] = [[] for _ in pieces]
    high: list[list[int]] = [[] for _ in pieces]
    for row in np.flatnonzero(many).tolist():
        choices = []
        for piece, number in zip(pieces, numbers, strict=True):
            ranges = piece.ranges[number[row]]
            choices.append(ranges if piece.axis.bytes is None else [(ranges[0][0], ranges[-1][1])])
        for chosen in product(*choices):
            if sides and meet:
                source, destination = (Intervals.of(pieces[at].axis.values(*chosen[at])) for at in sides)
                if not meet(source, destination):
                    continue
            origin.append(row)
            for at, (first, last) in enumerate(chosen):
                low[at].append(first)
                high[at].append(last)
    single = np.flatnonzero(~many)
    index = np.concatenate([single, np.array(origin, np.intp)])
    order = np.argsort(rows.rule[index], kind="stable")
    index = index[order]
    joined = [
        tuple(
            np.concatenate([old[single], np.array(new, np.int32)])[order] for old, new in zip(olds, news, strict=True)
        )
        for olds, news in ((rows.low, low), (rows.high, high))
    ]
    words = tuple(None if each is None else each[index] for each in rows.words)
    return Rows(rows.rule[index], joined[0], joined[1], words)


class _Pieces:
    """The sets of one field in pieces, each once."""

    def __init__(self, axis: Axis, full: Intervals) -> None:
        self.axis = axis
        self.ranges: list[list[tuple[int, int]]] = [self._in_pieces(full)]
        self.numbers: dict[int, int] = {}

    def number(self, code: Intervals | None) -> int:
        """Return the number of a set; None, every value, is 0."""
        if code is None:
            return 0
        found = self.numbers.get(id(code))
        if found is None:
            found = self.numbers[id(code)] = len(self.ranges)
            self.ranges.append(self._in_pieces(code))
        return found

    def _in_pieces(self, code: Intervals) -> list[tuple[int, int]]:
        at = self.axis.at
        return [(at[low], at[high + 1] - 1) for low, high in code.ranges]


def _word(ranges: list[tuple[int, int]]) -> int:
    return reduce(or_, ((1 << high + 1) - (1 << low) for low, high in ranges), 0)
