"""The ports of UDP: who has them, and which one a new socket gets.

Source: `udp_lib_get_port` and `udp_lib_lport_inuse` in net/ipv4/udp.c, Linux 6.18.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from policy.sockets.chain import Chain
from policy.sockets.errors import SocketError
from policy.sockets.meeting import Held, Place, meets, place_of
from policy.sockets.ports import Range
from policy.sockets.socket import Socket
from policy.sockets.streams import Pair, pair_of


class Datagrams:
    """The ports of UDP, and the sockets that are connected."""

    __slots__ = ("_held", "_owners", "_pairs", "_places", "_range")

    def __init__(self, ports: Range) -> None:
        self._range = ports
        self._owners: defaultdict[int, Chain] = defaultdict(Chain)
        self._places: dict[Socket, Place] = {}
        self._held = Held(ports)
        self._pairs: defaultdict[Pair, dict[Socket, None]] = defaultdict(dict)

    def bind(self, sock: Socket, address: int | None, port: int) -> int:
        """Give a socket a port, a dynamic one for 0, and return it; raises EADDRINUSE."""
        place = place_of(sock, address)
        if not port:
            port = self._dynamic(sock, place)
        elif not self._admits(sock, place, port):
            raise SocketError("EADDRINUSE")
        self._owners[port].add(sock)
        self._places[sock] = place
        self._held.add(place, port)
        return port

    def move(self, sock: Socket, address: int | None, port: int) -> None:
        """Note that a socket stands for another address now."""
        place = place_of(sock, address)
        if self._places[sock] != place:
            self._held.remove(self._places[sock], port)
            self._held.add(place, port)
            self._places[sock] = place

    def release(self, sock: Socket, port: int) -> None:
        """Take its port from a socket."""
        owners = self._owners[port]
        owners.remove(sock)
        self._held.remove(self._places.pop(sock), port)
        if not owners:
            del self._owners[port]

    def connected(self, pair: Pair) -> Socket | None:
        """Return the latest socket that is connected between two endpoints: several may be."""
        return next(reversed(self._pairs[pair])) if pair in self._pairs else None

    def pair(self, sock: Socket) -> None:
        """Enter a socket that is connected."""
        self._pairs[pair_of(sock)][sock] = None

    def part(self, sock: Socket) -> None:
        """Take it out."""
        pair = pair_of(sock)
        del self._pairs[pair][sock]
        if not self._pairs[pair]:
            del self._pairs[pair]

    def _dynamic(self, sock: Socket, place: Place) -> int:
        start = self._range.start(sock.number)
        if sock.reuse_address or sock.reuse_port:  # a port that it may share is as good as a free one
            port = next((port for port in self._range.ports(start) if not self._meets(sock, place, port)), None)
        else:
            port = self._range.free(self._held.met(place), start)
        if port is None:
            raise SocketError("EADDRINUSE", "all dynamic ports are in use")
        return port

    def _meets(self, sock: Socket, place: Place, port: int) -> bool:
        """Return whether somebody on a port lets no other in."""
        return any(not group(sock, other) for other in self._met(sock, place, port))

    def _admits(self, sock: Socket, place: Place, port: int) -> bool:
        """Return whether a socket may bind to a port: the first whom it meets decides."""
        return all(group(sock, other) for other in islice(self._met(sock, place, port), 1))

    def _met(self, sock: Socket, place: Place, port: int) -> Iterator[Socket]:
        """Yield whom a socket meets on a port, but for those with SO_REUSEADDR if it has that, too."""
        for other in self._owners.get(port, ()):
            if not (sock.reuse_address and other.reuse_address) and meets(place, self._places[other]):
                yield other


def group(sock: Socket, other: Socket) -> bool:
    """Return whether two sockets share a port by SO_REUSEPORT."""
    return sock.reuse_port and other.reuse_port and sock.user == other.user
