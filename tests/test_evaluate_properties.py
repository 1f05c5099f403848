"""What must hold of every ruleset and packet, whatever they are."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policy.evaluate import Decision, decide, evaluate
from policy.ir import (
    All,
    Any,
    Field,
    Match,
    Not,
    Policy,
    Return,
    Rule,
    Ruleset,
    Unknown,
    UnknownAction,
    all_of,
    either_of,
    negated,
    walk,
)
from policy.packet import Packet
from tests import oracle
from tests.strategies import (
    any_matches,
    boxes,
    field_matches,
    harmless,
    packets,
    rules,
    rulesets,
    unknown_actions,
    verdicts,
)


def with_rules(ruleset: Ruleset, name: str, *rules: Rule) -> Ruleset:
    changed = replace(ruleset.policies[name], rules=rules)
    return replace(ruleset, policies={**ruleset.policies, name: changed})


def policy_of(data: st.DataObject, ruleset: Ruleset) -> Policy:
    return ruleset.policies[data.draw(st.sampled_from(sorted(ruleset.policies)))]


@given(rulesets(), packets() | boxes())
def test_there_is_one_decision_and_it_is_the_last(ruleset: Ruleset, packet: Packet) -> None:
    *steps, decision = evaluate(ruleset, packet)
    assert isinstance(decision, Decision)
    assert not any(isinstance(step, Decision) for step in steps)
    assert decision.verdict in ("allow", "block", "depends", "mixed")
    assert bool(decision.open) == (decision.verdict in ("depends", "mixed"))
    assert decision == decide(ruleset, packet)


@given(rulesets(), packets() | boxes())
def test_what_is_open_is_in_the_rules(ruleset: Ruleset, packet: Packet) -> None:
    every = [rule for policy in ruleset.policies.values() for rule in policy.rules]
    conditions = [part for rule in every for part in walk(rule.match) if isinstance(part, Field | Unknown)]
    actions = [action for rule in every for action in rule.actions if isinstance(action, UnknownAction)]
    state = [atom for atom in decide(ruleset, packet).open if atom not in (*conditions, *actions)]
    assert all(isinstance(atom, Field) and atom.name == "state" for atom in state)


@given(rulesets(), packets(), rules(any_matches, verdicts), st.data())
def test_a_rule_after_a_catch_all_changes_nothing(
    ruleset: Ruleset, packet: Packet, more: Rule, data: st.DataObject
) -> None:
    policy = policy_of(data, ruleset)
    catch_all = data.draw(rules(st.just(Any()), verdicts, st.just(Return())))
    if policy.last_match:
        closed, extended = (catch_all, *policy.rules), (more, catch_all, *policy.rules)
    else:
        closed, extended = (*policy.rules, catch_all), (*policy.rules, catch_all, more)
    first, second = (decide(with_rules(ruleset, policy.name, *rules), packet) for rules in (closed, extended))
    assert first == second


@given(rulesets(), packets(), field_matches, st.lists(any_matches, min_size=2, max_size=2), st.data())
def test_rules_that_share_no_packet_may_be_swapped(
    ruleset: Ruleset, packet: Packet, apart: Match, guards: list[Match], data: st.DataObject
) -> None:
    policy = policy_of(data, ruleset)
    place = data.draw(st.integers(0, len(policy.rules)))
    one, two = (
        data.draw(rules(st.just(All((side, guard))), verdicts, st.just(Return()), harmless, unknown_actions))
        for side, guard in zip((apart, Not(apart)), guards, strict=True)
    )
    before, after = policy.rules[:place], policy.rules[place:]
    first = decide(with_rules(ruleset, policy.name, *before, one, two, *after), packet)
    second = decide(with_rules(ruleset, policy.name, *before, two, one, *after), packet)
    assert (first.verdict, first.rule) == (second.verdict, second.rule)


@given(rulesets(), packets())
def test_settled_unknowns_leave_nothing_open(ruleset: Ruleset, packet: Packet) -> None:
    """With all keys settled one way, a definite answer is also one of those that were possible."""
    for answer in (True, False):
        settled = dict.fromkeys(("a", "b", "limit", "queue"), answer)
        verdict = decide(ruleset, packet, assume=settled).verdict
        before = decide(ruleset, packet).verdict
        assert before in (verdict, "depends")


@given(st.lists(any_matches, max_size=3), packets())
def test_matches_are_put_together_by_meaning(parts: list[Match], packet: Packet) -> None:
    values = oracle.single_values(packet)
    answers = [oracle.matches(part, values) for part in parts]
    assert oracle.matches(all_of(*parts), values) == all(answers)
    assert oracle.matches(either_of(*parts), values) == any(answers)
    assert [oracle.matches(negated(part), values) for part in parts] == [not answer for answer in answers]
