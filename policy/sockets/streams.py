"""The ports of TCP: who has them, and which one a new socket gets.

Source: `inet_csk_get_port` in net/ipv4/inet_connection_sock.c, `__inet_hash_connect` in net/ipv4/inet_hashtables.c,
Linux 6.18.
"""

from __future__ import annotations

from collections import defaultdict

from policy.sockets.buckets import Bucket
from policy.sockets.errors import SocketError
from policy.sockets.meeting import Held, Place, place_of
from policy.sockets.ports import Range
from policy.sockets.socket import Endpoint, Socket

Pair = tuple[int, int, int, int]
"""Address and port here, address and port there."""


class Streams:
    """The ports of TCP, and its connections."""

    __slots__ = ("_buckets", "_chosen", "_held", "_pairs", "_range", "_taken")

    def __init__(self, ports: Range) -> None:
        self._range = ports
        self._buckets: dict[int, Bucket] = {}
        self._held = Held(ports)
        self._chosen = 0  # the dynamic ports that connect() may not take, as programs chose them
        self._pairs: dict[Pair, Socket] = {}
        self._taken: defaultdict[tuple[int, int, int], int] = defaultdict(
            int
        )  # by address here, address and port there

    def bind(self, sock: Socket, address: int | None, port: int) -> int:
        """Give a socket a port, a dynamic one for 0, and return it; raises EADDRINUSE."""
        place = place_of(sock, address)
        if not port:
            found = self._range.free(self._held.met(place), self._range.start(sock.number))
            if found is None:
                raise SocketError("EADDRINUSE", "all dynamic ports are in use")
            port = found
        elif port in self._buckets and not self._buckets[port].admits(sock, place):
            raise SocketError("EADDRINUSE")
        bucket = self._buckets.setdefault(port, Bucket())
        bucket.claim(sock, place)
        self._add(bucket, sock, place, port)
        return port

    def listen(self, sock: Socket) -> None:
        """Let a socket listen on its port; its state is `listen` already; raises EADDRINUSE."""
        assert sock.local is not None
        place = place_of(sock, sock.local.address)
        bucket = self._buckets[sock.local.port]
        if not bucket.admits(sock, place):
            raise SocketError("EADDRINUSE", "another socket listens there")
        bucket.claim(sock, place)
        self._note(sock.local.port)

    def dynamic(self, sock: Socket, address: int, remote: Endpoint) -> int:
        """Give a socket that connects a port that is free for this destination, and return it; raises EADDRNOTAVAIL."""
        assert remote.address is not None
        key = (address, remote.address, remote.port)
        port = self._range.free(self._chosen | self._taken.get(key, 0), self._range.start(*key))
        if port is None:
            raise SocketError("EADDRNOTAVAIL", "no dynamic port is left for this destination")
        sock.port_by_connect = True
        self._add(self._buckets.setdefault(port, Bucket()), sock, place_of(sock, address), port)
        return port

    def inherit(self, sock: Socket) -> None:
        """Give a connection that arrived its listener's port."""
        assert sock.local is not None
        port = sock.local.port
        self._add(self._buckets.setdefault(port, Bucket()), sock, place_of(sock, sock.local.address), port)

    def move(self, sock: Socket, address: int | None, port: int) -> None:
        """Note that a socket stands for another address now."""
        place = place_of(sock, address)
        owners = self._buckets[port].owners
        if owners[sock] != place:
            self._held.remove(owners[sock], port)
            self._held.add(place, port)
            owners[sock] = place

    def release(self, sock: Socket, port: int) -> None:
        """Take its port from a socket."""
        bucket = self._buckets[port]
        self._held.remove(bucket.remove(sock), port)
        if not bucket.owners:
            del self._buckets[port]
        sock.port_by_connect = False
        self._note(port)

    def connected(self, pair: Pair) -> Socket | None:
        """Return the connection between two endpoints."""
        return self._pairs.get(pair)

    def pair(self, sock: Socket) -> None:
        """Enter a connection; raises EADDRNOTAVAIL where there is one already."""
        pair = pair_of(sock)
        if pair in self._pairs:
            raise SocketError("EADDRNOTAVAIL", "there is a connection between these endpoints")
        self._pairs[pair] = sock
        bit = self._range.bit(pair[1])
        if bit:
            self._taken[pair[0], pair[2], pair[3]] |= bit

    def part(self, sock: Socket) -> None:
        """Take a connection out."""
        pair = pair_of(sock)
        del self._pairs[pair]
        bit = self._range.bit(pair[1])
        if bit:
            key = (pair[0], pair[2], pair[3])
            self._taken[key] &= ~bit
            if not self._taken[key]:
                del self._taken[key]

    def _add(self, bucket: Bucket, sock: Socket, place: Place, port: int) -> None:
        bucket.add(sock, place)
        self._held.add(place, port)
        self._note(port)

    def _note(self, port: int) -> None:
        """Note whether connect() may take a port."""
        bit = self._range.bit(port)
        if bit:
            bucket = self._buckets.get(port)
            self._chosen = self._chosen & ~bit if bucket is None or bucket.shared else self._chosen | bit


def pair_of(sock: Socket) -> Pair:
    """Return the endpoints of a socket that is connected."""
    local, remote = sock.local, sock.remote
    assert local is not None
    assert remote is not None
    assert local.address is not None
    assert remote.address is not None
    return local.address, local.port, remote.address, remote.port
