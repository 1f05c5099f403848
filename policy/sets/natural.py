"""What people would expect to see on a wire: the values that examples have if they can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policy.packet import ACK, NEW, OUTPUT, SYN, Packet, Value, complete
from policy.packet.address import BROADCAST, LOOPBACK, MULTICAST
from policy.packet.example import INTERFACES, PREFERRED, example
from policy.packet.fields import ICMP
from policy.sets.layout import Layout

_USUAL: dict[str, tuple[int, ...]] = {
    "state": (NEW,),
    "fragment": (0,),
    "direction": (0,),
    "ctmark": (0,),
    "ctstatus": (0,),
    "icmp_code": (0,),
    "ttl": (64,),
    "tos": (0,),
    "mark": (0,),
    "tcp_options": (0,),
    "exthdrs": (0,),
    "length": (60, 1500),
    "mac": (0x02_00_00_00_00_01,),
    "uid": (1000, 0),
    "gid": (1000, 0),
}


def preferred(layout: Layout, name: str, values: Mapping[str, int]) -> Iterator[int]:
    """Yield the usual numbers of a field, the best first, for a packet of which *values* are chosen already."""
    match name:
        case "in" | "out":
            loopback = any(values.get(side, -1) in LOOPBACK for side in ("src", "dst"))
            names = ("lo", *INTERFACES[name]) if loopback else INTERFACES[name]
            yield from (layout.atoms.number(each) for each in names)
            yield from range(len(layout.atoms.all))
        case "flags":
            yield SYN if values.get("state", NEW) == NEW else ACK
            yield ACK
        case "icmp_type":
            yield 8 if values["proto"] == ICMP else 128
        case "pkttype":
            to = values["dst"]
            yield 0 if layout.hook == OUTPUT else 1 if to in BROADCAST else 2 if to in MULTICAST else 0
        case _:
            yield from PREFERRED.get(name, ()) or _USUAL.get(name, ())


def finished(layout: Layout, numbers: Mapping[str, int]) -> Packet:
    """Return the packet with *numbers* as its fields, and all others as usual."""
    values: dict[str, Value] = dict(numbers)
    for name in ("in", "out"):
        if name in numbers:
            values[name] = layout.atoms.example(numbers[name])
    if layout.hook is not None:
        values["hook"] = layout.hook
    return example(complete(values))
