"""A socket of a simulated host, as the table of sockets keeps it."""

from __future__ import annotations

from typing import Literal

from policy._record import dataclass

SocketState = Literal[
    "closed",
    "bound",
    "listen",
    "syn-sent",
    "syn-received",
    "established",
    "fin-wait-1",
    "fin-wait-2",
    "close-wait",
    "closing",
    "last-ack",
    "time-wait",
    "unconnected",
    "connected",
]
"""The states of TCP (RFC 9293, 3.3.2), where `bound` is a closed one with a port; UDP has the last two."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address (None: any of the host's) and a port; 0 is none: one that was given and is lost again."""

    address: int | None
    port: int


@dataclass(slots=True, eq=False)
class Socket:
    """A socket: what it was made with, and what it has become.

    An IPv6 socket speaks IPv4 too, unless it is *v6only*: it is then bound to an IPv4 address, as Linux writes it
    `::ffff:192.0.2.1`. *parent* is the listener that a connection arrived at. Options may change at any time (*v6only*
    while it has no port); all else is the table's to change, except *state*, which TCP moves on.
    """

    number: int
    proto: int
    family: int
    v6only: bool
    reuse_address: bool
    reuse_port: bool
    privileged: bool
    user: int
    state: SocketState
    local: Endpoint | None = None
    remote: Endpoint | None = None
    backlog: int = 0
    parent: Socket | None = None
    address_fixed: bool = False
    """Whether the program chose its address, so that it outlives a connection (SOCK_BINDADDR_LOCK)."""
    port_fixed: bool = False
    """Whether the program chose its port (SOCK_BINDPORT_LOCK)."""
    port_by_connect: bool = False
    """Whether connect() chose its port, which it may choose again for other destinations (SOCK_CONNECT_BIND)."""

    @property
    def port(self) -> int:
        """Return its own port, 0 where it has none."""
        return 0 if self.local is None else self.local.port

    @property
    def address(self) -> int | None:
        """Return its own address, None where it has none, or any."""
        return None if self.local is None else self.local.address
