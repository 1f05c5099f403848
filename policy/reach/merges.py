"""Rules that stand next to each other and differ in one field: together they are one rule.

For conjunctions this is exact: `C and f in A` or `C and f in B` is `C and f in A or B`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
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
    Set,
    Unknown,
    conjuncts,
    walk,
)
from policy.packet import Intervals, Names, ValueSet
from policy.written import Suppression

ENDING = (Allow, Block, Reject, Return, Goto)
"""The actions behind which no rule of the same policy sees the packet."""


class Run(NamedTuple):
    """Rules that follow each other and differ in *field* only, and the values of each."""

    field: str
    values: tuple[ValueSet, ...]


class Neighbours:
    """The rules of a policy, each compared with the next one.

    *changing* are the `changed_fields`: where rules do not end a packet's way, it may meet two that these tell apart.
    *silent* are those suppressions of a rule that hold for it alone: rules in which they differ are not one.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        changing: frozenset[str],
        silent: Callable[[Rule], tuple[Suppression, ...]] = lambda rule: rule.suppressions,
    ) -> None:
        self.rules = rules
        self._changing = changing
        self._fields = [_fields(one, two) if silent(one) == silent(two) else None for one, two in pairwise(rules)]

    def run(self, first: int, most: int) -> Run | None:
        """Return the longest run that begins with a rule, of at most *most*; None where that is no two rules."""
        found: list[ValueSet] = []
        name = ""
        for fields in self._fields[first : first + most - 1]:
            if fields is None or name not in ("", fields[0].name):
                break
            name = fields[0].name
            found = [*(found or [fields[0].values]), fields[1].values]
        return Run(name, tuple(found)) if found else None

    def useful(self, first: int, run: Run) -> int:
        """Return how many rules of the *run* that begins with rule *first* may be one rule, 1 where no two may.

        For no packet does that change what it meets, and no rule says what those before it say already.
        """
        ends = isinstance(self.rules[first].actions[-1], ENDING)
        if not ends and run.field in self._changing:
            return 1
        before = run.values[0]
        for number, other in enumerate(run.values[1:], 1):
            union = united([before, other])
            if union is None or _covers(before, other) or _covers(other, before) or (not ends and _meet(before, other)):
                return number
            before = union
        return len(run.values)


def _fields(one: Rule, two: Rule) -> tuple[Field, Field] | None:
    """Return the fields in which two rules differ, if they could be one; two exceptions are another matter (FW117)."""
    found = difference(one.match, two.match) if _alike(one, two) else None
    if found is not None and all(_excepts(rule, found[0].name) for rule in (one, two)):
        return None
    return found


def _excepts(rule: Rule, name: str) -> bool:
    return any(each.excepted for each in rule.lists if each.field == name)


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


def united(sets: Sequence[ValueSet]) -> ValueSet | None:
    """Return the values of any of *sets*; None where that is not a set of one kind."""
    numbers = [values for values in sets if isinstance(values, Intervals)]
    if len(numbers) == len(sets):
        return Intervals.of(*(pair for values in numbers for pair in values.ranges))
    names = [values for values in sets if isinstance(values, Names) and not values.negated]
    if len(names) == len(sets):
        empty = frozenset[str]()
        return Names(empty.union(*(n.exact for n in names)), empty.union(*(n.prefixes for n in names)))
    return None


def _alike(one: Rule, two: Rule) -> bool:
    """Is everything but the match equal, and nothing in it that may turn out differently for one of the rules?"""
    if one.actions != two.actions or not one.actions:
        return False
    said = [(rule.label, rule.note, rule.owner, rule.expires) for rule in (one, two)]
    return said[0] == said[1] and all(
        isinstance(action, (*ENDING, Log, Note, Set, Rewrite, Jump)) for action in one.actions
    )


def _covers(one: ValueSet, two: ValueSet) -> bool:
    if isinstance(one, Intervals) and isinstance(two, Intervals):
        return one.covers(two)
    return not (isinstance(one, Names) and isinstance(two, Names)) or one.covers(two)


def _meet(one: ValueSet, two: ValueSet) -> bool:
    if isinstance(one, Intervals) and isinstance(two, Intervals):
        return one.meets(two)
    return not (isinstance(one, Names) and isinstance(two, Names)) or one.meets(two)
