"""Definitions that leave nothing, and the rules that match nothing for them."""

from __future__ import annotations

from policy.check.facts import Facts
from policy.ir import NOTHING, Definition, Field, Rule, conjuncts
from policy.packet.values import EMPTY
from policy.source import Span


def empty(facts: Facts) -> tuple[Definition, ...]:
    """Return the networks and hosts in which no address is, and the sets in which nothing is yet."""
    return tuple(each for each in facts.ruleset.definitions if each.value == EMPTY)


def names_nothing(facts: Facts, rule: Rule) -> bool:
    """Does a rule match no packet because it names a definition in which nothing is?"""
    nothing = (isinstance(part, Field) and part.values == EMPTY for part in conjuncts(rule.match))
    if rule.match != NOTHING and not any(nothing):
        return False
    return any(_inside(use, rule.span) for each in facts.once(empty) for use in each.uses)


def _inside(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start < outer.end
