"""One natural packet out of a box."""

from __future__ import annotations

from itertools import product
from string import ascii_lowercase

from policy.packet.address import parse_address
from policy.packet.packet import Packet, Value, varies
from policy.packet.values import Intervals, Names

PREFERRED = {
    "proto": (6, 17, 1, 58, 47),
    "sport": (51000, 40000, 1024),
    "dport": (443, 80),
    "src": tuple(parse_address(text) for text in ("198.51.100.7", "10.0.0.7", "2001:db8::7")),
    "dst": tuple(parse_address(text) for text in ("192.0.2.9", "10.0.0.9", "2001:db8::9")),
}
INTERFACES = {"in": ("eth0", "eth1", "lo"), "out": ("eth1", "eth0", "lo")}


def example(box: Packet) -> Packet:
    """Return a packet of *box*: usual client ports, a host address rather than a network's, common protocols.

    What is not known of the box stays open.
    """
    return Packet({name: _choose(name, value) if varies(name, value) else value for name, value in box.values.items()})


def _choose(name: str, value: Value) -> Value:
    if isinstance(value, Names):
        return _interface(name, value)
    if not isinstance(value, Intervals):
        return value
    low, high = value.ranges[0]
    host = low + 1 if name in ("src", "dst") and high > low else low
    return next((number for number in PREFERRED.get(name, ()) if number in value), host)


def _interface(field: str, names: Names) -> str:
    for name in (*INTERFACES[field], *sorted(names.exact), *(f"{prefix}0" for prefix in sorted(names.prefixes))):
        if name in names:
            return name
    made_up = ("".join(letters) + "0" for letters in product(ascii_lowercase, repeat=3))
    return next(name for name in made_up if name in names)


def is_single(box: Packet) -> bool:
    """Does every field have one value, or one that is not known?"""
    return not any(varies(name, value) for name, value in box.values.items())
