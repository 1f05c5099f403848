"""Regions in words, as the question language writes them, with the names of the file where a set has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from policy.ir import Definition, Service
from policy.packet import FIELDS, Intervals, Masked, ValueSet
from policy.packet.address import ANY_ADDRESS, V4, V6
from policy.packet.fields import ICMP, ICMP6, PORT_PROTOCOLS, TCP
from policy.packet.names import protocol_name
from policy.packet.text import set_text
from policy.sets.layout import ADDRESSES, Layout
from policy.sets.regions import Region

_FEW = 3
"""So many parts are worth an `except`."""

_WHOLE = (("any", ANY_ADDRESS), ("0.0.0.0/0", V4), ("::/0", V6))

_PING = Intervals.of(8, 128)
"""The ICMP types of `ping`: each is the one of its family."""

_ONE_ICMP = (Intervals.of(ICMP), Intervals.of(ICMP6))

Kinds = dict[int, Intervals | None]
"""What a service is: its protocols, each with its destination ports, or None where it says nothing of them."""


def describe(region: Region, layout: Layout, definitions: Sequence[Definition] = ()) -> str:
    """Return a region in words: `tcp/5432 from office except 10.1.9.0/24 to db`."""
    left = dict(region.values)
    parts = [_service(left, definitions)]
    named = {side: _named(side, region, definitions) for side in ADDRESSES}
    for word, address, port in (("from", "src", "sport"), ("to", "dst", "")):
        addresses, ports = left.pop(address, None), left.pop(port, None)
        if addresses is not None or ports is not None:
            text = "any" if addresses is None else _addresses(address, addresses, named[address])
            parts.append(f"{word} {text}" + ("" if ports is None else f" port {set_text(port, ports)}"))
    for name in ("in", "out"):
        values = left.pop(name, None)
        if isinstance(values, Intervals):
            parts.append(f"{name} {layout.atoms.text(values)}")
    parts += [f"{name} {set_text(name, left.pop(name))}" for name in ("state", "flags") if name in left]
    if left:
        parts.append(
            "with " + ", ".join(f"{FIELDS[name].title} {set_text(name, found)}" for name, found in left.items())
        )
    return " ".join(parts)


def described(found: Iterable[Region], layout: Layout, definitions: Iterable[Definition]) -> list[str]:
    """Return regions in words."""
    definitions = tuple(definitions)
    return [describe(region, layout, definitions) for region in found]


def described_first(
    most: int, found: Iterator[Region], layout: Layout, definitions: Iterable[Definition]
) -> tuple[list[str], bool]:
    """Return the first *most* regions in words, and whether there are more."""
    return described(islice(found, most), layout, definitions), next(found, None) is not None


def _service(left: dict[str, Intervals | Masked], definitions: Sequence[Definition]) -> str:
    protocols, ports = left.pop("proto", None), left.pop("dport", None)
    if protocols is None and left.get("icmp_type") == _PING:
        del left["icmp_type"]
        return "ping"
    if protocols is None and left.keys() & {"flags", "tcp_options"}:
        protocols = Intervals.of(TCP)
    if isinstance(protocols, Intervals) and protocols in _ONE_ICMP and "icmp_type" in left:
        return _icmp(protocols.first, left)
    if protocols is None and ports is None:
        return "any"
    if ports is not None and protocols in (None, PORT_PROTOCOLS):
        return f"any to port {set_text('dport', ports)}"
    if not isinstance(protocols, Intervals):
        protocols = Intervals.of((0, 255))
    if protocols.size > 128:
        rest = Intervals.of((0, 255)) - protocols
        text = f"any but {set_text('proto', rest)}"
        return text if ports is None else f"{text} to port {set_text('dport', ports)}"
    kinds: Kinds = {
        n: ports if isinstance(ports, Intervals) else None for a, b in protocols.ranges for n in range(a, b + 1)
    }
    for definition in definitions:
        if isinstance(definition.value, tuple) and _kinds(definition.value) == kinds:
            return definition.name
    if ports is not None and len(kinds) >= _FEW:
        return f"{', '.join(protocol_name(number) for number in kinds)} to port {set_text('dport', ports)}"
    return ", ".join(_kind(number, ports) for number in kinds)


def _icmp(protocol: int, left: dict[str, Intervals | Masked]) -> str:
    """Return ICMP with its types, and with a code, which can be said of one type."""
    types = set_text("icmp_type", left.pop("icmp_type"))
    code = left.get("icmp_code")
    if types.isdecimal() and isinstance(code, Intervals) and code.size == 1:
        del left["icmp_code"]
        return f"{protocol_name(protocol)}/{types}/{code.first}"
    return f"{protocol_name(protocol)}/{_braced(types)}"


def _kind(number: int, ports: ValueSet | None) -> str:
    name = protocol_name(number)
    return name if ports is None else f"{name}/{_braced(set_text('dport', ports))}"


def _braced(numbers: str) -> str:
    return f"{{{numbers}}}" if "," in numbers else numbers


def _kinds(services: Sequence[Service]) -> Kinds | None:
    """Return what services are, or None where they are more than protocols and destination ports."""
    found: Kinds = {}
    for service in services:
        values = {field.name: field.values for field in service}
        protocols, ports = values.pop("proto", None), values.pop("dport", None)
        if values or not isinstance(protocols, Intervals) or isinstance(ports, Masked) or protocols.size > 255:
            return None
        for number in (n for low, high in protocols.ranges for n in range(low, high + 1)):
            before = found.get(number, Intervals())
            found[number] = before | ports if before is not None and isinstance(ports, Intervals) else None
    return found


def _named(side: str, region: Region, definitions: Sequence[Definition]) -> list[tuple[str, Intervals]]:
    """Return names of addresses, as they are; for sources then what is left of them in the families of the others.

    The words for destinations must say the family themselves.
    """
    named = [(d.name, d.value) for d in definitions if isinstance(d.value, Intervals) and d.value]
    beside = region.values.get("dst") if side == "src" else None
    if not isinstance(beside, Intervals):
        return named
    both = ANY_ADDRESS
    for family in (V4, V6):
        both = both if family.meets(beside) else both - family
    return named + [(name, cut) for name, value in named if (cut := value & both) and cut != value]


def _addresses(field: str, values: Intervals | Masked, named: Sequence[tuple[str, Intervals]]) -> str:
    """Return addresses by the names that they have: one, several, or one with a little left out; else as they are."""
    if isinstance(values, Masked):
        return set_text(field, values)
    for name, value in [*named, *_WHOLE]:
        if value == values:
            return name
    size, scattered = values.size, len(values.ranges) > _FEW
    best: tuple[int, str, Intervals] | None = None
    for name, value in [*named, *_WHOLE]:
        # To leave out more than is left is only worth it where the rest is many ranges.
        if (scattered or value.size < 2 * size) and value.covers(values):
            missing = value - values
            if len(missing.ranges) <= _FEW and (best is None or missing.size < best[0]):
                best = missing.size, name, missing
    if best is not None:
        return f"{best[1]} except {_parts(field, best[2], named)}"
    return _parts(field, values, named)


def _parts(field: str, values: Intervals, named: Sequence[tuple[str, Intervals]]) -> str:
    """Return the largest definitions that fit in *values*, and what they leave."""
    left, words = values, list[str]()
    for name, value in sorted(named, key=lambda item: -item[1].size):
        if left.covers(value) and len((left - value).ranges) < len(left.ranges):
            words.append(name)
            left -= value
    words += [set_text(field, some) for family in (V6, V4) if (some := left & family)]
    return ", ".join(words)
