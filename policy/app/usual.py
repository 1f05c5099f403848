"""The first packets of new connections in words, as questions mean them where they leave a field out."""

from __future__ import annotations

from collections.abc import Sequence

from policy.ir import Definition
from policy.packet import Intervals
from policy.reach.first import USUAL
from policy.sets import Region
from policy.sets.layout import Layout
from policy.sets.truth import Algebra
from policy.sets.words import describe


def words(region: Region, layout: Layout, definitions: Sequence[Definition]) -> str:
    """Return a region of first packets in words, without what goes without saying."""
    not_lo = layout.domain("in") - Intervals.of(layout.atoms.number("lo"))
    kept = {
        name: values
        for name, values in region.values.items()
        if not (name in USUAL and values == Intervals.of(USUAL[name]))
        and not (name in ("in", "out") and values == not_lo)
    }
    return describe(Region(kept), layout, definitions)


def in_words(packets: Algebra, layout: Layout, definitions: Sequence[Definition], most: int, shown: int) -> list[str]:
    """Return a set of first packets in words, at most *shown* regions; raises `Exhausted` above *most* of them."""
    found = [words(region, layout, definitions) for region in packets.regions(most)]
    more = len(found) - shown
    return [*found[:shown], *([f"{more} more"] if more > 0 else [])]
