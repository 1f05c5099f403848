"""What is plugged into what, and which way packets go: as the specifications of hosts say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from policy._record import dataclass
from policy.packet.address import BROADCAST, LOOPBACK, V4_BASE, bits, family_of, prefix
from policy.simulate.scenario import HostSpec, Link, Network, Scenario


@dataclass(frozen=True, slots=True)
class Next:
    """The next step of a way: out of an *interface*, to a *neighbour* on its link."""

    interface: str
    neighbour: int


LOCALHOST = V4_BASE + 0x7F000001


def _first(networks: Sequence[Network]) -> Iterator[tuple[Network, int]]:
    """Yield the networks of an interface, each with the own address that stands first in it."""
    firsts: dict[object, int] = {}
    for each in networks:
        if family_of(each.address) == 4:
            yield each, firsts.setdefault(prefix(each.address, each.length).ranges, each.address)
        else:
            yield each, each.address


def plugs(scenario: Scenario) -> Mapping[tuple[str, str], Link]:
    """Return the link that each interface (host, name) is plugged into."""
    return {member: link for link in scenario.links for member in link.members}


class Routes:
    """The routing table of a host: its networks, and its ways; the longest prefix counts (ip-route(8))."""

    def __init__(self, spec: HostSpec) -> None:
        table: list[tuple[int, int, int, str, int | None]] = []
        for interface, networks in spec.interfaces.items():
            for network in networks:
                low, high = prefix(network.address, network.length).ranges[0]
                table.append((network.length, low, high, interface, None))
        self.own = {network.address for networks in spec.interfaces.values() for network in networks}
        self._spec = spec
        self._table = sorted(table, key=lambda row: -row[0])
        for way in spec.ways:
            near = self._on_link(way.via)
            if near is None:
                continue
            if way.to is None:
                family = family_of(way.via)
                low = prefix(way.via, 0).first
                table.append((0, low, low + (1 << bits(family)) - 1, near, way.via))
            else:
                low, high = prefix(way.to.address, way.to.length).ranges[0]
                table.append((way.to.length, low, high, near, way.via))
        self._table = sorted(table, key=lambda row: -row[0])
        self._found: dict[int, Next | None] = {}
        self._own = {
            network.address: near for networks in spec.interfaces.values() for network, near in _first(networks)
        }
        self._broadcasts = {
            prefix(network.address, network.length).ranges[0][1]
            for networks in spec.interfaces.values()
            for network in networks
            if family_of(network.address) == 4 and network.length < 31
        }

    def is_own(self, address: int) -> bool:
        """Does the host have an address?"""
        return address in self.own or address in LOOPBACK

    def is_broadcast(self, address: int) -> bool:
        """Is an address all hosts of a network that the host is in (`fib_add_ifaddr`)?"""
        return address in self._broadcasts or address in BROADCAST

    def next(self, address: int) -> Next | None:
        """Return which way packets to an address of another host go; None where the host knows none."""
        if address not in self._found:
            self._found[address] = self._next(address)
        return self._found[address]

    def source(self, address: int) -> int | None:
        """Return the own address that packets to an address come from; None where the host has none to send from.

        It is the first one of the interface that they leave by; one of the same network, if there is one. To an own
        address of IPv4 they come from the first own one of its network (`fib_add_ifaddr`).
        """
        if self.is_own(address):
            return self._own.get(address, address if family_of(address) == 6 else LOCALHOST)
        way = self.next(address)
        if way is None:
            return None
        family = family_of(address)
        own = [each for each in self._spec.interfaces[way.interface] if family_of(each.address) == family]
        near = [each for each in own if way.neighbour in prefix(each.address, each.length)]
        found = near or own
        return found[0].address if found else None

    def _on_link(self, address: int) -> str | None:
        return next((row[3] for row in self._table if row[1] <= address <= row[2] and row[4] is None), None)

    def _next(self, address: int) -> Next | None:
        for _, low, high, interface, via in self._table:
            if low <= address <= high:
                return Next(interface, address if via is None else via)
        return None


def circles(hosts: Sequence[HostSpec], links: Sequence[Link]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield addresses of hosts that packets never come to, because routers send them round; and which, in order.

    Each circle is told once, with the first address that gets into it.
    """
    routes = {host.name: Routes(host) for host in hosts}
    plugged = {member: link.name for link in links for member in link.members}
    near = {
        (plugged.get((host.name, interface)), network.address): host.name
        for host in hosts
        for interface, networks in host.interfaces.items()
        for network in networks
    }
    told: set[frozenset[str]] = set()
    for address in sorted(address for _, address in near):
        for host in hosts:
            way = _followed(host.name, address, routes, plugged, near)
            if way is not None and frozenset(way) not in told:
                told.add(frozenset(way))
                yield address, way


def _followed(
    name: str,
    address: int,
    routes: Mapping[str, Routes],
    plugged: Mapping[tuple[str, str], str],
    near: Mapping[tuple[str | None, int], str],
) -> tuple[str, ...] | None:
    """Return the routers that a packet goes round between, None where it does not."""
    passed: list[str] = []
    here: str | None = name
    while here is not None and not routes[here].is_own(address):
        if here in passed:
            return tuple(passed[passed.index(here) :])
        passed.append(here)
        step = routes[here].next(address)
        here = None if step is None else near.get((plugged.get((here, step.interface)), step.neighbour))
    return None
