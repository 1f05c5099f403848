"""The hosts of a scenario, and the networks between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

from policy.app.config.kinds import At
from policy.app.config.places import Places
from policy.app.scenario.firewalls import Firewalls
from policy.app.scenario.kinds import Said, target
from policy.diagnostic import Related, did_you_mean
from policy.host import Host, Route, heard
from policy.packet import Intervals
from policy.packet.address import (
    LOOPBACK,
    MULTICAST,
    UNSPECIFIED,
    V4_BASE,
    family_of,
    format_address,
    prefix,
    whole,
)
from policy.simulate.scenario import Firewall, HostSpec, Link, Network, Way

_MOST_COMPARED = 500
"""With so many names one is compared that there is not."""

_Given = Mapping[str, Any]


class Hosts:
    """The hosts; *made* are those with which nothing is wrong."""

    def __init__(self, given: Mapping[str, _Given], at: At, places: Places, firewalls: Firewalls) -> None:
        self._given = given
        self._at = at
        self._places = places
        self._firewalls = firewalls
        said = places.value.get("hosts")
        self.names: tuple[str, ...] = tuple(said) if isinstance(said, dict) else ()
        self._known: dict[str, Host] = {}
        self._addresses: dict[int, At] = {}
        self.made = tuple(self._host(name, each, at.below(name)) for name, each in given.items())

    def known(self, name: str, at: At) -> bool:
        """Is there a host of that name? Where there is none, that is noted."""
        if name in self.names:
            return True
        at.wrong(f"there is no host `{name}`", hint(name, self.names, "the hosts are"), "FW701")
        return False

    def interface(self, host: str, name: str, at: At) -> bool:
        """Has a host that there is an interface? Where it has none, that is noted."""
        said = self._places.value["hosts"][host]
        some = said.get("interfaces") if isinstance(said, dict) else None
        if not isinstance(some, dict) or name in some:  # without interfaces it was noted already
            return True
        at.wrong(f"`{host}` has no interface `{name}`", hint(name, some, "it has"), "FW701")
        return False

    def networks(self, host: str, interface: str | None = None) -> tuple[Network, ...]:
        """Return the addresses of a host, or of one of its interfaces."""
        some = self._given.get(host, {}).get("interfaces", {})
        names = some if interface is None else [interface]
        return tuple(each for name in names for each in some.get(name, ()))

    def has(self, host: str, version: int) -> bool:
        """Has a host an address of a version of IP, as far as that is known?"""
        some = self.networks(host)
        return not some or any(family_of(each.address) == version for each in some)

    def firewall(self, name: str, given: _Given, at: At) -> Firewall | None:
        """Return the rules that are said at a place, for a host."""
        return self._firewalls.firewall(given, at, name, self._known.get(name, Host()))

    def _host(self, name: str, given: _Given, at: At) -> HostSpec:
        interfaces: dict[str, tuple[Network, ...]] = given.get("interfaces", {})
        for interface, some in interfaces.items():
            self._own(some, at.below("interfaces").below(interface))
        ways = tuple(self._ways(name, given.get("routes", {}), at.below("routes")))
        self._known[name] = _host(interfaces, ways)
        rules = given.get("firewall")
        return HostSpec(
            name,
            interfaces,
            given.get("forwards", False),
            ways,
            None if rules is None else self.firewall(name, rules, at.below("firewall")),
            given.get("ports", (49152, 65535)),
            span=self._places.span(At(at.path, at.note, at.notation, key=True)),
        )

    def _own(self, some: tuple[Network, ...], at: At) -> None:
        """Look at the addresses of an interface: are they such as a host may have, and has none of the others them?"""
        for number, each in enumerate(some):
            place = at.below(number)
            shown = format_address(each.address)
            wrong = _no_own(each)
            if wrong:
                place.wrong(f"`{shown}` is no address for an interface: it is {wrong}", None, "FW003")
            first = self._addresses.setdefault(each.address, place)
            if first is not place:
                related = (Related(self._places.span(first), "here first"),)
                place.wrong(f"`{shown}` stands here twice: an address is of one interface", None, "FW703", related)

    def _ways(self, name: str, given: Mapping[str, tuple[int, ...]], at: At) -> Iterable[Way]:
        for text, gateways in given.items():
            to = target(text)
            versions: set[int] = set()
            for number, gateway in enumerate(gateways):
                place = at.below(text).below(number)
                version = family_of(gateway)
                if to and family_of(to.address) != version:
                    place.wrong(f"`{format_address(gateway)}` is IPv{version}, and `{text}` is not", None, "FW603")
                elif version in versions:
                    place.wrong(f"`{text}` has two gateways of IPv{version}", "a route has one", "FW703")
                elif self._gateway(name, gateway, place):
                    yield Way(to, gateway)
                versions.add(version)

    def _gateway(self, name: str, gateway: int, at: At) -> bool:
        networks = self.networks(name)
        shown = format_address(gateway)
        if any(each.address == gateway for each in networks):
            at.wrong(f"`{shown}` is an address of `{name}` itself", "the gateway is another host")
        elif not networks or any(gateway in prefix(each.address, each.length) for each in networks):
            return bool(networks)
        else:
            at.wrong(f"`{shown}` is on no network of `{name}`", "a gateway is on the network of an interface")
        return False


def hint(word: str, known: Iterable[str], are: str) -> str | None:
    """Return what may have been meant, or what there is."""
    known = [*islice(known, _MOST_COMPARED)]
    some = ", ".join(f"`{each}`" for each in known[:8]) + (" …" if len(known) > 8 else "")
    return did_you_mean(word, known) or (f"{are} {some}" if known else None)


def _no_own(network: Network) -> str | None:
    """Return what an address is that no interface has."""
    address, around = network.address, prefix(network.address, network.length)
    if address in MULTICAST:
        return "a multicast address"
    if address in LOOPBACK:
        return "a loopback address, which each host has anyway"
    if address in UNSPECIFIED or V4_BASE <= address < V4_BASE + (1 << 24):
        return "an unspecified address"
    if address >= V4_BASE and around.size > 2:
        if address == around.first:
            return "the address of its network"
        if address == around.ranges[0][1]:
            return "the broadcast address of its network"
    return None


def _host(interfaces: Mapping[str, tuple[Network, ...]], ways: tuple[Way, ...]) -> Host:
    """Return what rules know of a host: its addresses, and what lies behind its interfaces."""
    local: Intervals = reduce(or_, (Intervals.of(n.address) for some in interfaces.values() for n in some), Intervals())
    routes: list[Route] = []
    for interface, some in interfaces.items():
        networks = [prefix(each.address, each.length) for each in some]
        routes.extend(Route(each, interface, heard(each)) for each in networks)
        for way in ways:
            if any(way.via in each for each in networks):
                to = prefix(way.to.address, way.to.length) if way.to else whole(family_of(way.via))
                routes.append(Route(to, interface))
    return Host(local, tuple(routes))


def links_of(given: Mapping[str, _Given], at: At, places: Places, hosts: Hosts) -> tuple[Link, ...]:
    """Return the links; what is wrong with them is noted."""
    plugged: dict[tuple[str, str], At] = {}
    made = []
    for name, each in given.items():
        place = at.below(name)
        plugs = each.get("members", ())
        members = _members(plugs, places, hosts, plugged)
        if len(plugs) == 1:
            plugs[0].at.wrong(f"nothing else is plugged into `{name}`", "a link has two members or more")
        _shared(members, name, hosts)
        span = places.span(At(place.path, place.note, place.notation, key=True))
        made.append(Link(name, tuple(members), each.get("delay", 0.001), span=span))
    return tuple(made)


def _members(
    plugs: tuple[Said, ...], places: Places, hosts: Hosts, plugged: dict[tuple[str, str], At]
) -> dict[tuple[str, str], At]:
    """Return the members of a link that there are, with their places."""
    found = {}
    for each in plugs:
        text, place = each.value, each.at
        host, slash, interface = text.partition("/")
        if not slash:
            place.wrong(f"`{text}` names no interface", f"write `{text}/eth0`, for example")
        elif hosts.known(host, place) and hosts.interface(host, interface, place):
            first = plugged.setdefault((host, interface), place)
            if first is place:
                found[host, interface] = place
            else:
                related = (Related(places.span(first), "here first"),)
                place.wrong(f"`{text}` is plugged in twice", "an interface is on one link", "FW703", related)
    return found


def _shared(members: Mapping[tuple[str, str], At], name: str, hosts: Hosts) -> None:
    """Note which members have no network in common with any other."""
    networks = {each: {prefix(n.address, n.length) for n in hosts.networks(*each)} for each in members}
    times = Counter(network for some in networks.values() for network in some)
    if not all(networks.values()):
        return  # something is wrong with their addresses
    for each, place in members.items():
        if len(members) > 1 and all(times[network] == 1 for network in networks[each]):
            message = f"`{'/'.join(each)}` has no network in common with the others on `{name}`"
            place.wrong(message, "their addresses have the same prefix, with the same length")
