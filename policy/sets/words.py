"""Regions in words, as the question language writes them, with the names of the file where a set has one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.ir import Definition, Service
from policy.packet import FIELDS, Intervals, Masked, ValueSet
from policy.packet.address import ANY_ADDRESS, V4, V6, families_of, whole
from policy.packet.names import protocol_name
from policy.packet.text import set_text
from policy.sets.layout import Layout
from policy.sets.regions import Region

_FEW = 3
"""So many parts are worth an `except`."""

Named = Sequence[tuple[str, Intervals]]
Kinds = dict[int, Intervals | None]
"""What a service is: its protocols, each with its destination ports, or None where it says nothing of them."""


def describe(region: Region, layout: Layout, definitions: Sequence[Definition] = ()) -> str:
    """Return a region in words: `tcp/5432 from office except 10.1.9.0/24 to db`."""
    left = dict(region.values)
    parts = [_service(left, definitions)]
    # Words must say the family themselves, but for those of the sources, where the destinations have said it.
    beside = region.values.get("dst")
    spoken = {"src": _whole(families_of(beside)) if isinstance(beside, Intervals) else ANY_ADDRESS}
    for word, address, port in (("from", "src", "sport"), ("to", "dst", "")):
        addresses, ports = left.pop(address, None), left.pop(port, None)
        if addresses is not None or ports is not None:
            text = (
                "any"
                if addresses is None
                else _addresses(address, addresses, spoken.get(address, ANY_ADDRESS), definitions)
            )
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


def _service(left: dict[str, Intervals | Masked], definitions: Sequence[Definition]) -> str:
    protocols, ports = left.pop("proto", None), left.pop("dport", None)
    if protocols is None and ports is None:
        return "any"
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
    return ", ".join(_kind(number, ports) for number in kinds)


def _kind(number: int, ports: ValueSet | None) -> str:
    name = protocol_name(number)
    if ports is not None:
        text = set_text("dport", ports)
        return f"{name}/{{{text}}}" if "," in text else f"{name}/{text}"
    return name


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


def _whole(families: Iterable[int]) -> Intervals:
    return Intervals.of(*(pair for family in families for pair in whole(family).ranges))


def _addresses(field: str, values: Intervals | Masked, spoken: Intervals, definitions: Sequence[Definition]) -> str:
    """Return addresses by the names that they have: one, several, or one with a little left out; else as they are.

    *spoken* are those of the families that are meant anyway.
    """
    if isinstance(values, Masked):
        return set_text(field, values)
    named = [(d.name, d.value) for d in definitions if isinstance(d.value, Intervals)]
    mine = _cut(named, spoken)
    for name, value in mine:
        if value == values:
            return name
    best: tuple[int, str] | None = None
    for name, value in [*mine, ("any", ANY_ADDRESS & spoken), ("0.0.0.0/0", V4), ("::/0", V6)]:
        missing = value - values
        if value.covers(values) and len(missing.ranges) <= _FEW and (best is None or missing.size < best[0]):
            best = missing.size, f"{name} except {_parts(field, missing, _cut(named, _whole(families_of(value))))}"
    if best is not None and (best[0] < values.size or len(values.ranges) > _FEW):
        return best[1]
    return _parts(field, values, mine)


def _cut(named: Named, addresses: Intervals) -> Named:
    found = [(name, value & addresses) for name, value in named]
    return [(name, value) for name, value in found if value]


def _parts(field: str, values: Intervals, named: Named) -> str:
    """Return the largest definitions that fit in *values*, and what they leave."""
    left, words = values, list[str]()
    for name, value in sorted(named, key=lambda item: -item[1].size):
        if left.covers(value) and len((left - value).ranges) < len(left.ranges):
            words.append(name)
            left -= value
    words += [set_text(field, some) for family in (4, 6) if (some := left & whole(family))]
    return ", ".join(words)
