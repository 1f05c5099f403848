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
from policy.packet import Intervals, Packet
from policy.packet.address import V4_BASE
from policy.reach.entered import entered
from policy.reach.lists import Analysis, Kind, Scope, analyse
from tests import oracle, reach_brute
from tests.strategies import CONDITIONS, HERE, field, matches, rule, unknowns

MOST_PACKETS = 5_000
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
    twins = [n for n in before if sets[n] == mine and policy.rules[n].actions == policy.rules[number].actions]
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
    every = {**(policies or {}), policy.name: policy}
    return Ruleset("test", frozenset({4, 6}), every, {None: (Entry(policy.name, Block()),)})


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


@settings(max_examples=200)
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


addresses4 = st.tuples(st.integers(0, 15), st.integers(0, 15)).map(lambda pair: (min(pair), max(pair)))
prefixes4 = st.tuples(st.integers(0, 15), st.sampled_from((1, 2, 4, 4, 8, 16))).map(
    lambda pair: (pair[0] & -pair[1], (pair[0] & -pair[1]) + pair[1] - 1)
)


def four_bits(name: str, pair: tuple[int, int]) -> Field:
    base = V4_BASE if name in ("src", "dst") else 0
    return Field(name, Intervals.of((base + pair[0], base + pair[1])))


@st.composite
def dense_lists(draw: st.DrawFn) -> Policy:
    """Lists over addresses and ports of four bits, where rules often cover another together."""
    sides = st.tuples(prefixes4, prefixes4, prefixes4 | addresses4)
    body = []
    for sets in draw(st.lists(sides, min_size=4, max_size=14)):
        parts: list[Match] = [four_bits(*each) for each in zip(("src", "dst", "dport"), sets, strict=True)]
        if draw(st.integers(0, 5)) == 0:
            parts[2] = Not(parts[2])
        body.append(rule(All((field("proto", 6), field("fragment", 0), *parts)), draw(ENDING)))
    return Policy("main", tuple(body))


@settings(max_examples=100)
@given(dense_lists())
def test_covers_in_four_bits(policy: Policy) -> None:
    """Every value of three fields of four bits (and a port outside), as bits of a number."""
    scope = Scope(frozenset({4}), Intervals.of(2), Intervals.of(0))
    analysis = analyse(policy, scope)
    sets = []
    for each in policy.rules:
        assert isinstance(each.match, All)
        sides = []
        for part in each.match.parts[2:]:
            inner = part.part if isinstance(part, Not) else part
            assert isinstance(inner, Field)
            base = 0 if inner.name == "dport" else V4_BASE
            sides.append({n for n in range(17) if oracle.contains(inner.values, base + n) is not isinstance(part, Not)})
        src, dst, port = sides
        sets.append({(s, d, p) for s in src - {16} for d in dst - {16} for p in port})
    taken: set[tuple[int, int, int]] = set()
    for number, mine in enumerate(sets):
        standing = analysis.standings[number]
        assert standing.dead is (mine <= taken)
        taken |= mine
        if not standing.dead:
            check_witness(policy, analysis, number)
        elif standing.kind is Kind.COVERED_TOGETHER:
            assert len(standing.by) > 1
            assert mine <= set().union(*(sets[n] for n in standing.by))
            assert not any(mine <= set().union(*(sets[n] for n in standing.by if n != m)) for m in standing.by)
            assert not any(sets[n] >= mine for n in range(number))
        elif standing.kind is Kind.COVERED:
            assert standing.by == (next(n for n in range(number) if sets[n] >= mine),)
        elif standing.kind is Kind.DUPLICATE:
            same = [n for n in range(number) if policy.rules[n].actions == policy.rules[number].actions]
            assert standing.by == (next(n for n in same if sets[n] == mine),)


@settings(max_examples=100)
@given(lists(unknown=True), scopes)
def test_unknown_conditions_overturn_nothing(policy: Policy, scope: Scope) -> None:
    universe = universe_of(policy, scope)
    alive = reach_brute.reached_somehow(policy, universe, [ends(rule) for rule in policy.rules])
    for number, standing in enumerate(analyse(policy, scope).standings):
        assert standing.kind is Kind.LEFT or standing.dead is (number not in alive)
        assert not (standing.dead and number in alive)


CALLED = "c"


@settings(max_examples=100)
@given(st.data(), scopes)
def test_what_is_said_holds_with_calls_and_changes(data: st.DataObject, scope: Scope) -> None:
    """Rules behind calls and changed fields may be left; what is said of them is true."""
    mark: st.SearchStrategy[Action] = st.just(Set("mark", 1))
    calls: st.SearchStrategy[Action] = st.just(Jump(CALLED))
    unknown: st.SearchStrategy[Action] = st.just(UnknownAction("QUEUE", "queue", frozenset({"block"})))
    policy = data.draw(lists(ACTIONS | calls | mark | unknown))
    fields = reach_brute.fields_of(policy)
    inner = data.draw(lists(ACTIONS))
    called = Policy(CALLED, inner.rules)
    assume(len(fields | reach_brute.fields_of(called)) <= 6)
    policies = {CALLED: called}
    both = Policy("both", (*policy.rules, *called.rules))
    universe = universe_of(both, scope)
    alive = reach_brute.reached(policy, universe, policies)
    analysis = analyse(policy, scope, policies=policies)
    for number, standing in enumerate(analysis.standings):
        assert standing.kind is Kind.LEFT or standing.dead is (number not in alive)
        if standing.kind is Kind.ALIVE:
            check_witness(policy, analysis, number, policies)
        if standing.kind is Kind.LEFT:
            assert standing.reason


def test_every_kind() -> None:
    """One list with a rule of each kind, and the rules that are named for it."""
    low, high = field("src", (V4_BASE, V4_BASE + 7)), field("src", (V4_BASE + 8, V4_BASE + 15))
    web = All((field("proto", 6), field("dport", 80, 443)))
    both = field("src", (V4_BASE, V4_BASE + 15))
    limited = Unknown("limit 5/minute", "limit", pure=False)
    body = (
        (All((web, low)), Allow()),  # 0
        (All((web, high)), Block()),
        (All((web, both)), Allow()),  # 2: together by 0 and 1
        (All((web, both)), Block()),  # 3: the packets of 2
        (All((field("dport", 80), low)), Allow()),  # 4: alive, for UDP
        (All((field("proto", 6), field("dport", 80), low)), Allow()),  # 5: by 0
        (All((field("proto", 1), field("dport", 80))), Allow()),  # 6: no packet
        (All((limited, field("proto", 1))), Allow()),  # 7: alive
        (All((limited, field("proto", 1))), Allow()),  # 8: alive, another limit
        (All((limited, web, low)), Allow()),  # 9: whatever the limit, by 0
        (All((Unknown("a", "a"), field("proto", 1))), Allow()),  # 10
        (All((Unknown("a", "a"), field("proto", 1))), Allow()),  # 11: left, its condition is that of 10
        (Any(), Log()),  # 12
        (Any(), Block()),  # 13
        (field("proto", 6), Block()),  # 14: after 13
    )
    analysis = analyse(Policy("main", tuple(rule(match, action) for match, action in body)))
    found = [(standing.kind, standing.by, standing.same) for standing in analysis.standings]
    alive = (Kind.ALIVE, (), None)
    assert found == [
        alive,
        alive,
        (Kind.COVERED_TOGETHER, (0, 1), False),
        (Kind.COVERED, (2,), False),
        alive,
        (Kind.COVERED, (0,), True),
        (Kind.UNMATCHABLE, (), None),
        alive,
        alive,
        (Kind.COVERED, (0,), True),
        (Kind.LEFT, (), None),
        (Kind.LEFT, (), None),
        alive,
        alive,
        (Kind.AFTER_CATCH_ALL, (13,), True),
    ]
    assert analysis.dead == [2, 3, 5, 6, 9, 14]
    assert analysis.witness(2) is None


def test_a_call_leaves_only_what_meets_it() -> None:
    body = (
        rule(field("proto", 1), Jump("elsewhere")),
        rule(field("proto", 6), Allow()),
        rule(field("proto", 1, 17), Allow()),
        rule(field("proto", 1), Allow()),
        rule(field("proto", 6), Allow()),
    )
    some = Policy("elsewhere", (rule(field("src", V4_BASE), Block()),))
    remarks = Policy("elsewhere", (rule(Any(), Log()),))
    policy = Policy("main", body)
    alive, dead, left = Kind.ALIVE, Kind.DUPLICATE, Kind.LEFT
    for policies, third in (({"elsewhere": some}, Kind.ALIVE), ({"elsewhere": remarks}, Kind.ALIVE)):
        kinds = [s.kind for s in analyse(policy, policies=policies).standings]
        assert kinds == [alive, alive, third, Kind.COVERED, dead]
    assert [s.kind for s in analyse(policy).standings] == [alive, *[left] * 4]


def test_negated_lists_stay_small() -> None:
    ports = Either(tuple(field("dport", port) for port in range(1, 4000, 2)))
    body = (rule(Not(ports), Allow()), rule(All((Not(field("dport", 22)), Not(field("dport", 23)))), Allow()))
    assert [s.kind for s in analyse(Policy("main", body)).standings] == [Kind.ALIVE, Kind.ALIVE]


def test_what_is_not_boxes_is_left_with_a_reason() -> None:
    names = ("ttl", "tos", "length", "mark")
    parts = tuple(Either(tuple(field(name, (n * n % 31, 50 + n)) for name in names)) for n in range(12))
    policy = Policy("main", (rule(All(parts), Allow()), rule(field("proto", 6), Allow())))
    standings = analyse(policy).standings
    assert standings[0].kind is Kind.LEFT
    assert standings[0].reason
    assert "boxes" in standings[0].reason
    assert standings[1].kind is Kind.LEFT
    assert standings[1].reason == "it hangs on what earlier rules do with the packets that match them"


@pytest.mark.parametrize("last_match", [False, True])
def test_last_match_is_the_same_list_turned_round(last_match: bool) -> None:
    body = [rule(field("dport", (1, 9)), Allow()), rule(field("dport", 5), Block())]
    policy = Policy("main", tuple(body[::-1] if last_match else body), last_match=last_match)
    standing = analyse(policy).standings[0 if last_match else 1]
    assert (standing.kind, standing.by) == (Kind.COVERED, (1 if last_match else 0,))


def test_a_stateful_entry_bounds_the_scope() -> None:
    established, new = field("state", 1, 2), field("state", 0, 4)
    policy = Policy("main", (rule(established, Allow()), rule(new, Allow()), rule(Any(), Block())))
    entry = Entry("main", Block(), stateful=True)
    ruleset = Ruleset("test", frozenset({4}), {"main": policy}, {None: (entry,)})
    scope = entered(ruleset).scopes["main"]
    assert [s.kind for s in analyse(policy, scope).standings] == [
        Kind.UNMATCHABLE, Kind.ALIVE, Kind.AFTER_CATCH_ALL,
    ]  # fmt: skip


def test_a_rule_of_very_many_boxes_is_left_and_so_is_what_it_meets() -> None:
    odd = [V4_BASE + number for number in range(1, 300, 2)]
    wide = All((field("src", *odd), field("dst", *odd)))
    inside = All((field("src", V4_BASE + 3), field("dst", V4_BASE + 3)))
    outside = field("src", V4_BASE + 1000)
    policy = Policy(
        "main", (rule(wide, Allow()), rule(inside, Block()), rule(outside, Block()), rule(outside, Block()))
    )
    kinds = [s.kind for s in analyse(policy, Scope(frozenset({4}))).standings]
    assert kinds == [Kind.LEFT, Kind.LEFT, Kind.ALIVE, Kind.DUPLICATE]
