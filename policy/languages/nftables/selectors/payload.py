"""What is read of the headers of a packet: Ethernet, IP, the transports.

Sources: nft(8), PAYLOAD EXPRESSIONS; nftables 1.0.6: src/proto.c, src/payload.c (which other conditions a selector
brings with it); the kernel's nft_payload.c (a later fragment has no transport header), nf_tables_ipv4.h, …_ipv6.h.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ir import EVERYTHING, Field, Match, Not, all_of, either_of
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import Selector
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.selectors.base import Cases, Exact, Operand, bit, has, vague
from policy.languages.nftables.selectors.hops import Hops
from policy.packet import FIELDS, PORT_PROTOCOLS, Intervals, Names
from policy.packet.address import V4, V6
from policy.packet.fields import DCCP, EXTENSION_HEADERS, ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE

IPV4, IPV6 = Field("src", V4), Field("src", V6)
FIRST = Field("fragment", Intervals.of((0, 1)))
FRAME = all_of(Not(Field("in", Names.of("lo"))), has("mac"))
"""The packets that came in a frame of Ethernet."""

ICMP_PROTOCOLS = {"icmp": ICMP, "icmpv6": ICMP6}
TRANSPORTS = {
    "tcp": TCP, "udp": UDP, "udplite": UDPLITE, "sctp": SCTP, "dccp": DCCP, "icmp": ICMP, "icmpv6": ICMP6, "igmp": 2,
    "esp": 50, "ah": 51, "comp": 108, "gre": 47,
}  # fmt: skip
_8, _16, _32 = t.integer(8), t.integer(16), t.integer(32)
_PORTS = {"sport": t.PORT, "dport": t.PORT}
_FIELDS: dict[str, dict[str, t.DataType]] = {
    "ether": {"saddr": t.MAC, "daddr": t.MAC, "type": t.ETHER_TYPE},
    "vlan": {
        "id": t.integer(12), "cfi": t.integer(1), "dei": t.integer(1), "pcp": t.integer(3), "type": t.ETHER_TYPE,
    },
    "arp": {
        "htype": _16, "ptype": t.ETHER_TYPE, "hlen": _8, "plen": _8, "operation": t.ARP_OPERATION, "saddr": t.MAC,
        "daddr": t.MAC,
    },
    "ip": {
        "version": t.integer(4), "hdrlength": t.integer(4), "dscp": t.DSCP, "ecn": t.ECN, "length": _16, "id": _16,
        "frag-off": _16, "ttl": _8, "protocol": t.PROTOCOL, "checksum": _16, "saddr": t.IPV4, "daddr": t.IPV4,
    },
    "ip6": {
        "version": t.integer(4), "dscp": t.DSCP, "ecn": t.ECN, "flowlabel": t.integer(20), "length": _16,
        "nexthdr": t.PROTOCOL, "hoplimit": _8, "saddr": t.IPV6, "daddr": t.IPV6,
    },
    "tcp": {
        **_PORTS, "sequence": _32, "ackseq": _32, "doff": t.integer(4), "reserved": t.integer(4), "flags": t.TCP_FLAG,
        "window": _16, "checksum": _16, "urgptr": _16,
    },
    "udp": {**_PORTS, "length": _16, "checksum": _16},
    "udplite": {**_PORTS, "csumcov": _16, "checksum": _16},
    "sctp": {**_PORTS, "vtag": _32, "checksum": _32},
    "dccp": {**_PORTS, "type": t.DCCP_TYPE},
    "th": _PORTS,
    "icmp": {
        "type": t.ICMP_TYPE, "code": t.ICMP_CODE, "checksum": _16, "id": _16, "sequence": _16, "gateway": _32,
        "mtu": _16,
    },
    "icmpv6": {
        "type": t.ICMPV6_TYPE, "code": t.ICMPV6_CODE, "checksum": _16, "parameter-problem": _32, "packet-too-big": _32,
        "mtu": _32, "id": _16, "sequence": _16, "max-delay": _16, "taddr": t.IPV6, "daddr": t.IPV6,
    },
    "igmp": {"type": t.IGMP_TYPE, "mrt": _8, "checksum": _16, "group": _32},
    "esp": {"spi": _32, "sequence": _32},
    "ah": {"nexthdr": t.PROTOCOL, "hdrlength": _8, "reserved": _16, "spi": _32, "sequence": _32},
    "gre": {"version": t.integer(3), "flags": t.integer(5), "protocol": t.ETHER_TYPE},
    "comp": {"nexthdr": t.PROTOCOL, "flags": t.DataType("bitmask", "bit mask", 8, "flags"), "cpi": _16},
}  # fmt: skip
_MISSING_BYTES = Not(Field("proto", PORT_PROTOCOLS))
_CHAIN = {"hop": 0, "dst": 60, "route": 43, "frag": 44, "auth": 51}


def payload(context: Context, selector: Selector) -> Operand:
    """Return what a field of a header is; raises `Bad`."""
    protocol, name = selector.words[:2]
    fields = _FIELDS[protocol]
    type = fields.get(name)
    if type is None:
        help = did_you_mean(name, fields) or "one of " + ", ".join(fields)
        raise Bad("FW001", f"`{protocol}` has no field `{name}`", selector.span, help)
    family_fits(context, protocol, selector)
    text, span = f"{protocol} {name}", selector.span
    match protocol:
        case "ether" | "vlan" | "arp":
            return _frame(context, protocol, name, type, selector)
        case "ip" | "ip6":
            return _network(context, protocol, name, type, selector)
        case "th":
            return transport_bytes(t.PORT, name, text, selector)
    number = Field("proto", Intervals.of(TRANSPORTS[protocol]))
    guard = all_of(number, FIRST)
    if name in ("sport", "dport") or (protocol, name) == ("tcp", "flags"):
        return Exact(type, text, number, all_of(number, has(name)), span=span, name=name)
    if protocol in ICMP_PROTOCOLS:
        version, other = (IPV4, "ip6") if protocol == "icmp" else (IPV6, "ip")
        foreign = other in (context.table.family, context.network)
        if name in ("type", "code") and foreign:
            return Bytes(type, text, number, guard, span=span, name=f"icmp_{name}")
        if name in ("type", "code"):
            field = f"icmp_{name}"
            return Exact(type, text, number, all_of(number, has(field)), span=span, name=field)
        guard = guard if foreign else all_of(version, guard)
    return vague(type, text, guard, span=span)


def family_fits(context: Context, protocol: str, selector: Selector) -> None:
    """Raise `Bad` where no packet of the table has a header."""
    family = context.table.family
    other = {"ip": ("ip6", "arp"), "ip6": ("ip", "arp"), "arp": ("ip", "ip6", "inet")}.get(protocol, ())
    if family in other:
        kinds = {"ip": "IPv4", "ip6": "IPv6", "inet": "IPv4 and IPv6", "arp": "ARP"}
        help = "a table of the family `inet` is for both versions of IP" if protocol != "arp" else None
        message = f"`{selector.span.text}` in a table of the family `{family}`, which is for {kinds[family]}"
        raise Bad("FW603", message, selector.span, help)


def version_guard(context: Context, protocol: str) -> Match:
    """Return the packets of a version of IP, where the table has others too."""
    if context.table.family in ("ip", "ip6"):
        return EVERYTHING
    return IPV4 if protocol == "ip" else IPV6


def _network(context: Context, protocol: str, name: str, type: t.DataType, selector: Selector) -> Operand:
    text, span = f"{protocol} {name}", selector.span
    version = version_guard(context, protocol)
    match name:
        case "saddr" | "daddr":
            return Exact(type, text, EVERYTHING, version, span=span, name="src" if name == "saddr" else "dst")
        case "protocol":
            return Exact(type, text, version, version, span=span, name="proto")
        case "nexthdr":
            return _next_header(type, text, version, selector)
        case "ttl" | "hoplimit":
            return Hops(type, text, version, version, span=span, hooks=context.hooks)
        case "dscp":
            return Exact(type, text, version, version, span=span, name="tos", part=Bits(-2, 0x3F))
        case "ecn":
            return Exact(type, text, version, version, span=span, name="tos", part=Bits(0, 3))
        case "length":
            less = 0 if protocol == "ip" else 40
            return Exact(type, text, version, version, span=span, name="length", less=less)
        case "version":
            number = 4 if protocol == "ip" else 6
            return Cases(type, text, version, version, span=span, cases={number: version})
        case "frag-off":
            return FragmentOffset(type, text, version, version, span=span)
    return vague(type, text, version, span=span)


def _next_header(type: t.DataType, text: str, version: Match, selector: Selector) -> Operand:
    """Return the first header behind that of IPv6: hop-by-hop options come first, of others it is known if alone."""
    bits = {name: 1 << EXTENSION_HEADERS.index(name) for name in _CHAIN}
    every = sum(bits.values())
    chain = FIELDS["exthdrs"].domain
    assert isinstance(chain, Intervals)
    alone = {name: Field("exthdrs", Intervals.of(*_only(value, every))) for name, value in bits.items()}
    plain = Field("exthdrs", Intervals.of(*_only(0, every)))
    cases = {_CHAIN[name]: match for name, match in alone.items() if name != "hop"}
    cases[0] = bit("exthdrs", bits["hop"])
    rest = all_of(IPV6, Not(either_of(plain, *cases.values())))
    return _Nested(type, text, version, version, span=selector.span, cases=cases, rest=rest, plain=plain)


def _only(value: int, every: int) -> list[int]:
    return [number for number in range(256) if number & every == value]


@dataclass(frozen=True, slots=True)
class _Nested(Cases):
    """The next header: the transport where no extension header is there, else the first one of these."""

    plain: Match = EVERYTHING

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        others = Cases(
            self.type,
            self.text,
            span=self.span,
            cases=self.cases,
            rest=self.rest,
            possible=Intervals.of(60, 43, 44, 51),
        )
        transport = Exact(self.type, self.text, span=self.span, name="proto").known(values, bits)
        return either_of(all_of(self.plain, transport), others.known(values, bits))


@dataclass(frozen=True, slots=True)
class FragmentOffset(Operand):
    """The flags and the offset of an IPv4 fragment: exact where only the offset or MF is asked for."""

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        mask = bits.mask if bits is not None and not bits.shift else 0xFFFF
        whole, first, later = (Field("fragment", Intervals.of(number)) for number in range(3))
        match mask:
            case 0x1FFF:
                told = Cases(self.type, self.text, span=self.span, cases={0: FIRST}, rest=later, possible=_behind(0))
            case 0x2000:
                cases: dict[int, Match] = {0: whole, 0x2000: first}
                told = Cases(self.type, self.text, span=self.span, cases=cases, rest=later, possible=_ANY_OFFSET)
            case 0x3FFF:
                cases = {0: whole, 0x2000: first}
                told = Cases(self.type, self.text, span=self.span, cases=cases, rest=later, possible=_behind(0x2000))
            case _:
                return self.open(values, bits)
        assert bits is not None
        read = (number for number in range(mask + 1) if not number & ~mask and number ^ bits.flipped in values)
        return told.known(Intervals.of(*read, (1, 0)), None)


_ANY_OFFSET = Intervals.of((0, 0x3FFF))


def _behind(more: int) -> Intervals:
    """Return the offsets of later fragments, with the flag for more of them or without it."""
    return Intervals.of((1, 0x1FFF)) | (Intervals.of((more + 1, more + 0x1FFF)) if more else Intervals())


# Frames


def _frame(context: Context, protocol: str, name: str, type: t.DataType, selector: Selector) -> Operand:
    text, span = f"{protocol} {name}", selector.span
    if protocol == "arp":
        type = t.IPV4 if selector.words[2:] == ("ip",) else type
        return vague(type, " ".join(selector.words), span=span)
    not_lo = Not(Field("in", Names.of("lo")))
    if text == "ether saddr":
        return Exact(type, text, not_lo, FRAME, span=span, name="mac")
    if text == "ether type" and context.table.family in ("ip", "ip6", "inet"):
        return Cases(type, text, FRAME, FRAME, span=span, cases={0x0800: IPV4, 0x86DD: IPV6})
    return vague(type, text, FRAME, certain=protocol == "ether", span=span)


# What is read wherever a header of a transport begins


@dataclass(frozen=True, slots=True)
class Bytes(Operand):
    """Bytes that are a field in some protocols; in others they are something else, of which it is not known what.

    A packet may be too short to have them.
    """

    name: str = ""

    @property
    def others(self) -> Match:
        """The packets of which these bytes are no field."""
        if self.name in ("sport", "dport"):
            return all_of(_MISSING_BYTES, FIRST)
        return all_of(FIRST, Not(has(self.name)))

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        plain = Exact(self.type, self.text, span=self.span, name=self.name).known(values, bits)
        read = Operand.open(self, values, bits)
        text = f"the bytes where a {FIELDS[self.name].title} would be are {read.text.rpartition(' ')[2]}"
        key = f"bytes:{self.name}:{read.key.removeprefix(self.text.replace(' ', ':') + ':')}"
        return either_of(plain, all_of(self.others, self.unknown(key, text)))


def transport_bytes(type: t.DataType, name: str, text: str, selector: Selector) -> Operand:
    """Return what is read where a port would be (`th`): of protocols without ports it is not known."""
    there = all_of(_MISSING_BYTES, FIRST, vague(type, f"bytes {name}", certain=False, span=selector.span).present)
    return Bytes(type, text, EVERYTHING, either_of(has(name), there), span=selector.span, name=name)
