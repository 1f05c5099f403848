"""Sets of numbers out of diagrams over their bits."""

from __future__ import annotations

from collections.abc import Mapping

from policy.sets.dd import Formula

Places = Mapping[int, int]
"""The positions of variables in a number, 0 for the highest bit."""

Cube = tuple[int, int]
"""The numbers whose bits under a mask are those of a value: (value, mask)."""


def ranges(formula: Formula, places: Places, width: int, most: int) -> list[tuple[int, int]] | None:
    """Return the numbers of *width* bits for which *formula* is true, as ranges; None if there are more than *most*."""
    found: list[tuple[int, int]] = []
    waiting = [(formula, 0, 0)]
    while waiting:
        rest, at, low = waiting.pop()
        branches = rest.branches()
        if branches is None:
            if not rest:
                continue
            high = low + (1 << width - at) - 1
            if found and found[-1][1] == low - 1:
                low = found.pop()[0]
            found.append((low, high))
            if len(found) > most:
                return None
            continue
        variable, one, zero = branches
        if places[variable] > at:
            one = zero = rest
        waiting += [(one, at + 1, low | 1 << width - 1 - at), (zero, at + 1, low)]
    return found


def cube(formula: Formula, places: Places, width: int) -> Cube:
    """Return some numbers for which *formula* is true."""
    value = mask = 0
    while branches := formula.branches():
        variable, one, zero = branches
        bit = 1 << width - 1 - places[variable]
        mask |= bit
        formula = zero or one
        value |= 0 if zero else bit
    return value, mask


def is_cube(formula: Formula) -> bool:
    """Is *formula* true for the numbers of one cube alone?"""
    while branches := formula.branches():
        _, one, zero = branches
        if one and zero:
            return False
        formula = one or zero
    return True
