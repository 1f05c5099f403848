"""Which sockets on one port stand for the same address, so that only their options can let both have it.

Source: `inet_rcv_saddr_equal` in net/ipv4/inet_connection_sock.c of Linux 6.18. An IPv6 socket stands for IPv4 as well,
unless it is v6only, which bind() to an IPv6 address makes it. One that got its IPv6 address from a connection is not: a
socket that asks for all of IPv4 meets it, though not the other way round.
"""

from __future__ import annotations

from collections import defaultdict

from policy.packet.address import V4_BASE
from policy.sockets.ports import Range
from policy.sockets.socket import Socket

Place = tuple[int, int | None, bool]
"""The family of a socket, its address, and whether it is v6only."""

_ANY4, _ANY6, _ONLY6, _ALL4, _ALL6, _OPEN6 = range(-6, 0)  # no addresses


def place_of(sock: Socket, address: int | None) -> Place:
    """Return where a socket stands, or would with an address."""
    return sock.family, address, sock.v6only


def meets(one: Place, other: Place, *, wide: bool = True) -> bool:
    """Return whether what *one* asks for is what *other* has; *wide*: who has any address has this one, too."""
    family, address, only = one
    family_there, there, only_there = other
    v4, v4_there = _is_v4(family, address), _is_v4(family_there, there)
    if family == 4 or (v4 and v4_there):
        return not only_there and (address == there or address is None or (wide and there is None))
    if family_there == 6 and there is None and (address is None or (wide and not (only_there and v4))):
        return True
    if address is None:
        return not (only and v4_there)
    return address == there


def _is_v4(family: int, address: int | None) -> bool:
    return family == 4 or (address is not None and address >= V4_BASE)


class Held:
    """The dynamic ports that sockets have, by what they stand for there: sets of ports, as `Range` has them."""

    __slots__ = ("_counts", "_ports", "_range")

    def __init__(self, ports: Range) -> None:
        self._range = ports
        self._ports: defaultdict[int, int] = defaultdict(int)
        self._counts: defaultdict[tuple[int, int], int] = defaultdict(int)

    def add(self, place: Place, port: int) -> None:
        """Note that a socket stands at a place on a port."""
        bit = self._range.bit(port)
        if bit:
            for key in _had(place):
                self._counts[key, port] += 1
                self._ports[key] |= bit

    def remove(self, place: Place, port: int) -> None:
        """Note that it no longer does."""
        bit = self._range.bit(port)
        if bit:
            for key in _had(place):
                left = self._counts.pop((key, port)) - 1
                if left:
                    self._counts[key, port] = left
                else:
                    self._ports[key] &= ~bit
                    if not self._ports[key]:
                        del self._ports[key]

    def met(self, place: Place) -> int:
        """Return the ports where somebody stands whom a socket at a place would meet."""
        ports = 0
        for key in _asked(place):
            ports |= self._ports.get(key, 0)
        return ports


def _had(place: Place) -> tuple[int, ...]:
    """Return the keys of what a socket stands for; `_asked` has the keys of whom it meets."""
    family, address, only = place
    if family == 4:
        return (_ANY4 if address is None else address), _ALL4
    if address is None:
        return (_ONLY6 if only else _ANY6), _ALL6
    if address >= V4_BASE:
        return address, _ALL4
    return (address, _ALL6) if only else (address, _ALL6, _OPEN6)


def _asked(place: Place) -> tuple[int, ...]:
    family, address, only = place
    if address is None:
        if family == 4:
            return _ALL4, _ANY6, _OPEN6
        return (_ALL6,) if only else (_ALL4, _ALL6)
    return (address, _ANY4, _ANY6) if address >= V4_BASE else (address, _ANY6, _ONLY6)
