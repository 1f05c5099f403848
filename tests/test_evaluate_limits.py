"""Walks that are long, deep, endless, or would double with every unknown."""

from __future__ import annotations

import pytest

from policy.evaluate import Step, decide, evaluate, walk
from policy.ir import (
    Action,
    All,
    Allow,
    Any,
    Block,
    Either,
    Goto,
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
from policy.packet import complete
from policy.packet.address import parse_address
from tests.strategies import field, rule, simple_ruleset

PACKET = complete({"proto": 6, "src": parse_address("10.0.0.1"), "dport": 22, "sport": 5})
LAST = rule(Any(), Allow())


def unknown(number: int) -> Unknown:
    return Unknown(f"set {number}", f"set {number}")


def steps(ruleset: Ruleset) -> int:
    return sum(isinstance(each, Step) for each in evaluate(ruleset, PACKET))


def check(ruleset: Ruleset, verdict: str, most: int = 2000) -> None:
    decision = decide(ruleset, PACKET)
    assert (decision.verdict, decision.undecided) == (verdict, False)
    assert steps(ruleset) <= most


SIXTY = [unknown(number) for number in range(60)]


@pytest.mark.parametrize(
    "action",
    [
        Log(),
        Set("mark", 1),
        Set("mark", None),
        Jump("a"),
        UnknownAction("TARPIT", "t", frozenset({"block", "continue"})),
    ],
)
def test_sixty_unknowns_in_a_row(action: Action) -> None:
    called = Policy("a", (rule(field("dport", 80), Block()), rule(unknown(99), Log())))
    rules = simple_ruleset(*(rule(each, action) for each in SIXTY), LAST, a=called)
    check(rules, "depends" if isinstance(action, UnknownAction) else "allow")


def test_sixty_calls_that_may_return_early() -> None:
    called = Policy("a", (rule(Unknown("limit", "limit", pure=False), Return()), rule(unknown(99), Set("mark", 1))))
    check(simple_ruleset(*(rule(each, Jump("a")) for each in SIXTY), LAST, a=called), "allow")


def test_sixty_alternatives_in_one_rule() -> None:
    for whole in (Either(tuple(SIXTY)), All(tuple(SIXTY)), Not(Either(tuple(SIXTY)))):
        check(simple_ruleset(rule(whole, Allow())), "depends")
        check(simple_ruleset(rule(whole, Set("mark", 1)), LAST), "allow")


def test_pairs_of_unknowns_in_one_rule() -> None:
    """Each pair can fail in two ways; that they all may need not be found out one way at a time."""
    pairs: tuple[Match, ...] = tuple(All((unknown(2 * n), unknown(2 * n + 1))) for n in range(30))
    check(simple_ruleset(rule(Either(pairs), Allow()), LAST), "allow")


def test_thousands_of_alternatives_in_two_rules() -> None:
    either = Either(tuple(unknown(number) for number in range(1200)))
    assert decide(simple_ruleset(rule(either, Allow()), rule(Not(either), Allow())), PACKET).verdict == "allow"


def test_calls_of_calls_that_double() -> None:
    """Every policy calls the next one twice: a million ways through, but the walk is the same from all of them."""
    doubling = {f"p{n}": Policy(f"p{n}", (rule(Any(), Jump(f"p{n + 1}")),) * 2) for n in range(12)}
    rules = simple_ruleset(rule(Any(), Jump("p0")), LAST, **doubling, p12=Policy("p12", (rule(unknown(1), Log()),)))
    check(rules, "allow", most=20_000)


@pytest.mark.parametrize("call", [Jump("main"), Goto("main")])
@pytest.mark.parametrize("match", [Any(), unknown(1), Unknown("limit", "limit", pure=False)])
def test_loops_end(call: Action, match: Match, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_STEPS", 3000)
    rules = simple_ruleset(rule(match, call), rule(field("dport", 80), Allow()))
    decision = decide(rules, PACKET)
    assert decision.verdict in ("depends", "block")
    assert decision.undecided == (decision.verdict == "depends")
    assert decision.undecided or not isinstance(match, Any)


def chain(length: int, *rules: Rule) -> Ruleset:
    """Policies that call one another in a row; the last one has *rules*."""
    calls = {f"p{n}": Policy(f"p{n}", (rule(Any(), Jump(f"p{n + 1}")),)) for n in range(length)}
    return simple_ruleset(rule(Any(), Jump("p0")), **calls, **{f"p{length}": Policy(f"p{length}", rules)})


def test_calls_may_be_deep_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "DEEPEST", 5)
    assert decide(chain(4, LAST), PACKET).verdict == "allow"
    decision = decide(chain(5, LAST), PACKET)
    assert (decision.verdict, decision.undecided, decision.rule) == ("depends", True, None)


def test_a_walk_that_is_too_long_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_STEPS", 10)
    miss = rule(field("dport", 80), Block())
    assert decide(simple_ruleset(*[miss] * 8, LAST), PACKET).verdict == "allow"
    decision = decide(simple_ruleset(*[miss] * 20, LAST), PACKET)
    assert (decision.verdict, decision.undecided) == ("depends", True)


def test_marks_that_double_the_ways_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_STEPS", 5000)
    bits = [rule(each, Set("mark", 1 << number, mask=0)) for number, each in enumerate(SIXTY[:30])]
    assert decide(simple_ruleset(*bits[:8], LAST), PACKET).verdict == "allow"
    assert decide(simple_ruleset(*bits, LAST), PACKET).undecided


def test_a_hundred_thousand_rules_are_not_too_long() -> None:
    rules = simple_ruleset(*[rule(field("dport", 80), Block())] * 100_000, LAST)
    assert decide(rules, PACKET).verdict == "allow"
