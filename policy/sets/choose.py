"""One natural packet out of a set: what people would expect to see on a wire, if the set has it."""

from __future__ import annotations

from collections.abc import Iterator

from policy.packet import ACK, NEW, OUTPUT, SYN, Intervals, Packet, Value, complete
from policy.packet.address import BROADCAST, LOOPBACK, MULTICAST, V4
from policy.packet.example import INTERFACES, PREFERRED, example
from policy.sets.dd import Formula
from policy.sets.encoding import ADDRESSES, Encoding

_ORDER = ("state", "fragment", "direction", "proto", "dport", "sport", "dst", "src", "in", "out")
_USUAL: dict[str, tuple[int, ...]] = {
    "state": (NEW,),
    "fragment": (0,),
    "direction": (0,),
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


def choose(encoding: Encoding, formula: Formula) -> Packet | None:
    """Return a packet for which *formula*, without unknowns, is true; None if there is none."""
    left = formula & encoding.wellformed
    if not left:
        return None
    left = left & encoding.inside("src", V4, encoding.bits["src"]) or left
    values: dict[str, Value] = {}
    if encoding.layout.hook is not None:
        values["hook"] = encoding.layout.hook
    fields = encoding.layout.fields
    for name in sorted(fields, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)):
        with_field = left & encoding.has(name)
        if not with_field:
            continue
        left, number = _pick(encoding, with_field, name, values)
        values[name] = encoding.layout.atoms.example(number) if name in INTERFACES else number
    return example(complete(values))


def _pick(encoding: Encoding, left: Formula, name: str, values: dict[str, Value]) -> tuple[Formula, int]:
    """Return what is left with a value of a field, and that value."""
    for number in _preferred(encoding, name, values):
        if narrowed := _with(encoding, left, name, number):
            return narrowed, number
    narrowed, number = _lowest(encoding, left, name)
    if name in ADDRESSES and (host := _with(encoding, left, name, number + 1)):
        return host, number + 1
    return narrowed, number


def _with(encoding: Encoding, left: Formula, name: str, number: int) -> Formula:
    domain = encoding.layout.domain(name)
    return left & encoding.inside(name, Intervals.of(number) & domain, encoding.bits[name])


def _preferred(encoding: Encoding, name: str, values: dict[str, Value]) -> Iterator[int]:
    """Yield the usual values of a field, for a packet of which *values* are chosen already."""
    if name in INTERFACES:
        atoms = encoding.layout.atoms
        loopback = any(_address(values, side) in LOOPBACK for side in ADDRESSES)
        names = INTERFACES[name]
        yield from (atoms.number(each) for each in (("lo", *names) if loopback else names))
        yield from (n for n, atom in enumerate(atoms.all) if atom.text != "lo")
    match name:
        case "flags":
            yield SYN if values.get("state", NEW) == NEW else ACK
            yield ACK
        case "icmp_type":
            yield 8 if values["proto"] == 1 else 128
        case "pkttype":
            at_output = values.get("hook") == OUTPUT
            to = _address(values, "dst")
            yield 0 if at_output else 1 if to in BROADCAST else 2 if to in MULTICAST else 0
        case _:
            yield from PREFERRED.get(name, ()) or _USUAL.get(name, ())


def _address(values: dict[str, Value], name: str) -> int:
    """Return an address that is chosen already, or none that there is."""
    found = values.get(name, -1)
    assert isinstance(found, int)
    return found


def _lowest(encoding: Encoding, left: Formula, name: str) -> tuple[Formula, int]:
    """Return what is left with the lowest value of a field, and that value."""
    number = 0
    bits = encoding.bits[name]
    if name in ADDRESSES:
        v4 = bool(left & encoding.inside(name, V4, bits))
        number, bits = (1, bits[1:33]) if v4 else (0, bits[1:])
    for bit in bits:
        zero = left - bit
        number = number << 1 | (not zero)
        left = zero or left & bit
    if name in ADDRESSES and v4:
        number += V4.first - (1 << 32)
    return left, number
