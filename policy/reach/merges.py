"""Rules that stand next to each other and differ in one field: together they are one rule.

For conjunctions this is exact: `C and f in A` or `C and f in B` is `C and f in A or B`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from policy.ir import (
    Allow,
    Block,
    Field,
    Goto,
    Jump,
    Log,
    Match,
    Note,
    Reject,
    Return,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    Unknown,
    conjuncts,
    walk,
)
from policy.packet import Intervals, Names, ValueSet

ENDING = (Allow, Block, Reject, Return, Goto)
"""The actions behind which no rule of the same policy sees the packet."""


class Run(NamedTuple):
    """Rules that follow each other and differ in *field* only, and the values of each."""

    field: str
    values: tuple[ValueSet, ...]


def changed_fields(ruleset: Ruleset) -> frozenset[str]:
    """Return the fields that any action changes."""
    actions = [a for policy in ruleset.policies.values() for rule in policy.rules for a in rule.actions]
    rewritten = {name for action in actions if isinstance(action, Rewrite) for name, _ in action.changes}
    return frozenset({action.field for action in actions if isinstance(action, Set)} | rewritten)


def run_from(rules: Sequence[Rule], changing: frozenset[str]) -> Run | None:
    """Return the longest run that begins with the first of *rules*; None where that differs otherwise from the next.

    One rule for all of them changes for no packet what it meets, and no rule says what those before it say already.
    *changing* are the `changed_fields`: where rules do not end a packet's way, it may meet two that these tell apart.
    """
    first = rules[0]
    found: list[ValueSet] = []
    union: ValueSet | None = None
    name = ""
    for rule in rules[1:]:
        fields = difference(first.match, rule.match) if _alike(first, rule) else None
        if fields is None or name not in ("", fields[0].name):
            break
        name = fields[0].name
        mine, other = fields[0].values, fields[1].values
        before = mine if union is None else union
        union = united([before, other])
        if union is None or _covers(before, other) or _covers(other, before):
            break
        if not isinstance(first.actions[-1], ENDING) and (name in changing or _meet(before, other)):
            break
        found = [*(found or [mine]), other]
    return Run(name, tuple(found)) if found else None


def difference(one: Match, two: Match) -> tuple[Field, Field] | None:
    """Return the only conjunct in which two matches differ, where it is the same field, and no unknown is in them."""
    mine, others = set(conjuncts(one)), set(conjuncts(two))
    left, right = mine - others, others - mine
    if len(left) != 1 or len(right) != 1:
        return None
    (first,), (second,) = left, right
    if not (isinstance(first, Field) and isinstance(second, Field) and first.name == second.name):
        return None
    if any(isinstance(part, Unknown) for part in walk(one)):
        return None
    same = [part for part in conjuncts(one) if isinstance(part, Field) and part.name == first.name]
    return (first, second) if len(same) == 1 else None


def united(sets: Iterable[ValueSet]) -> ValueSet | None:
    """Return the values of any of *sets*; None where that is not a set of one kind."""
    found: ValueSet | None = None
    for values in sets:
        match found, values:
            case None, _:
                found = values
            case Intervals(), Intervals():
                found |= values
            case Names(exact, prefixes, False), Names(more, further, False):
                found = Names(exact | more, prefixes | further)
            case _:
                return None
    return found


def _alike(one: Rule, two: Rule) -> bool:
    """Is everything but the match equal, and nothing in it that may turn out differently for one of the rules?"""
    if one.actions != two.actions or not one.actions:
        return False
    said = [(rule.label, rule.note, rule.owner, rule.expires, rule.suppressions) for rule in (one, two)]
    return said[0] == said[1] and all(isinstance(action, (*ENDING, Log, Note, Set, Jump)) for action in one.actions)


def _covers(one: ValueSet, two: ValueSet) -> bool:
    if isinstance(one, Intervals) and isinstance(two, Intervals):
        return one.covers(two)
    return not (isinstance(one, Names) and isinstance(two, Names)) or one.covers(two)


def _meet(one: ValueSet, two: ValueSet) -> bool:
    if isinstance(one, Intervals) and isinstance(two, Intervals):
        return one.meets(two)
    return not (isinstance(one, Names) and isinstance(two, Names)) or one.meets(two)
