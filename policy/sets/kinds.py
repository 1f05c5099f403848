"""The well-formed packets of a layout as disjoint boxes: one for each kind of packets, which have the same fields."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from policy.packet import Intervals
from policy.packet.address import whole
from policy.sets.layout import Layout

Values = dict[str, Intervals]
"""A box. `?KEY` is the truth of a pure unknown (0 or 1), `*N` a value that an action has picked (left out: any)."""

TRUTH = Intervals.of((0, 1))
_DECIDING = ("proto", "src", "fragment", "state")


def kinds(layout: Layout) -> Iterator[Values]:
    """Yield disjoint boxes that are all well-formed packets: those of one box have the same fields."""
    pieces: dict[str, list[Intervals]] = {}
    for name in _DECIDING:
        if name == "src":
            pieces[name] = [whole(family) for family in sorted(layout.families)]
        elif name in layout.fields:
            pieces[name] = [layout.domain(name)]
    asked = [(field, present) for field in layout.fields if not isinstance(present := layout.presence(field), bool)]
    for name, wanted in (part for _, present in asked for parts in present for part in parts if part[0] != "src"):
        pieces[name] = [cut for each in pieces[name] for cut in (each & wanted, each - wanted) if cut]
    for chosen in product(*pieces.values()):
        deciding = dict(zip(pieces, chosen, strict=True))
        box = {f"?{key}": TRUTH for key in layout.unknowns}
        for name in layout.fields:
            if _present(layout, name, deciding):
                box[name] = deciding.get(name) or (deciding["src"] if name == "dst" else layout.domain(name))
        yield box


def _present(layout: Layout, name: str, deciding: Values) -> bool:
    present = layout.presence(name)
    if isinstance(present, bool):
        return present
    return any(all(wanted.covers(deciding[field]) for field, wanted in parts) for parts in present)
