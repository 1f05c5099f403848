"""What rules and sockets of a host do not agree on: open ports that nothing listens on, listeners that nobody reaches.

Nothing imports this where a scenario is played: the sets of packets that it takes cost some tenths of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from policy._record import dataclass
from policy.ir import Field, Match, all_of, either_of
from policy.packet import FORWARD, INPUT, NEW, ROUTING, SYN, Intervals, Names
from policy.packet.address import LOOPBACK, MULTICAST, V4_BASE, family_of, whole
from policy.packet.fields import TCP, UDP
from policy.reach import Flow
from policy.reach.find import space_at
from policy.sets import Budget, Exhausted
from policy.sets.truth import Sets
from policy.simulate.wall import Wall
from policy.simulate.world import Host
from policy.sockets import Socket

PORTS = Intervals.of((1, 65535))
"""The ports that a socket can have."""

BUDGET = 5.0
"""So many seconds the rules of a host may take."""

MOST_PIECES = 4096
"""So many pieces the ports to which rules translate are cut into; a single one takes 33."""

_LEFT = ("dst", "dport")
_STRANGERS = {4: V4_BASE, 6: 0}
"""Addresses that nobody has: no socket is connected to them."""

_FIRST = {"state": NEW, "fragment": 0, "direction": 0, "mark": 0, "ctmark": 0, "ctstatus": 0}
"""What packets of a new connection have alike when they arrive."""

_Place = tuple[int, int]
"""A protocol and an own address."""


@dataclass(frozen=True, slots=True)
class Open:
    """Ports of a protocol at own addresses, all of which the rules let new packets in to, and nobody listens on."""

    proto: int
    addresses: tuple[int, ...]
    ports: Intervals


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Of a host with a firewall: ports that are *open* for nobody, and sockets that are *unreached* from outside.

    *undecided* says which limit was met, where it was not found out.
    """

    host: str
    open: tuple[Open, ...] = ()
    unreached: tuple[Socket, ...] = ()
    undecided: str | None = None


def unmatched(host: Host, budget: Budget | None = None) -> Unmatched | None:
    """Return what rules and sockets of a host do not agree on, as they are now; None for a host without rules.

    The packets are all that may come from other hosts by any interface and open a connection: of any sender and any
    port of it. Where something that is not known decides (a limit of a rate, a match that is not modelled), they may
    come in. Ports are those that packets have behind all translations. A socket that is bound to loopback alone wants
    nothing from outside.
    """
    wall = host.machine.wall
    if wall is None:
        return None
    try:
        reached = _reached(host, wall, budget or Budget(BUDGET))
    except Exhausted as limit:
        return Unmatched(host.name, undecided=f"more than {limit}")
    except RecursionError:
        return Unmatched(host.name, undecided="conditions that are nested too deeply")
    served = _served(host)
    taken: dict[_Place, list[int]] = {}
    for socket, places in served.items():
        for address, port in places:
            taken.setdefault((socket.proto, address), []).append(port)
    open_: dict[tuple[int, Intervals], list[int]] = {}
    for (proto, address), ports in reached.items():
        left = ports - Intervals.of(*taken.get((proto, address), ()))
        if left:
            open_.setdefault((proto, left), []).append(address)
    unreached = [
        socket
        for socket, places in served.items()
        if not any(port in reached[socket.proto, address] for address, port in places)
    ]
    found = tuple(Open(proto, tuple(addresses), ports) for (proto, ports), addresses in open_.items())
    return Unmatched(host.name, found, tuple(unreached))


# Sockets


def _served(host: Host) -> dict[Socket, list[tuple[int, int]]]:
    """Return the sockets that take what strangers send, each with the own addresses and the port where it does."""
    found: dict[Socket, list[tuple[int, int]]] = {}
    ports = {(socket.proto, socket.local.port) for socket in host.table.sockets() if socket.local is not None}
    for address in _own(host):
        stranger = _STRANGERS[family_of(address)]
        for proto, port in sorted(ports):
            socket = host.table.found(proto, stranger, 0, address, port)
            if socket is not None and socket.state in ("listen", "unconnected"):
                found.setdefault(socket, []).append((address, port))
    return found


def _own(host: Host) -> list[int]:
    return [network.address for networks in host.machine.spec.interfaces.values() for network in networks]


# Rules


def _reached(host: Host, wall: Wall, budget: Budget) -> dict[_Place, Intervals]:
    """Return the ports of own addresses that new packets of other hosts may come in to."""
    found = {
        (proto, address): PORTS if wall.rules(family_of(address)) is None else Intervals()
        for proto in (TCP, UDP)
        for address in _own(host)
    }
    both = wall.rules(4) is wall.rules(6)
    for families in ((4, 6),) if both else ((4,), (6,)):
        ruleset = wall.rules(families[0])
        if ruleset is None:
            continue
        turned = host.machine.spec.forwards and any(wall.rewrites(family) for family in families)
        for hook in (INPUT, FORWARD) if turned else (INPUT,):
            coming = _coming(host, hook, families)
            sets = space_at(ruleset, coming, hook, budget)
            first = (Field(name, Intervals.of(_FIRST[name])) for name in sets.layout.fields if name in _FIRST)
            within = sets.of_match(all_of(coming, *first))
            flow = Flow(ruleset, sets, within, wall.firewall.assume, passing=False, kept=_LEFT)
            for now, packets in flow.finals.items():
                for address, some in _towards(host, sets, now, packets) if now.hook in (INPUT, ROUTING) else ():
                    for proto in (TCP, UDP):
                        if mine := some & sets.field("proto", Intervals.of(proto), now):
                            found[proto, address] |= _ports(sets, now, mine)
    return found


def _coming(host: Host, hook: int, families: Iterable[int]) -> Match:
    """Return the packets of other hosts that open connections and come to a hook, as far as their header says so."""
    own = Intervals.of(*_own(host))
    among = Intervals.of(*(pair for family in families for pair in whole(family).ranges))
    opens = either_of(
        all_of(Field("proto", Intervals.of(TCP)), Field("flags", Intervals.of(SYN))),
        Field("proto", Intervals.of(UDP)),
    )
    others = among - own - LOOPBACK - MULTICAST
    return all_of(
        opens,
        Field("in", Names.of(*host.machine.spec.interfaces)),
        Field("src", others),
        Field("dst", own & among if hook == INPUT else others),
        Field("dport", PORTS),
    )


def _towards(host: Host, sets: Sets[Any, Any], now: Any, packets: Any) -> Iterator[tuple[int, Any]]:
    """Yield the own addresses that packets have behind all rules as their destination, with those packets.

    Where a rule lets them have any of them, they have that of the interface (nf_nat_redirect.c).
    """
    if now.get("dst") != "dst":
        for interface, networks in host.machine.spec.interfaces.items():
            mine = packets & sets.field("in", Names.of(interface), sets.original)
            for family in (4, 6):
                near = next((each.address for each in networks if family_of(each.address) == family), None)
                if near is not None and (some := mine & sets.field("dst", Intervals.of(near), now)):
                    yield near, some
                    packets = packets - some.known()
    for address in _own(host):
        if some := packets & sets.field("dst", Intervals.of(address), now):
            yield address, some


def _ports(sets: Sets[Any, Any], now: Any, packets: Any) -> Intervals:
    """Return the destination ports that packets have behind all rules."""
    if now.get("dport") == "dport":
        ports: Intervals = packets.values("dport")
        return ports & PORTS
    found = []
    pieces = list(PORTS.ranges)
    for number, (low, high) in enumerate(pieces):
        if number == MOST_PIECES:
            raise Exhausted(f"{MOST_PIECES:,} pieces of the ports that rules translate to")
        if packets & sets.field("dport", Intervals.of((low, high)), now):
            if low == high:
                found.append(low)
            else:
                half = (low + high) // 2
                pieces += [(low, half), (half + 1, high)]
    return Intervals.of(*found)
