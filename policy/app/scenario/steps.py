"""The steps of a scenario, in order: what each does is looked at with what was done before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policy.app.config.kinds import At
from policy.app.config.places import Places
from policy.app.scenario.expected import expected_of
from policy.app.scenario.keys import NO_FIREWALL, VERBS
from policy.app.scenario.kinds import SENDER, Said
from policy.app.scenario.networks import Hosts
from policy.app.scenario.sockets import TCP, UDP, Socket, Sockets
from policy.packet.address import family_of, format_address
from policy.packet.names import protocol_name
from policy.simulate.scenario import (
    Close,
    Connect,
    Deed,
    Flush,
    Listen,
    Ping,
    Ports,
    Receive,
    Reload,
    Scan,
    Send,
    Step,
    Wait,
)

_LONGEST_DATAGRAM = 65507

_Given = Mapping[str, Any]


def steps_of(given: Sequence[Said], places: Places, hosts: Hosts) -> tuple[Step, ...]:
    """Return the steps; what is wrong with them is noted."""
    reading = _Reading(places, hosts)
    for each in given:
        reading.announce(each)
    return tuple(step for each in given if (step := reading.step(each)) is not None)


class _Reading:
    def __init__(self, places: Places, hosts: Hosts) -> None:
        self._places = places
        self._hosts = hosts
        self._sockets = Sockets(places)
        self._deeds: dict[str, Callable[[Any, At], Deed]] = {
            "listen": self._listen,
            "connect": self._connect,
            "send": self._send,
            "receive": self._receive,
            "close": self._close,
            "reset": self._reset,
            "ping": self._ping,
            "wait": lambda seconds, _: Wait(seconds),
            "reload": self._reload,
            "flush": self._flush,
            "scan": self._scan,
        }
        assert tuple(self._deeds) == VERBS

    def announce(self, said: Said) -> None:
        """Remember the sockets that a step makes, so that one before it can be told of them."""
        listen, connect = said.value.get("listen", {}), said.value.get("connect", {})
        if "as_" in connect:
            self._sockets.expect(connect["as_"], said.at.below("connect").below("as"))
        if "as_" in listen:
            self._sockets.expect(listen["as_"], said.at.below("listen").below("as"))
        elif "on" in listen and "port" in listen:
            self._sockets.expect(_usual(listen), said.at.below("listen"))

    def step(self, said: Said) -> Step | None:
        """Return a step; None where something that it needs is missing, which was noted."""
        verb = next((verb for verb in VERBS if verb in said.value), None)
        if verb is None:
            return None
        try:
            deed = self._deeds[verb](said.value[verb], said.at.below(verb))
        except KeyError:  # a key that must be there is missing, or its value is wrong: that was noted
            return None
        expected = said.value.get("expect")
        at = said.at.below("expect")
        return Step(
            deed,
            None if expected is None else expected_of(expected, verb, at, self._places, self._hosts, self._sockets),
            said.value.get("note"),
            span=self._places.span(At((*said.at.path, verb), said.at.note, said.at.notation, key=True)),
        )

    def _listen(self, given: _Given, at: At) -> Deed:
        address, version, port, name = given.get("address"), given.get("ip"), given.get("port"), given.get("as_")
        self._known(given, "on", at)
        _fits(address, version, at.below("address"))
        only = given.get("v6_only", False)
        if only and (version == 4 or (address is not None and family_of(address) == 4)):
            at.below("v6-only").wrong("a socket of IPv4 has no IPv6", "leave `v6-only` out")
        place = at.below("as") if name else at
        name = name or _usual(given)
        self._sockets.make(name, Socket(port.proto if port else None, listens=True, at=place))
        flags = {key: given[key] for key in ("reuse_address", "reuse_port", "privileged", "backlog") if key in given}
        return Listen(given["on"], given["port"], name, address, version, only, **flags)

    def _connect(self, given: _Given, at: At) -> Deed:
        to, version, port, name = given.get("to"), given.get("ip"), given.get("port"), given.get("as_")
        source = given.get("source")
        self._known(given, "from_", at)
        self._towards(to, version, at)
        _fits(source, version, at.below("source"))
        if source is not None and isinstance(to, int) and family_of(source) != family_of(to):
            message = f"`{format_address(source)}` and `{format_address(to)}` are of different versions of IP"
            at.below("source").wrong(message, None, "FW603")
        place = at.below("as") if name else at
        name = name or self._sockets.free(f"{given['from_']} to {_shown(given['to'])} {_port(given['port'])}")
        self._sockets.make(name, Socket(port.proto if port else None, listens=False, at=place))
        return Connect(
            *(given["from_"], given["to"], given["port"], name, source, given.get("source_port"), version),
            within=given.get("within"),
        )

    def _send(self, given: _Given, at: At) -> Deed:
        name, to, port, text = given["by"], given.get("to"), given.get("port"), given.get("text")
        size = given.get("bytes", 1) if text is None else len(text.encode())
        if text is not None and "bytes" in given:
            at.below("bytes", key=True).wrong("`bytes` stands beside `text`", "a text has its own length")
        socket = self._sockets.open(name, at.below("by"))
        if socket:
            self._sends(name, socket, given, at)
            if socket.proto == UDP and size > _LONGEST_DATAGRAM:
                place = at.below("bytes" if text is None else "text")
                place.wrong(f"a datagram has {_LONGEST_DATAGRAM} bytes at most, not {size}")
        if to == SENDER:
            if port:
                at.below("port", key=True).wrong("`port` stands beside `sender`, who has one", "leave it out")
        elif to is not None:
            self._towards(to, None, at)
            if port is None:
                at.below("to").wrong("no port is said beside `to`", "write `port: udp/53`, for example", "FW504")
        elif port:
            at.below("port", key=True).wrong("`port` stands without `to`", "say to whom")
        return Send(name, size, text, to, port)

    def _sends(self, name: str, socket: Socket, given: _Given, at: At) -> None:
        """Note where a socket cannot send what is said."""
        port = given.get("port")
        if socket.proto == TCP:
            if socket.listens:
                help = f"its end of a connection does: `{name}/CONNECTION`"
                at.below("by").wrong(f"`{name}` waits for connections, it sends nothing itself", help)
            elif "to" in given:
                at.below("to", key=True).wrong("a connection sends to its peer alone", "leave `to` out")
        elif socket.listens and "to" not in given and socket.proto == UDP:
            at.below("by").wrong(f"`{name}` has no peer", "say `to` whom it sends: a host, an address or `sender`")
        elif port and port.proto == TCP:
            at.below("port").wrong(f"`{name}` is a socket of udp", f"write `udp/{port.first}`")

    def _receive(self, given: _Given, at: At) -> Deed:
        name = given["by"]
        socket = self._sockets.open(name, at.below("by"))
        if socket and socket.listens and socket.proto == TCP:
            help = f"its end of a connection does: `{name}/CONNECTION`"
            at.below("by").wrong(f"`{name}` waits for connections, it receives nothing itself", help)
        return Receive(name, given.get("within", 1.0))

    def _close(self, given: _Given, at: At) -> Deed:
        name = given["what"]
        socket = self._sockets.open(name, at.below("what"))
        sending = given.get("sending", False)
        if socket and sending and socket.listens:
            at.below("sending", key=True).wrong(f"`{name}` has no connection", "leave `sending` out")
        if not sending:
            self._sockets.close(name, at.below("what"))
        return Close(name, sending=sending)

    def _reset(self, name: str, at: At) -> Deed:
        socket = self._sockets.open(name, at)
        if socket and (socket.listens or socket.proto == UDP):
            at.wrong(f"`{name}` has no connection that could be reset", "write `close`")
        self._sockets.close(name, at)
        return Close(name, abruptly=True)

    def _ping(self, given: _Given, at: At) -> Deed:
        self._known(given, "from_", at)
        self._towards(given.get("to"), given.get("ip"), at)
        return Ping(given["from_"], given["to"], given.get("ip"))

    def _reload(self, given: _Given, at: At) -> Deed:
        self._known(given, "on", at)
        host, rules = given.get("on", ""), given["firewall"]
        if rules is NO_FIREWALL:
            return Reload(given["on"], None)
        return Reload(host, self._hosts.firewall(host, rules, at.below("firewall")))

    def _flush(self, host: str, at: At) -> Deed:
        self._hosts.known(host, at)
        return Flush(host)

    def _scan(self, given: _Given, at: At) -> Deed:
        self._known(given, "from_", at)
        for number, to in enumerate(given.get("to", ())):
            self._towards(to, given.get("ip"), at, at.below("to").below(number))
        return Scan(given["from_"], given["to"], given["ports"], given.get("pace", 0.01), given.get("ip"))

    def _known(self, given: _Given, attribute: str, at: At) -> None:
        """Look at a host that does something, where one is said."""
        if attribute in given:
            self._hosts.known(given[attribute], at.below(attribute.rstrip("_")))

    def _towards(self, to: str | int | None, version: int | None, at: At, place: At | None = None) -> None:
        """Look at a host or an address that something goes to."""
        place = place or at.below("to")
        if isinstance(to, int):
            _fits(to, version, place)
        elif to is not None and self._hosts.known(to, place) and version and not self._hosts.has(to, version):
            at.below("ip").wrong(f"`{to}` has no address of IPv{version}", None, "FW603")


def _fits(address: int | None, version: int | None, at: At) -> None:
    """Note where an address is not of the version of IP that is said beside it."""
    if address is not None and version is not None and family_of(address) != version:
        at.wrong(
            f"`{format_address(address)}` is no address of IPv{version}",
            "write another one, or leave `ip` out",
            "FW603",
        )


def _usual(listen: _Given) -> str:
    """Return what a listener is called where no name is said."""
    return f"{listen['on']}:{_port(listen['port'])}"


def _port(port: Ports) -> str:
    return f"{protocol_name(port.proto)}/{port.first}"


def _shown(to: str | int) -> str:
    return format_address(to) if isinstance(to, int) else to
