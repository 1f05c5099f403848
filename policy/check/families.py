"""What rules of both IP versions say of each of them."""

from __future__ import annotations

from policy.ir import Field, Match, Ruleset, conjuncts, walk
from policy.packet import Intervals
from policy.packet.address import V4, V6
from policy.packet.fields import ICMP6

_SIDES = ("src", "dst")


def speaks_of_v6(ruleset: Ruleset) -> bool:
    """Does a file of both IP versions say anything of IPv6? (That `any` means it, too, says nothing.)"""
    if ruleset.families != {4, 6}:
        return False
    values = [definition.value for definition in ruleset.definitions]
    parts = (part for policy in ruleset.policies.values() for rule in policy.rules for part in walk(rule.match))
    fields = [part for part in parts if isinstance(part, Field)]
    if any(field.name == "proto" and field.values == Intervals.of(ICMP6) for field in fields):
        return True
    values += [field.values for field in fields if field.name in _SIDES and isinstance(field.values, Intervals)]
    return any(_names_v6(each) for each in values if isinstance(each, Intervals))


def _names_v6(addresses: Intervals) -> bool:
    mine = addresses & V6
    return bool(mine) and (mine != V6 or addresses == V6)


def whole_v4(match: Match) -> tuple[str, ...]:
    """Return the sides (`src`, `dst`) of which a match says that they are any IPv4 address."""
    return tuple(
        part.name
        for part in conjuncts(match)
        if isinstance(part, Field) and part.name in _SIDES and part.values == V4 and part.span is not None
    )
