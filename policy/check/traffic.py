"""Which protocols and ports a rule asks for, read off its match without sets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from policy._record import dataclass
from policy.ir import All, Either, Field, Match, Rule, conjuncts
from policy.packet import FIELDS, Intervals
from policy.source import Span

_NAMES = ("proto", "sport", "dport")
_MOST = 1000
"""Of a rule with more alternatives only the first are looked at."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """One of the kinds of traffic that a rule asks for; None: any value. (What `!` leaves out is not taken away.)"""

    proto: Field | None = None
    sport: Field | None = None
    dport: Field | None = None

    def is_protocol(self, number: int) -> bool:
        """Is it traffic of one IP protocol and of no other?"""
        return self.proto is not None and self.proto.values == Intervals.of(number)

    def may_be(self, number: int) -> bool:
        """Does it say that it is traffic of an IP protocol, perhaps among others?"""
        return any(low <= number <= high for low, high in ranges(self.proto))


def traffic(match: Match) -> Iterator[Traffic]:
    """Yield the kinds of traffic that a match asks for."""
    ways = [ways for part in conjuncts(match) if (ways := _ways(part))]
    for number, way in enumerate(product(*ways)):
        if number >= _MOST:
            break
        found: dict[str, Field] = {}
        for field in (field for part in way for field in part):
            before = found.get(field.name)
            found[field.name] = field if before is None else _both(before, field)
        yield Traffic(found.get("proto"), found.get("sport"), found.get("dport"))


def _ways(part: Match) -> list[tuple[Field, ...]]:
    """Return the fields of each alternative of a condition; none where it says nothing of protocols and ports."""
    alternatives = part.parts if isinstance(part, Either) else (part,)
    ways = [tuple(_fields(each)) for each in alternatives]
    return ways if any(ways) else []


def _fields(part: Match) -> Iterator[Field]:
    for each in part.parts if isinstance(part, All) else (part,):
        if isinstance(each, Field) and each.name in _NAMES and each.values != FIELDS[each.name].domain:
            yield each


def _both(one: Field, two: Field) -> Field:
    assert isinstance(one.values, Intervals)
    assert isinstance(two.values, Intervals)
    return Field(one.name, one.values & two.values, span=two.span)


def ranges(field: Field | None) -> tuple[tuple[int, int], ...]:
    """Return the ranges of values of a field, none where it may have any."""
    return field.values.ranges if field is not None and isinstance(field.values, Intervals) else ()


def place(rule: Rule, field: Field | None) -> Span:
    """Return where a condition of a rule is written: the rule, where it is put together from several places."""
    span = None if field is None else field.span
    return rule.span if span is None or "\n" in span.text else span


def single_ports(field: Field | None) -> list[int]:
    """Return the ports of a field where it has nothing but single ones."""
    found = ranges(field)
    return [low for low, _ in found] if all(low == high for low, high in found) else []


def bound(match: Match, name: str) -> Intervals:
    """Return the values of a field that a match allows at most, as its conditions say it (not every condition does)."""
    found = FIELDS[name].domain
    assert isinstance(found, Intervals)
    for part in conjuncts(match):
        if isinstance(part, Field) and part.name == name and isinstance(part.values, Intervals):
            found = found & part.values
    return found
