"""Opponents, redundant rules and room to move, against every packet of a small world, sent through the evaluator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.check import Facts
from policy.evaluate import Decision, Step, decide, evaluate
from policy.ir import (
    EVERYTHING,
    Allow,
    Block,
    Entry,
    Field,
    Jump,
    Log,
    Match,
    Note,
    Policy,
    Rule,
    Ruleset,
    Unknown,
    Verdict,
    walk,
)
from policy.packet import Packet, Value, has
from policy.reach import At, Flow
from policy.reach.effects import deciding
from policy.reach.ground import Ground
from policy.reach.nearby import Nearby
from policy.reach.opponents import opponents, room
from policy.reach.redundant import redundant, without
from policy.sets import Exhausted
from tests import oracle
from tests.spaces import KINDS, Kind, each_kind
from tests.strategies import (
    V4_FIRST,
    field,
    harmless,
    known_matches,
    matches,
    packets,
    ranges,
    rule,
    rules,
    rulesets,
    simple_ruleset,
    unknowns,
    verdicts,
)

SOURCES, PORTS = (V4_FIRST, V4_FIRST + 1), (1, 2, 3)

leaves: st.SearchStrategy[Match] = st.one_of(
    ranges(SOURCES).map(partial(Field, "src")),
    ranges(PORTS).map(partial(Field, "dport")),
    st.sampled_from((6, 17, 47)).map(lambda number: field("proto", number)),
)
simple = matches(leaves)
unknown = matches(leaves | leaves | leaves | unknowns)
kinds = st.sampled_from(KINDS)


def universe(hook: int | None) -> Iterator[Packet]:
    """Yield a packet for every class of packets that the rules of this module tell apart."""
    for src, proto, fragment, state in product((*SOURCES, V4_FIRST + 9), (6, 17, 47, 50, 132), (0, 2), (0, 1)):
        given: dict[str, Value] = {"src": src, "dst": V4_FIRST, "proto": proto, "fragment": fragment, "state": state}
        if hook is not None:
            given["hook"] = hook
        for port in (0, 1, 2, 3, 4) if has(given, "dport") else (None,):
            yield Packet(given if port is None else {**given, "dport": port, "sport": 7})


def grounds_of(ruleset: Ruleset, kind: Kind) -> list[Ground[Any, Any]]:
    facts = Facts(ruleset)
    found: list[Ground[Any, Any]] = []
    for hook in facts.hooks:
        space = kind(ruleset, hook=hook)
        found.append(Ground(ruleset, space, facts.nearby, partial(Flow, ruleset, space)))
    return found


def outcome(ruleset: Ruleset, packet: Packet) -> tuple[object, object]:
    decision = decide(ruleset, packet)
    return decision.verdict, decision.action


def outcomes(ruleset: Ruleset) -> list[tuple[object, object]]:
    return [outcome(ruleset, packet) for hook in Facts(ruleset).hooks for packet in universe(hook)]


def has_unknowns(ruleset: Ruleset) -> bool:
    every = (part for p in ruleset.policies.values() for rule in p.rules for part in walk(rule.match))
    return any(isinstance(part, Unknown) for part in every)


def lists(match: st.SearchStrategy[Match]) -> st.SearchStrategy[Ruleset]:
    """Rule sets of one list whose rules do nothing but decide."""
    body = st.lists(rules(match, verdicts, verdicts, verdicts, harmless), min_size=1, max_size=6)
    default = st.none() | verdicts
    return st.builds(
        lambda rules, default, last, stateful, end: Ruleset(
            "test",
            frozenset({4}),
            {"main": Policy("main", tuple(rules), default, last)},
            {None: (Entry("main", end, stateful),)},
        ),
        body, default, st.booleans(), st.booleans(), verdicts,
    )  # fmt: skip


def places(ruleset: Ruleset) -> Iterator[At]:
    return iter(Facts(ruleset).places)


any_rules = (lists(simple) | rulesets(simple, 3) | lists(unknown) | rulesets(unknown, 3)).map(
    lambda ruleset: replace(ruleset, families=frozenset({4}))
)


@settings(max_examples=80)
@given(lists(unknown), kinds)
def test_a_list_gets_what_flow_sends_to_it(ruleset: Ruleset, kind: Kind) -> None:
    (ground,) = grounds_of(ruleset, kind)
    flow = Flow(ruleset, ground.sets)
    assert ground.listed
    for at in places(ruleset):
        assert ground.matched(at) == flow.passing(at).matched
        assert ground.surely(at) == flow.passing(at).surely


@settings(max_examples=200)
@given(st.lists(known_matches, min_size=2, max_size=8), st.lists(packets(), min_size=1, max_size=8), st.booleans())
def test_rules_that_match_a_packet_are_near_each_other(some: list[Match], sent: list[Packet], last: bool) -> None:
    nearby = Nearby(Policy("main", tuple(rule(match, Block()) for match in some), None, last))
    for packet in sent:
        values = oracle.single_values(packet)
        hit = [n for n, match in enumerate(some) if oracle.matches(match, values)]
        for number in hit:
            sooner, later = nearby.before(number), nearby.behind(number)
            assert {n for n in hit if n < number} <= {*(later if last else sooner)}
            assert {n for n in hit if n > number} <= {*(sooner if last else later)}
            assert number not in (*sooner, *later)


@settings(max_examples=80)
@given(any_rules, kinds)
def test_opponents(ruleset: Ruleset, kind: Kind) -> None:
    """Each pair by every packet: exactly those that an earlier rule decides, and that the rule matches."""
    try:
        grounds = grounds_of(ruleset, kind)
        found = {at: {each.at: each for each in opponents(grounds, at)} for at in places(ruleset)}
    except Exhausted:
        return
    for at, mine in found.items():
        for other, each in mine.items():
            assert each.verdict == deciding(grounds[0].rule(other)) != deciding(grounds[0].rule(at))
            for shared in each.packets.values():
                packet = shared.example()
                assert packet is not None
                *steps, _ = evaluate(ruleset, packet)
                assert any(isinstance(s, Step) and s.rule is grounds[0].rule(other) for s in steps)
    if has_unknowns(ruleset) or any(len(ruleset.at(ground.sets.hook)) > 1 for ground in grounds):
        return
    hit = sure_hits(ruleset, grounds)
    for at, mine in found.items():
        verdict = deciding(grounds[0].rule(at))
        if verdict is None or not grounds[0].is_settled(at):
            continue
        expected = set()
        for other, packets_of_other in hit.items():
            theirs = deciding(grounds[0].rule(other))
            if other[0] != at[0] or theirs is None or theirs == verdict or not comes_before(ruleset, other, at):
                continue
            if any(oracle.matches(grounds[0].rule(at).match, oracle.single_values(p)) for p in packets_of_other):
                expected.add(other)
        assert {*mine} == expected


def sure_hits(ruleset: Ruleset, grounds: Sequence[Ground[Any, Any]]) -> dict[At, list[Packet]]:
    """Return the packets that surely reach and match each rule, by the evaluator."""
    numbers = {id(grounds[0].rule(at)): at for at in places(ruleset)}
    hit: dict[At, list[Packet]] = {at: [] for at in places(ruleset)}
    for ground in grounds:
        for packet in universe(ground.sets.hook):
            *steps, last = evaluate(ruleset, packet)
            if isinstance(last, Decision) and last.verdict == "depends":
                # An action that is not modelled: only what stands before it is sure.
                continue
            for step in steps:
                if isinstance(step, Step) and step.matched and step.rule is not None:
                    hit[numbers[id(step.rule)]].append(packet)
    return hit


def comes_before(ruleset: Ruleset, one: At, other: At) -> bool:
    return one[1] > other[1] if ruleset.policies[one[0]].last_match else one[1] < other[1]


@settings(max_examples=80)
@given(any_rules, kinds)
def test_redundant_rules(ruleset: Ruleset, kind: Kind) -> None:
    """Without a redundant rule no packet has another verdict; without one of the others, some has."""
    try:
        grounds = grounds_of(ruleset, kind)
        found = {at: redundant(grounds, at, Facts(ruleset).index) for at in places(ruleset)}
    except Exhausted:
        return
    before = outcomes(ruleset)
    hit = sure_hits(ruleset, grounds)
    for at, each in found.items():
        same = outcomes(without(ruleset, at)) == before
        if each is not None:
            assert same
            assert each.default or each.deciders
        elif not has_unknowns(ruleset) and same and is_plain(grounds[0].rule(at)) and hit[at]:
            # Only where the rules that would decide are dead now or log, or where something else is not known.
            dead = any(not packets for other, packets in hit.items() if other != at)
            remarks = any(
                isinstance(action, Log | Note) for other in found for action in grounds[0].rule(other).actions
            )
            assert dead or remarks or any(verdict == "depends" for verdict, _ in before)


def is_plain(rule: Rule) -> bool:
    return len(rule.actions) == 1 and isinstance(rule.actions[0], Verdict)


@settings(max_examples=80)
@given(any_rules, kinds)
def test_room_to_move(ruleset: Ruleset, kind: Kind) -> None:
    """Moved as far as is said nothing changes; in plain lists one place further something does."""
    try:
        grounds = grounds_of(ruleset, kind)
        found = {at: room(grounds, at) for at in places(ruleset)}
    except Exhausted:
        return
    before = outcomes(ruleset)
    plain = all(is_plain(grounds[0].rule(at)) for at in found) and not has_unknowns(ruleset)
    for at, limit in found.items():
        assert outcomes(moved(ruleset, at, limit)) == before
        if (
            plain
            and limit is not None
            and limit != at[1]
            and len(ruleset.at(None)) == 1
            and any(ground.matched(at) for ground in grounds)
        ):
            further = limit + (1 if ruleset.policies[at[0]].last_match else -1)
            assert outcomes(moved(ruleset, at, further)) != before


def moved(ruleset: Ruleset, at: At, limit: int | None) -> Ruleset:
    """Return the rule set with a rule right behind the one with the number *limit*, in the order of packets."""
    name, number = at
    policy = ruleset.policies[name]
    order = list(range(len(policy.rules)))
    if policy.last_match:
        order.reverse()
    start = 0 if limit not in order else order.index(limit) + 1
    if limit == number:
        return ruleset
    order.remove(number)
    order.insert(start, number)
    if policy.last_match:
        order.reverse()
    rules_ = tuple(policy.rules[n] for n in order)
    return replace(ruleset, policies={**ruleset.policies, name: replace(policy, rules=rules_)})


@each_kind
def test_a_rule_that_a_second_call_would_meet_again_is_not_redundant(kind: Kind) -> None:
    ruleset = simple_ruleset(
        rule(EVERYTHING, Jump("twice")),
        rule(EVERYTHING, Jump("twice")),
        rule(EVERYTHING, Allow()),
        twice=Policy("twice", (rule(field("proto", 6), Block()),)),
    )
    grounds = grounds_of(ruleset, kind)
    assert redundant(grounds, ("twice", 0), Facts(ruleset).index) is None
