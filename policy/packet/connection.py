"""The packets of a connection: the first one, the reply on the way back, and the next one in the first direction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from policy.packet.fields import ACK, ESTABLISHED, FORWARD, ICMP, ICMP6, INPUT, OUTPUT, TCP, UDP
from policy.packet.packet import Packet, Value, complete
from policy.packet.values import Intervals

Role = Literal["first", "reply", "next"]

OPPOSITE = {"src": "dst", "dst": "src", "sport": "dport", "dport": "sport", "in": "out", "out": "in"}
"""The field of a packet that has the value which a field of its reply has."""

OPENING = {4: Intervals.of(8, 13, 15, 17), 6: Intervals.of(128, 139)}
"""The ICMP types that can be new to connection tracking (nf_conntrack_proto_icmp.c, …_icmpv6.c)."""

LINUX_PORTS = Intervals.of((32768, 60999))
"""The ports that Linux gives to clients, if it is not told others (ip-sysctl.rst, `ip_local_port_range`)."""

DYNAMIC_PORTS = Intervals.of((49152, 65535))
"""The ports that clients have with other systems (RFC 6335, 6; Windows, macOS, FreeBSD)."""

CLIENT_PORTS = LINUX_PORTS | DYNAMIC_PORTS

_ICMP_REPLIES = {8: 0, 13: 14, 15: 16, 17: 18}
_ICMP6_REPLIES = {128: 129, 139: 140}
OTHER_HOOK = {INPUT: OUTPUT, OUTPUT: INPUT, FORWARD: FORWARD}
"""The hook of the reply, by that of the first packet."""

_KEPT = ("proto", "fragment", "icmp_code", "tos", "mark", "ttl")


def connection(first: Packet) -> Iterator[tuple[Role, Packet]]:
    """Yield the packets of the connection that *first*, which may be a box, opens: itself, the reply, the next one.

    Only TCP, UDP and ICMP requests open one here; of other protocols there is the first packet alone.
    """
    yield "first", first
    values = first.values
    if values["proto"] not in (TCP, UDP, ICMP, ICMP6):
        return
    changes: dict[str, Value] = {"state": ESTABLISHED, "direction": 1}
    if "icmp_type" in values:
        replies = _ICMP_REPLIES if values["proto"] == ICMP else _ICMP6_REPLIES
        kind = values["icmp_type"]
        if not isinstance(kind, int) or kind not in replies:
            return
        changes["icmp_type"] = replies[kind]
    kept = {name: value for name, value in values.items() if name in _KEPT}
    yield "reply", complete({**kept, **_turned(values), **changes})
    yield "next", complete({**values, "state": ESTABLISHED, **({"flags": ACK} if "flags" in values else {})})


def _turned(values: Mapping[str, Value]) -> dict[str, Value]:
    turned = {name: values[opposite] for name, opposite in OPPOSITE.items() if opposite in values}
    hook = values.get("hook")
    if isinstance(hook, int):
        turned["hook"] = OTHER_HOOK[hook]
    return turned
