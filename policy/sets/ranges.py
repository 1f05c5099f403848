"""Sets of numbers out of diagrams over their bits."""

from __future__ import annotations

from collections.abc import Mapping

from policy.sets.dd import Formula

Places = Mapping[int, int]
"""The positions of variables in a number, 0 for the highest bit."""

Cube = tuple[int, int]
"""The numbers whose bits under a mask are those of a value: (value, mask)."""


_KEPT = 4
"""What has no more ranges than these is kept: ends of ranges are alike in their low bits."""


class _TooMany(Exception):
    """There are more ranges than are wanted."""


def ranges(formula: Formula, places: Places, width: int, most: int) -> list[tuple[int, int]] | None:
    """Return the numbers of *width* bits for which *formula* is true, as ranges; None if there are more than *most*."""
    kept: dict[tuple[Formula, int], list[tuple[int, int]]] = {}

    def behind(rest: Formula, at: int) -> list[tuple[int, int]]:
        """Return the numbers of the bits from *at* on."""
        found = kept.get((rest, at))
        if found is not None:
            return found
        branches = rest.branches()
        if branches is None:
            found = kept[rest, at] = [(0, (1 << width - at) - 1)] if rest else []
            return found
        variable, one, zero = branches
        middle = 1 << width - at - 1
        if places[variable] > at:
            below = above = behind(rest, at + 1)
        else:
            below, above = behind(zero, at + 1), behind(one, at + 1)
        found = [*below, *((low + middle, high + middle) for low, high in above)]
        if below and above and below[-1][1] + 1 == found[len(below)][0]:
            found[len(below) - 1 : len(below) + 1] = [(below[-1][0], found[len(below)][1])]
        if len(found) > most:
            raise _TooMany
        if len(found) <= _KEPT:
            kept[rest, at] = found
        return found

    try:
        return behind(formula, 0)
    except _TooMany:
        return None


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
