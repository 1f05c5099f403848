"""Why a rule matches or not, and which allow rule is nearest."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from policy.evaluate import Step, decide, evaluate
from policy.explain import because, failed_field, failing, nearest_allow
from policy.ir import (
    NOTHING,
    All,
    Allow,
    Any,
    Block,
    Either,
    Entry,
    Field,
    Jump,
    Match,
    Not,
    Policy,
    Ruleset,
    Set,
    Unknown,
)
from policy.packet import FIELDS, Intervals, Masked, Names, Packet, Value, complete
from policy.packet.address import parse_address, parse_prefix
from policy.source import Source, Span
from tests import oracle
from tests.strategies import boxes, field, field_matches, known_matches, packets, rule, rulesets, simple_ruleset

ENDS: dict[str, Value] = {"src": parse_address("10.0.0.1"), "dst": parse_address("10.0.0.2"), "sport": 53, "dport": 22}
SSH = complete({"proto": 6, **ENDS, "hook": 0, "in": "eth0"})
BLOCKED = Unknown("in set blocked", "blocked")
SERVERS = Field("dst", parse_prefix("10.2.0.0/24"), span=Span(Source("rules.fw", "allow any to servers"), 13, 20))


def why(match: Match, packet: Packet = SSH, **settled: bool) -> str:
    first = next(iter(evaluate(simple_ruleset(rule(match, Allow())), packet, assume=settled)))
    assert isinstance(first, Step)
    return because(first)


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (field("dport", 22), "matches"),
        (field("dport", 80), "destination port 22 is not 80"),
        (field("dport", (80, 89), 443), "destination port 22 is not 80-89, 443"),
        (field("proto", 17), "protocol tcp is not udp"),
        (field("state", 1, 2), "connection state new is not established, related"),
        (field("in", "wan+", "eth1"), "input interface eth0 is not eth1, wan+"),
        (Field("flags", Masked(16, 18)), "TCP flags S is not A of SA"),
        (Field("mark", Masked(1, 3)), "mark 0x0 is not 0x1/0x3 (value/mask)"),
        (SERVERS, "destination address 10.0.0.2 is not in 10.2.0.0/24 (`servers`)"),
        (Field("dst", parse_prefix("2001:db8::/32")), "destination address 10.0.0.2 is not an IPv6 address"),
        (Field("dst", Intervals()), "destination address 10.0.0.2 is not nothing"),
        (field("icmp_type", 8), "the packet has no ICMP type"),
        (field("out", "eth1"), "there is no output interface at input"),
        (All((field("dport", 22), field("sport", 53), field("proto", 17))), "protocol tcp is not udp"),
        (Either((field("dport", 80), field("dport", 443))), "destination port 22 is not 80, 443"),
        (NOTHING, "can never match"),
        (Not(field("dport", (1, 1023))), "destination port 22 is excluded (1-1023)"),
        (Not(Not(field("dport", 80))), "destination port 22 is not 80"),
        (Not(Any()), "can never match"),
        (Not(All(())), "can never match"),
        (Not(Either((field("dport", 80), field("proto", 6)))), "protocol tcp is excluded (tcp)"),
        (
            Not(All((field("dport", 22), field("proto", 6)))),
            "destination port 22 is excluded (22) and protocol tcp is excluded (tcp)",
        ),
        (BLOCKED, "not known: in set blocked"),
        (Not(BLOCKED), "not known: in set blocked"),
        (field("uid", 0), "the user id of the socket is not said: it may be 0"),
    ],
)
def test_because(match: Match, words: str) -> None:
    assert why(match, SSH.with_values({"uid": Intervals.of((0, 1000))})) == words


def test_because_of_other_protocols() -> None:
    ping = complete({"proto": 1, "src": parse_address("10.0.0.1")})
    assert why(field("dport", 80), ping) == "icmp has no destination port"


def test_because_of_what_is_assumed() -> None:
    assert why(BLOCKED, blocked=False) == "`in set blocked` is assumed not to hold"
    assert why(Not(BLOCKED), blocked=True) == "`in set blocked` is assumed to hold, and is excluded"
    assert why(BLOCKED, blocked=True) == "matches"


def test_because_of_what_is_implicit() -> None:
    entry = Entry("main", Block(), stateful=True)
    rules = Ruleset("test", frozenset({4}), {"main": Policy("main", ())}, {None: (entry,)})
    words = [
        because(step)
        for state in (0, 1, 3)
        for step in evaluate(rules, SSH.with_values({"state": state}))
        if isinstance(step, Step)
    ]
    assert words == ["no rule decided", "connection state established", "connection state invalid"]


@given(rulesets(), packets() | boxes())
def test_every_step_has_a_reason(ruleset: Ruleset, packet: Packet) -> None:
    for step in evaluate(ruleset, packet):
        if isinstance(step, Step):
            words = because(step)
            assert words
            assert (words == "matches") == (step.implicit is None and step.matched is True)


@given(field_matches, packets())
def test_the_field_that_fails_is_named(match: Field, packet: Packet) -> None:
    for wanted in (match, Not(match)):
        if not oracle.matches(wanted, oracle.single_values(packet)):
            assert FIELDS[match.name].title in why(wanted, packet)
            assert failed_field(wanted, packet, {}) == FIELDS[match.name].title


@given(known_matches, packets())
def test_what_fails_would_have_to_turn_out_otherwise(match: Match, packet: Packet) -> None:
    values = oracle.single_values(packet)
    leaves = failing(match, packet, {})
    assert bool(leaves) is not oracle.matches(match, values)
    assert not any(oracle.matches(leaf, values) for leaf in leaves)


def all_ways(match: Match, packet: Packet) -> tuple[Match, ...]:
    """What `failing` returns, found without leaving anything out."""
    match match:
        case All(parts):
            return tuple(leaf for part in parts for leaf in all_ways(part, packet))
        case Either(parts) if parts:
            ways = [all_ways(part, packet) for part in parts]
            return min(ways, key=lambda way: (len(way), any(isinstance(f, Field) and f.name == "proto" for f in way)))
    return () if oracle.matches(match, oracle.single_values(packet)) else (match,)


@given(known_matches, packets())
def test_no_fewer_parts_would_do(match: Match, packet: Packet) -> None:
    assert failing(match, packet, {}) == all_ways(match, packet)


# The nearest allow rule


@settings(max_examples=300)
@given(rulesets(known_matches), packets())
def test_the_nearest_allow_really_allows(ruleset: Ruleset, packet: Packet) -> None:
    found = nearest_allow(ruleset, packet)
    if found is not None:
        rule, words, changed = found
        assert words
        assert complete(changed.values) == changed
        assert oracle.verdict(ruleset, changed) == "allow"
        assert decide(ruleset, changed).rule is rule


def nearest(*rules: Match, packet: Packet = SSH) -> tuple[int, tuple[str, ...]] | None:
    """The number of the nearest of several allow rules, and what would have to differ."""
    ruleset = simple_ruleset(*(rule(match, Allow()) for match in rules))
    found = nearest_allow(ruleset, packet)
    return found and (ruleset.policies["main"].rules.index(found[0]), found[1])


def test_the_nearest_allow_wants_the_fewest_changes() -> None:
    far = All((field("proto", 6), field("dport", 443), SERVERS))
    assert nearest(far, field("dport", 443)) == (1, ("destination port 443",))
    assert nearest(far) == (0, ("destination port 443", "destination address in 10.2.0.0/24 (`servers`)"))
    assert nearest(field("dport", 443), field("dport", 23)) == (1, ("destination port 23",))
    assert nearest(field("in", "wan")) == (0, ("input interface wan",))
    assert nearest(Field("flags", Masked(16, 18))) == (0, ("TCP flags A of SA",))
    assert nearest(field("proto", 17)) == (0, ("protocol udp",))
    assert nearest(
        Either((All((field("proto", 17), field("dport", 22))), All((field("proto", 6), field("dport", 80)))))
    ) == (
        0,
        ("destination port 80",),
    )


@pytest.mark.parametrize(
    "match",
    [
        field("proto", 47),
        field("icmp_type", 8),
        field("fragment", 2),
        Not(field("dport", 22)),
        All((field("dport", 80), BLOCKED)),
        Field("dst", parse_prefix("2001:db8::/32")),
        All((field("dport", 80), field("dport", 81))),
        Field("in", Names(frozenset({"eth0"}), negated=True)),
    ],
)
def test_there_may_be_no_nearest_allow(match: Match) -> None:
    assert nearest(match) is None


def test_a_nearest_allow_that_is_never_reached_is_none() -> None:
    ruleset = simple_ruleset(rule(field("dport", 80), Block()), rule(field("dport", 80), Allow()))
    assert nearest_allow(ruleset, SSH) is None


def test_the_nearest_allow_goes_by_what_is_assumed() -> None:
    ruleset = simple_ruleset(rule(All((field("dport", 80), Unknown("a set", "set"))), Allow()))
    assert nearest_allow(ruleset, SSH, {"set": False}) is None
    found = nearest_allow(ruleset, SSH, {"set": True})
    assert found is not None
    assert found[1] == ("destination port 80",)


def test_the_nearest_allow_may_be_in_a_called_policy() -> None:
    called = Policy("a", (rule(field("dport", 80), Allow()),))
    ruleset = simple_ruleset(rule(Any(), Set("mark", 1)), rule(field("proto", 6), Jump("a")), a=called)
    found = nearest_allow(ruleset, SSH)
    assert found is not None
    assert (found[0], found[1]) == (called.rules[0], ("destination port 80",))
