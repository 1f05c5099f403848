from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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


class SocketError(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Endpoint:
    address: int | None
    port: int


@dataclass(eq=False)
class Socket:
    number: int
    proto: int
    family: int
    state: SocketState = "closed"
    local: Endpoint | None = None
    remote: Endpoint | None = None
    backlog: int = 128
    parent: Socket | None = None


class SocketTable:
    def __init__(self, addresses, ports=(49152, 65535)):
        self.all: dict[Socket, None] = {}
        self.ports = ports
        self.n = 0
        self.conns: dict = {}
        self.bound: dict = {}
        self.next = ports[0]

    def open(self, proto, family, **k) -> Socket:
        self.n += 1
        s = Socket(self.n, proto, family)
        self.all[s] = None
        return s

    def bind(self, s, address, port):
        if port == 0:
            self.next += 1
            port = self.next
        if (s.proto, s.family, address, port) in self.bound:
            raise SocketError("EADDRINUSE")
        s.local = Endpoint(address, port)
        s.state = "bound" if s.proto == 6 else "unconnected"
        self.bound[s.proto, s.family, address, port] = s

    def listen(self, s, backlog=128):
        s.state = "listen"
        s.backlog = backlog

    def connect(self, s, a, p, source):
        if s.local is None:
            self.next += 1
            s.local = Endpoint(source, self.next)
        if s.local.address is None:
            s.local = Endpoint(source, s.local.port)
        s.remote = Endpoint(a, p)
        s.state = "syn-sent" if s.proto == 6 else "connected"
        self._in(s)

    def _in(self, s):
        self.conns[s.proto, s.local.address, s.local.port, s.remote.address, s.remote.port] = s

    def accept(self, l, local, remote):
        s = self.open(l.proto, l.family)
        s.parent = l
        s.local = local
        s.remote = remote
        s.state = "syn-received"
        self._in(s)
        return s

    def found(self, proto, src, sport, dst, dport):
        f = 4 if dst >= 1 << 128 else 6
        return (
            self.conns.get((proto, dst, dport, src, sport))
            or self.bound.get((proto, f, dst, dport))
            or self.bound.get((proto, f, None, dport))
        )

    def close(self, s):
        self.all.pop(s, None)
        s.state = "closed"
        for d in (self.conns, self.bound):
            for k in [k for k, v in d.items() if v is s]:
                del d[k]

    def time_wait(self, s):
        s.state = "time-wait"

    def sockets(self):
        return iter(list(self.all))
