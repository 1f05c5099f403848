"""Random packets, boxes, matches and rulesets, over domains so small that they often meet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from hypothesis import strategies as st

from policy.ir import (
    Action,
    All,
    Allow,
    Any,
    Block,
    Copy,
    Either,
    Entry,
    Field,
    Goto,
    Jump,
    Log,
    Match,
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
    Verdict,
)
from policy.packet import FIELDS, HOOKS, Intervals, Masked, Names, Packet, Value, ValueSet, complete, has
from policy.packet.address import V4, parse_address
from policy.source import Source, Span

HERE = Span(Source("test", "rule"), 0, 4)

V4_FIRST, V6_FIRST = parse_address("10.0.0.0"), parse_address("2001:db8::")
NAMES = ("eth0", "eth1", "wan", "wan0", "x")
"""Interface names that tell all of `PATTERNS` apart."""
PATTERNS = ("eth0", "eth+", "wan", "wan+", "eth1")

SINGLE: dict[str, Sequence[int | str]] = {
    "proto": (6, 17, 1, 58, 47),
    "fragment": (0, 0, 0, 1, 2),
    "state": (0, 0, 0, 1, 2, 3, 4),
    "in": NAMES,
    "out": NAMES,
    "sport": (1, 2, 3, 4),
    "dport": (1, 2, 3, 4),
    "icmp_type": (0, 3, 8, 128),
    "flags": (0, 2, 16, 18, 4),
    "mark": (0, 0, 1, 2, 3),
    "uid": (0, 1000),
    "direction": (0,),
    "ctmark": (0, 0, 1, 2, 3),
    "ctstatus": (0, 2, 10),
    "length": (60,),
    "mac": (2,),
    "gid": (1000,),
    "pkttype": (0,),
}
"""The values that random packets have of a field, but for the hook, the addresses, and those that are usual."""

hooks = st.sampled_from((None, *range(len(HOOKS))))


def addresses(family: int) -> st.SearchStrategy[int]:
    first = V4_FIRST if family == 4 else V6_FIRST
    return st.integers(first, first + 3)


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """A well-formed packet that has one value of every field."""
    family = draw(st.sampled_from((4, 6)))
    given: dict[str, Value] = {"src": draw(addresses(family)), "dst": draw(addresses(family))}
    if (hook := draw(hooks)) is not None:
        given["hook"] = hook
    for name, values in SINGLE.items():
        if name in ("proto", "fragment", "state") or has(given, name):
            given[name] = draw(st.sampled_from(values))
    return complete(given)


OPEN = ("src", "dst", "sport", "dport", "uid", "mark", "in")


@st.composite
def boxes(draw: st.DrawFn, fields: Sequence[str] = OPEN) -> Packet:
    """A box with sets of few values in some of *fields*."""
    packet = draw(packets())
    wider: dict[str, Value] = {}
    for name in fields:
        value = packet.get(name)
        if isinstance(value, str) and draw(st.booleans()):
            wider[name] = Names(frozenset(draw(st.sets(st.sampled_from(NAMES)))) | {value}, negated=False)
        elif isinstance(value, int) and draw(st.booleans()):
            low = draw(st.integers(max(value - 2, V4_FIRST if value in V4 else 0), value))
            wider[name] = Intervals.of((low, value)) | Intervals.of(draw(st.integers(value, value + 2)))
    return packet.with_values(wider)


def ranges(numbers: Sequence[int]) -> st.SearchStrategy[Intervals]:
    """Unions of up to two ranges that begin and end at *numbers*."""
    pair = st.tuples(st.sampled_from(numbers), st.sampled_from(numbers))
    return st.lists(pair, min_size=1, max_size=2).map(lambda pairs: Intervals.of(*map(_sorted, pairs)))


def _sorted(pair: tuple[int, int]) -> tuple[int, int]:
    return min(pair), max(pair)


def masked(bits: int) -> st.SearchStrategy[Masked]:
    """Sets of numbers by some of their lowest *bits*."""
    number = st.integers(0, (1 << bits) - 1)
    return st.builds(lambda value, mask: Masked(value & mask, mask), number, number)


_address_sets = st.one_of(
    *(ranges([first + i for i in range(4)]) for first in (V4_FIRST, V6_FIRST)),
    st.builds(Masked, st.sampled_from((0, 1)), st.just(1)),
    st.just(V4),
)

CONDITIONS: dict[str, st.SearchStrategy[ValueSet]] = {
    "proto": ranges((1, 6, 17, 47, 58)),
    "src": _address_sets,
    "dst": _address_sets,
    "sport": ranges((0, 1, 2, 3, 4, 65535)),
    "dport": ranges((0, 1, 2, 3, 4, 65535)),
    "in": st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2).map(lambda patterns: Names.of(*patterns)),
    "out": st.sampled_from(PATTERNS).map(Names.of),
    "flags": masked(5),
    "icmp_type": ranges((0, 8, 128, 255)),
    "fragment": ranges((0, 1, 2)),
    "state": ranges((0, 1, 2, 3, 4)),
    "uid": ranges((0, 1000)),
    "mark": ranges((0, 1, 2, 3, 4)),
    "ctmark": ranges((0, 1, 2, 3, 4)),
    "ctstatus": masked(6),
    "ttl": ranges((0, 1, 2, 3, 4)),
    "hook": ranges((0, 1, 2)),
}

_usual_fields = st.sampled_from(("proto", "src", "dst", "dport", "sport", "in", "state", "mark", "ttl"))
_field_names = _usual_fields | st.sampled_from(sorted(CONDITIONS))
field_matches = _field_names.flatmap(lambda name: st.builds(Field, st.just(name), CONDITIONS[name]))
unknowns = st.one_of(
    st.sampled_from("ab").map(lambda key: Unknown(f"set {key}", key)),
    st.just(Unknown("limit 5/minute", "limit", pure=False)),
)


def matches(leaves: st.SearchStrategy[Match]) -> st.SearchStrategy[Match]:
    """Matches with *leaves*, with up to two levels of All and Either and with Not everywhere."""
    literals = leaves | leaves | leaves.map(Not)
    clauses = literals | literals | _groups(literals)
    return clauses | clauses | st.just(Any()) | clauses.map(Not) | _groups(clauses)


def _groups(parts: st.SearchStrategy[Match]) -> st.SearchStrategy[Match]:
    several = st.lists(parts, max_size=3).map(tuple)
    return several.map(All) | several.map(Either)


known_matches = matches(field_matches)
"""Matches without unknowns."""

any_matches = matches(field_matches | field_matches | field_matches | unknowns)

verdicts: st.SearchStrategy[Verdict] = st.sampled_from((Allow(), Block(), Reject("tcp-reset"), Allow(), Block()))
_some_bits = st.sampled_from((1, 2, 3, 2**32 - 1, 2**32 - 1))
copies: st.SearchStrategy[Action] = st.builds(
    lambda fields, mask, taken: Copy(fields[0], fields[1], mask, taken),
    st.sampled_from((("mark", "ctmark"), ("ctmark", "mark"), ("sport", "dport"), ("uid", "mark"))),
    _some_bits,
    _some_bits,
)
sets: st.SearchStrategy[Action] = st.one_of(
    st.builds(Set, st.just("mark"), st.integers(0, 3), st.sampled_from((0, 1, 2, 3, 2**32 - 1)), st.booleans()),
    copies,
    st.sampled_from((3, 4)).map(lambda state: Set("state", state)),
    st.just(Set("ttl", None)),
    st.just(Set("uid", 0)),
)
rewrites: st.SearchStrategy[Action] = st.sampled_from(("sport", "dport")).flatmap(
    lambda name: st.integers(1, 4).map(lambda port: Rewrite(((name, port),)))
)
_outcomes = st.sets(st.sampled_from(("allow", "block", "continue", "pass")), min_size=1).map(frozenset)
unknown_actions: st.SearchStrategy[Action] = _outcomes.map(lambda found: UnknownAction("NFQUEUE", "queue", found))
harmless: st.SearchStrategy[Action] = st.sampled_from((Log("seen"), Note("remember")))


def rules(match: st.SearchStrategy[Match], *actions: st.SearchStrategy[Action]) -> st.SearchStrategy[Rule]:
    """Rules whose last action is one of *actions*."""
    return st.builds(
        lambda match, before, last: Rule(match, (*before, last), span=HERE),
        match,
        st.lists(harmless, max_size=1),
        st.one_of(*actions),
    )


LAST_MATCH = "pf"
POLICIES = {"a": ("b", "c", "d"), "b": ("c", "d"), "c": ("d",), "d": (), LAST_MATCH: ()}
"""The policies of random rulesets, and which others each may call; one of them is a last-match policy."""


def policies(name: str, match: st.SearchStrategy[Match], size: int) -> st.SearchStrategy[Policy]:
    """Policies of up to *size* rules."""
    always = (verdicts, verdicts, st.just(Return()), harmless, unknown_actions)
    if name == LAST_MATCH:
        rule = rules(match, *always)
    else:
        callees = st.sampled_from(POLICIES[name])
        calls: list[st.SearchStrategy[Action]] = [callees.map(Jump), callees.map(Goto)] if POLICIES[name] else []
        rule = rules(match, *always, sets, rewrites, *calls, *calls)
    default = st.none() | st.none() | verdicts
    body = st.lists(rule, max_size=size).map(tuple)
    return st.builds(Policy, st.just(name), body, default, st.just(name == LAST_MATCH))


@st.composite
def rulesets(draw: st.DrawFn, match: st.SearchStrategy[Match] = any_matches, size: int = 4) -> Ruleset:
    """Rulesets of a few policies without loops, with one to three entries at all or at some hooks."""
    walked = st.sampled_from(("a", "a", "b", LAST_MATCH))
    version = st.sampled_from((None, None, None, 4, 6))
    entry = st.builds(Entry, walked, st.sampled_from((Block(), Allow())), st.booleans(), st.booleans(), family=version)
    entries = st.lists(entry, min_size=1, max_size=3).map(tuple)
    keys = st.just([None]) | st.lists(hooks, min_size=1, max_size=2)
    found = {hook: draw(entries) for hook in draw(keys)}
    called = {entry.policy for some in found.values() for entry in some}
    drawn: dict[str, Policy] = {}
    for name in POLICIES:
        if name in called:
            drawn[name] = draw(policies(name, match, size))
            called |= {a.policy for rule in drawn[name].rules for a in rule.actions if isinstance(a, Jump | Goto)}
    return Ruleset("test", frozenset({4, 6}), drawn, found)


def simple_ruleset(*rules: Rule, **more: Policy) -> Ruleset:
    """A ruleset with one entry at every hook: the policy `main`, which may call *more*, and blocks at its end."""
    main = Policy("main", rules)
    return Ruleset("test", frozenset({4, 6}), {"main": main, **more}, {None: (Entry("main", Block()),)})


def rule(match: Match, *actions: Action) -> Rule:
    return Rule(match, actions, span=HERE)


def field(name: str, *values: int | tuple[int, int] | str) -> Field:
    """The packets with one of *values* in a field: numbers and ranges, or names and patterns of interfaces."""
    if isinstance(FIELDS[name].domain, Names):
        return Field(name, Names.of(*(value for value in values if isinstance(value, str))))
    return Field(name, reduce(Intervals.__or__, [Intervals.of(v) for v in values if not isinstance(v, str)]))
