"""The sockets of one host."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from policy.packet.address import BROADCAST, LOOPBACK, MULTICAST, UNSPECIFIED, V4_BASE, family_of
from policy.packet.fields import TCP, UDP
from policy.sockets.datagrams import Datagrams
from policy.sockets.errors import SocketError
from policy.sockets.lookup import Waiting
from policy.sockets.ports import DYNAMIC, Range, needs_privilege
from policy.sockets.socket import Endpoint, Socket, SocketState
from policy.sockets.streams import Streams

_MAPPED = 0xFFFF << 32
_LOCALHOST4, _LOCALHOST6 = V4_BASE + (127 << 24) + 1, 1


class SocketTable:
    """All sockets of one host.

    *addresses* are its own (beside those of loopback), *ports* what dynamic ones are taken from. What fails raises
    `SocketError`.
    """

    def __init__(self, addresses: Collection[int], ports: tuple[int, int] | Range = DYNAMIC) -> None:
        self.addresses = addresses
        self._range = ports if isinstance(ports, Range) else Range(ports)
        self._sockets: dict[Socket, None] = {}
        self._made = 0
        self._streams = Streams(self._range)
        self._datagrams = Datagrams(self._range)
        self._waiting = Waiting()

    def sockets(self) -> Iterator[Socket]:
        """Yield all sockets in the order in which they were made."""
        return iter(self._sockets)

    def open(
        self,
        proto: int,
        family: int,
        *,
        v6only: bool = False,
        reuse_address: bool = False,
        reuse_port: bool = False,
        privileged: bool = True,
        user: int = 0,
    ) -> Socket:
        """Return a new socket of TCP or UDP."""
        assert proto in (TCP, UDP)
        assert family in (4, 6)
        self._made += 1
        state: SocketState = "closed" if proto == TCP else "unconnected"
        sock = Socket(
            self._made, proto, family, v6only and family == 6, reuse_address, reuse_port, privileged, user, state
        )
        self._sockets[sock] = None
        return sock

    def bind(self, sock: Socket, address: int | None, port: int) -> None:
        """Bind a socket to an address (None: any) and a port (0: a dynamic one).

        Raises EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, and EINVAL where it has a port already
        (`__inet_bind` in net/ipv4/af_inet.c, `__inet6_bind` in net/ipv6/af_inet6.c, in their order).
        """
        address = self._plain(sock, address)
        foreign = address is not None and not self._may_bind(address)
        if foreign and sock.family == 4:
            raise SocketError("EADDRNOTAVAIL", "the host has no such address")
        if (
            sock.family == 6
            and sock.proto == TCP
            and address is not None
            and address < V4_BASE
            and address in MULTICAST
        ):
            raise SocketError("EINVAL", "no TCP socket is bound to a group")
        if needs_privilege(port) and not sock.privileged:
            raise SocketError("EACCES", "ports below 1024 are for the privileged")
        if sock.port or sock.state not in ("closed", "unconnected"):
            raise SocketError("EINVAL", "the socket has a port already")
        if sock.v6only and address is not None and address >= V4_BASE:
            raise SocketError("EINVAL", "the socket does not speak IPv4")
        if foreign:
            raise SocketError("EADDRNOTAVAIL", "the host has no such address")
        only = sock.v6only
        sock.v6only = only or (sock.family == 6 and address is not None and address < V4_BASE)
        try:
            chosen = self._ports(sock).bind(sock, address, port)
        except SocketError:
            sock.v6only, sock.local = only, None
            raise
        sock.local = Endpoint(address, chosen)
        sock.address_fixed |= address is not None
        sock.port_fixed |= port != 0
        if sock.proto == UDP:
            self._waiting.add(sock)
        else:
            sock.state = "bound"

    def autobind(self, sock: Socket) -> None:
        """Give a socket that sends or listens a port, if it has none; raises EAGAIN (UDP), EADDRINUSE (TCP)."""
        if sock.port:
            return
        try:
            port = self._ports(sock).bind(sock, sock.address, 0)
        except SocketError as error:
            if sock.proto == TCP:
                raise
            raise SocketError("EAGAIN", error.text) from None
        sock.local = Endpoint(sock.address, port)
        if sock.proto == UDP:
            self._waiting.add(sock)
        else:
            sock.state = "bound"

    def listen(self, sock: Socket, backlog: int = 128) -> None:
        """Let a socket wait for connections, on a dynamic port where it has none.

        Raises EADDRINUSE where another listens, EINVAL where it is connected, EOPNOTSUPP for UDP (`__inet_listen_sk`).
        """
        if sock.proto != TCP:
            raise SocketError("EOPNOTSUPP")
        if sock.state not in ("closed", "bound", "listen"):
            raise SocketError("EINVAL")
        if sock.state != "listen":
            self.autobind(sock)
            sock.state = "listen"
            try:
                self._streams.listen(sock)
            except SocketError:
                sock.state = "bound"
                raise
            self._waiting.add(sock)
        sock.backlog = backlog

    def connect(self, sock: Socket, address: int, port: int, source: int) -> None:
        """Connect a socket: TCP is then `syn-sent`. *source* is what routing chooses where it is bound to no address.

        Raises EADDRNOTAVAIL (no port is left for the destination, or the connection exists), EAFNOSUPPORT, EAGAIN (no
        port is left for UDP), EALREADY, EISCONN, ENETUNREACH (`tcp_v4_connect`, `__inet_hash_connect`,
        `__ip4_datagram_connect`).
        """
        if sock.proto == TCP and sock.state not in ("closed", "bound"):
            raise SocketError("EALREADY" if sock.state == "syn-sent" else "EISCONN")
        if sock.proto == UDP:
            self.autobind(sock)
        remote = Endpoint(self._destination(sock, address), port)
        if sock.proto == UDP:
            self._unpair(sock)
        here = source if sock.address is None else sock.address
        if not sock.port:
            sock.local = Endpoint(here, 0) if sock.address_fixed else None
            sock.local = Endpoint(here, self._streams.dynamic(sock, here, remote))
        else:
            if sock.proto == TCP:
                self._take_over(Endpoint(here, sock.port), remote)
            if sock.address is None:
                self._ports(sock).move(sock, here, sock.port)
        sock.local, sock.remote = Endpoint(here, sock.port), remote
        if sock.proto == UDP:
            self._datagrams.pair(sock)
            sock.state = "connected"
            return
        try:
            self._streams.pair(sock)
        except SocketError:
            sock.remote = None
            self._let_go(sock)
            raise
        sock.state = "syn-sent"

    def disconnect(self, sock: Socket) -> None:
        """Undo a connection, as a refused one does and connecting to AF_UNSPEC: what bind() was told stays.

        (`tcp_disconnect`, `__udp_disconnect`.)
        """
        if sock.state == "listen":
            self._waiting.remove(sock)
        elif sock.remote is not None:
            self._ports(sock).part(sock)
        elif sock.proto == UDP and sock.port_fixed:
            return
        elif sock.proto == UDP and sock.port:
            self._waiting.remove(sock)
        sock.remote = None
        self._let_go(sock)
        if sock.proto == UDP and sock.port:
            self._waiting.add(sock, again=True)

    def accept(self, listener: Socket, local: Endpoint, remote: Endpoint) -> Socket:
        """Return the connection that a SYN at a listener makes, in state `syn-received`.

        Raises EADDRNOTAVAIL where there is a connection between these endpoints.
        """
        child = self.open(
            TCP,
            listener.family,
            v6only=listener.v6only,
            reuse_address=listener.reuse_address,
            reuse_port=listener.reuse_port,
            privileged=listener.privileged,
            user=listener.user,
        )
        child.local, child.remote, child.parent = local, remote, listener
        child.address_fixed = listener.address_fixed
        try:
            self._streams.pair(child)
        except SocketError:
            del self._sockets[child]
            raise
        self._streams.inherit(child)
        child.state = "syn-received"
        return child

    def found(self, proto: int, src: int, sport: int, dst: int, dport: int) -> Socket | None:
        """Return the socket that an arriving packet belongs to: a connection, else one that waits for anyone."""
        connected = (self._streams if proto == TCP else self._datagrams).connected((dst, dport, src, sport))
        return connected or self._waiting.found(proto, (src, sport), (dst, dport))

    def time_wait(self, sock: Socket) -> None:
        """Leave of a connection what TIME_WAIT leaves: its endpoints and its port stay taken until it is closed."""
        sock.state = "time-wait"

    def close(self, sock: Socket) -> None:
        """Take a socket out at once, and free what it had; one that is out already stays out."""
        if sock not in self._sockets:
            return
        if sock.remote is not None:
            self._ports(sock).part(sock)
        elif sock.state == "listen" or (sock.proto == UDP and sock.port):
            self._waiting.remove(sock)
        if sock.port:
            self._ports(sock).release(sock, sock.port)
        sock.local = sock.remote = None
        sock.state = "closed"
        del self._sockets[sock]

    def _ports(self, sock: Socket) -> Streams | Datagrams:
        return self._streams if sock.proto == TCP else self._datagrams

    def _take_over(self, local: Endpoint, remote: Endpoint) -> None:
        """Let a connection whose port the program chose take the place of one in TIME_WAIT (`tcp_twsk_unique`)."""
        assert local.address is not None
        assert remote.address is not None
        old = self._streams.connected((local.address, local.port, remote.address, remote.port))
        if old is not None and old.state == "time-wait":
            self.close(old)

    def _unpair(self, sock: Socket) -> None:
        """Let a socket of UDP no longer be found where it is."""
        if sock.remote is not None:
            self._datagrams.part(sock)
        else:
            self._waiting.remove(sock)

    def _let_go(self, sock: Socket) -> None:
        """Leave a socket that is no longer connected what bind() was told, and nothing else."""
        port, address = sock.port, sock.address if sock.address_fixed else None
        if port and not sock.port_fixed:
            self._ports(sock).release(sock, port)
            port = 0
        elif port:
            self._ports(sock).move(sock, address, port)
        sock.local = Endpoint(address, port) if port or address is not None else None
        if sock.proto == UDP:
            sock.state = "unconnected"
        else:
            sock.state = "bound" if port else "closed"

    def _may_bind(self, address: int) -> bool:
        """Return whether the host may bind to an address (`inet_addr_valid_or_nonlocal`)."""
        return address in self.addresses or address in LOOPBACK or address in MULTICAST or address in BROADCAST

    def _plain(self, sock: Socket, address: int | None) -> int | None:
        """Return an address as the table keeps it: None for any, IPv4 even where it is written as IPv6."""
        if address is None:
            return None
        if family_of(address) == 6:
            if sock.family == 4:
                raise SocketError("EAFNOSUPPORT")
            if address >> 32 == _MAPPED >> 32:
                return V4_BASE + (address & 0xFFFFFFFF)
        return None if address in UNSPECIFIED else address

    def _destination(self, sock: Socket, address: int) -> int:
        """Return whom a socket that connects means: by any address the host itself."""
        there = self._plain(sock, address)
        here = sock.address
        if there is None:
            if sock.family == 4:
                return _LOCALHOST4 if here is None else here
            return _LOCALHOST4 if here is not None and here >= V4_BASE else _LOCALHOST6
        if sock.family == 6 and there >= V4_BASE and sock.v6only:
            raise SocketError("ENETUNREACH", "the socket does not speak IPv4")
        if sock.family == 6 and there < V4_BASE and here is not None and here >= V4_BASE:
            raise SocketError("EAFNOSUPPORT", "the socket is bound to an IPv4 address")
        if sock.proto == TCP and (there in MULTICAST or there in BROADCAST):
            raise SocketError("ENETUNREACH", "TCP speaks to one host only")
        return there
