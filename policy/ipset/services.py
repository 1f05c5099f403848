"""Which packets have one of several protocols and ports, as sets look at them.

Source: the kernel's ip_set_getport.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from policy.ipset.pieces import Piece, chosen
from policy.ir import NOTHING, Field, Match, Unknown, all_of, either_of
from policy.packet import Intervals
from policy.packet.fields import ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE

WITH_PORTS = frozenset({TCP, UDP, SCTP, UDPLITE})
"""The protocols whose ports sets look at: those of DCCP they do not."""

_IN_BITMAPS = (TCP, UDP)
_NOT_LATER = Field("fragment", Intervals.of((0, 1)))
_NO_NEXT_HEADER = 59
_SKIPPED = frozenset({0, 43, 44, 51, 60})
"""The headers of IPv6 behind which sets look for the protocol (the kernel's ipv6_skip_exthdr)."""


def services(
    known: Mapping[int, Match],
    direction: str,
    family: int,
    unknown: Callable[[str, str], Unknown],
    bitmap: bool,
) -> Match:
    """Return the packets of the services that are the keys of *known* and meet what stands there.

    In a *bitmap* are ports alone, which hold for TCP and UDP.
    """
    protocols: dict[int, dict[int, Match]] = {}
    for service, match in known.items():
        for protocol in _IN_BITMAPS if bitmap else (service >> 16,):
            protocols.setdefault(protocol, {})[service & 0xFFFF] = match
    found = []
    if family == 6:
        text = "the protocol behind the last header that is known is in the set"
        found.append(all_of(Field("proto", Intervals.of(*_SKIPPED)), unknown("header", text)))
        for protocol in (*_SKIPPED, _NO_NEXT_HEADER):
            protocols.pop(protocol, None)
    for protocol, ports in sorted(protocols.items()):
        inner = _of_protocol(protocol, ports, direction, family, unknown)
        if inner != NOTHING:
            found.append(all_of(Field("proto", Intervals.of(protocol)), inner))
    return either_of(*found)


def _of_protocol(
    protocol: int, ports: Mapping[int, Match], direction: str, family: int, unknown: Callable[[str, str], Unknown]
) -> Match:
    if protocol in WITH_PORTS:
        return chosen("sport" if direction == "src" else "dport", _pieces(ports))
    if protocol == (ICMP if family == 4 else ICMP6):
        return chosen("icmp_type", _pieces(_types(ports)))
    without = ports.get(0, NOTHING)
    if protocol in (ICMP, ICMP6):
        text = "the bytes where ICMP has its type and code are those of an element"
        return all_of(without, unknown("bytes", text)) if without != NOTHING else NOTHING
    return all_of(_NOT_LATER, without) if family == 6 and without != NOTHING else without


def _types(ports: Mapping[int, Match]) -> dict[int, Match]:
    rows: dict[int, dict[int, Match]] = {}
    for port, match in ports.items():
        rows.setdefault(port >> 8, {})[port & 0xFF] = match
    return {type: chosen("icmp_code", _pieces(codes)) for type, codes in rows.items()}


def _pieces(values: Mapping[int, Match]) -> list[Piece]:
    return [(value, value, match) for value, match in sorted(values.items())]
