"""Conditions that only leave something out: two of them, for the same field, leave out nothing.

"Not in A" or "not in B" holds for every packet if A and B have nothing in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from policy.ir import Definition, Field, ItemList, Match, Not, Rule, Unknown, all_of, conjuncts, walk
from policy.packet import Intervals, Names, ValueSet


class Negation(NamedTuple):
    """A rule of which one condition leaves out the values *excepted* of *field*.

    *rest* are its other conditions. Of *base* it lets all the others in, None: of whatever the field may be, and
    packets without it.
    """

    rest: frozenset[Match]
    field: str
    base: Intervals | None
    excepted: ValueSet

    @property
    def left_out(self) -> Match:
        """The packets that the rule would match without the condition, and does not."""
        return all_of(*self.rest, Field(self.field, self.excepted))


Exceptions = Mapping[Intervals, tuple[Intervals, Intervals, ItemList]]
"""Values that were written with `except`: out of what, what is left out of that, and the list."""


def exceptions(definitions: tuple[Definition, ...]) -> Exceptions:
    """Return the definitions of addresses that leave something out."""
    return {
        definition.value: found
        for definition in definitions
        for each in definition.lists
        if isinstance(definition.value, Intervals) and (found := _parted(each)) is not None
    }


def negations(rule: Rule, named: Exceptions) -> Iterator[Negation]:
    """Yield the conditions of a rule that leave something out; none of a rule with an impure unknown."""
    parts = conjuncts(rule.match)
    if any(isinstance(part, Unknown) and not part.pure for part in walk(rule.match)):
        return
    own = {found[0] - found[1]: found for each in rule.lists if (found := _parted(each)) is not None}
    for part in parts:
        rest = frozenset(parts) - {part}
        match part:
            case Not(Field(name, Intervals() | Names() as values)):
                yield Negation(rest, name, None, values)
            case Field("src" | "dst" as name, Intervals() as values):
                found = own.get(values) or named.get(values)
                if found is not None:
                    yield Negation(rest, name, found[0], found[1])


def _parted(written: ItemList) -> tuple[Intervals, Intervals, ItemList] | None:
    base, excepted = (
        Intervals.of(*(pair for item in items if isinstance(item.values, Intervals) for pair in item.values.ranges))
        for items in (written.items, written.excepted)
    )
    excepted &= base
    return (base, excepted, written) if excepted and base.size > excepted.size else None


def apart(one: ValueSet, two: ValueSet) -> bool:
    """Have two sets nothing in common? (Sound: a no may only mean that it is not known.)"""
    if isinstance(one, Intervals) and isinstance(two, Intervals):
        return not one.meets(two)
    return isinstance(one, Names) and isinstance(two, Names) and not one.meets(two)
