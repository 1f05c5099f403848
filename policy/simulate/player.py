"""What each step of a scenario does, and what whoever does it sees."""

from __future__ import annotations

from dataclasses import field
from typing import assert_never

from policy._record import dataclass
from policy.packet.address import UNSPECIFIED, family_of
from policy.packet.fields import ICMP, TCP, UDP
from policy.simulate import ping
from policy.simulate import scenario as s
from policy.simulate.failure import Failure
from policy.simulate.origin import origin
from policy.simulate.scan import scan
from policy.simulate.stream import ending, taken, waits
from policy.simulate.udp import Mail
from policy.simulate.world import Host, World
from policy.sockets import Endpoint, Socket, SocketError

LONGEST = 2000.0
"""So many seconds a connection may need to open, or to fail; Linux gives up after 131."""

_RESULTS: dict[str, s.Result] = {
    "ECONNREFUSED": "refused",
    "ETIMEDOUT": "timed out",
    "EHOSTUNREACH": "unreachable",
    "ENETUNREACH": "unreachable",
    "ENOPROTOOPT": "unreachable",
    "ECONNRESET": "reset",
    "EPIPE": "reset",
    "ENOTCONN": "not connected",
    "EACCES": "not permitted",
    "EPERM": "not permitted",
    "EADDRINUSE": "address in use",
    "EADDRNOTAVAIL": "address not available",
    "EINVAL": "address not available",
}


class Impossible(Exception):
    """A step that cannot be done; `str()` says why, `.help` what to do."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


@dataclass(slots=True)
class Outcome:
    """What a step ended with: for whoever did it (*result*, and the *failure* of the system call), and what it got.

    *size* and *text* are what was received, *source* is the address that the other side saw, *ports* what a scan found
    by address and port: `open`, `closed`, `filtered`.
    """

    result: s.Result = "ok"
    failure: Failure | None = None
    size: int | None = None
    text: str | None = None
    source: int | None = None
    ports: dict[tuple[int, int], str] = field(default_factory=dict)


class Player:
    """Does the steps of a scenario on its world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.network = world.network
        self._echoes = 0

    def do(self, deed: s.Deed) -> Outcome:
        """Do a step; raises `Impossible`, and `wall.Undecided`."""
        match deed:
            case s.Listen():
                return self._listen(deed)
            case s.Connect():
                return self._connect(deed)
            case s.Send():
                return self._send(deed)
            case s.Receive():
                return self._receive(deed)
            case s.Close():
                return self._close(deed)
            case s.Ping():
                return self._ping(deed)
            case s.Wait(seconds):
                self.network.run(self.network.now + seconds)
                return Outcome()
            case s.Reload(on, firewall):
                self.world.hosts[on].machine.load(firewall)
                return Outcome()
            case s.Flush(on):
                wall = self.world.hosts[on].machine.wall
                if wall is not None:
                    wall.flush()
                return Outcome()
            case s.Scan():
                host = self.world.hosts[deed.host]
                targets = [self.target(host, each, deed.version) for each in deed.to]
                return Outcome(ports=scan(host.machine, self.network, targets, deed.ports, deed.pace))
            case _:
                assert_never(deed)

    # Sockets

    def _listen(self, deed: s.Listen) -> Outcome:
        host = self.world.hosts[deed.on]
        family = deed.version or (6 if deed.address is None else family_of(deed.address))
        socket = host.table.open(
            deed.port.proto,
            family,
            v6only=deed.v6_only,
            reuse_address=deed.reuse_address,
            reuse_port=deed.reuse_port,
            privileged=deed.privileged,
        )
        try:
            host.table.bind(socket, deed.address, deed.port.first)
            if deed.port.proto == TCP:
                host.table.listen(socket, deed.backlog)
        except SocketError as error:
            host.table.close(socket)
            return _failed(Failure(error.code))
        self.world.name(host, socket, deed.name)
        self.world.note(host, socket, "closed", socket.state)
        return Outcome()

    def _connect(self, deed: s.Connect) -> Outcome:
        host = self.world.hosts[deed.host]
        to = self.target(host, deed.to, deed.version)
        socket = host.table.open(deed.port.proto, family_of(to))
        self.world.name(host, socket, deed.name)
        try:
            if deed.source is not None or deed.source_port is not None:
                host.table.bind(socket, deed.source, deed.source_port or 0)
            source = origin(host.machine.routes, deed.port.proto, to, deed.source)
            if isinstance(source, Failure):
                host.table.close(socket)
                return _failed(source)
            host.table.connect(socket, to, deed.port.first, source)
        except SocketError as error:
            host.table.close(socket)
            return _failed(Failure(error.code))
        if deed.port.proto == UDP:
            self.world.note(host, socket, "closed", socket.state)
            return Outcome("connected")
        host.tcp.connect(socket)
        stream = host.tcp.streams.get(socket)
        assert stream is not None
        patience = LONGEST if deed.within is None else deed.within
        if not self.network.run(self.network.now + patience, lambda: stream.opened or stream.failure is not None):
            host.tcp.close(socket)
            return Outcome("timed out")
        self.network.settle()
        if stream.failure is not None and not stream.opened:
            failure, stream.failure = stream.failure, None
            return _failed(failure)
        return Outcome("connected", source=self._seen(socket))

    def _seen(self, socket: Socket) -> int | None:
        """Return the address that the other end of a connection sees."""
        end = self.world.ends.get(socket)
        return None if end is None or end.remote is None else end.remote.address

    def _send(self, deed: s.Send) -> Outcome:
        host, socket = self._socket(deed.by)
        size = len(deed.text.encode()) if deed.text is not None else deed.size
        if socket.proto == TCP:
            if socket.state == "listen":
                raise Impossible(f"`{deed.by}` listens: it has no other end", "send by an end of a connection")
            failure = host.tcp.send(socket, size, deed.text)
        else:
            failure = self._datagram(host, socket, deed, size)
        self.network.settle()
        return Outcome() if failure is None else _failed(failure)

    def _datagram(self, host: Host, socket: Socket, deed: s.Send, size: int) -> Failure | None:
        if socket.state == "closed":
            raise Impossible(f"`{deed.by}` was not opened", "send by a socket whose step was done")
        to = socket.remote
        if deed.to == "sender":
            to = host.udp.last.get(socket)
            if to is None:
                raise Impossible(f"nobody has sent anything to `{deed.by}` yet")
        elif deed.to is not None:
            if deed.port is None:
                raise Impossible("a datagram goes to a port", "say `port: udp/…`")
            to = Endpoint(self.target(host, deed.to, _spoken(socket)), deed.port.first)
        if to is None or to.address is None:
            raise Impossible(f"`{deed.by}` is not connected", "say where the datagram goes: `to:` and `port:`")
        bound = None if socket.local is None else socket.local.address
        source = origin(host.machine.routes, UDP, to.address, bound, connects=False)
        if isinstance(source, Failure):
            return source
        if to.address in UNSPECIFIED:
            to = Endpoint(source, to.port)
        return host.udp.send(socket, to, source, size, deed.text)

    def _receive(self, deed: s.Receive) -> Outcome:
        host, socket = self._socket(deed.by)
        if socket.proto == UDP:
            self.network.run(self.network.now + deed.within, lambda: host.udp.waits(socket))
            mail = host.udp.received(socket)
            if isinstance(mail, Mail):
                return Outcome("received", size=mail.size, text=mail.text, source=mail.sender.address)
            return Outcome("nothing") if mail is None else _failed(mail)
        stream = host.tcp.streams.get(socket)
        if stream is None:
            raise Impossible(f"`{deed.by}` is no connection", "receive at an end of a connection")
        if not self.network.run(self.network.now + deed.within, lambda: waits(stream)):
            return Outcome("nothing")
        if stream.got:
            size, texts = taken(stream)
            return Outcome("received", size=size, text="".join(texts) or None)
        failure = ending(stream)
        return Outcome("received", size=0) if failure is None else _failed(failure)

    def _close(self, deed: s.Close) -> Outcome:
        host, socket = self._socket(deed.what)
        if socket.proto == UDP:
            was = socket.state
            host.table.close(socket)
            self.world.note(host, socket, was, "closed")
        elif deed.abruptly:
            host.tcp.abort(socket)
        elif deed.sending:
            if (failure := host.tcp.shutdown(socket)) is not None:
                return _failed(failure)
        else:
            host.tcp.close(socket)
        self.network.settle()
        return Outcome()

    def _ping(self, deed: s.Ping) -> Outcome:
        host = self.world.hosts[deed.host]
        to = self.target(host, deed.to, deed.version)
        source = origin(host.machine.routes, ICMP, to)
        if isinstance(source, Failure):
            return _failed(source)
        self._echoes += 1
        number, pings = self._echoes, host.pings
        failure = pings.send(number, source, source if to in UNSPECIFIED else to)
        if failure is None:
            self.network.run(self.network.now + ping.WAIT, lambda: number in pings.heard)
            if number not in pings.heard:
                return Outcome("timed out")
            failure = pings.heard.pop(number)
        return Outcome("answered") if failure is None else _failed(failure)

    # Names

    def _socket(self, name: str) -> tuple[Host, Socket]:
        found = self.world.sockets.get(name)
        if found is None:
            known = ", ".join(f"`{each}`" for each in self.world.sockets) or "none"
            raise Impossible(f"there is no socket `{name}` now", f"there are: {known}")
        return found

    def target(self, host: Host, to: str | int, version: int | None) -> int:
        """Return the address that is meant: of a host the first one that there is a way to."""
        if isinstance(to, int):
            return to
        known = [each for each in self.world.addresses(to) if version in (None, family_of(each))]
        if not known:
            raise Impossible(f"`{to}` has no IPv{version} address" if version else f"`{to}` has no address")
        near = [each for each in known if host.machine.routes.source(each) is not None]
        return (near or known)[0]


def _spoken(socket: Socket) -> int | None:
    """Return the only version of IP that a socket speaks, None if it speaks both."""
    if socket.local is not None and socket.local.address is not None:
        return family_of(socket.local.address)
    return None if socket.family == 6 and not socket.v6only else socket.family


def _failed(failure: Failure) -> Outcome:
    """Return what whoever did a step sees of a failure: a firewall that says so is told apart from a host."""
    result = _RESULTS.get(failure.code, "not permitted")
    if failure.by is not None and failure.by.sent.refused:
        result = "rejected"
    elif failure.code == "ENETUNREACH" and failure.by is None:
        result = "no route"
    return Outcome(result, failure)


__all__ = ["Impossible", "Outcome", "Player"]
