"""Which fields sets of packets tell apart, and which packets have them: what both kinds of sets are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from policy.ir import Copy, Field, Match, Rewrite, Rule, Ruleset, Unknown, walk
from policy.packet import FIELDS, HOOKS, Intervals, Names, Packet, Value, ValueSet
from policy.packet.address import ANY_ADDRESS, V4, V6
from policy.packet.fields import REQUIRES
from policy.sets.atoms import Atoms
from policy.sets.budget import Exhausted

TUPLE = ("proto", "src", "dst", "sport", "dport")
"""The fields that are always there: sets of packets are counted by them."""

ADDRESSES = ("src", "dst")

ORDER = ("proto", "fragment", "state", "direction", "in", "out", "dst", "src", "dport", "sport", *FIELDS)
"""The order in which fields are looked at; measured on random policies (`docs/architecture.md`)."""

DECIDING = frozenset(name for alternatives in REQUIRES.values() for parts in alternatives for name, _ in parts) | {
    "dst"
}
"""The fields by which packets have others, or must be of one family."""

Alternatives = tuple[tuple[tuple[str, Intervals], ...], ...]
_NATURAL = ("state", "fragment", "direction", "proto", "dport", "sport", "dst", "src")
_NAMES = ("in", "out")


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields that the rules and questions of one hook look at, in order, and what else they are about.

    Two packets that differ in no such field are one to every rule; sets of packets are sets of these
    classes. *later* are fields that packets may get where rules take them to another hook; as they arrive they have
    none of these. *unknowns* are the keys of the pure unknowns.
    """

    hook: int | None
    fields: tuple[str, ...]
    families: frozenset[int]
    atoms: Atoms
    unknowns: tuple[str, ...]
    later: tuple[str, ...] = ()

    def domain(self, name: str) -> Intervals:
        """Return the numbers that stand for the values of a field."""
        if name in _NAMES:
            return Intervals.of((0, len(self.atoms.all) - 1))
        domain = FIELDS[name].domain
        assert isinstance(domain, Intervals)
        return domain

    @property
    def addresses(self) -> Intervals:
        """The addresses of the families that are spoken of."""
        return ANY_ADDRESS if len(self.families) == 2 else V4 if 4 in self.families else V6

    def numbers(self, name: str, values: ValueSet | Value) -> Intervals:
        """Return the numbers that stand for *values* of a field; not for a mask."""
        if isinstance(values, int):
            return Intervals.of(values)
        if isinstance(values, str):
            return Intervals.of(self.atoms.number(values))
        if isinstance(values, Names):
            return self.atoms.numbers(values)
        assert isinstance(values, Intervals), f"{name} under a mask"
        return values

    def natural(self, names: Iterable[str]) -> list[str]:
        """Return fields in the order in which an example picks their values: what others depend on comes first."""
        return sorted(names, key=lambda name: _NATURAL.index(name) if name in _NATURAL else len(_NATURAL))

    def presence(self, name: str) -> Alternatives | bool:
        """Return which packets of this hook have a field: all, none, or those that meet one of the alternatives."""
        return presence(name, self.hook)


@lru_cache(maxsize=256)
def presence(name: str, hook: int | None) -> Alternatives | bool:
    """Return which packets at *hook* have a field (`fields.REQUIRES`)."""
    if name == "hook":
        return False
    if name not in REQUIRES:
        return True
    left: list[tuple[tuple[str, Intervals], ...]] = []
    for parts in REQUIRES[name]:
        if any(field == "hook" and hook is not None and hook not in wanted for field, wanted in parts):
            continue
        left.append(tuple(part for part in parts if part[0] != "hook"))
    return True if () in left else tuple(left) or False


def layout(rulesets: Iterable[Ruleset], questions: Iterable[Match | Packet] = (), hook: int | None = None) -> Layout:
    """Return what is looked at by the rules of *rulesets* and by *questions*, at *hook* (None: at none in particular).

    The families are those that the rule sets speak. Of a packet among the questions only its interface
    names count: it says something of every field that it has. Raises `Exhausted` where matches are nested too deeply.
    """
    assert hook is None or 0 <= hook < len(HOOKS)
    rulesets, questions = tuple(rulesets), tuple(questions)
    rules = [rule for ruleset in rulesets for policy in ruleset.policies.values() for rule in policy.rules]
    matches = [*(rule.match for rule in rules), *(q for q in questions if not isinstance(q, Packet))]
    try:
        parts = [part for match in matches for part in walk(match)]
    except RecursionError:
        raise Exhausted("conditions that are nested too deeply") from None
    used = {*TUPLE, *(part.name for part in parts if isinstance(part, Field))}
    copies = [action for rule in rules for action in rule.actions if isinstance(action, Copy)]
    while more := {action.source for action in copies if action.field in used} - used:
        used |= more
    if any(entry.stateful for ruleset in rulesets for entry in ruleset.at(hook)):
        used.add("state")
    rewritten = _rewritten(rules)
    taken = used - {"hook"} if any(name == "hook" for name, _ in rewritten) else set()
    used = {name for name in used if presence(name, hook) is not False}
    later = tuple(name for name in dict.fromkeys(ORDER) if name in taken and name not in used)
    for name in tuple(used):
        found = presence(name, hook)
        used |= {field for alternative in found for field, _ in alternative} if isinstance(found, tuple) else set()
    names = [Names.of("lo")]
    names += [part.values for part in parts if isinstance(part, Field) and isinstance(part.values, Names)]
    for value in [
        *(value for _, value in rewritten),
        *(value for q in questions if isinstance(q, Packet) for value in q.values.values()),
    ]:
        if isinstance(value, Names):
            names.append(value)
        elif isinstance(value, str):
            names.append(Names(frozenset({value})))
    families = frozenset[int]().union(*(ruleset.families for ruleset in rulesets)) or frozenset({4, 6})
    keys = dict.fromkeys(part.key for part in parts if isinstance(part, Unknown) and part.pure)
    fields = tuple(name for name in dict.fromkeys(ORDER) if name in used)
    return Layout(hook, fields, families, Atoms(names), tuple(keys), later)


def _rewritten(rules: Iterable[Rule]) -> list[tuple[str, Value]]:
    return [each for rule in rules for action in rule.actions if isinstance(action, Rewrite) for each in action.changes]
