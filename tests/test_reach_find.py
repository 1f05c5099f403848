"""Is there a packet that …? Witnesses, proofs and honest ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.evaluate import decide
from policy.ir import Allow, Any, Block, Either, Field, Goto, Jump, Not, Policy, Return, Rule, Ruleset, Set, Unknown
from policy.packet import Packet
from policy.reach import Flow, Proof, Undecided, Witness, find, find_for_rule
from policy.reach.ends import Verdict
from policy.sets import Budget, Exhausted
from tests.spaces import SMALL, space_of
from tests.strategies import field, hooks, packets, rule, rulesets, simple_ruleset
from tests.test_sets import hard

WEB, SSH = field("dport", 80, 443), field("dport", 22)
LIMIT = Unknown("limit 5/minute", "limit", pure=False)
BLOCKED = Unknown("set blocked", "blocked")

kinds: st.SearchStrategy[Verdict] = st.sampled_from(("allow", "block", "depends"))


@settings(max_examples=100)
@given(rulesets(), kinds, hooks, st.lists(packets(), max_size=6))
def test_an_answer_holds(ruleset: Ruleset, verdict: Verdict, hook: int | None, some: list[Packet]) -> None:
    answer = find(ruleset, verdict, hook=hook, budget=SMALL)
    if isinstance(answer, Witness):
        assert decide(ruleset, answer.packet).verdict == verdict
    else:
        assert isinstance(answer, Proof)
        mine = [packet for packet in some if packet.get("hook") == hook]
        assert all(decide(ruleset, packet).verdict != verdict for packet in mine)


def test_a_witness_for_each_live_rule_and_a_proof_for_the_dead() -> None:
    rules = simple_ruleset(
        rule(field("dport", (1, 50)), Allow()),
        rule(field("dport", (51, 99)), Block()),
        rule(field("dport", (20, 80)), Allow()),
        rule(field("dport", (20, 100)), Allow()),
    )
    answers = [find_for_rule(rules, ("main", number), budget=SMALL) for number in range(4)]
    ports = [answer.packet.get("dport") if isinstance(answer, Witness) else answer for answer in answers]
    assert ports == [1, 80, Proof(), 100]


def test_unknowns_can_save_a_rule() -> None:
    """A rule behind a rate limit lives; behind a set and what is not in it, it does not."""
    limited = simple_ruleset(rule(LIMIT, Allow()), rule(Not(LIMIT), Allow()), rule(Any(), Block()))
    assert isinstance(find_for_rule(limited, ("main", 2), budget=SMALL), Witness)
    listed = simple_ruleset(rule(BLOCKED, Allow()), rule(Not(BLOCKED), Allow()), rule(Any(), Block()))
    assert find_for_rule(listed, ("main", 2), budget=SMALL) == Proof()
    assert find(listed, "block", budget=SMALL) == Proof()
    assert find(listed, "depends", budget=SMALL) == Proof()


def test_what_reaches_a_rule_for_sure() -> None:
    rules = simple_ruleset(rule(Either((WEB, LIMIT)), Allow()), rule(BLOCKED, Return()), rule(SSH, Allow()))
    space = space_of(rules)
    web, ssh = space.of_match(WEB), space.of_match(SSH)
    first, second, third = (Flow(rules, space).passing(("main", number)) for number in range(3))
    assert (first.matched, first.surely) == (space.everything, web)
    assert (second.matched, second.surely) == (~web, space.nothing)
    assert (third.matched, third.surely) == (ssh, space.nothing)


def test_ways_that_meet_again_are_sure() -> None:
    called = Policy("a", (rule(LIMIT, Return()), rule(field("proto", 1), Block())))
    rules = simple_ruleset(rule(SSH, Jump("a")), rule(WEB, Goto("a")), rule(Any(), Allow()), a=called)
    space = space_of(rules)
    last = Flow(rules, space).passing(("main", 2))
    assert last.surely == last.matched == ~space.of_match(WEB)


def test_changes_are_seen_by_the_rules_behind_them() -> None:
    rules = simple_ruleset(
        rule(WEB, Set("mark", 1)),
        rule(Not(WEB), Set("mark", 2, mask=2)),
        rule(field("mark", 1), Allow()),
    )
    space = space_of(rules)
    assert Flow(rules, space).allowed == space.of_match(Either((WEB, Field("mark", field("mark", 1).values)))) - (
        space.of_match(field("mark", 1)) - space.of_match(WEB)
    )


# Limits


def chain(length: int) -> Iterator[tuple[str, Policy]]:
    for number in range(length):
        yield f"p{number}", Policy(f"p{number}", (rule(Any(), Jump(f"p{number + 1}")),) * 2)
    yield f"p{length}", Policy(f"p{length}", (rule(SSH, Block()),))


def test_thirty_nested_calls_that_double() -> None:
    rules = simple_ruleset(rule(Any(), Jump("p0")), rule(Any(), Allow()), **dict(chain(30)))
    space = space_of(rules)
    assert Flow(rules, space).blocked == space.of_match(SSH)


@pytest.mark.parametrize("call", [Jump("main"), Goto("main")])
def test_loops_are_undecided(call: Jump | Goto) -> None:
    rules = simple_ruleset(rule(WEB, call))
    assert find(rules, "allow", budget=SMALL) == Undecided("more than 150 nested calls")


def test_a_formula_in_disguise_is_undecided() -> None:
    rules = simple_ruleset(rule(hard(30), Allow()))
    answer = find(rules, "allow", budget=Budget(nodes=20_000))
    assert answer == Undecided("more than 20,000 nodes")


def test_marks_that_double_the_ways_end() -> None:
    keys = [Unknown(f"set {number}", f"set {number}") for number in range(30)]
    bits: list[Rule] = [rule(key, Set("mark", 1 << number, mask=0)) for number, key in enumerate(keys)]
    rules = simple_ruleset(*bits, rule(field("mark", 5), Allow()))
    with pytest.raises(Exhausted, match="200 ways"):
        Flow(rules, space_of(rules))
