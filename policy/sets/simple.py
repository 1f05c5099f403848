"""Conjunctions of fields, as most rules are, as regions and packets: at once, without a diagram."""

from __future__ import annotations

from policy.ir import All, Any, Field, Match
from policy.packet import FORWARD, INPUT, NEW, Intervals, Names, Packet, Value, complete
from policy.packet.address import ANY_ADDRESS, V4, V6
from policy.packet.example import PREFERRED, example
from policy.sets.layout import ADDRESSES, Layout
from policy.sets.regions import Region, plain

_FIRST = {"proto": PREFERRED["proto"], "fragment": (0,), "state": (NEW,), "hook": (FORWARD, INPUT)}


def region_of(match: Match, layout: Layout) -> Region | None:
    """Return the region that a match is, or None where it is more than one set of values for each field."""
    fields = _fields(match)
    if fields is None or any(name not in layout.fields for name in fields):
        return None
    numbers = {name: layout.numbers(name, values) for name, values in fields.items()}
    if any(values == layout.domain(name) and layout.presence(name) is not True for name, values in numbers.items()):
        # It says only that packets have the field: a region cannot say that.
        return None
    return Region(plain({**numbers}, layout))


def packet_of(match: Match, layout: Layout) -> Packet | None:
    """Return a natural packet that matches, or None where there is none or it is not found so easily."""
    fields = _fields(match)
    if fields is None:
        return None
    given: dict[str, Value] = {} if layout.hook is None else {"hook": layout.hook}
    sides = [fields.get(name, ANY_ADDRESS) for name in ADDRESSES]
    for family in (V4, V6) if 4 in layout.families else (V6,):
        cut = [values & family for values in sides if isinstance(values, Intervals)]
        if len(cut) == len(sides) and all(cut):
            given.update(zip(ADDRESSES, cut, strict=True))
            break
    else:
        return None
    for name, values in fields.items():
        if name in _FIRST and isinstance(values, Intervals):
            given[name] = next((number for number in _FIRST[name] if number in values), values.first)
        elif name not in ADDRESSES:
            given[name] = values
    given.setdefault("proto", _FIRST["proto"][0])
    try:
        return example(complete(given))
    except ValueError:
        return None


def _fields(match: Match) -> dict[str, Intervals | Names] | None:
    """Return the values by field, where each field stands once, with some."""
    found: dict[str, Intervals | Names] = {}
    for part in match.parts if isinstance(match, All) else (match,):
        match part:
            case Any():
                continue
            case Field(name, values) if isinstance(values, Intervals | Names):
                before = found.get(name, values)
                both = before & values if isinstance(before, Intervals) and isinstance(values, Intervals) else values
                if not both or (name in found and isinstance(both, Names)):
                    return None
                found[name] = both
            case _:
                return None
    return found
