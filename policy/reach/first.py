"""The first packets of new connections, alike in every field that says nothing of which traffic they are."""

from __future__ import annotations

from policy.ir import Field, Match, Not, all_of, either_of
from policy.packet import FIELDS, NEW, SYN, Intervals, Names
from policy.packet.address import whole
from policy.packet.connection import OPENING
from policy.sets.layout import Layout

USUAL = {"state": NEW, "fragment": 0, "direction": 0, "flags": SYN, "ttl": 64}
USUAL |= dict.fromkeys(("tos", "mark", "ctmark", "ctstatus", "tcp_options", "exthdrs"), 0)
"""The values that questions mean where they leave a field out."""

_LOOPBACK = Names.of("lo")


def first_packets(layout: Layout) -> Match:
    """Return the packets that open connections, alike in every field that says nothing of which traffic it is.

    Without those on `lo`.
    """
    parts: list[Match] = [_if_there(name, Intervals.of(USUAL[name])) for name in layout.fields if name in USUAL]
    parts += [Not(Field(name, _LOOPBACK)) for name in ("in", "out") if name in layout.fields]
    if "icmp_type" in layout.fields:
        opening = [all_of(Field("src", whole(family)), Field("icmp_type", OPENING[family])) for family in (4, 6)]
        parts.append(either_of(_without("icmp_type"), *opening))
    return all_of(*parts)


def _if_there(name: str, values: Intervals) -> Match:
    return either_of(Field(name, values), _without(name))


def _without(name: str) -> Match:
    return Not(Field(name, FIELDS[name].domain))
