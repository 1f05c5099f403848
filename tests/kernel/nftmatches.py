"""Random matches of nftables: all whose answer hangs on the packet, its connection and its marks alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.kernel.packets import MACS, PORTS, TTLS
from tests.kernel.world import DEVICES, World

ARRIVES = frozenset({"prerouting", "input", "forward"})
"""The hooks where a packet has the interface that it came in by."""
LEAVES = frozenset({"forward", "output", "postrouting"})


@dataclass(frozen=True)
class Place:
    """Where a rule stands: the family of its table, the hooks that lead there, what there is to refer to."""

    world: World
    family: str
    hooks: frozenset[str]
    tracked: bool = True
    sets: tuple[tuple[str, str], ...] = ()
    """Named sets: what they hold (a key of `SETS`), and their names."""
    maps: tuple[tuple[str, str], ...] = ()
    """Named maps of verdicts: what they look up, and their names."""

    @property
    def ip(self) -> str:
        """The word for addresses of the world."""
        return "ip" if self.world.family == 4 else "ip6"


_STATES = ("new", "established", "related", "invalid", "untracked")
_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr")
_MARKS = (0, 1, 2, 3, 0x10, 0xFF)
_ICMP = {
    4: ("echo-request", "echo-reply", "destination-unreachable", "13"),
    6: ("echo-request", "packet-too-big", "135"),
}
_LENGTHS = (20, 28, 40, 44, 52, 60, 100, 140, 500)
_PREFIXES = {4: (8, 12, 16, 24, 25, 31), 6: (3, 16, 32, 48, 64, 127)}
_TOS = (0, 2, 4, 8, 10, 46, 63)


def address(r: Random, world: World) -> str:
    """Return an address that packets of the world have."""
    behind = [each for addresses in world.behind.values() for each in addresses]
    return r.choice((*world.sources, *world.local, *behind))


def addresses(r: Random, world: World, ranges: bool = True) -> str:
    """Return an address, a prefix or a range."""
    one = address(r, world)
    way = r.random()
    if way < 0.5 or not ranges:
        return one
    if way < 0.85:
        return network(one, r.choice(_PREFIXES[world.family]))
    low, high = sorted((address(r, world), address(r, world)), key=_number)
    return f"{low}-{high}" if low != high else low


def _number(text: str) -> int:
    from ipaddress import ip_address

    return int(ip_address(text))


def network(text: str, length: int) -> str:
    """Return the network of an address with so many bits."""
    from ipaddress import ip_network

    return str(ip_network(f"{text}/{length}", strict=False))


def ports(r: Random, ranges: bool = True) -> str:
    """Return a port or a range of ports."""
    low, high = sorted((r.choice(PORTS), r.choice(PORTS)))
    return f"{low}-{high}" if ranges and low < high and r.random() < 0.35 else str(low)


def _negated(r: Random, share: float = 0.25) -> str:
    return "!= " if r.random() < share else ""


def listed(r: Random, one: Callable[[], str], most: int = 4) -> str:
    """Return an anonymous set of different values."""
    return "{ " + ", ".join(dict.fromkeys(one() for _ in range(r.randint(1, most)))) + " }"


def _named(r: Random, place: Place, kind: str) -> str | None:
    names = [name for what, name in place.sets if what == kind]
    return f"@{r.choice(names)}" if names and r.random() < 0.4 else None


def _address(r: Random, place: Place) -> str:
    value = _named(r, place, "addresses") or (
        listed(r, lambda: addresses(r, place.world)) if r.random() < 0.3 else addresses(r, place.world)
    )
    return f"{place.ip} {r.choice('sd')}addr {_negated(r)}{value}"


def _masked(r: Random, place: Place) -> str:
    if place.world.family == 6:
        return f"ip6 {r.choice('sd')}addr & ffff:ffff:: {r.choice(('==', '!='))} 2001:db8::"
    mask, value = r.choice((("255.0.0.255", "10.0.0.5"), ("0.0.0.1", "0.0.0.1"), ("255.255.0.0", "10.1.0.0")))
    return f"ip {r.choice('sd')}addr & {mask} {r.choice(('==', '!='))} {value}"


def _ports(r: Random, place: Place) -> str:
    protocol = r.choice(("tcp", "tcp", "udp", "udp", "sctp", "udplite", "dccp", "th"))
    value = _named(r, place, "ports")
    if value is None:
        way = r.random()
        value = ports(r)
        if way < 0.3:
            value = listed(r, lambda: ports(r))
        elif way < 0.5:
            return (
                f"{protocol} {r.choice('sd')}port {r.choice(('<', '>', '<=', '>='))} {r.choice((53, 80, 1024, 8080))}"
            )
    return f"{protocol} {r.choice('sd')}port {_negated(r)}{value}"


def _protocol(r: Random, place: Place) -> str:
    icmp = "icmp" if place.world.family == 4 else "ipv6-icmp"
    names = ("tcp", "udp", icmp, "sctp", "gre", "esp", "132", "47")
    word = "ip protocol" if place.world.family == 4 and r.random() < 0.4 else "meta l4proto"
    value = listed(r, lambda: r.choice(names[:6])) if r.random() < 0.5 else r.choice(names)
    return f"{word} {_negated(r)}{value}"


def _interface(r: Random, place: Place) -> str:
    sides = ["iif"] * (place.hooks <= ARRIVES) + ["oif"] * (place.hooks <= LEAVES)
    side = r.choice(sides or ["iif", "oif"])
    names = (*DEVICES, "lo", "eth*", "e*", "ppp*")
    way = r.random()
    if way < 0.25:
        return f"{side} {_negated(r)}{r.choice((*DEVICES, 'lo'))}"
    value = f'"{r.choice(names)}"'
    if way < 0.5:
        value = _named(r, place, "interfaces") or listed(r, lambda: f'"{r.choice((*DEVICES, "lo"))}"')
    return f"{side}name {_negated(r)}{value}"


def _flags(r: Random, _: Place) -> str:
    some = r.sample(_FLAGS, r.choice((1, 1, 2, 3)))
    mask = list(dict.fromkeys((*some, *r.sample(_FLAGS, 2))))
    return r.choice(
        (
            f"tcp flags {','.join(some)}",
            f"tcp flags == {'|'.join(some)}" if len(some) == 1 else f"tcp flags == ({'|'.join(some)})",
            f"tcp flags != {some[0]}",
            f"tcp flags & ({'|'.join(mask) if len(mask) > 1 else mask[0]}) {r.choice(('==', '!='))} {some[0]}",
            f"tcp flags & ({'|'.join(mask)}) {r.choice(('==', '!='))} 0",
            f"tcp flags {','.join(some)} / {','.join(mask)}",
            f"tcp flags {{ {', '.join(some)} }}",
        )
    )


def _state(r: Random, _: Place) -> str:
    some = r.sample(_STATES, r.choice((1, 1, 2, 3)))
    return r.choice(
        (
            f"ct state {','.join(some)}",
            f"ct state {{ {', '.join(some)} }}",
            f"ct state != {{ {', '.join(some)} }}",
            f"ct state != {some[0]}",
            f"ct state != {','.join(some)}",
            f"ct state & ({'|'.join(some) if len(some) > 1 else some[0]}) {r.choice(('==', '!='))} 0",
        )
    )


def _connection(r: Random, _: Place) -> str:
    return r.choice(
        (
            f"ct direction {r.choice(('original', 'reply'))}",
            f"ct direction != {r.choice(('original', 'reply'))}",
            f"ct mark {_negated(r)}{r.choice(_MARKS)}",
            f"ct mark & {r.choice((1, 0x10, 0xF))} {r.choice(('==', '!='))} {r.choice((0, 1))}",
            f"ct status {_negated(r)}{r.choice(('snat', 'dnat', 'seen-reply', 'confirmed'))}",
        )
    )


def _mark(r: Random, _: Place) -> str:
    way = r.random()
    if way < 0.3:
        mask = r.choice((1, 2, 0x10, 0xF, 0xF0))
        return f"meta mark & {mask} {r.choice(('==', '!='))} {r.choice((0, mask, 1))}"
    if way < 0.5:
        return f"meta mark {listed(r, lambda: str(r.choice(_MARKS)))}"
    if way < 0.6:
        return f"meta mark {r.choice(('<', '>', '>='))} {r.choice((1, 2, 0x10))}"
    return f"meta mark {_negated(r)}{r.choice(_MARKS)}"


def _header(r: Random, place: Place) -> str:
    ttl, length = r.choice((*TTLS, 62, 127)), r.choice(_LENGTHS)
    compared = r.choice(("", "!= ", "< ", "> ", ">= "))
    hops = f"ip ttl {compared}{ttl}" if place.world.family == 4 else f"ip6 hoplimit {compared}{ttl}"
    return r.choice(
        (
            hops,
            f"{place.ip} dscp {_negated(r)}{r.choice(_TOS)}",
            f"{place.ip} ecn {_negated(r)}{r.choice(('not-ect', 'ect0', 'ect1', 'ce'))}",
            f"meta length {compared}{length}",
            f"meta length {_negated(r)}{length}-{length + 40}",
        )
    )


def _icmp(r: Random, place: Place) -> str:
    name = "icmp" if place.world.family == 4 else "icmpv6"
    kinds = _ICMP[place.world.family]
    if r.random() < 0.25:
        return f"{name} code {_negated(r)}{r.choice((0, 1, 3))}"
    value = listed(r, lambda: r.choice(kinds)) if r.random() < 0.4 else r.choice(kinds)
    return f"{name} type {_negated(r)}{value}"


def _concatenation(r: Random, place: Place) -> str:
    side = r.choice("sd")
    value = _named(r, place, "pairs")
    if value is None:
        ranges = r.random() < 0.3
        value = listed(r, lambda: f"{addresses(r, place.world, ranges)} . {ports(r, ranges)}")
    return f"{place.ip} {side}addr . {r.choice(('tcp', 'udp', 'th'))} dport {_negated(r)}{value}"


def _owner(r: Random, _: Place) -> str:
    return f"meta skuid {_negated(r)}{r.choice(('0', '1000', '1000-1001', '1001'))}"


def _kinds(r: Random, place: Place) -> str:
    family = r.choice(("ipv4", "ipv6"))
    others = [f"meta protocol {_negated(r)}{'ip' if family == 'ipv4' else 'ip6'}"]
    others += [f"meta nfproto {_negated(r)}{family}"] if place.family == "inet" else []
    return r.choice(others)


def _rarer(r: Random, place: Place) -> str:
    """Return a match of a kind that few rules have: bits, options, extension headers, raw bytes, the host."""
    port, length = r.choice(PORTS), r.choice(_LENGTHS)
    found = [
        f"tcp option {r.choice(('maxseg', 'sack-perm', 'window', '8'))} {r.choice(('exists', 'missing'))}",
        f"tcp dport & {r.choice((1, 0xF, 0xFF00))} {r.choice(('==', '!=', '<', '>'))} {r.choice((0, 1, 5, 0x1F00))}",
        f"meta mark & {r.choice((3, 0xF0))} {{ {r.choice((0, 1, 2))}, {r.choice((0x10, 3))}-{r.choice((0x20, 6))} }}",
        f"meta mark and {r.choice((3, 0xFF))} or {r.choice((1, 0x10))} {r.choice(('==', '!='))} {r.choice((1, 0x11))}",
        f"meta mark xor {r.choice((1, 3))} {_negated(r)}{r.choice((0, 1, 2, 3))}",
        f"@th,16,16 {_negated(r)}{port}",
        f"@th,0,16 & 0xff {r.choice(('==', '!='))} {port & 0xFF}",
        f"meta pkttype {_negated(r)}{r.choice(('host', 'unicast', 'broadcast', 'multicast', 'other'))}",
        f"meta protocol {_negated(r)}{r.choice(('ip', 'ip6', 'arp'))}",
        f"meta l4proto . th dport {_negated(r)}{{ tcp . {port}, udp . {r.choice(PORTS)} }}",
        f"{place.ip} saddr . meta l4proto {{ {address(r, place.world)} . tcp, {address(r, place.world)} . udp }}",
        f"fib daddr type {_negated(r)}{r.choice(('local', 'multicast', 'broadcast', 'unicast'))}",
        f"fib saddr type {_negated(r)}{{ local, broadcast }}",
    ]
    if place.world.family == 4:
        found += [
            f"ip length {_negated(r)}{length}-{length + 20}",
            f"ip frag-off & {r.choice(('0x1fff', '0x3fff', '0x2000'))} {r.choice(('==', '!='))} 0",
            f"ip version {_negated(r)}4",
        ]
        if place.family == "ip":
            found.append(f"@nh,72,8 {_negated(r)}{r.choice((1, 6, 17))}")
    elif place.family in ("ip6", "inet"):
        found += [
            f"ip6 length {_negated(r)}{length}-{length + 20}",
            f"ip6 nexthdr {_negated(r)}{r.choice(('tcp', 'udp', 'ipv6-icmp', '0', '60', '43'))}",
            f"exthdr {r.choice(('hbh', 'dst', 'rt', 'frag'))} {r.choice(('exists', 'missing'))}",
        ]
    if place.hooks <= ARRIVES:
        found.append(f"ether saddr {_negated(r)}{r.choice(MACS)}")
    if place.tracked:
        direction, side = r.choice(("original", "reply")), r.choice(("saddr", "daddr"))
        found += [
            f"ct {direction} {place.ip} {side} {_negated(r)}{addresses(r, place.world)}",
            f"ct l3proto {_negated(r)}{r.choice(('ipv4', 'ipv6'))}",
            f"ct state . meta l4proto {{ new . tcp, established . udp, {r.choice(_STATES)} . tcp }}",
            f"ct status & {r.choice(('snat', 'dnat', 'seen-reply'))} {r.choice(('==', '!='))} 0",
            f"meta l4proto tcp ct {direction} proto-{r.choice(('src', 'dst'))} {_negated(r)}{port}",
        ]
    return r.choice(found)


def random_match(r: Random, place: Place) -> str:
    """Return one match that may stand there."""
    kinds: list[Callable[[Random, Place], str]] = []
    kinds += [_address] * 4 + [_ports] * 5 + [_protocol] * 2 + [_interface] * 3
    kinds += [_masked, _flags, _flags, _mark, _mark, _header, _header, _icmp, _concatenation, _concatenation, _kinds]
    kinds += [_rarer] * 5
    kinds += [_state] * 3 + [_connection] * 2 if place.tracked else []
    kinds += [_owner] * 2 if place.hooks <= {"output"} else []
    return r.choice(kinds)(r, place)


VMAPS: Sequence[tuple[str, Callable[[Random, World], str], bool]] = (
    ("tcp dport", lambda r, _: ports(r), True),
    ("th dport", lambda r, _: ports(r, False), False),
    ("ct state", lambda r, _: r.choice(_STATES), False),
    ("iifname", lambda r, _: f'"{r.choice((*DEVICES, "lo"))}"', False),
    ("meta mark", lambda r, _: str(r.choice(_MARKS)), False),
    ("meta l4proto", lambda r, _: r.choice(("tcp", "udp", "sctp", "gre")), False),
    ("ADDRESS . tcp dport", lambda r, world: f"{address(r, world)} . {ports(r, False)}", False),
    ("ADDRESS", addresses, True),
)
"""What verdict maps look up, how their elements are drawn, and whether these may be intervals."""
