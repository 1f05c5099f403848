"""One natural packet out of a box."""

from __future__ import annotations

from policy.packet.fields import TRAFFIC
from policy.packet.packet import Packet, Value
from policy.packet.values import Intervals, Names

_PREFERRED = {"sport": (51000, 40000, 1024), "dport": (443, 80), "length": (60,), "uid": (1000,), "gid": (1000,)}
_INTERFACES = ("eth0", "eth1", "lo")
_PROTOCOLS = (6, 17, 1, 58, 47)


def example(box: Packet) -> Packet:
    """Return a packet of *box*: usual client ports, a host address rather than a network's, common protocols."""
    return Packet({name: _choose(name, value) for name, value in box.values.items()})


def _choose(name: str, value: Value) -> Value:
    if isinstance(value, Names):
        return _interface(value)
    if not isinstance(value, Intervals):
        return value
    if name in ("src", "dst"):
        low, high = value.ranges[0]
        return low + 1 if high > low else low
    if name == "mac":
        return 0x020000000001 if 0x020000000001 in value else value.first
    wanted = _PROTOCOLS if name == "proto" else _PREFERRED.get(name, ())
    return next((number for number in wanted if number in value), value.first)


def _interface(names: Names) -> str:
    for name in (*_INTERFACES, *sorted(names.exact), *(f"{prefix}0" for prefix in sorted(names.prefixes))):
        if name in names:
            return name
    return next(name for name in (f"eth{number}" for number in range(100_000)) if name in names)


def is_single(box: Packet) -> bool:
    """Does every field that says which traffic is meant have one value?"""
    return all(isinstance(box.values.get(name, 0), int | str) for name in TRAFFIC)
