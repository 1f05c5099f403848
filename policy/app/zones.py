"""The zones between which packets go: named networks, or the senders and receivers that rules treat alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from policy._record import dataclass
from policy.app.pieces import pieces
from policy.app.usual import words
from policy.ir import EVERYTHING, Definition, Field, Match, Ruleset, either_of
from policy.packet import Intervals, Masked
from policy.packet.address import families_of, whole
from policy.reach.classes import Class, Pair, Side, classes, spread
from policy.sets import Region
from policy.sets.layout import Layout
from policy.sets.regions import Box, merged
from policy.sets.truth import Algebra

MOST_ZONES = 12
MOST_REGIONS = 400
ELSEWHERE = "anywhere else"
ANYONE = "anyone"
_NO_INTERFACE = Intervals.of(0)


@dataclass(frozen=True, slots=True)
class Zone:
    """Some senders or receivers: *match* is which, *name* says it."""

    name: str
    match: Match


@dataclass(frozen=True, slots=True)
class Zones:
    """Who sends and who receives; *grouped*: how many zones are not shown alone."""

    senders: tuple[Zone, ...]
    receivers: tuple[Zone, ...]
    grouped: int = 0


def named_zones(ruleset: Ruleset, layout: Layout) -> Zones | None:
    """Return the named networks and hosts, made disjoint, and elsewhere; None where the file has no such names."""
    named = [(d, d.value & layout.addresses) for d in ruleset.definitions if isinstance(d.value, Intervals)]
    if not any(value for _, value in named):
        return None
    by_use = sorted(named, key=lambda each: -len(each[0].uses))
    found, grouped = pieces([(d.name, value) for d, value in by_use if value], layout.addresses, ELSEWHERE, MOST_ZONES)
    order = {d.name: place for place, (d, _) in enumerate(named)}
    found.sort(key=lambda piece: (piece.name == ELSEWHERE, order.get(piece.name.split(" ")[0], len(order))))
    senders, receivers = (tuple(Zone(p.name, Field(side, p.value)) for p in found) for side in ("src", "dst"))
    return Zones(senders, receivers, grouped)


def alike(relations: Sequence[Algebra], layout: Layout, definitions: Sequence[Definition]) -> Zones:
    """Return the senders and the receivers that are alike in *relations*: sets of packets, one for each verdict.

    Raises `Exhausted` where there are too many of them.
    """
    pairs = [_pairs(relation, layout) for relation in relations]
    sides = [[pair.source for each in pairs for pair in each], [pair.target for each in pairs for pair in each]]
    sending, receiving = (_united(side) for side in sides)
    senders, receivers = classes(pairs, sending, receiving)
    named = [
        replace(d, value=d.value & (sending[1] | receiving[1])) if isinstance(d.value, Intervals) else d
        for d in definitions
    ]
    first, more = _Naming("in", "src", sending, layout, named).zones(senders)
    second, other = _Naming("out", "dst", receiving, layout, named).zones(receivers)
    return Zones(first, second, more + other)


def anyone() -> Zones:
    """Return one zone of everybody."""
    return Zones((Zone(ANYONE, EVERYTHING),), (Zone(ANYONE, EVERYTHING),))


def _pairs(relation: Algebra, layout: Layout) -> list[Pair]:
    """Return who may send to whom, in few pairs: of both families together where that is possible."""
    boxes = dict.fromkeys(_box(region, layout) for region in relation.regions(MOST_REGIONS))
    found = []
    for box in merged(list(boxes)):
        values = {name: spread(each) for name, each in box}
        found.append(Pair((values["in"], values["src"]), (values["out"], values["dst"])))
    return found


def _box(region: Region, layout: Layout) -> Box:
    """Return who sends to whom in a region; addresses are of the same families on both sides."""
    source, target = (spread(region.values.get(address, layout.addresses)) for address in ("src", "dst"))
    for family in layout.families - (families_of(source) & families_of(target)):
        source, target = source - whole(family), target - whole(family)
    values: dict[str, Intervals | Masked] = {name: _interfaces(name, region, layout) for name in ("in", "out")}
    return tuple(sorted({**values, "src": source, "dst": target}.items()))


def _interfaces(name: str, region: Region, layout: Layout) -> Intervals:
    """Return the numbers of the interfaces of a region of first packets; one number where rules do not ask for them."""
    if name not in layout.fields:
        return _NO_INTERFACE
    found = region.values.get(name, layout.domain(name) - Intervals.of(layout.atoms.number("lo")))
    assert isinstance(found, Intervals)
    return found


def _united(sides: Sequence[Side]) -> Side:
    interfaces, addresses = Intervals(), Intervals()
    for side in sides:
        interfaces, addresses = interfaces | side[0], addresses | side[1]
    return interfaces, addresses


@dataclass(frozen=True, slots=True)
class _Naming:
    """Says which senders, or receivers, of *everyone* a class is."""

    interface: str
    address: str
    everyone: Side
    layout: Layout
    definitions: Sequence[Definition]

    def zones(self, found: Sequence[Class]) -> tuple[tuple[Zone, ...], int]:
        """Return classes as zones, the smallest of too many as one, and how many those are."""
        more = max(0, len(found) - MOST_ZONES + 1) if len(found) > MOST_ZONES else 0
        zones = [Zone(self._name(each), self._match(each)) for each in found[more:]]
        if more:
            small = tuple(side for each in found[:more] for side in each)
            zones.insert(0, Zone(f"{more} small zones", self._match(small)))
        if len(zones) > 1 and any(sign in zones[-1].name for sign in (";", "any but", " more")):
            zones[-1] = Zone(ELSEWHERE, zones[-1].match)
        return tuple(zones), more

    def _match(self, found: Class) -> Match:
        return either_of(*(self._region(side).match(self.layout) for side in found))

    def _region(self, side: Side) -> Region:
        values: dict[str, Any] = {}
        if side[0] != self.everyone[0]:
            values[self.interface] = side[0]
        if side[1] != self.everyone[1]:
            values[self.address] = side[1]
        return Region(values)

    def _name(self, found: Class) -> str:
        return "; ".join(min(self._texts(*side), key=len) for side in found)

    def _texts(self, interfaces: Intervals, addresses: Intervals) -> Iterator[str]:
        """Yield what one side may be called: what it is, or all but what it is not."""
        yield self._words((interfaces, addresses))
        if rest := self.everyone[1] - addresses:
            on = self._words((interfaces, self.everyone[1]))
            yield f"any but {self._words((self.everyone[0], rest))}" + ("" if on == ANYONE else f" {on}")

    def _words(self, side: Side) -> str:
        text = words(self._region(side), self.layout, self.definitions).removeprefix("any")
        return text.strip().removeprefix("from ").removeprefix("to ") or ANYONE
