"""Do some boxes cover another one, exactly? Depth-first subtraction, with sets of pieces as the bits of integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from policy.reach.rows import Axis, Rows
from policy.sets import Budget

Box = tuple[int, ...]
"""For each field a set of local pieces, as bits."""


@dataclass(frozen=True, slots=True)
class Local:
    """A box and others, clipped to it, in pieces of their own: only bounds inside the box count.

    *owners* are the rules of the others, *order* their numbers from the largest to the smallest. Of each field
    *fields* says which axis it is, and *bounds* where the pieces begin (None where they are those of the axis).
    """

    box: Box
    others: list[Box]
    owners: list[int]
    order: list[int]
    fields: list[int]
    bounds: list[list[int] | None]


def localised(
    axes: Sequence[Axis], box: Rows, others: Rows, which: npt.NDArray[np.intp], shares: npt.NDArray[np.float64]
) -> Local:
    """Return the one row of *box*, and those of *others* that are in *which* and take so much of it."""
    some = others.take(which)
    mine: list[int] = []
    columns: list[list[int]] = []
    fields: list[int] = []
    bounds: list[list[int] | None] = []
    for at in range(len(axes)):
        words, theirs = box.words[at], some.words[at]
        if words is not None and theirs is not None:
            whole = int(words[0])
            column = (theirs & words[0]).tolist()
            cuts: list[int] | None = None
        else:
            first, last = int(box.low[at][0]), int(box.high[at][0])
            low, high = np.maximum(some.low[at], first), np.minimum(some.high[at], last) + 1
            edges = np.unique(np.concatenate([low, high, [first, last + 1]]))
            pairs = zip(np.searchsorted(edges, low).tolist(), np.searchsorted(edges, high).tolist(), strict=True)
            whole = (1 << len(edges) - 1) - 1
            column = [(1 << end) - (1 << start) for start, end in pairs]
            cuts = edges.tolist()
        if any(each != whole for each in column):
            mine.append(whole)
            columns.append(column)
            fields.append(at)
            bounds.append(cuts)
    boxes: list[Box] = [*zip(*columns, strict=True)] if columns else [()] * len(which)
    order = np.argsort(-shares, kind="stable").tolist()
    return Local(tuple(mine), boxes, some.rule.tolist(), order, fields, bounds)


def uncovered(problem: Local, candidates: Sequence[int], budget: Budget, used: set[int]) -> Box | None:
    """Return a part of the box in which none of the *candidates* is, or None when they cover it.

    *used* gets the candidates on which a proof that they do relies. Raises `Exhausted`.
    """
    others = problem.others
    waiting: list[tuple[Box, Sequence[int]]] = [(problem.box, candidates)]
    while waiting:
        box, left = waiting.pop()
        budget.spend(len(left) + 1)
        near: list[int] = []
        best, fewest, shrunk = -1, len(box) + 1, False
        for number in left:
            sides, at = 0, -1
            for field, (mine, theirs) in enumerate(zip(box, others[number], strict=True)):
                if not mine & theirs:
                    break
                if mine & ~theirs:
                    sides += 1
                    at = field
            else:
                if sides > 1:
                    near.append(number)
                    if sides < fewest:
                        best, fewest = number, sides
                    continue
                used.add(number)
                if not sides:
                    break
                # What is left is one box again: nothing is lost by taking this one first.
                box = (*box[:at], box[at] & ~others[number][at], *box[at + 1 :])
                shrunk = True
        else:
            if not near:
                return box
            if shrunk:
                waiting.append((box, near))
                continue
            used.add(best)
            near.remove(best)
            waiting += ((piece, near) for piece in _minus(box, others[best]))
    return None


def _minus(box: Box, other: Box) -> list[Box]:
    """Return disjoint boxes of what is in *box* but not in *other*."""
    found = []
    for at, (mine, theirs) in enumerate(zip(box, other, strict=True)):
        outside = mine & ~theirs
        if outside:
            found.append((*box[:at], outside, *box[at + 1 :]))
            box = (*box[:at], mine & theirs, *box[at + 1 :])
    return found


def pieces(axes: Sequence[Axis], box: Rows, problem: Local, part: Box) -> dict[str, list[tuple[int, int]]]:
    """Return for each field the ranges of pieces of the axis that *part*, a part of the box, has."""
    found: dict[str, list[tuple[int, int]]] = {}
    local = {at: (cuts, bits) for at, cuts, bits in zip(problem.fields, problem.bounds, part, strict=True)}
    for at, axis in enumerate(axes):
        words = box.words[at]
        if at in local:
            cuts, bits = local[at]
            edges = list(range(bits.bit_length() + 1)) if cuts is None else cuts
            found[axis.name] = [(edges[i], edges[i + 1] - 1) for i in range(bits.bit_length()) if bits >> i & 1]
        elif words is not None:
            bits = int(words[0])
            found[axis.name] = [(i, i) for i in range(bits.bit_length()) if bits >> i & 1]
        else:
            found[axis.name] = [(int(box.low[at][0]), int(box.high[at][0]))]
    return found
