"""Ranges of ports and the categories of RFC 6335 (`packet.names.PORT_CATEGORIES`)."""

from __future__ import annotations

from policy.packet import Intervals, ValueSet
from policy.packet.names import PORT_CATEGORIES

_FIRST, _LAST = PORT_CATEGORIES["well-known"]


def opens_well_known(values: ValueSet) -> bool:
    """Is one of the ranges the well-known ports, all of them and no others?

    Port 0 may be missing, and 1024 may be there: people write `1:1024`.
    """
    ranges = values.ranges if isinstance(values, Intervals) else ()
    return any(low in (_FIRST, _FIRST + 1) and high in (_LAST, _LAST + 1) for low, high in ranges)


def touched(low: int, high: int) -> list[str]:
    """Return the categories of the ports of a range."""
    return [name for name, (first, last) in PORT_CATEGORIES.items() if low <= last and first <= high]
