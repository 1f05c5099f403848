"""Which items of a list the others make needless: exact, for lists of any length.

Every kind of item is a set of numbers of one line, services too; interface names are compared one by one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from policy.ir import Item, Service
from policy.packet import Intervals, Masked, Names
from policy.sets import Budget

_WIDTH = 1 << 17
"""A protocol has so many numbers on the line of services: 0 for what has no port or type, the others behind it."""


def needless(items: Sequence[Item], budget: Budget) -> dict[int, tuple[int, ...]]:
    """Return the numbers of the items that may all be left out together, each with the items that contain it.

    Those stay, and none of them could be left out of the tuple. Of equal items the first stays, else the larger ones.
    Raises `Exhausted`.
    """
    lines: dict[int, Intervals] = {}
    names: dict[int, Names] = {}
    for number, item in enumerate(items):
        match item.values:
            case Intervals():
                lines[number] = item.values
            case Names():
                names[number] = item.values
            case tuple():
                lines[number] = line_of(item.values)
            case Masked():
                pass
    return {**_of_names(names), **(_of_lines(lines, budget) if len(lines) > 1 else {})}


def line_of(services: tuple[Service, ...]) -> Intervals:
    """Return services as numbers: equal sets are equal services, and a service in another is a subset of it."""
    if not services:
        return Intervals.of((0, 256 * _WIDTH - 1))
    return Intervals.of(*(pair for service in services for pair in _ranges(service)))


def _ranges(service: Service) -> Iterator[tuple[int, int]]:
    values = {field.name: field.values for field in service}
    protocols = values.get("proto", Intervals.of((0, 255)))
    assert isinstance(protocols, Intervals)
    details = list(_details(values))
    for low, high in protocols.ranges:
        if details == [(0, _WIDTH - 1)]:
            yield low * _WIDTH, (high + 1) * _WIDTH - 1
            continue
        for protocol in range(low, high + 1):
            yield from ((protocol * _WIDTH + first, protocol * _WIDTH + last) for first, last in details)


def _details(values: Mapping[str, object]) -> Iterator[tuple[int, int]]:
    """Yield the ports, or the ICMP types with their codes, as numbers from 1; everything where none are named."""
    ports, types, codes = (values.get(name) for name in ("dport", "icmp_type", "icmp_code"))
    if isinstance(ports, Intervals):
        yield from ((low + 1, high + 1) for low, high in ports.ranges)
    elif not isinstance(types, Intervals):
        yield 0, _WIDTH - 1
    elif not isinstance(codes, Intervals):
        yield from ((low * 256 + 1, high * 256 + 256) for low, high in types.ranges)
    else:
        numbers = (number for low, high in types.ranges for number in range(low, high + 1))
        yield from (
            (number * 256 + low + 1, number * 256 + high + 1) for number in numbers for low, high in codes.ranges
        )


def _of_names(names: Mapping[int, Names]) -> dict[int, tuple[int, ...]]:
    """Compare patterns: a prefix is inside another one or not at all, a union of others does not contain it."""
    found: dict[int, tuple[int, ...]] = {}
    for number, mine in names.items():
        for other, values in names.items():
            if other != number and values.covers(mine) and (other < number or not mine.covers(values)):
                found[number] = (other,)
                break
    return {number: (_kept(found, other),) for number, (other,) in found.items()}


def _kept(found: Mapping[int, tuple[int, ...]], number: int) -> int:
    while number in found:
        (number,) = found[number]
    return number


def _of_lines(sets: Mapping[int, Intervals], budget: Budget) -> dict[int, tuple[int, ...]]:
    """Take items away, the smallest first and the later of equal ones, while others hold all that they have."""
    bounds = sorted({bound for each in sets.values() for low, high in each.ranges for bound in (low, high + 1)})
    pieces = {number: _pieces(each, bounds) for number, each in sets.items()}
    change = [0] * (len(bounds) + 1)
    for ranges in pieces.values():
        for first, last in ranges:
            change[first] += 1
            change[last] -= 1
    counts = list(accumulate(change))
    gone: list[int] = []
    for number in sorted(sets, key=lambda number: (sets[number].size, -number)):
        ranges = pieces[number]
        if not ranges:
            continue
        budget.spend(sum(last - first for first, last in ranges))
        if all(counts[at] > 1 for first, last in ranges for at in range(first, last)):
            gone.append(number)
            for first, last in ranges:
                for at in range(first, last):
                    counts[at] -= 1
    owners: dict[int, list[int]] = {}
    wanted = {at for number in gone for first, last in pieces[number] for at in range(first, last)}
    for number in sorted(sets.keys() - set(gone)):
        for first, last in pieces[number]:
            budget.spend(last - first)
            for at in range(first, last):
                if at in wanted:
                    owners.setdefault(at, []).append(number)
    return {number: _cover(pieces[number], owners) for number in sorted(gone)}


def _pieces(values: Intervals, bounds: list[int]) -> list[tuple[int, int]]:
    return [(bisect_left(bounds, low), bisect_left(bounds, high + 1)) for low, high in values.ranges]


def _cover(ranges: list[tuple[int, int]], owners: Mapping[int, list[int]]) -> tuple[int, ...]:
    """Return few items that hold all pieces: one if one does, else some of which none could be left out."""
    holds: dict[int, set[int]] = {}
    everything = {at for first, last in ranges for at in range(first, last)}
    for at in everything:
        for number in owners[at]:
            holds.setdefault(number, set()).add(at)
    alone = min((number for number, held in holds.items() if held == everything), default=None)
    if alone is not None:
        return (alone,)
    chosen = sorted(holds, key=lambda number: (-len(holds[number]), number))
    for number in reversed(tuple(chosen)):
        rest = set[int]().union(*(holds[other] for other in chosen if other != number))
        if rest == everything:
            chosen.remove(number)
    return tuple(sorted(chosen))
