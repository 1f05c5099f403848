"""Ports: their categories, the ones that want a privilege, and the ranges that dynamic ones are taken from."""

from __future__ import annotations

from typing import Literal
from zlib import crc32

Category = Literal["well-known", "registered", "dynamic"]

DYNAMIC = (49152, 65535)
"""The dynamic ports of RFC 6335, 6."""

LINUX = (32768, 60999)
"""Where Linux takes dynamic ports from, unless told otherwise (ip_local_port_range)."""

_REGISTERED = 1024


def category(port: int) -> Category:
    """Return the category of a port (RFC 6335, 6); raises ValueError for what is no port.

    >>> category(443), category(8080), category(50000)
    ('well-known', 'registered', 'dynamic')
    """
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f"a port is a number from 0 to 65535, not {port}")
    if port < _REGISTERED:
        return "well-known"
    return "registered" if port < DYNAMIC[0] else "dynamic"


def needs_privilege(port: int) -> bool:
    """Return whether only the privileged may bind to a port (ip_unprivileged_port_start); 0 asks for a dynamic one."""
    return 0 < port < _REGISTERED


class Range:
    """A range of ports, sets of which are the bits of a number: so that a free one is found at once."""

    __slots__ = ("_turns", "_whole", "high", "low")

    def __init__(self, ports: tuple[int, int]) -> None:
        self.low, self.high = ports
        if not 0 < self.low <= self.high <= 0xFFFF:
            raise ValueError(f"{self.low}-{self.high} is not a range of ports")
        self._whole = (1 << self.high - self.low + 1) - 1
        self._turns = 0

    def bit(self, port: int) -> int:
        """Return a port as a set, which is empty for one outside the range."""
        return 1 << port - self.low if self.low <= port <= self.high else 0

    def start(self, *what: int) -> int:
        """Return the offset to look for a port from: another one for each destination, and one further each time."""
        self._turns += 1
        return crc32(repr(what).encode("ascii")) + self._turns

    def free(self, taken: int, offset: int) -> int | None:
        """Return the first port not in the set *taken*, from an *offset* upwards and around; None without one."""
        free = self._whole & ~taken
        offset %= self.high - self.low + 1
        above = free >> offset << offset
        free = above or free
        return self.low + (free & -free).bit_length() - 1 if free else None

    def ports(self, offset: int) -> list[int]:
        """Return all ports, from an offset upwards and around."""
        offset %= self.high - self.low + 1
        return [*range(self.low + offset, self.high + 1), *range(self.low, self.low + offset)]
