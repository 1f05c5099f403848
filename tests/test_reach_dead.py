"""Dead rules of whole rulesets: as by trying everything, with one reason each that is true and the first that fits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.check import Facts
from policy.evaluate import Index
from policy.ir import (
    Action,
    All,
    Allow,
    Any,
    Block,
    Entry,
    Field,
    Goto,
    Jump,
    Log,
    Not,
    Policy,
    Reject,
    Return,
    Ruleset,
    Set,
    UnknownAction,
)
from policy.packet import Intervals
from policy.reach import At, Flow, Kind, Standing, Standings, standings
from policy.reach.effects import telling
from policy.reach.entered import entered
from policy.reach.products import Scope
from policy.reach.way import calls
from policy.sets import BoxSpace, Budget
from tests.dead_brute import Brute, ends_surely
from tests.spaces import Kind as KindOfSpace
from tests.spaces import space_of
from tests.strategies import V4_FIRST, rule, unknowns

RANGES = {
    "src": [(V4_FIRST + low, V4_FIRST + high) for low, high in ((0, 3), (0, 1), (2, 3), (1, 2))],
    "dport": [(1, 4), (1, 2), (3, 4), (2, 3), (1, 1)],
    "proto": [(6, 17), (6, 6), (17, 17), (47, 58)],
    "mark": [(0, 1), (0, 0), (1, 2), (2, 4)],
    "state": [(0, 0), (4, 4), (0, 1), (0, 4)],
}  # fmt: skip
UNKNOWN = UnknownAction("QUEUE", "queue", frozenset({"block", "continue"}))


CALLS = {"a": ("b", "c"), "b": ("c",), "c": ()}
VERDICTS: tuple[Action, ...] = (Allow(), Block(), Allow(), Block(), Reject(), Return())


@st.composite
def small_rulesets(draw: st.DrawFn) -> Ruleset:
    """Rulesets that speak of two fields at most, in few ranges, so that rules often cover others."""
    names = draw(st.lists(st.sampled_from(tuple(RANGES)), min_size=1, max_size=2, unique=True))
    leaf = st.sampled_from(names).flatmap(
        lambda name: st.sampled_from(RANGES[name]).map(lambda pair: Field(name, Intervals.of(pair)))
    )
    both = st.lists(leaf, min_size=2, max_size=2).map(lambda parts: All(tuple(parts)))
    match = st.one_of(*[leaf] * 6, leaf.map(Not), both, both, both, st.just(Any()))
    match = st.one_of(*[match] * 6, unknowns, st.builds(lambda m, u: All((m, u)), match, unknowns))
    policies = {}
    for name, callees in CALLS.items():
        called: tuple[Action, ...] = tuple(kind(callee) for callee in callees for kind in (Jump, Jump, Goto))
        others: tuple[Action, ...] = (Log(), Set("mark", draw(st.integers(0, 2))), UNKNOWN)
        action = st.sampled_from(VERDICTS) | st.sampled_from((*VERDICTS, *called, *others))
        body = draw(st.lists(st.builds(rule, match, action), min_size=2, max_size=5))
        for callee in draw(st.sampled_from((callees, callees[:1], callees[:1], callees[:1] * 2, ()))):
            how: tuple[Action, ...] = (Jump(callee), Jump(callee), Jump(callee), Goto(callee))
            call = draw(st.sampled_from(how))
            body.insert(draw(st.integers(0, len(body))), rule(draw(st.just(Any()) | leaf), call))
        default = draw(st.sampled_from((None, None, None, None, Block(), Allow())))
        policies[name] = Policy(name, tuple(body), default)
    if draw(st.integers(0, 7)) == 0:
        body = [each for each in policies["c"].rules if not isinstance(each.actions[0], Set)]
        policies["pf"] = Policy("pf", tuple(body), last_match=True)
    first = draw(st.sampled_from(("a", "a", "a", "a", "a", "b", *(["pf"] if "pf" in policies else []))))
    entries: list[tuple[Entry, ...]] = []
    for _ in range(draw(st.sampled_from((1, 1, 2)))):
        stateful = draw(st.booleans())
        entries.append((Entry(first, Block(), stateful),))
        if draw(st.integers(0, 2)) == 0:
            entries[-1] += (Entry(draw(st.sampled_from(("b", "c"))), Allow(), stateful and draw(st.booleans())),)
    hooks: tuple[int | None, ...] = (None,) if len(entries) == 1 else (0, 2)
    families = draw(st.sampled_from((frozenset({4, 6}), frozenset({4}))))
    return Ruleset("test", families, policies, dict(zip(hooks, entries, strict=True)))


def found_by(ruleset: Ruleset, kind: KindOfSpace = space_of) -> Standings:
    hooks = Facts(ruleset).hooks
    spaces = {hook: kind(ruleset, hook=hook) for hook in hooks}
    return Standings(ruleset, hooks, lambda hook: Flow(ruleset, spaces[hook]), Budget(seconds=None), Index())


def few_boxes(ruleset: Ruleset, hook: int | None) -> BoxSpace:
    """A space that gives up early: long lists of boxes take long."""
    return BoxSpace([ruleset], (), hook, Budget(seconds=None, boxes=200))


def check(ruleset: Ruleset, found: Standings) -> None:
    brute = Brute(ruleset, Facts(ruleset).hooks)
    alive = brute.matched()
    wanted = brute.matched(brute.deciding)
    called = {name for at in alive for name in calls(brute.rule(at))}
    entries = {entry.policy for some in ruleset.entries.values() for entry in some}
    assert set(found.not_entered) == ruleset.policies.keys() - called - entries
    assert found.of.keys() == {*brute.places}
    for at, standing in found.of.items():
        if standing.kind is Kind.NOT_ENTERED:
            assert at[0] in found.not_entered
            assert at not in alive
        elif at in alive:
            assert standing.kind is Kind.ALIVE
        else:
            assert standing.dead
            assert standing.settled
            assert at[0] not in found.not_entered
            check_reason(brute, at, standing, wanted)
            packets = found.packets(at)
            if standing.kind not in (Kind.UNMATCHABLE, Kind.NOT_SENT):
                assert found.example(at, packets) is not None


def check_reason(brute: Brute, at: At, standing: Standing[At], wanted: set[At]) -> None:
    """Is it the first reason that fits, and a true one?"""
    policy = brute.ruleset.policies[at[0]]
    packets = brute.in_scope(entered(brute.ruleset).scopes[at[0]])
    at_hooks = brute.in_scope(Scope(hooks=entered(brute.ruleset).scopes[at[0]].hooks))
    before = [(at[0], n) for n in (range(at[1] + 1, len(policy.rules))[::-1] if policy.last_match else range(at[1]))]
    truths = {one: brute.truths(brute.rule(one).match, packets) for one in (*before, at)}
    ending = [one for one in before if ends_surely(brute.rule(one))]
    catch_alls = [one for one in ending if not any((a, False) in each for each in truths[one] for a, _ in each)]
    twins = [
        one
        for one in before
        if telling(brute.rule(one)) == telling(brute.rule(at)) and truths[one] == truths[at]
        and brute.is_cover([one], at)
    ]  # fmt: skip
    if not any((a, True) in each for each in brute.truths(brute.rule(at).match, at_hooks) for a, _ in each):
        assert standing.kind is Kind.UNMATCHABLE
    elif at not in wanted:
        assert standing.kind is Kind.NOT_SENT
        assert standing.reason
    elif catch_alls:
        assert (standing.kind, standing.by) == (Kind.AFTER_CATCH_ALL, (catch_alls[0],))
    elif twins:
        assert (standing.kind, standing.by) == (Kind.DUPLICATE, (twins[0],))
    else:
        single = {one for one in brute.deciding if one != at and brute.is_cover([one], at)}
        if single:
            assert standing.kind is Kind.COVERED
            assert {*standing.by} <= single
        else:
            assert standing.kind is Kind.COVERED_TOGETHER
            assert len(standing.by) > 1
    if standing.by and standing.kind is not Kind.NOT_SENT:
        assert brute.is_cover(standing.by, at)
        for missed in standing.by if len(standing.by) > 1 else ():
            assert not brute.is_cover({*standing.by} - {missed}, at)


@settings(max_examples=25)
@given(small_rulesets())
def test_the_same_as_by_trying_everything(ruleset: Ruleset) -> None:
    check(ruleset, found_by(ruleset))


@settings(max_examples=20)
@given(small_rulesets())
def test_lists_of_boxes_say_the_same_or_nothing(ruleset: Ruleset) -> None:
    one, other = found_by(ruleset), found_by(ruleset, few_boxes)
    for at, standing in other.of.items():
        if standing.kind is not Kind.UNDECIDED and standing.settled:
            assert standing == one.of[at]


@settings(max_examples=15)
@given(small_rulesets())
def test_long_lists_are_no_exception(ruleset: Ruleset) -> None:
    pytest.importorskip("numpy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standings, "MANY", -1)
        check(ruleset, found_by(ruleset))
