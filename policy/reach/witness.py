"""One natural packet out of a part of a rule that no earlier rule takes."""

from __future__ import annotations

from policy.packet import ESTABLISHED, FIELDS, FORWARD, INPUT, NEW, Intervals, Packet, Value, complete, has, single
from policy.packet.address import V4, V6
from policy.packet.example import example
from policy.reach.cover import pieces
from policy.reach.judge import Part
from policy.reach.listing import Listing

_PREFERRED = {
    "hook": (FORWARD, INPUT),
    "proto": (6, 17, 1, 58, 47),
    "fragment": (0,),
    "state": (NEW, ESTABLISHED),
}
"""The fields that decide which others a packet has, with their usual values."""


def witness(rules: Listing, part: Part) -> Packet:
    """Return a packet of *part*; fields of which no rule speaks may have any value."""
    values = _values(rules, part)
    addresses = {name: values.pop(name, None) for name in ("src", "dst")}
    family = V4 if 4 in rules.scope.families else V6
    given: dict[str, Value] = {}
    for name, value in addresses.items():
        given[name] = family if value is None else value if isinstance(value, str) else _single(value)
    bounds = {each.name: each.values for each in rules.scope.sets()}
    for name, preferred in _PREFERRED.items():
        code = values.pop(name, bounds.get(name, FIELDS[name].domain))
        assert isinstance(code, Intervals)
        given[name] = next((number for number in preferred if number in code), code.first)
    usual = complete(given)
    for name, code in values.items():
        if has(given, name):
            given[name] = _usual(usual.get(name), code)
    return example(complete(given))


def _values(rules: Listing, part: Part) -> dict[str, Intervals | str]:
    found: dict[str, Intervals | str] = {}
    by_name = {axis.name: axis for axis in rules.axes}
    for name, ranges in pieces(rules.axes, part.row, part.problem, part.box).items():
        axis = by_name[name]
        code = Intervals.of(*(axis.values(*pair) for pair in ranges))
        values = rules.codes.decode(name, code)
        if isinstance(values, Intervals):
            found[name] = values
        else:
            names = [value for value in values if isinstance(value, str)]
            found[name] = names[0] if names else Intervals.of(*(v for v in values if isinstance(v, int)))
    return found


def _usual(usual: Value | None, code: Intervals | str) -> Value:
    """Return the usual value of a field if it is among those of *code*, else the first of them."""
    if isinstance(code, str) or (isinstance(usual, int) and usual in code):
        return usual if isinstance(usual, int) else code
    return _single(code) if isinstance(usual, Intervals) else code.first


def _single(code: Intervals | str) -> Value:
    return code if isinstance(code, str) else single(code)
