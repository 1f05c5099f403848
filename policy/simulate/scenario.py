"""What a scenario says: hosts, the networks between them, steps, and what is expected of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.ir import Ruleset
from policy.ir.match import mark
from policy.source import Span

Result = Literal[
    "ok",
    "connected",
    "refused",
    "timed out",
    "rejected",
    "unreachable",
    "no route",
    "address in use",
    "address not available",
    "not permitted",
    "not connected",
    "reset",
    "received",
    "nothing",
    "answered",
]
"""What whoever did a step sees.

*ok*: it was done, and nothing comes back by itself (listen, close, wait …). *connected*, *refused* (a RST, or a port
unreachable, of the host itself), *timed out* (nothing came back), *rejected* (a firewall said no, in whatever way),
*unreachable* (a router knows no way), *no route* (the own host knows none), *not connected* (the connection was never
opened), *reset* (a RST in an open connection),
*received* and *nothing* (data came, or none), *answered* (an echo).
"""

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
"""States of sockets: those of RFC 9293 for TCP; a datagram socket is *unconnected* or *connected*; *bound*: a stream
socket that has an address and does nothing yet."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of a protocol, from the *first* to the *last*: `tcp/80` is one."""

    proto: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Network:
    """An address of an interface with the length of its prefix, as `ip address` shows it."""

    address: int
    length: int


@dataclass(frozen=True, slots=True)
class Way:
    """A route: packets to the addresses of a network (None: all of a family) go by a gateway."""

    to: Network | None
    via: int


@dataclass(frozen=True, slots=True)
class Firewall:
    """Rules that stand on a host; *also* are those for the other IP version, where they are apart (ip6tables).

    *assume* settles what cannot be known, by its key, as `ask --assume` does. *timeouts* are those of connection
    tracking (`policy.conntrack.TIMEOUTS`). *helpers*: `ftp` reads what is said on port 21.
    """

    rules: Ruleset
    also: Ruleset | None = None
    assume: Mapping[str, bool] = field(default_factory=dict, hash=False)
    timeouts: Mapping[str, float] = field(default_factory=dict, hash=False)
    helpers: tuple[str, ...] = ()
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class HostSpec:
    """A host: its interfaces with their addresses, whether it forwards, its ways, its firewall.

    *ports*: the dynamic ports that it gives to connections (RFC 6335: 49152 to 65535; Linux: 32768 to 60999).
    """

    name: str
    interfaces: Mapping[str, tuple[Network, ...]] = field(hash=False)
    forwards: bool = False
    ways: tuple[Way, ...] = ()
    firewall: Firewall | None = None
    ports: tuple[int, int] = (49152, 65535)
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Link:
    """A network that interfaces (host, interface) are plugged into; *delay* in seconds, one way."""

    name: str
    members: tuple[tuple[str, str], ...]
    delay: float = 0.001
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a step is expected to end with; None: nothing is expected of that.

    *rule*: `HOST:LINE` of the rule that decides about the last packet that was blocked, or came through. *states*: of
    sockets by name, when the step is over. *entries*: how many connections the table of a host has then. *source*: the
    address that the other side sees. *size*: bytes that were received. *ports*: what a scan finds.
    """

    result: Result | None = None
    rule: str | None = None
    states: Mapping[str, SocketState] = field(default_factory=dict, hash=False)
    entries: Mapping[str, int] = field(default_factory=dict, hash=False)
    source: int | None = None
    size: int | None = None
    open: tuple[int, ...] | None = None
    closed: tuple[int, ...] | None = None
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Listen:
    """A socket that waits: a stream socket that listens, or a datagram socket that is bound."""

    on: str
    port: Ports
    name: str
    address: int | None = None
    version: Literal[4, 6] | None = None
    v6_only: bool = False
    reuse_address: bool = False
    reuse_port: bool = False
    privileged: bool = True
    backlog: int = 128


@dataclass(frozen=True, slots=True)
class Connect:
    """A new socket on a host connects to an address, or to the first one of another host that fits.

    After *within* seconds the application gives up; None: when the system does.
    """

    host: str
    to: str | int
    port: Ports
    name: str
    source: int | None = None
    source_port: int | None = None
    version: Literal[4, 6] | None = None
    within: float | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """A socket sends *size* bytes, or *text*.

    *by* is a socket: one of `connect`, of `listen`, or `LISTENER/CONNECTION`, the other end of a connection. A datagram
    socket without a peer sends *to* an address, a host, or `sender`: whoever sent the last one that it received.
    """

    by: str
    size: int = 1
    text: str | None = None
    to: str | int | None = None
    port: Ports | None = None


@dataclass(frozen=True, slots=True)
class Receive:
    """A socket takes what has come, or waits for it; *within* seconds."""

    by: str
    within: float = 1.0


@dataclass(frozen=True, slots=True)
class Close:
    """A socket is closed; *abruptly* with a RST (SO_LINGER 0). Only the *sending* side: shutdown(2)."""

    what: str
    abruptly: bool = False
    sending: bool = False


@dataclass(frozen=True, slots=True)
class Ping:
    """A host asks another one for an echo."""

    host: str
    to: str | int
    version: Literal[4, 6] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reload:
    """A host gets other rules, None: none any more; its table of connections stays."""

    on: str
    firewall: Firewall | None


@dataclass(frozen=True, slots=True)
class Flush:
    """The table of connections of a host is emptied."""

    on: str


@dataclass(frozen=True, slots=True)
class Scan:
    """A host tries ports of others, one after the other, *pace* seconds apart."""

    host: str
    to: tuple[str | int, ...]
    ports: Ports
    pace: float = 0.01
    version: Literal[4, 6] | None = None


Deed = Listen | Connect | Send | Receive | Close | Ping | Wait | Reload | Flush | Scan


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done, with what is expected of it, and what people are told about it."""

    deed: Deed
    expected: Expected | None = None
    note: str | None = None
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a file says."""

    title: str
    about: str
    hosts: tuple[HostSpec, ...]
    links: tuple[Link, ...]
    steps: tuple[Step, ...]
    span: Span | None = mark()
