"""Dead rules: the same as by trying every packet, with reasons that hold and witnesses that the evaluator confirms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy")

from policy.evaluate import Step, decide, evaluate
from policy.ir import (
    Action,
    All,
    Allow,
    Any,
    Block,
    Either,
    Entry,
    Field,
    Jump,
    Log,
    Match,
    Not,
    Policy,
    Return,
    Rule,
    Ruleset,
    Set,
    Unknown,
    UnknownAction,
)
from policy.packet import Intervals, Masked, Packet
from policy.packet.address import V4_BASE, parse_prefix
from policy.reach.budget import Budget
from policy.reach.lists import Analysis, Kind, Scope, analyse
from tests import oracle, reach_brute
from tests.strategies import CONDITIONS, HERE, field, known_matches, matches, policies, rule, unknowns

MOST_PACKETS = 6_000
ENDING: st.SearchStrategy[Action] = st.sampled_from((Allow(), Block(), Allow(), Block(), Return()))
ACTIONS = ENDING | ENDING | ENDING | st.just(Log())

scopes = st.builds(
    Scope,
    st.sampled_from((frozenset({4, 6}), frozenset({4, 6}), frozenset({4}), frozenset({6}))),
    st.sampled_from((Intervals.of((0, 2)), Intervals.of(2), Intervals.of(0, 2))),
    st.sampled_from((Intervals.of((0, 4)), Intervals.of(0, 4), Intervals.of(0))),
)


def leaves_of(names: Sequence[str]) -> st.SearchStrategy[Match]:
    return st.sampled_from(names).flatmap(lambda name: st.builds(Field, st.just(name), CONDITIONS[name]))


few_fields = st.lists(
    st.sampled_from(sorted(set(CONDITIONS) & {*reach_brute.VALUES, "src", "dst"})), min_size=1, max_size=3, unique=True
)


@st.composite
def lists(draw: st.DrawFn, actions: st.SearchStrategy[Action] = ACTIONS, unknown: bool = False) -> Policy:
    """Lists of rules that speak of few fields."""
    leaves = draw(few_fields.map(leaves_of))
    match = matches(leaves | leaves | leaves | unknowns if unknown else leaves)
    body = draw(st.lists(st.builds(lambda m, a: Rule(m, (a,), span=HERE), match, actions), min_size=2, max_size=7))
    return Policy("main", tuple(body), None, not unknown and draw(st.integers(0, 9)) == 0)


def universe_of(policy: Policy, scope: Scope) -> list[Packet]:
    """Return all packets that matter; lists with too many of them are not tried."""
    found = [*islice(reach_brute.packets(scope, reach_brute.fields_of(policy)), MOST_PACKETS + 1)]
    assume(len(found) <= MOST_PACKETS)
    return found


def ends(rule: Rule) -> bool:
    return any(isinstance(action, Allow | Block | Return) for action in rule.actions)


def earlier(policy: Policy, number: int) -> list[int]:
    """Return the rules that packets meet before a rule, in their order."""
    numbers = range(len(policy.rules))
    return [*numbers[: number - len(numbers) : -1]] if policy.last_match else [*numbers[:number]]


def check_reason(policy: Policy, analysis: Analysis, number: int, sets: list[set[int]], size: int) -> None:
    """Is the reason the first that fits, and true?"""
    standing, mine = analysis.standings[number], sets[number]
    before = [other for other in earlier(policy, number) if ends(policy.rules[other])]
    if policy.last_match:
        before = [n for n in range(len(policy.rules) - 1, number, -1) if ends(policy.rules[n])]
    catch_all = [n for n in before if len(sets[n]) == size]
    twins = [n for n in before if sets[n] == mine]
    covers = [n for n in before if sets[n] >= mine]
    if not mine:
        assert (standing.kind, standing.by) == (Kind.UNMATCHABLE, ())
    elif catch_all:
        assert (standing.kind, standing.by) == (Kind.AFTER_CATCH_ALL, (catch_all[0],))
    elif twins:
        assert (standing.kind, standing.by) == (Kind.DUPLICATE, (twins[0],))
    elif covers:
        assert (standing.kind, standing.by) == (Kind.COVERED, (covers[0],))
    else:
        assert standing.kind is Kind.COVERED_TOGETHER
        assert set(standing.by) <= set(before)
        assert mine <= set().union(*(sets[n] for n in standing.by))
        for missed in standing.by:
            assert not mine <= set().union(*(sets[n] for n in standing.by if n != missed))
    assert standing.settled
    if standing.by:
        assert standing.same == all(policy.rules[n].actions == policy.rules[number].actions for n in standing.by)


def ruleset_of(policy: Policy, policies: Mapping[str, Policy] | None = None) -> Ruleset:
    entries = {None: (Entry(policy.name, Block()),)}
    return Ruleset("test", frozenset({4, 6}), {**(policies or {}), policy.name: policy}, entries)


def check_witness(
    policy: Policy, analysis: Analysis, number: int, policies: Mapping[str, Policy] | None = None
) -> None:
    packet = analysis.witness(number)
    assert packet is not None
    ruleset = ruleset_of(policy, policies)
    steps = [step for step in evaluate(ruleset, packet) if isinstance(step, Step)]
    assert any(step.rule is policy.rules[number] and step.matched for step in steps)
    if ends(policy.rules[number]) and not isinstance(policy.rules[number].actions[-1], Return):
        assert decide(ruleset, packet).rule is policy.rules[number]


@settings(max_examples=250)
@given(lists(), scopes)
def test_the_same_as_by_trying_every_packet(policy: Policy, scope: Scope) -> None:
    universe = universe_of(policy, scope)
    analysis = analyse(policy, scope)
    alive = reach_brute.reached(policy, universe, {})
    sets = reach_brute.matching(policy, universe)
    assert {n for n, s in enumerate(analysis.standings) if s.kind is Kind.ALIVE} == alive
    for number in range(len(policy.rules)):
        if number in alive:
            check_witness(policy, analysis, number)
        else:
            check_reason(policy, analysis, number, sets, len(universe))
