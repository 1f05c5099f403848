"""Dead rules by trying every packet: slow, obvious, and over so few values that it can be done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product

from policy.evaluate import Step, evaluate
from policy.ir import All, Any, Block, Either, Entry, Field, Match, Not, Policy, Ruleset, Unknown, walk
from policy.packet import Intervals, Packet, Value, has
from policy.packet.address import parse_address
from policy.packet.fields import REQUIRES
from policy.reach.lists import Scope
from tests import oracle
from tests.strategies import NAMES, V4_FIRST, V6_FIRST

DECIDERS = ("hook", "proto", "fragment", "state")
ABROAD = {4: parse_address("203.0.113.6"), 6: parse_address("2001:db8:ffff::6")}

VALUES: dict[str, Sequence[int | str]] = {
    "hook": (0, 1, 2),
    "proto": (1, 2, 6, 7, 17, 20, 33, 47, 50, 58, 132, 200),
    "fragment": (0, 1, 2),
    "state": (0, 1, 2, 3, 4),
    "sport": (0, 1, 2, 3, 4, 5, 65535),
    "dport": (0, 1, 2, 3, 4, 5, 65535),
    "in": (*NAMES, "eth", "eth01", "wan00", "lo"),
    "out": (*NAMES, "eth", "eth01", "wan00", "lo"),
    "flags": range(64),
    "icmp_type": (0, 1, 8, 100, 128, 200, 255),
    "uid": (0, 1, 999, 1000, 1001),
    "mark": (0, 1, 2, 3, 4, 5),
    "ctmark": (0, 1, 2, 3, 4, 5),
    "ctstatus": range(64),
    "ttl": (0, 1, 2, 3, 4, 5),
}
"""Of each field the values that the sets of `strategies.CONDITIONS`, and what fields require, can tell apart."""

ADDRESSES = {
    family: (*range(first, first + 4), ABROAD[family], ABROAD[family] + 1)
    for family, first in ((4, V4_FIRST), (6, V6_FIRST))
}


def numbers(values: Intervals) -> set[int]:
    """Return a small set in Python's own form."""
    return {number for low, high in values.ranges for number in range(low, high + 1)}


def fields_of(policy: Policy) -> set[str]:
    """Return the fields of which the rules speak, with those that decide which packets have them."""
    found = {leaf.name for rule in policy.rules for leaf in walk(rule.match) if isinstance(leaf, Field)}
    return found | {name for field in found for parts in REQUIRES.get(field, ()) for name, _ in parts}


def packets(
    scope: Scope,
    fields: set[str],
    values: Mapping[str, Sequence[int | str]] = VALUES,
    sides: Mapping[int, Sequence[int]] = ADDRESSES,
) -> Iterator[Packet]:
    """Yield every packet in *scope*, as far as *fields* tell packets apart."""
    bounds: Mapping[str, Collection[object]] = {"hook": numbers(scope.hooks), "state": numbers(scope.states)}
    usual = {"hook": scope.hooks.first, "proto": 6, "fragment": 0, "state": scope.states.first}
    choices = [
        [v for v in values[name] if name not in bounds or v in bounds[name]] if name in fields else [usual[name]]
        for name in DECIDERS
    ]
    for family in sorted(scope.families):
        ends = [sides[family] if name in fields else sides[family][:1] for name in ("src", "dst")]
        for decided in product(*choices, *ends):
            given: dict[str, Value] = dict(zip((*DECIDERS, "src", "dst"), decided, strict=True))
            present = [name for name in sorted(fields - {*given}) if has(given, name)]
            for rest in product(*(values[name] for name in present)):
                yield Packet({**given, **dict(zip(present, rest, strict=True))})


def reached(policy: Policy, universe: Sequence[Packet], policies: Mapping[str, Policy]) -> set[int]:
    """Return the numbers of the rules that some packet reaches and matches, as the evaluator walks them."""
    entry = Entry(policy.name, Block())
    ruleset = Ruleset("test", frozenset({4, 6}), {**policies, policy.name: policy}, {None: (entry,)})
    numbers = {id(rule): number for number, rule in enumerate(policy.rules)}
    found: set[int] = set()
    for packet in universe:
        for step in evaluate(ruleset, packet):
            if isinstance(step, Step) and step.matched and step.rule is not None and step.policy == policy.name:
                found.add(numbers[id(step.rule)])
    return found


def matching(policy: Policy, universe: Sequence[Packet]) -> list[set[int]]:
    """Return for each rule, without unknown conditions, the numbers of the packets that match it."""
    values = [oracle.single_values(packet) for packet in universe]
    return [{i for i, each in enumerate(values) if oracle.matches(rule.match, each)} for rule in policy.rules]


def reached_somehow(policy: Policy, universe: Sequence[Packet], ends: Sequence[bool]) -> set[int]:
    """Return the rules that some packet reaches and matches in some world of unknown conditions."""
    keys: dict[object, None] = {}
    names = []
    for number, rule in enumerate(policy.rules):
        mine = [part for part in walk(rule.match) if isinstance(part, Unknown)]
        names.append([u.key if u.pure else (number, at) for at, u in enumerate(mine)])
        keys.update(dict.fromkeys(names[-1]))
    values = [oracle.single_values(packet) for packet in universe]
    found: set[int] = set()
    for answers in product((False, True), repeat=len(keys)):
        world = dict(zip(keys, answers, strict=True))
        left = list(range(len(values)))
        for number, rule in enumerate(policy.rules):
            match = settled(rule.match, iter([world[name] for name in names[number]]))
            hit = {i for i in left if oracle.matches(match, values[i])}
            found |= {number} if hit else set()
            if ends[number]:
                left = [i for i in left if i not in hit]
    return found


def settled(match: Match, answers: Iterator[bool]) -> Match:
    """Return a match with its unknown conditions settled, in the order in which `walk` meets them."""
    match match:
        case Unknown():
            return Any() if next(answers) else Either(())
        case All(parts):
            return All(tuple(settled(part, answers) for part in parts))
        case Either(parts):
            return Either(tuple(settled(part, answers) for part in parts))
        case Not(part):
            return Not(settled(part, answers))
        case _:
            return match
