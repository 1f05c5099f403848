"""Every field of a packet: its domain, its title, and which packets have it.

The names are those of the IR and of JSON. Sources of the semantics: RFC 791 and 8200 (addresses,
TTL or hop limit, fragments), RFC 9293 (TCP flags), RFC 792 and 4443 (ICMP), and the Linux kernel
for hooks, connection state and marks.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.packet.address import ANY_ADDRESS, V4, V6
from policy.packet.values import ANY_NAME, Intervals, ValueSet

HOOKS = ("input", "output", "forward")
STATES = ("new", "established", "related", "invalid", "untracked")
DIRECTIONS = ("original", "reply")
FRAGMENTS = ("no", "first", "later")
PACKET_TYPES = ("unicast", "broadcast", "multicast")
EXTENSION_HEADERS = ("hop", "dst", "route", "frag", "auth", "esp", "none", "prot")

NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED = range(5)
INPUT, OUTPUT, FORWARD = range(3)
ROUTING = 3
"""The hook of a packet whose way is to be decided anew, because its destination was rewritten; none arrives there."""

ICMP, TCP, UDP, DCCP, ICMP6, SCTP, UDPLITE = 1, 6, 17, 33, 58, 132, 136
SYN, ACK = 2, 16
EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED, SOURCE_TRANSLATED, DESTINATION_TRANSLATED = (1 << bit for bit in range(6))
TRANSLATED = SOURCE_TRANSLATED | DESTINATION_TRANSLATED
"""The bits of the connection status (nf_conntrack_common.h: `enum ip_conntrack_status`)."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What is known of a field: *title* for people, *domain*, the *labels* of its values if they are few."""

    title: str
    domain: ValueSet
    labels: tuple[str, ...] = ()


def _number(title: str, bits: int) -> FieldInfo:
    return FieldInfo(title, Intervals.of((0, (1 << bits) - 1)))


def _label(title: str, labels: tuple[str, ...]) -> FieldInfo:
    return FieldInfo(title, Intervals.of((0, len(labels) - 1)), labels)


FIELDS: dict[str, FieldInfo] = {
    "hook": _label("hook", HOOKS),
    "in": FieldInfo("input interface", ANY_NAME),
    "out": FieldInfo("output interface", ANY_NAME),
    "proto": _number("protocol", 8),
    "src": FieldInfo("source address", ANY_ADDRESS),
    "dst": FieldInfo("destination address", ANY_ADDRESS),
    "sport": _number("source port", 16),
    "dport": _number("destination port", 16),
    "icmp_type": _number("ICMP type", 8),
    "icmp_code": _number("ICMP code", 8),
    "flags": _number("TCP flags", 8),
    "fragment": _label("fragment", FRAGMENTS),
    "state": _label("connection state", STATES),
    "direction": _label("connection direction", DIRECTIONS),
    "ctmark": _number("connection mark", 32),
    "ctstatus": _number("connection status", 6),
    "ttl": _number("TTL", 8),
    "tos": _number("TOS byte", 8),
    "length": _number("packet length", 16),
    "mark": _number("mark", 32),
    "mac": _number("source MAC", 48),
    "pkttype": _label("packet type", PACKET_TYPES),
    "uid": _number("user id of the socket", 32),
    "gid": _number("group id of the socket", 32),
    "tcp_options": _number("TCP options", 256),
    "exthdrs": _number("IPv6 extension headers", 8),
}

LONGEST_INTERFACE = 15
"""The longest name of an interface, in characters (Linux: IFNAMSIZ without its end)."""

TRAFFIC = ("proto", "src", "dst", "sport", "dport", "in", "out")
"""The fields that say which traffic is meant: a question that leaves them out asks about all their values."""

HOOK_FIELDS = ("hook", "in", "out", "mac", "uid", "gid", "pkttype")
"""The hook, and the fields that a packet has, or whose value is usual, at some hooks only."""

PORT_CLASSES = (Intervals.of((0, 511)), Intervals.of((512, 1023)), Intervals.of((1024, 65535)))
"""Where the kernel chooses another source port by itself, it takes one of the class of the old one
(nf_nat_core.c, nf_nat_l4proto_unique_tuple)."""

NOT_KNOWN = ("direction", "ctmark", "ctstatus", "length", "mac", "pkttype", "uid", "gid")
"""The fields without a usual value: of a packet that does not say them they are not known."""

PORT_PROTOCOLS = Intervals.of(TCP, UDP, DCCP, SCTP, UDPLITE)

_FIRST = ("fragment", Intervals.of((0, 1)))
_PORTS = ((("proto", PORT_PROTOCOLS), _FIRST),)
_TCP = ((("proto", Intervals.of(TCP)), _FIRST),)
_ICMP = ((("proto", Intervals.of(ICMP)), ("src", V4), _FIRST), (("proto", Intervals.of(ICMP6)), ("src", V6), _FIRST))
_TRACKED = ((("state", Intervals.of((NEW, RELATED))),),)
_ARRIVES = ((("hook", Intervals.of(INPUT, FORWARD)),),)
_LEAVES = ((("hook", Intervals.of(OUTPUT, FORWARD)),),)
_SENT = ((("hook", Intervals.of(OUTPUT)),),)
_IPV6 = ((("src", V6),),)

REQUIRES: dict[str, tuple[tuple[tuple[str, Intervals], ...], ...]] = {
    "in": _ARRIVES,
    "out": _LEAVES,
    "sport": _PORTS,
    "dport": _PORTS,
    "icmp_type": _ICMP,
    "icmp_code": _ICMP,
    "flags": _TCP,
    "tcp_options": _TCP,
    "direction": _TRACKED,
    "ctmark": _TRACKED,
    "ctstatus": _TRACKED,
    "mac": _ARRIVES,
    "uid": _SENT,
    "gid": _SENT,
    "exthdrs": _IPV6,
}
"""Which packets have a field: those that meet one of the alternatives in all its parts; a field not
named here is on every packet. A packet at no hook in particular has what any hook would give it."""


def losing(state: int) -> frozenset[str]:
    """Return the fields that no packet in a connection state has."""
    return frozenset(
        name
        for name, alternatives in REQUIRES.items()
        if all(any(field == "state" and state not in wanted for field, wanted in parts) for parts in alternatives)
    )
