"""A host: it sends, forwards and takes datagrams, as its routes and its firewall say.

Sources: ip_output.c, ip_input.c, ip_forward.c, route.c and their counterparts for IPv6 in Linux; RFC 1122 and 1812 for
what hosts and routers answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from policy.conntrack import CONFIRMED, Entry, Seen, Step
from policy.netfilter import LO
from policy.packet import FORWARD, INPUT, OUTPUT, Intervals
from policy.packet.address import MULTICAST, family_of
from policy.packet.fields import ICMP, ICMP6, UDP
from policy.simulate.datagram import (
    ECHO,
    ECHO_REPLY,
    EXCEEDED,
    NO_NEIGHBOUR,
    NO_PORT,
    NO_ROUTE,
    Datagram,
    error,
    rejection,
    unreachable,
)
from policy.simulate.log import Hop, Logged, Tracked, Travel
from policy.simulate.network import Network
from policy.simulate.scenario import Firewall, HostSpec
from policy.simulate.topology import Routes
from policy.simulate.wall import Ruling, Wall

PATIENCE = 3.0
"""So many seconds a host asks for a neighbour that is not there (arp(7): three times, a second apart)."""

NOWHERE = "nowhere"
"""The interface of packets that the host knows no way for, until a rule gives them another destination."""

Sending = str | None
"""What a host is told that sends: an error (errno), or None."""


class Transport(Protocol):
    """What takes the datagrams of a protocol on a host."""

    def take(self, travel: Travel, datagram: Datagram) -> bool:
        """Take a datagram; does anybody want it?"""

    def fail(self, travel: Travel, step: Step, code: str, hard: bool) -> bool:
        """Be told that a packet that was sent has met an error; does anybody want to know?"""


class Machine:
    """A host of a network that is played."""

    def __init__(self, spec: HostSpec, network: Network) -> None:
        self.spec = spec
        self.name = spec.name
        self.network = network
        self.routes = Routes(spec)
        self.transports: dict[int, Transport] = {}
        self.wall: Wall | None = None
        self.listener: Callable[[Travel, Datagram], None] | None = None
        self._entries: dict[int, Entry] = {}
        self._waiting: dict[int, list[tuple[Travel, Datagram]]] = {}
        self.load(spec.firewall)
        for interface, networks in spec.interfaces.items():
            for each in networks:
                network.plug(self, interface, each.address)

    def load(self, firewall: Firewall | None) -> None:
        """Take other rules, or none; the table of connections stays."""
        if firewall is None:
            self.wall = None
        elif self.wall is None:
            self.wall = Wall(self.name, firewall, self)
        else:
            self.wall.load(firewall)

    def has(self, address: int) -> bool:
        """Is an address one of the host's own?"""
        return self.routes.is_own(address)

    def way_of(self, address: int) -> tuple[int, str | None]:
        """Return where a packet that has come goes: to a hook, and out of an interface."""
        if self.routes.is_own(address) or self.routes.is_broadcast(address):
            return INPUT, None
        way = self.routes.next(address)
        return FORWARD, None if way is None else way.interface

    def source_of(self, address: int) -> int | None:
        """Return the own address that packets to an address come from."""
        return self.routes.source(address)

    def own_of(self, interface: str, family: int) -> int | None:
        """Return the first address of an interface."""
        networks = self.spec.interfaces.get(interface, ())
        return next((each.address for each in networks if family_of(each.address) == family), None)

    @property
    def own(self) -> Intervals:
        """The own addresses."""
        return Intervals.of(*self.routes.own)

    # Sending

    def send(self, step: Step, data: str | None = None, *, again: int = 0, answers: Travel | None = None) -> Sending:
        """Send a packet; return what the sender is told at once (errno), or None."""
        return self._send(Datagram(step, data), again, answers)

    def _send(
        self, datagram: Datagram, again: int = 0, answers: Travel | None = None, attached: Seen | None = None
    ) -> Sending:
        travel = self.network.begin(datagram, self.name, again, answers)
        to = datagram.step.dst
        own = self.routes.is_own(to)
        way = None if own else self.routes.next(to)
        if not own and way is None:
            self.network.end(travel, "unreachable")
            return "ENETUNREACH"
        leaving = LO if own or way is None else way.interface
        ruling = self._ask(travel, datagram, OUTPUT, None, leaving, attached)
        if not ruling.allowed:
            self._refuse(travel, ruling)
            return "EPERM"
        if self.routes.is_own(ruling.left.step.dst):
            self.network.plan(0.0, lambda: self._loop(travel, ruling.left, ruling.seen), flying=True)
            return None
        self._forth(travel, ruling.left, ruling.out or leaving)
        return None

    def _loop(self, travel: Travel, datagram: Datagram, seen: Seen | None) -> None:
        """Take what the host sends to itself: rules of INPUT are asked, unless those of OUTPUT went on to them.

        It is still what connection tracking has *seen* (loopback.c).
        """
        if self.wall is None or not self.wall.loops(datagram.step.family):
            again = self._ask(travel, datagram, INPUT, LO, None, seen)
            if not again.allowed:
                self._refuse(travel, again)
                return
            datagram = again.left
        self._deliver(travel, datagram)

    def _forth(self, travel: Travel, datagram: Datagram, leaving: str) -> None:
        """Put a datagram on the link of an interface."""
        way = self.routes.next(datagram.step.dst)
        if way is None:
            self.network.end(travel, "unreachable")
            self._complain(travel, datagram, NO_ROUTE)
            return
        if not self.network.carry(travel, datagram, self.name, way.interface or leaving, way.neighbour):
            waiting = self._waiting.setdefault(way.neighbour, [])
            waiting.append((travel, datagram))
            if len(waiting) == 1:
                self.network.plan(PATIENCE, lambda: self._nobody(way.neighbour))

    def _nobody(self, neighbour: int) -> None:
        """Say that a neighbour does not answer: to the host itself, too, whose firewall sees that (route.c).

        All packets that have waited for it are told of (`neigh_invalidate`, `ipv4_link_failure`).
        """
        for travel, datagram in self._waiting.pop(neighbour):
            self.network.end(travel, "unreachable")
            self._complain(travel, datagram, NO_NEIGHBOUR)

    # Receiving

    def arrive(self, travel: Travel, datagram: Datagram, entering: str) -> None:
        """Take a datagram that comes in by an interface."""
        hook, leaving = self.way_of(datagram.step.dst)
        if datagram.step.dst in MULTICAST:
            hook, leaving = INPUT, None
        if hook == FORWARD and not self.spec.forwards:
            self._hop(travel, datagram, hook, entering, None)
            self.network.end(travel, "not forwarded")
            return
        if hook == FORWARD and leaving is None and (self.wall is None or not self.wall.rewrites(datagram.step.family)):
            self._hop(travel, datagram, hook, entering, None)
            self._forth(travel, datagram, "")
            return
        ruling = self._ask(travel, datagram, hook, entering, leaving if hook == INPUT else leaving or NOWHERE)
        if not ruling.allowed:
            self._refuse(travel, ruling)
        elif ruling.hook == INPUT:
            self._deliver(travel, ruling.left)
        else:
            self._forward(travel, ruling.left, ruling.out)

    def _forward(self, travel: Travel, datagram: Datagram, leaving: str | None) -> None:
        if not self.spec.forwards:
            self.network.end(travel, "not forwarded")
            return
        ttl = datagram.step.ttl - 1
        if ttl <= 0:
            self.network.end(travel, "expired")
            self._answer(travel, error(datagram.step, self._own(datagram.step.src), EXCEEDED[datagram.step.family]))
            return
        self._forth(travel, datagram.having(replace(datagram.step, ttl=ttl)), leaving or "")

    def _deliver(self, travel: Travel, datagram: Datagram) -> None:
        """Give a datagram to whom it is for."""
        self.network.end(travel, "delivered", self.name)
        if self.listener is not None:
            self.listener(travel, datagram)
        step = datagram.step
        if self.routes.is_broadcast(step.dst):
            self.network.end(travel, "ignored", self.name)
            return
        transport = self.transports.get(step.proto)
        if step.proto in (ICMP, ICMP6):
            self._icmp(travel, datagram)
        elif transport is not None and transport.take(travel, datagram):
            return
        else:
            self.network.end(travel, "ignored", self.name)
            if step.proto == UDP and step.dst not in MULTICAST:
                self._answer(travel, unreachable(step, step.dst, NO_PORT[step.family]))

    def _icmp(self, travel: Travel, datagram: Datagram) -> None:
        from policy.simulate.failure import of_icmp

        step = datagram.step
        family = step.family
        if step.icmp == ECHO[family]:
            back = Step(step.proto, step.dst, step.src, icmp=ECHO_REPLY[family], identifier=step.identifier)
            self.send(replace(back, segment=step.segment), answers=travel)
        elif step.about is not None:
            told = of_icmp(step)
            transport = self.transports.get(step.about.proto)
            if told is not None and transport is not None:
                transport.fail(travel, step.about, *told)
        elif step.proto in self.transports:
            self.transports[step.proto].take(travel, datagram)

    # Firewall

    def _ask(
        self,
        travel: Travel,
        datagram: Datagram,
        hook: int,
        entering: str | None,
        leaving: str | None,
        attached: Seen | None = None,
    ) -> Ruling:
        if self.wall is None:
            self._hop(travel, datagram, hook, entering, leaving)
            return Ruling(True, hook, datagram, leaving)
        ruling = self.wall.ask(datagram, hook, entering, leaving, self.network.now, attached)
        self._hop(travel, datagram, hook, entering, leaving, ruling)
        self._note(ruling)
        return ruling

    def _hop(
        self,
        travel: Travel,
        datagram: Datagram,
        hook: int,
        entering: str | None,
        leaving: str | None,
        ruling: Ruling | None = None,
    ) -> None:
        self.network.hop(travel, Hop(self.network.now, self.name, hook, entering, leaving, datagram, ruling))

    def _note(self, ruling: Ruling) -> None:
        """Note what rules write to the log, and what became of the entry of a packet."""
        for rule in ruling.logs:
            self.network.log.append(Logged(self.network.now, self.name, rule, ruling.left))
        entry = None if ruling.seen is None else ruling.seen.entry
        if entry is None or not entry.status & CONFIRMED:
            return
        old = self._entries.get(entry.number)
        self._entries[entry.number] = entry
        if old is None:
            self.network.log.append(Tracked(self.network.now, self.name, entry, "new"))
        elif (old.status, _phase(old)) != (entry.status, _phase(entry)):
            self.network.log.append(Tracked(self.network.now, self.name, entry, "changed"))

    def _refuse(self, travel: Travel, ruling: Ruling) -> None:
        """Drop a datagram, and tell its sender if the rule wants that."""
        reject = ruling.reject
        if reject is None:
            self.network.end(travel, "dropped")
            return
        self.network.end(travel, "rejected")
        step = ruling.left.step
        answer = rejection(step, reject.how, self._own(step.src, step.dst))
        if answer is not None:
            self._answer(travel, answer, refused=True, attached=ruling.attached)

    def _complain(self, travel: Travel, datagram: Datagram, codes: dict[int, int]) -> None:
        """Tell the sender of a datagram that it cannot be delivered; nobody is told about errors."""
        step = datagram.step
        if step.about is None:
            self._answer(travel, unreachable(step, self._own(step.src), codes[step.family]))

    def _answer(self, travel: Travel, step: Step, *, refused: bool = False, attached: Seen | None = None) -> None:
        self._send(Datagram(step, None, refused), 0, travel, attached)

    def _own(self, towards: int, asked: int | None = None) -> int:
        """Return the address that the host answers from: the one that it was *asked* at, else that towards a sender."""
        if asked is not None and self.routes.is_own(asked):
            return asked
        return self.routes.source(towards) or next(iter(self.routes.own), towards)


def _phase(entry: Entry) -> object:
    return getattr(entry.track, "state", None)
