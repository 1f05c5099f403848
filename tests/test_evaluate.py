"""The evaluator by example: what the trace says, what decides, and what unknowns do."""

from __future__ import annotations

import pytest

from policy.evaluate import Decision, Final, Step, decide, evaluate, title
from policy.ir import (
    NOTHING,
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
    Note,
    Policy,
    Reject,
    Return,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    Unknown,
    UnknownAction,
)
from policy.packet import Intervals, Names, Packet, complete
from policy.packet.address import parse_address
from tests.strategies import field, rule, simple_ruleset

SSH = complete(
    {"proto": 6, "src": parse_address("10.0.0.1"), "dst": parse_address("10.0.0.2"), "dport": 22, "in": "eth0"}
)
TCP, WEB = field("proto", 6), field("dport", 80)
LIMIT = Unknown("limit 5/minute", "limit", pure=False)
BLOCKED = Unknown("in set blocked", "blocked")
QUEUE = UnknownAction("NFQUEUE", "queue", frozenset({"allow", "block"}))


def trace(ruleset: Ruleset, packet: Packet = SSH, **settled: bool) -> list[str]:
    """The steps in short, and the verdict: `policy[number of the rule]`, or what is implicit, and what it came to."""
    lines: list[str] = []
    for each in evaluate(ruleset, packet, assume=settled):
        if isinstance(each, Decision):
            return [*lines, each.verdict]
        rules = ruleset.policies[each.policy].rules
        place: int | str = each.implicit or next(number for number, rule in enumerate(rules) if rule is each.rule)
        lines.append(f"{'  ' * each.depth}{each.policy}[{place}] {each.matched}")
    raise AssertionError("no decision")


def entries(*policies: Policy, **more: Entry) -> Ruleset:
    """A ruleset in which all of *policies* that *more* names are entries, in this order."""
    return Ruleset("test", frozenset({4}), {policy.name: policy for policy in policies}, {None: tuple(more.values())})


# First match, calls


def test_the_first_rule_that_matches_and_decides_wins() -> None:
    rules = simple_ruleset(rule(WEB, Allow()), rule(TCP, Log(), Note("seen")), rule(TCP, Block()), rule(Any(), Allow()))
    assert trace(rules) == ["main[0] False", "main[1] True", "main[2] True", "block"]
    decision = decide(rules, SSH)
    assert decision == Decision("block", SSH, Block(), rules.policies["main"].rules[2], policy="main")
    assert decision.rule is rules.policies["main"].rules[2]


def test_the_end_of_the_rules_is_the_default_of_the_entry() -> None:
    assert trace(simple_ruleset(rule(WEB, Allow()))) == ["main[0] False", "main[default] True", "block"]
    assert decide(simple_ruleset(), SSH) == Decision("block", SSH, Block(), implicit="default", policy="main")


def test_actions_are_done_up_to_the_first_that_ends() -> None:
    both = rule(Any(), Set("mark", 1), Return(), Allow())
    assert trace(simple_ruleset(both)) == ["main[0] True", "main[default] True", "block"]


def test_a_call_returns_behind_the_calling_rule() -> None:
    called = Policy("a", (rule(WEB, Block()), rule(TCP, Return()), rule(Any(), Block())))
    rules = simple_ruleset(rule(TCP, Jump("a")), rule(Any(), Allow()), a=called)
    assert trace(rules) == ["main[0] True", "  a[0] False", "  a[1] True", "main[1] True", "allow"]


def test_a_goto_returns_to_the_caller_of_its_caller() -> None:
    rules = simple_ruleset(
        rule(TCP, Jump("a")),
        rule(Any(), Allow()),
        a=Policy("a", (rule(TCP, Goto("b")), rule(Any(), Block()))),
        b=Policy("b", (rule(WEB, Block()),)),
    )
    assert trace(rules) == ["main[0] True", "  a[0] True", "  b[0] False", "main[1] True", "allow"]


def test_a_goto_in_the_entry_comes_to_its_default() -> None:
    rules = simple_ruleset(rule(TCP, Goto("a")), rule(Any(), Allow()), a=Policy("a", ()))
    assert trace(rules) == ["main[0] True", "main[default] True", "block"]


def test_a_called_policy_with_a_default_does_not_return() -> None:
    rules = simple_ruleset(rule(TCP, Jump("a")), rule(Any(), Block()), a=Policy("a", (), default=Allow()))
    assert trace(rules) == ["main[0] True", "  a[default] True", "allow"]


def test_return_leaves_out_the_default_of_a_called_policy() -> None:
    rules = simple_ruleset(rule(TCP, Jump("a")), a=Policy("a", (rule(TCP, Return()),), default=Allow()))
    assert trace(rules) == ["main[0] True", "  a[0] True", "main[default] True", "block"]


def test_the_last_match_counts_where_it_is_said() -> None:
    body = (rule(TCP, Block()), rule(TCP, Allow(), Log()), rule(WEB, Block()), rule(TCP, Log()))
    rules = entries(Policy("main", body, last_match=True), main=Entry("main", Block()))
    assert trace(rules) == ["main[3] True", "main[2] False", "main[1] True", "allow"]


# Entries


def test_state_is_implicit_where_an_entry_is_stateful() -> None:
    rules = entries(Policy("main", ()), main=Entry("main", Block(), stateful=True))
    new, established, related, invalid, untracked = (SSH.with_values({"state": state}) for state in range(5))
    assert trace(rules, new) == trace(rules, untracked) == ["main[default] True", "block"]
    assert trace(rules, established) == trace(rules, related) == ["main[state] True", "allow"]
    assert trace(rules, invalid) == ["main[state] True", "block"]
    finals = (Final(established),)
    allowed = Decision("allow", established, Allow(), implicit="state", policy="main", finals=finals)
    assert decide(rules, established) == allowed


def test_a_block_in_any_entry_ends_everything() -> None:
    policies = Policy("a", (rule(Any(), Block()),)), Policy("b", (rule(Any(), Allow()),))
    one, two = Entry("a", Allow(), main=False), Entry("b", Block())
    assert trace(entries(*policies, a=one, b=two)) == ["a[0] True", "block"]
    assert trace(entries(*policies, b=two, a=one)) == ["b[0] True", "a[0] True", "block"]


def test_what_allows_is_a_rule_of_the_main_entry_first() -> None:
    side, main, empty = (Policy(name, (rule(Any(), Allow()),)) for name in ("side", "main", "empty"))
    empty = Policy("empty", ())
    ends = {
        "side": Entry("side", Block(), main=False),
        "main": Entry("main", Block()),
        "empty": Entry("empty", Allow()),
    }
    for names, wins in [
        (("side", "main"), main),
        (("main", "side"), main),
        (("main", "empty"), main),
        (("empty", "main"), main),
        (("empty", "side"), None),
        (("side", "empty"), None),
    ]:
        decision = decide(entries(side, main, empty, **{name: ends[name] for name in names}), SSH)
        assert decision.rule is (wins and wins.rules[0]), names
        assert decision.implicit == (None if wins else "default"), names


def test_entries_are_those_of_the_hook() -> None:
    blocks, allows = (Entry("main", default) for default in (Block(), Allow()))
    rules = Ruleset("test", frozenset({4}), {"main": Policy("main", ())}, {0: (blocks,), None: (allows,)})
    assert decide(rules, SSH.with_values({"hook": 0})).verdict == "block"
    assert decide(rules, SSH.with_values({"hook": 1})).verdict == "allow"
    assert decide(rules, SSH).verdict == "allow"


def test_a_hook_without_entries_lets_everything_pass() -> None:
    nothing = Ruleset("test", frozenset({4}), {}, {})
    assert trace(nothing) == ["allow"]
    assert decide(nothing, SSH) == Decision("allow", SSH, Allow(), implicit="default", finals=(Final(SSH),))


# Absent fields


@pytest.mark.parametrize("wanted", [field("icmp_type", (0, 255)), field("exthdrs", (0, 255)), NOTHING])
def test_a_field_that_is_absent_is_false_and_its_not_is_true(wanted: Field) -> None:
    assert trace(simple_ruleset(rule(wanted, Allow()))) == ["main[0] False", "main[default] True", "block"]
    assert trace(simple_ruleset(rule(Not(wanted), Allow()))) == ["main[0] True", "allow"]


# Unknowns


def test_an_unknown_that_decides() -> None:
    rules = simple_ruleset(rule(LIMIT, Allow()))
    assert trace(rules) == ["main[0] None", "main[default] True", "depends"]
    assert decide(rules, SSH).open == (LIMIT,)
    assert trace(rules, limit=True) == ["main[0] True", "allow"]
    assert trace(rules, limit=False) == ["main[0] False", "main[default] True", "block"]


def test_an_unknown_that_decides_nothing() -> None:
    log = simple_ruleset(rule(LIMIT, Log()), rule(TCP, Allow()))
    assert trace(log) == ["main[0] None", "main[1] True", "allow"]
    same = simple_ruleset(rule(LIMIT, Allow()), rule(TCP, Allow()))
    decision = decide(same, SSH)
    assert (decision.verdict, decision.action, decision.rule, decision.open) == ("allow", Allow(), None, ())
    unlike = simple_ruleset(rule(LIMIT, Reject()), rule(TCP, Block()))
    assert decide(unlike, SSH) == Decision("block", SSH)
    kept = simple_ruleset(rule(All((LIMIT, WEB)), Allow()), rule(TCP, Block()))
    assert trace(kept) == ["main[0] False", "main[1] True", "block"]


def test_pure_unknowns_with_one_key_have_one_truth() -> None:
    rules = simple_ruleset(rule(BLOCKED, Allow()), rule(Not(BLOCKED), Allow()))
    assert decide(rules, SSH).verdict == "allow"
    assert trace(rules) == ["main[0] None", "main[1] True", "allow"]


def test_impure_unknowns_are_fresh_each_time() -> None:
    assert decide(simple_ruleset(rule(LIMIT, Allow()), rule(Not(LIMIT), Allow())), SSH).verdict == "depends"
    once = Policy("a", (rule(LIMIT, Allow()), rule(Any(), Return())))
    rules = simple_ruleset(rule(Any(), Jump("a")), rule(Not(LIMIT), Jump("a")), a=once)
    assert decide(rules, SSH).verdict == "depends"


def test_a_pure_unknown_is_remembered_from_one_entry_to_the_next() -> None:
    one, two = Policy("a", (rule(BLOCKED, Block()),)), Policy("b", (rule(BLOCKED, Allow()),))
    rules = entries(one, two, a=Entry("a", Allow()), b=Entry("b", Block()))
    assert decide(rules, SSH).verdict == "block"


@pytest.mark.parametrize(
    ("outcomes", "settled", "verdict"),
    [
        ({"allow", "block"}, None, "depends"),
        ({"block", "continue"}, None, "block"),
        ({"allow", "continue"}, None, "depends"),
        ({"allow"}, None, "allow"),
        ({"allow", "block"}, True, "allow"),
        ({"allow", "block"}, False, "block"),
        ({"allow", "block", "continue"}, True, "block"),
        ({"allow", "continue"}, False, "depends"),
        ({"block"}, True, "block"),
        ({"pass"}, None, "allow"),
        ({"pass", "block"}, None, "depends"),
        ({"pass", "block"}, True, "allow"),
        ({"pass", "continue"}, True, "block"),
    ],
)
def test_unknown_actions(outcomes: set[str], settled: bool | None, verdict: str) -> None:
    rules = simple_ruleset(rule(TCP, UnknownAction("NFQUEUE", "queue", frozenset(outcomes))))
    assert decide(rules, SSH, assume={} if settled is None else {"queue": settled}).verdict == verdict


def test_pass_ends_everything() -> None:
    nat = Policy("nat", (rule(TCP, UnknownAction("MASQUERADE", "nat", frozenset({"pass"}))),))
    blocks = Policy("main", ())
    assert (
        decide(entries(nat, blocks, nat=Entry("nat", Allow(), main=False), main=Entry("main", Block())), SSH).verdict
        == "allow"
    )


def test_what_an_unknown_action_leaves_open() -> None:
    decision = decide(simple_ruleset(rule(LIMIT, QUEUE)), SSH)
    assert decision.verdict == "depends"
    assert set(decision.open) <= {LIMIT, QUEUE}
    assert QUEUE in decision.open


# What rules change


@pytest.mark.parametrize(
    ("action", "after"),
    [
        (Set("mark", 5), 5),
        (Set("mark", 1, mask=3), 0b1101),
        (Set("mark", 1, mask=0, xor=True), 0b1111),
        (Set("mark", 4, mask=0), 0b1110),
        (Rewrite((("mark", 7), ("dport", 8080))), 7),
    ],
)
def test_later_rules_see_what_was_set(action: Action, after: int) -> None:
    rules = simple_ruleset(rule(TCP, action), rule(field("mark", after), Allow()))
    decision = decide(rules, SSH.with_values({"mark": 0b1110}))
    assert decision.verdict == "allow"
    assert decision.packet.values["mark"] == after


def test_a_value_that_is_not_known_is_every_value() -> None:
    rules = simple_ruleset(
        rule(TCP, Set("mark", None)), rule(field("mark", 1), Allow()), rule(field("mark", 2), Allow())
    )
    decision = decide(rules, SSH)
    assert decision.verdict == "depends"
    assert {title(atom) for atom in decision.open if not isinstance(atom, UnknownAction)} == {"mark"}
    whole = simple_ruleset(*rules.policies["main"].rules, rule(Not(field("mark", (1, 2))), Allow()))
    assert decide(whole, SSH).verdict == "allow"


def test_a_field_that_is_absent_is_not_set() -> None:
    rules = simple_ruleset(rule(TCP, Set("exthdrs", 1)), rule(field("exthdrs", (0, 255)), Allow()))
    assert decide(rules, SSH).verdict == "block"


# Boxes


def test_packets_of_a_box_may_differ() -> None:
    box = SSH.with_values({"dport": Intervals.of((1, 100))})
    decision = decide(simple_ruleset(rule(WEB, Allow())), box)
    assert (decision.verdict, decision.open) == ("mixed", (WEB,))
    rest = simple_ruleset(rule(WEB, Allow()), rule(field("dport", (1, 79), (81, 100)), Allow()))
    assert decide(rest, box).verdict == "allow"


def test_what_is_open_and_says_no_traffic_depends() -> None:
    decision = decide(simple_ruleset(rule(field("uid", 0), Allow())), SSH)
    assert (decision.verdict, [title(atom) for atom in decision.open if isinstance(atom, Field)]) == (
        "depends",
        ["user id of the socket"],
    )


def test_a_box_of_interfaces() -> None:
    box = SSH.with_values({"in": Names(frozenset({"lo"}), negated=True)})
    assert decide(simple_ruleset(rule(field("in", "eth+"), Allow())), box).verdict == "mixed"
    rules = simple_ruleset(rule(field("in", "eth+"), Allow()), rule(Not(field("in", "eth+")), Allow()))
    assert decide(rules, box).verdict == "allow"
    assert decide(simple_ruleset(rule(field("in", "lo"), Allow())), box).verdict == "block"


def test_steps_hold_what_the_rule_saw() -> None:
    called = Policy("a", (rule(field("mark", 1), Allow()),))
    rules = simple_ruleset(rule(TCP, Set("mark", 1)), rule(BLOCKED, Jump("a")), a=called)
    steps = [step for step in evaluate(rules, SSH) if isinstance(step, Step)]
    assert [(step.depth, step.packet.values["mark"]) for step in steps] == [(0, 0), (0, 1), (1, 1), (0, 1)]
    assert steps[0].known == {}


def test_a_rule_does_nothing_without_actions() -> None:
    assert trace(simple_ruleset(Rule(Any(), (), span=rule(Any()).span))) == [
        "main[0] True",
        "main[default] True",
        "block",
    ]
