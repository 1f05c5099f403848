"""What is known of a host beside its rules: its addresses, what lies behind its interfaces, its named sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from functools import reduce
from operator import or_

from policy._record import dataclass
from policy.ipset import NamedSet
from policy.packet import LONGEST_INTERFACE, Intervals, Value
from policy.packet.address import BROADCAST, LOOPBACK, MULTICAST, V4, parse_address, parse_prefix

_NAMED = re.compile(rf"[^\s/:]{{1,{LONGEST_INTERFACE}}}")
"""What interfaces can be called (net/core/dev.c, `dev_valid_name`)."""


@dataclass(frozen=True, slots=True)
class Route:
    """The addresses *to* which packets leave by an *interface*.

    Those that are *heard* the host takes to itself all the same, though it does not have them.
    """

    to: Intervals
    interface: str
    heard: Intervals = Intervals()


@dataclass(frozen=True, slots=True)
class Host:
    """A host: *local* are its own addresses, *routes* what lies behind interfaces, *sets* its named sets by name.

    None: it is not known which addresses, or sets, it has. Of several routes to an address that with the fewest
    addresses counts, as the kernel's longest prefix does (ip-route(8)).
    """

    local: Intervals | None = None
    routes: tuple[Route, ...] = ()
    sets: Mapping[str, NamedSet] | None = field(default=None, hash=False, repr=False)

    def __or__(self, other: Host) -> Host:
        """Return a host of which both are known."""
        known = [each.local for each in (self, other) if each.local is not None]
        sets = [each.sets for each in (self, other) if each.sets is not None]
        return Host(
            reduce(or_, known) if known else None,
            (*self.routes, *other.routes),
            {name: each for some in sets for name, each in some.items()} if sets else None,
        )

    @property
    def heard(self) -> Intervals:
        """What packets may be sent to that arrive and are for the host, where its addresses are known."""
        found = (self.local or Intervals()) | LOOPBACK | BROADCAST | MULTICAST
        return reduce(or_, (route.heard for route in self.routes), found)

    def way(self, to: Value) -> str | None:
        """Return the interface by which packets to an address, or to all of some, leave; None where it is not known."""
        if not self.routes or not isinstance(to, int | Intervals):
            return None
        addresses = Intervals.of(to) if isinstance(to, int) else to
        for route in sorted(self.routes, key=lambda route: route.to.size):
            if route.to.covers(addresses):
                return route.interface
            if route.to.meets(addresses):
                return None
        return None


UNKNOWN_HOST = Host()
"""A host of which nothing is known."""


def own(text: str) -> Host:
    """Return the host that has an address or prefix.

    `ADDRESS/LENGTH@INTERFACE`, as ip-address(8) shows it, is one address, and says that its network lies behind the
    interface. Raises ValueError where *text* is neither.

    >>> host = own("172.17.0.1/16@docker0")
    >>> host.local.size, host.routes[0].to.size, host.routes[0].interface
    (1, 65536, 'docker0')
    """
    if "," in text:
        raise ValueError(f"`{text}` looks like several addresses: give each of them by itself")
    address, at, interface = text.partition("@")
    if not at:
        return Host(parse_prefix(text))
    if not _NAMED.fullmatch(interface) or interface in (".", ".."):
        most = f"1 to {LONGEST_INTERFACE} characters, no space, no `/`, no `:`"
        raise ValueError(f"`{interface}` is not the name of an interface: that has {most}")
    network = parse_prefix(address)
    return Host(Intervals.of(parse_address(address.partition("/")[0])), (Route(network, interface, heard(network)),))


def heard(network: Intervals) -> Intervals:
    """Return what a host that has an address in a *network* takes to itself beside that.

    The broadcast address in IPv4 (fib_frontend.c, fib_add_ifaddr), the routers' address in IPv6 (RFC 4291, 2.6.1).
    """
    if network & V4:
        return Intervals.of(network.ranges[-1][1]) if network.size > 2 else Intervals()  # RFC 3021
    return Intervals.of(network.first) if network.size > 1 else Intervals()
