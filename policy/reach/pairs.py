"""Which of many boxes lie in an earlier one, and how much of each do the earlier ones take: block by block of bit rows.

For a block of earlier boxes and a field, a table has for each number k the set, as bits, of the k boxes that begin
first, and another that of those that end last. Looking up where a box begins and ends gives the boxes that meet it,
or hold it, in this field; the AND over all fields is the answer, for 64 of them at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from policy.reach.rows import Axis, Numbers, Rows, Words
from policy.sets import Budget

BLOCK = 2048
"""Earlier boxes at a time: their tables stay in the cache of a processor."""

CHUNK = 1024
"""Later boxes at a time."""

PAIRS_PER_STEP = 4

SAFE = 1 - 1e-6
"""Below this a sum of fractions is below 1, whatever was rounded."""


@dataclass(frozen=True, slots=True)
class _Table:
    """One field of a block: the bounds in order, and the sets of boxes up to each."""

    axis: int
    begins: Numbers
    begun: Words
    ends: Numbers
    open: Words


class _Block:
    """Some earlier boxes."""

    def __init__(self, earlier: Rows, first: int) -> None:
        self.first = first
        self.rows = earlier.take(slice(first, first + BLOCK))
        size = len(self.rows)
        self.before = _up_to(np.arange(size))
        self.tables = []
        for axis, (low, high) in enumerate(zip(self.rows.low, self.rows.high, strict=True)):
            by_begin, by_end = np.argsort(low, kind="stable"), np.argsort(high, kind="stable")
            self.tables.append(_Table(axis, low[by_begin], _up_to(by_begin), high[by_end], ~_up_to(by_end)))

    def holding(self, later: Rows) -> Words:
        """Return for each of *later*, as bits, the boxes of earlier rules that hold it (by bounds)."""
        found = self._earlier(later)
        for table in self.tables:
            low, high = later.low[table.axis], later.high[table.axis]
            found &= table.begun[np.searchsorted(table.begins, low, "right")]
            found &= table.open[np.searchsorted(table.ends, high, "left")]
        return found

    def meeting(self, later: Rows) -> Words:
        """Return for each of *later*, as bits, the boxes of earlier rules that meet it (by bounds)."""
        found = self._earlier(later)
        for table in self.tables:
            low, high = later.low[table.axis], later.high[table.axis]
            found &= table.begun[np.searchsorted(table.begins, high, "right")]
            found &= table.open[np.searchsorted(table.ends, low, "left")]
        return found

    def _earlier(self, later: Rows) -> Words:
        return self.before[np.searchsorted(self.rows.rule, later.rule, "left")]


def _up_to(order: npt.NDArray[np.intp]) -> Words:
    """Return the sets of the first k of *order*, for each k."""
    size = len(order)
    table = np.zeros((size + 1, -(-size // 64)), np.uint64)
    table[np.arange(1, size + 1), order >> 6] = np.uint64(1) << (order & 63).astype(np.uint64)
    found: Words = np.bitwise_or.accumulate(table, axis=0)
    return found


def _pairs(bits: Words) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows and columns of the bits that are set, row by row."""
    rows, columns = np.nonzero(bits)
    each = np.unpackbits(bits[rows, columns].astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    at, bit = np.nonzero(each)
    return rows[at], columns[at] * 64 + bit


def _chunks(later: Rows, which: npt.NDArray[np.intp], rule: int) -> Iterator[npt.NDArray[np.intp]]:
    """Yield those of *which* that belong to rules behind *rule*, some at a time."""
    start = int(np.searchsorted(later.rule[which], rule, "right"))
    for at in range(start, len(which), CHUNK):
        yield which[at : at + CHUNK]


def holders(later: Rows, earlier: Rows) -> Numbers:
    """Return for each of *later* the number of the first box of an earlier rule that holds it, or -1."""
    found = np.full(len(later), -1, np.int32)
    for first in range(0, len(earlier), BLOCK):
        block = _Block(earlier, first)
        for which in _chunks(later, np.flatnonzero(found < 0), int(earlier.rule[first])):
            mine = later.take(which)
            bits = block.holding(mine)
            # Nearly always the first by bounds is one; only where it is not, all others are looked at.
            row, column = _first_bits(bits)
            good = _holds(block.rows, column, mine, row)
            found[which[row[good]]] = first + column[good]
            rest = row[~good]
            row, column = _pairs(bits[rest])
            good = _holds(block.rows, column, mine, rest[row])
            row, column = row[good], column[good]
            new = np.flatnonzero(np.diff(row, prepend=-1))
            found[which[rest[row[new]]]] = first + column[new]
    return found


def _first_bits(bits: Words) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows with any bit set, and the column of the first."""
    row = np.flatnonzero(bits.any(axis=1))
    word = (bits[row] != 0).argmax(axis=1)
    value = bits[row, word]
    lowest = value & (~value + np.uint64(1))
    return row, word * 64 + np.log2(lowest.astype(np.float64)).astype(np.intp)


def _holds(
    earlier: Rows, column: npt.NDArray[np.intp], later: Rows, row: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Does the box *column*, pair by pair, hold the box *row*, as far as words say?"""
    good = np.ones(len(row), bool)
    for words, others in zip(later.words, earlier.words, strict=True):
        if words is not None and others is not None:
            good &= (words[row] & ~others[column]) == 0
    return good


def crowding(axes: Sequence[Axis], later: Rows, earlier: Rows, asked: npt.NDArray[np.bool_], budget: Budget) -> Shares:
    """Return which part of each of *later* boxes of earlier rules take, overlaps counted as often as they are.

    Where that is below `SAFE` they do not cover it. What is not *asked* is 0. Raises `Exhausted`.
    """
    found = np.zeros(len(later))
    which_asked = np.flatnonzero(asked)
    for first in range(0, len(earlier), BLOCK):
        block = _Block(earlier, first)
        for which in _chunks(later, which_asked, int(earlier.rule[first])):
            mine = later.take(which)
            row, column = _pairs(block.meeting(mine))
            budget.spend(len(row) // PAIRS_PER_STEP)
            if len(row):
                found[which] += np.bincount(row, _shares(axes, mine, block.rows, row, column), len(which))
    return found


Shares = npt.NDArray[np.float64]


def _shares(
    axes: Sequence[Axis], later: Rows, earlier: Rows, row: npt.NDArray[np.intp], column: npt.NDArray[np.intp]
) -> Shares:
    """Return which part of the box *row* the box *column* takes, pair by pair."""
    found = np.ones(len(row))
    for at, axis in enumerate(axes):
        words, others = later.words[at], earlier.words[at]
        if words is not None and others is not None:
            if len(others) and (others == others[0]).all() and not (words & ~others[0]).any():
                continue
            found *= axis.weight(words[row] & others[column]) / axis.weight(words)[row]
        else:
            low, high = later.low[at], later.high[at]
            whole = axis.before[high + 1] - axis.before[low]
            first = np.maximum(low[row], earlier.low[at][column])
            last = np.minimum(high[row], earlier.high[at][column])
            found *= (axis.before[last + 1] - axis.before[first]) / whole[row]
    return found


def touching(rows: Rows, box: Rows, end: int) -> npt.NDArray[np.intp]:
    """Return which of the first *end* of *rows* meet the one row of *box*."""
    found: npt.NDArray[np.intp] | None = None
    # The fields in which boxes are small come first: what is left to look at then is little.
    for at in sorted(range(len(rows.low)), key=lambda at: rows.words[at] is not None):
        low, high, words = rows.low[at][:end], rows.high[at][:end], rows.words[at]
        mine = box.words[at]
        if words is not None and mine is not None:
            some = words[:end] if found is None else words[found]
            good = (some & mine[0]) != 0
        else:
            some_low, some_high = (low, high) if found is None else (low[found], high[found])
            good = (some_low <= box.high[at][0]) & (some_high >= box.low[at][0])
        found = np.flatnonzero(good) if found is None else found[good]
    return np.arange(end) if found is None else found


def shares_of(axes: Sequence[Axis], box: Rows, rows: Rows, which: npt.NDArray[np.intp]) -> Shares:
    """Return which part of the one row of *box* each of some *rows* takes."""
    return _shares(axes, box, rows.take(which), np.zeros(len(which), np.intp), np.arange(len(which)))


def inside(rows: Rows, which: npt.NDArray[np.intp], box: Rows) -> npt.NDArray[np.bool_]:
    """Return in which of some *rows* the one row of *box* lies."""
    good = np.ones(len(which), bool)
    for at, words in enumerate(rows.words):
        mine = box.words[at]
        if words is not None and mine is not None:
            good &= (mine[0] & ~words[which]) == 0
        else:
            good &= (rows.low[at][which] <= box.low[at][0]) & (rows.high[at][which] >= box.high[at][0])
    return good
