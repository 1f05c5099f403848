"""The conditions of a rule, each said once: languages bring the same one along with several words."""

from __future__ import annotations

from collections.abc import Iterable

from policy.ir import Field, Match, Not
from policy.packet import FIELDS, Intervals


def folded(conditions: Iterable[Match]) -> tuple[Match, ...] | None:
    """Return conditions that mean the same together, with one for each field of numbers; None where none can match.

    A negation is left out where the field cannot have those values anyway, and so is `any value` beside one.
    """
    found: dict[object, Match] = {}
    nots: list[Not] = []
    for part in conditions:
        if isinstance(part, Field) and isinstance(part.values, Intervals):
            before = found.get(part.name)
            both = part if before is None else _both(before, part)
            if not both.values:
                return None
            found[part.name] = both
        else:
            found.setdefault(part, part)
            nots += [part] if isinstance(part, Not) else []
    for each in nots:
        if isinstance(each.part, Field) and isinstance(each.part.values, Intervals):
            wanted = found.get(each.part.name)
            if not isinstance(wanted, Field) or not isinstance(wanted.values, Intervals):
                continue
            if each.part.values.covers(wanted.values):
                return None
            if not wanted.values.meets(each.part.values):
                del found[each]
            elif wanted.values == FIELDS[wanted.name].domain:
                del found[wanted.name]
    return tuple(found.values())


def _both(one: Match, two: Field) -> Field:
    assert isinstance(one, Field)
    assert isinstance(one.values, Intervals)
    assert isinstance(two.values, Intervals)
    values = one.values & two.values
    said = next((each for each in (one, two) if each.values == values), None)
    return said or Field(one.name, values)
