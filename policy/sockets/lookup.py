"""Whom an arriving packet belongs to, among the sockets that wait for packets of anyone.

Source: `__inet_lookup_listener`, `inet_lhash2_lookup` and `compute_score` in net/ipv4/inet_hashtables.c and their twins
in net/ipv6, `__udp4_lib_lookup` in net/ipv4/udp.c, `reuseport_select_sock` in net/core/sock_reuseport.c, Linux 6.18.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from zlib import crc32

from policy.packet.address import V4_BASE
from policy.sockets.socket import Socket

Key = tuple[int, int | None, int]
"""A protocol, an address (None: any), and a port."""


class Waiting:
    """Sockets that wait for packets of anyone."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: defaultdict[Key, _Place] = defaultdict(_Place)

    def add(self, sock: Socket, *, again: bool = False) -> None:
        """Let a socket wait at its local endpoint; *again*: after it was connected."""
        self._places[_key(sock)].add(sock, last=sock.family == 6 and sock.reuse_port and not again)

    def remove(self, sock: Socket) -> None:
        """Let it wait no longer."""
        key = _key(sock)
        if not self._places[key].remove(sock):
            del self._places[key]

    def found(self, proto: int, source: tuple[int, int], destination: tuple[int, int]) -> Socket | None:
        """Return the socket that a packet belongs to: one at its address, else one at any."""
        address, port = destination
        for where in (address, None):
            place = self._places.get((proto, where, port))
            best = place.best(address >= V4_BASE) if place else None
            if place is not None and best is not None:
                return place.one_of_group(best, source, destination)
        return None


class _Place:
    """The sockets of one endpoint, in the order in which Linux looks through them: the latest first.

    Those of IPv6 with SO_REUSEPORT come after all others, the earliest first.
    """

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first: dict[Socket, None] = {}
        self._last: dict[Socket, None] = {}

    def __iter__(self) -> Iterator[Socket]:
        yield from reversed(self._first)
        yield from self._last

    def add(self, sock: Socket, *, last: bool) -> None:
        (self._last if last else self._first)[sock] = None

    def remove(self, sock: Socket) -> bool:
        """Take a socket out; return whether there are others."""
        del (self._last if sock in self._last else self._first)[sock]
        return bool(self._first or self._last)

    def best(self, v4: bool) -> Socket | None:
        """Return the first of the sockets of the packet's family; for IPv4 one of IPv6 where there is no other."""
        second = None
        for sock in self:
            if (sock.family == 4) == v4:
                return sock
            if v4 and not sock.v6only and second is None:
                second = sock
        return second

    def one_of_group(self, best: Socket, source: tuple[int, int], destination: tuple[int, int]) -> Socket:
        """Return a socket of the group that shares the port by SO_REUSEPORT, by the endpoints of the packet."""
        if not best.reuse_port:
            return best
        group = [sock for sock in self if in_group(sock, best)]
        return group[crc32(repr((source, destination)).encode("ascii")) % len(group)]


def _key(sock: Socket) -> Key:
    assert sock.local is not None
    return sock.proto, sock.local.address, sock.local.port


def in_group(one: Socket, other: Socket) -> bool:
    """Return whether two sockets at one place share its packets (`reuseport_add_sock`)."""
    return (
        one.reuse_port
        and other.reuse_port
        and (one.family, one.v6only, one.user) == (other.family, other.v6only, other.user)
    )
