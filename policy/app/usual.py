"""The first packets of new connections, as questions mean them where they leave a field out."""

from __future__ import annotations

from collections.abc import Sequence

from policy.ir import Definition, Field, Match, Not, all_of, either_of
from policy.packet import FIELDS, NEW, SYN, Intervals, Names
from policy.packet.address import whole
from policy.question.boxes import OPENING
from policy.sets import Region
from policy.sets.layout import Layout
from policy.sets.truth import Algebra
from policy.sets.words import describe

_USUAL = {"state": NEW, "fragment": 0, "direction": 0, "flags": SYN, "ttl": 64}
_USUAL |= dict.fromkeys(("tos", "mark", "tcp_options", "exthdrs"), 0)
_LOOPBACK = Names.of("lo")


def first_packets(layout: Layout) -> Match:
    """Return the packets that open connections, alike in every field that says nothing of which traffic it is.

    Without those on `lo`.
    """
    parts: list[Match] = [_if_there(name, Intervals.of(_USUAL[name])) for name in layout.fields if name in _USUAL]
    parts += [Not(Field(name, _LOOPBACK)) for name in ("in", "out") if name in layout.fields]
    if "icmp_type" in layout.fields:
        opening = [all_of(Field("src", whole(family)), Field("icmp_type", OPENING[family])) for family in (4, 6)]
        parts.append(either_of(_without("icmp_type"), *opening))
    return all_of(*parts)


def _if_there(name: str, values: Intervals) -> Match:
    return either_of(Field(name, values), _without(name))


def _without(name: str) -> Match:
    return Not(Field(name, FIELDS[name].domain))


def words(region: Region, layout: Layout, definitions: Sequence[Definition]) -> str:
    """Return a region of first packets in words, without what goes without saying."""
    not_lo = layout.domain("in") - Intervals.of(layout.atoms.number("lo"))
    kept = {
        name: values
        for name, values in region.values.items()
        if not (name in _USUAL and values == Intervals.of(_USUAL[name]))
        and not (name in ("in", "out") and values == not_lo)
    }
    return describe(Region(kept), layout, definitions)


def in_words(packets: Algebra, layout: Layout, definitions: Sequence[Definition], most: int, shown: int) -> list[str]:
    """Return a set of first packets in words, at most *shown* regions; raises `Exhausted` above *most* of them."""
    found = [words(region, layout, definitions) for region in packets.regions(most)]
    more = len(found) - shown
    return [*found[:shown], *([f"{more} more"] if more > 0 else [])]
