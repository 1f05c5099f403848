"""A scenario on Linux itself: a network namespace for each host, real sockets, real rules (`staged` compares)."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy.kernel.conntrack import Conntrack
from policy.kernel.tools import Failed, run
from policy.packet.address import V4_BASE, family_of, format_address
from policy.packet.fields import TCP
from policy.simulate import ping
from policy.simulate import scenario as s
from tests.kernel.street import inside

PATIENCE = 0.25
"""So many seconds a step waits for what does not come."""

_ICMP = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
_STATES = {
    1: "established", 2: "syn-sent", 3: "syn-received", 4: "fin-wait-1", 5: "fin-wait-2", 6: "time-wait",
    8: "close-wait", 9: "last-ack", 10: "listen", 11: "closing", 12: "syn-received",
}  # fmt: skip


@dataclass
class End:
    """A socket of a step, and the host that it is on."""

    host: str
    socket: socket.socket
    last: Any = None


@dataclass
class Saw:
    """What whoever did a step saw: as `Outcome`, with the name of the error."""

    result: str
    code: str | None = None
    size: int | None = None
    source: str | None = None


@dataclass
class Stage:
    """The hosts of a scenario in namespaces of their own."""

    scenario: s.Scenario
    ends: dict[str, End] = field(default_factory=dict)
    specs: dict[str, s.HostSpec] = field(default_factory=dict)
    pings: int = 0

    def build(self) -> None:
        """Make the namespaces, wire them, and load the rules."""
        self.specs = {spec.name: spec for spec in self.scenario.hosts}
        for spec in self.scenario.hosts:
            run("ip", "netns", "add", spec.name)
            self._set(spec.name, "net.ipv6.conf.all.accept_dad=0")
            self._set(spec.name, "net.ipv6.conf.default.accept_dad=0")
            self._set(spec.name, "net.ipv4.icmp_ratelimit=0")
            self._set(spec.name, "net.ipv4.icmp_msgs_per_sec=1000000")
            self._set(spec.name, "net.ipv6.icmp.ratelimit=0")
            self._set(spec.name, "net.ipv4.tcp_invalid_ratelimit=0")
            self._do(spec.name, "ip", "link", "set", "lo", "up")
        for link in self.scenario.links:
            (one, first), (two, second) = link.members
            self._do(one, "ip", "link", "add", first, "type", "veth", "peer", "name", second, "netns", two)
        for spec in self.scenario.hosts:
            for name, networks in spec.interfaces.items():
                for each in networks:
                    address = f"{format_address(each.address)}/{each.length}"
                    self._do(spec.name, "ip", "addr", "add", address, "dev", name, *_nodad(each.address))
                self._do(spec.name, "ip", "link", "set", name, "up")
            self._set(spec.name, f"net.ipv4.ip_forward={int(spec.forwards)}")
            self._set(spec.name, f"net.ipv6.conf.all.forwarding={int(spec.forwards)}")
            for way in spec.ways:
                to = "default" if way.to is None else f"{format_address(way.to.address)}/{way.to.length}"
                self._do(spec.name, "ip", "route", "add", to, "via", format_address(way.via))
        self._warm()
        for spec in self.scenario.hosts:
            if spec.firewall is not None:
                self.load(spec.name, spec.firewall)

    def _warm(self) -> None:
        """Let neighbours know each other, before there are rules."""
        for link in self.scenario.links:
            for (host, _), (other, interface) in (link.members, link.members[::-1]):
                for network in self.specs[other].interfaces[interface]:
                    self._meet(host, format_address(network.address))

    def _meet(self, host: str, address: str) -> None:
        with inside(host):
            own = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        own.settimeout(0.05)
        until = time.monotonic() + 5
        with own:
            own.connect((address, 9))
            while time.monotonic() < until:
                try:
                    own.send(b"")
                    own.recv(1)
                except ConnectionRefusedError:
                    return
                except OSError:
                    time.sleep(0.01)
        raise Failed(f"{host} does not meet {address}")

    def load(self, host: str, firewall: s.Firewall | None) -> None:
        """Load the rules of a host, in the place of those that it has."""
        text = "" if firewall is None else firewall.rules.sources[0].text
        self._do(host, "nft", "-f", "-", stdin=f"flush ruleset\n{text}")

    def end(self) -> None:
        """Take everything away again."""
        for end in self.ends.values():
            end.socket.close()
        for spec in self.scenario.hosts:
            run("ip", "netns", "delete", spec.name)

    def _do(self, name: str, *command: str, stdin: str = "") -> None:
        run("ip", "netns", "exec", name, *command, stdin=stdin)

    def _set(self, name: str, setting: str) -> None:
        self._do(name, "sysctl", "-qw", setting)

    # Steps

    def do(self, deed: s.Deed, patience: float = PATIENCE) -> Saw:
        """Do a step with real sockets; *patience* is that of who connects.

        Between namespaces an error of ICMP can be there before connect(2) has let go of its socket, which then takes
        no notice of it: it is told by the answer to the next SYN, a second later.
        """
        match deed:
            case s.Listen():
                return self._listen(deed)
            case s.Connect():
                return self._connect(deed, patience)
            case s.Send():
                return self._send(deed)
            case s.Receive():
                return self._receive(deed)
            case s.Close(what, abruptly, sending):
                return self._close(what, abruptly, sending)
            case s.Ping():
                return self._ping(deed)
            case s.Reload(on, firewall):
                self.load(on, firewall)
                return Saw("ok")
            case s.Flush(on):
                with inside(on):
                    for family in (4, 6):
                        Conntrack(family).flush()
                return Saw("ok")
            case s.Wait(seconds):
                time.sleep(seconds)
                return Saw("ok")
            case _:
                raise AssertionError(deed)

    def _listen(self, deed: s.Listen) -> Saw:
        own = self._socket(deed.on, deed.port.proto, deed.version or 4)
        address = "" if deed.address is None else format_address(deed.address)
        try:
            own.bind((address or ("::" if deed.version == 6 else "0.0.0.0"), deed.port.first))
            if deed.port.proto == TCP:
                own.listen()
        except OSError as error:
            own.close()
            return _failed(error)
        self.ends[deed.name] = End(deed.on, own)
        return Saw("ok")

    def _socket(self, host: str, proto: int, family: int) -> socket.socket:
        with inside(host):
            kind = socket.SOCK_STREAM if proto == TCP else socket.SOCK_DGRAM
            own = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, kind)
        if family == 6:
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        own.settimeout(PATIENCE)
        return own

    def _connect(self, deed: s.Connect, patience: float) -> Saw:
        assert isinstance(deed.to, int)
        own = self._socket(deed.host, deed.port.proto, family_of(deed.to))
        own.settimeout(patience)
        try:
            if deed.source is not None:
                own.bind((format_address(deed.source), 0))
            own.connect((format_address(deed.to), deed.port.first))
        except OSError as error:
            own.close()
            return _failed(error)
        own.settimeout(PATIENCE)
        self.ends[deed.name] = End(deed.host, own)
        if deed.port.proto != TCP:
            return Saw("connected")
        time.sleep(0.002)
        return Saw("connected", source=self._accepted(deed.name))

    def _accepted(self, name: str) -> str | None:
        """Accept what has come to any listener; return from whom it came."""
        listening = {each.socket: at for at, each in self.ends.items() if _listens(each.socket)}
        found, _, _ = select.select(list(listening), [], [], PATIENCE)
        for each in found:
            connection, (seen, *_) = each.accept()
            connection.settimeout(PATIENCE)
            listener = listening[each]
            self.ends[f"{listener}/{name}"] = End(self.ends[listener].host, connection)
            return str(seen)
        return None

    def _send(self, deed: s.Send) -> Saw:
        end = self._end(deed.by)
        try:
            if deed.to == "sender":
                end.socket.sendto(bytes(deed.size), end.last)
            else:
                end.socket.send(bytes(deed.size))
        except OSError as error:
            return _failed(error)
        time.sleep(0.003)
        return Saw("ok")

    def _receive(self, deed: s.Receive) -> Saw:
        end = self._end(deed.by)
        try:
            data, end.last = end.socket.recvfrom(1 << 16)
        except OSError as error:
            return Saw("nothing") if isinstance(error, TimeoutError) and not error.errno else _failed(error)
        return Saw("received", size=len(data))

    def _close(self, what: str, abruptly: bool, sending: bool) -> Saw:
        end = self._end(what)
        if sending:
            try:
                end.socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                return _failed(error)
            return Saw("ok")
        if abruptly:
            end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        end.socket.close()
        del self.ends[what]
        time.sleep(0.003)
        return Saw("ok")

    def _ping(self, deed: s.Ping) -> Saw:
        """Ask for an echo, each second: a router says only once a second that it knows no way (route.c, `ip_error`)."""
        assert isinstance(deed.to, int)
        family = family_of(deed.to)
        kind, back = (8, 0) if family == 4 else (128, 129)
        with inside(deed.host):
            own = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW, _ICMP[family])
        level, all_errors = (socket.IPPROTO_IP, 11) if family == 4 else (socket.IPPROTO_IPV6, 25)
        own.setsockopt(level, all_errors, 1)
        self.pings += 1
        head = struct.pack("!HH", 4242, self.pings)
        total = (kind << 8) + sum(struct.unpack("!HH", head))  # the kernel does it for IPv6
        sum_ = 0xFFFF - (total % 0xFFFF)
        until = time.monotonic() + ping.WAIT
        with own:
            try:
                own.connect((format_address(deed.to), 0))
                while time.monotonic() < until:
                    own.send(struct.pack("!BBH", kind, 0, sum_) + head + bytes(48))
                    found, _, _ = select.select([own], [], [], min(1.05, max(0, until - time.monotonic())))
                    data = own.recv(1 << 16) if found else bytes(8)
                    data = data[4 * (data[0] & 15) :] if family == 4 else data
                    if data[0] == back and data[4:8] == head:
                        return Saw("answered")
            except OSError as error:
                return _failed(error)
        return Saw("timed out")

    def _end(self, name: str) -> End:
        if name not in self.ends:
            self._accepted(name.partition("/")[2])
        return self.ends[name]

    # How things are

    def states(self, host: str) -> Counter[str]:
        """Return the states of the TCP sockets of a host, counted; without those that only listen."""
        found: Counter[str] = Counter()
        with inside(host):
            for name in ("tcp", "tcp6"):
                for line in Path(f"/proc/thread-self/net/{name}").read_text(encoding="ascii").splitlines()[1:]:
                    state = _STATES[int(line.split()[3], 16)]
                    found[state] += state != "listen"
        return +found

    def entries(self, host: str) -> Counter[str]:
        """Return what the table of connections of a host holds: protocol and state, counted."""
        found: Counter[str] = Counter()
        with inside(host):
            lines = Path("/proc/thread-self/net/nf_conntrack").read_text(encoding="ascii").splitlines()
        for line in lines:
            words = line.split()
            if words[2] in ("tcp", "udp"):
                state = words[5] if words[2] == "tcp" else ""
                known = "ASSURED " * ("[ASSURED]" in words) + "UNREPLIED" * ("[UNREPLIED]" in words)
                found[f"{words[2]} {state} {known}".strip()] += 1
        return found


def _nodad(address: int) -> tuple[str, ...]:
    return () if address >= V4_BASE else ("nodad",)


def _listens(own: socket.socket) -> bool:
    return own.type == socket.SOCK_STREAM and bool(own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _failed(error: OSError) -> Saw:
    if isinstance(error, TimeoutError) and not error.errno:
        return Saw("timed out")
    return Saw("failed", errno.errorcode.get(error.errno or 0, str(error)))
