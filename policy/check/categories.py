"""Ranges of ports and the categories of RFC 6335 (`packet.names.PORT_CATEGORIES`)."""

from __future__ import annotations

from policy.check.traffic import ranges, traffic
from policy.ir import Match
from policy.packet.names import PORT_CATEGORIES

_FIRST, _LAST = PORT_CATEGORIES["well-known"]


def all_well_known(match: Match) -> bool:
    """Are the well-known ports, all of them and no others, the widest range of destination ports of a match?

    Port 0 may be missing, and 1024 may be there: people write `1:1024`.
    """
    found = [pair for each in traffic(match) for pair in ranges(each.dport)]
    low, high = max(found, key=lambda pair: pair[1] - pair[0], default=(0, 0))
    return low in (_FIRST, _FIRST + 1) and high in (_LAST, _LAST + 1)


def touched(low: int, high: int) -> list[str]:
    """Return the categories of the ports of a range."""
    return [name for name, (first, last) in PORT_CATEGORIES.items() if low <= last and first <= high]
