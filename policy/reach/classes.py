"""Who is treated alike: classes of senders, and of receivers, between which the same is true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from policy._record import dataclass
from policy.packet import Intervals, Masked
from policy.packet.address import bits, family_of
from policy.sets import Exhausted

Side = tuple[Intervals, Intervals]
"""Some senders or receivers: their interfaces (numbers of atoms) and their addresses."""

MOST_CELLS = 20_000
MOST_WORK = 5_000_000
"""More cells times boxes are not looked at."""

MOST_FREE = 10
"""A mask with more free bits between others is not spread out."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Every one of *source* may do something to every one of *target*."""

    source: Side
    target: Side


Class = tuple[Side, ...]
"""Those that are alike, as disjoint sides."""


def classes(relations: Sequence[Sequence[Pair]], senders: Side, receivers: Side) -> tuple[list[Class], list[Class]]:
    """Return the classes of *senders* and those of *receivers*, the smallest first.

    Two senders are in one class when each of *relations* lets them do something to the same receivers; and the
    other way round. Raises `Exhausted` where the pairs cut the sides into too many pieces.
    """
    pairs = [pair for relation in relations for pair in relation]
    sources = _Cells(senders, [pair.source for pair in pairs])
    targets = _Cells(receivers, [pair.target for pair in pairs])
    if (sources.count + targets.count) * (len(pairs) + 1) > MOST_WORK:
        raise Exhausted(f"{MOST_WORK:,} comparisons of zones")
    by_source: list[list[int]] = []
    by_target: list[list[int]] = []
    for relation in relations:
        forth, back = [0] * sources.count, [0] * targets.count
        for pair in relation:
            mine, other = sources.inside(pair.source), targets.inside(pair.target)
            for cell in mine:
                forth[cell] |= _mask(other)
            for cell in other:
                back[cell] |= _mask(mine)
        by_source.append(forth)
        by_target.append(back)
    return sources.grouped(by_source), targets.grouped(by_target)


def spread(values: Intervals | Masked) -> Intervals:
    """Return addresses as ranges; raises `Exhausted` for a mask of very many."""
    if isinstance(values, Intervals):
        return values
    width = bits(family_of(values.value))
    free = [bit for bit in range(width) if not values.mask >> bit & 1]
    low = next((bit for bit in range(width) if bit not in free), width)  # the bits below are one range
    free = [bit for bit in free if bit > low]
    if len(free) > MOST_FREE:
        raise Exhausted(f"{1 << MOST_FREE:,} ranges of addresses")
    starts = [values.value]
    for bit in free:
        starts += [start | 1 << bit for start in starts]
    return Intervals.of(*((start, start | (1 << low) - 1) for start in starts))


def _mask(cells: Iterable[int]) -> int:
    found = 0
    for cell in cells:
        found |= 1 << cell
    return found


class _Cells:
    """A side cut into pieces that no pair divides."""

    def __init__(self, whole: Side, sides: Sequence[Side]) -> None:
        self.interfaces = _cut(whole[0], [side[0] for side in sides])
        self.addresses = _cut(whole[1], [side[1] for side in sides])
        self.count = len(self.interfaces) * len(self.addresses)
        if self.count > MOST_CELLS:
            raise Exhausted(f"{MOST_CELLS:,} zones")

    def inside(self, side: Side) -> list[int]:
        """Return the numbers of the pieces that make up *side*."""
        width = len(self.addresses)
        addresses = [n for n, (low, _) in enumerate(self.addresses) if low in side[1]]
        return [m * width + n for m, (low, _) in enumerate(self.interfaces) if low in side[0] for n in addresses]

    def grouped(self, signatures: Sequence[Sequence[int]]) -> list[Class]:
        """Return the classes of pieces with the same signatures."""
        width = len(self.addresses)
        groups: dict[tuple[int, ...], dict[int, list[int]]] = {}
        for cell in range(self.count):
            signature = tuple(each[cell] for each in signatures)
            groups.setdefault(signature, {}).setdefault(cell // width, []).append(cell % width)
        found = [self._class(group) for group in groups.values()]
        return sorted(found, key=lambda one: (sum(i.size * a.size for i, a in one), one[0][1].first, one[0][0].first))

    def _class(self, group: Mapping[int, Sequence[int]]) -> Class:
        by_addresses: dict[Intervals, list[tuple[int, int]]] = {}
        for interface, addresses in group.items():
            key = Intervals.of(*(self.addresses[n] for n in addresses))
            by_addresses.setdefault(key, []).append(self.interfaces[interface])
        return tuple((Intervals.of(*interfaces), addresses) for addresses, interfaces in by_addresses.items())


def _cut(whole: Intervals, sets: Iterable[Intervals]) -> list[tuple[int, int]]:
    """Return *whole* as ranges that no set divides."""
    sets = list(sets)
    points = {low for values in sets for low, _ in values.ranges}
    points |= {high + 1 for values in sets for _, high in values.ranges}
    found: list[tuple[int, int]] = []
    for low, high in whole.ranges:
        starts = [low, *sorted(point for point in points if low < point <= high)]
        found += [(start, end - 1) for start, end in zip(starts, [*starts[1:], high + 1], strict=True)]
    return found
