"""Whom an arriving packet belongs to, among the sockets that wait for packets of anyone.

Source: `__inet_lookup_listener`, `inet_lhash2_lookup` and `compute_score` in net/ipv4/inet_hashtables.c and their twins
in net/ipv6, `__udp4_lib_lookup` in net/ipv4/udp.c, `reuseport_select_sock` in net/core/sock_reuseport.c, Linux 6.18.
"""

from __future__ import annotations

from collections import defaultdict
from zlib import crc32

from policy.packet.address import V4_BASE
from policy.sockets.chain import Chain
from policy.sockets.socket import Socket

Key = tuple[int, int | None, int]
"""A protocol, an address (None: any), and a port."""


class Waiting:
    """Sockets that wait for packets of anyone."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: defaultdict[Key, Chain] = defaultdict(Chain)

    def add(self, sock: Socket, *, again: bool = False) -> None:
        """Let a socket wait at its local endpoint; *again*: after it was connected."""
        self._places[_key(sock)].add(sock, again=again)

    def remove(self, sock: Socket) -> None:
        """Let it wait no longer."""
        key = _key(sock)
        self._places[key].remove(sock)
        if not self._places[key]:
            del self._places[key]

    def found(self, proto: int, source: tuple[int, int], destination: tuple[int, int]) -> Socket | None:
        """Return the socket that a packet belongs to: one at its address, else one at any."""
        address, port = destination
        for where in (address, None):
            chain = self._places.get((proto, where, port))
            best = _best(chain, address >= V4_BASE) if chain else None
            if chain and best is not None:
                return _one_of_group(best, chain, source, destination)
        return None


def _best(chain: Chain, v4: bool) -> Socket | None:
    """Return the first of the sockets of the packet's family; for IPv4 one of IPv6 where there is no other."""
    second = None
    for sock in chain:
        if (sock.family == 4) == v4:
            return sock
        if v4 and not sock.v6only and second is None:
            second = sock
    return second


def _one_of_group(best: Socket, chain: Chain, source: tuple[int, int], destination: tuple[int, int]) -> Socket:
    """Return a socket of the group that shares the port by SO_REUSEPORT, by the endpoints of the packet."""
    if not best.reuse_port:
        return best
    group = [sock for sock in chain if in_group(sock, best)]
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
