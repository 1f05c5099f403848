"""The law where rules rewrite packets and take them to other hooks: sets say what the evaluator says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.ir import Action, Allow, Block, Entry, Field, Jump, Policy, Return, Rewrite, Ruleset, Set
from policy.packet import FORWARD, INPUT, OUTPUT, ROUTING, Intervals, Names, Packet, Value
from policy.reach import Flow
from policy.reach.connections import Sent, passages
from policy.sets import Exhausted
from tests.spaces import KINDS, boxes_of, hook_of, space_of
from tests.strategies import (
    CONDITIONS,
    NAMES,
    V4_FIRST,
    V6_FIRST,
    any_matches,
    harmless,
    packets,
    rules,
    unknown_actions,
    unknowns,
    verdicts,
)
from tests.strategies import matches as matches_of
from tests.test_reach_connections import asked, decided, everything, space
from tests.test_reach_law import check

guards = st.sampled_from((None, INPUT, FORWARD, FORWARD, OUTPUT, ROUTING))
moves = st.sampled_from((INPUT, OUTPUT, FORWARD, FORWARD, ROUTING))


def addresses(family: int) -> st.SearchStrategy[int]:
    first = V4_FIRST if family == 4 else V6_FIRST
    return st.integers(first, first + 3)


def some(values: st.SearchStrategy[int]) -> st.SearchStrategy[Value]:
    """One value, or a few of which one is chosen."""
    return values | st.tuples(values, values).map(lambda two: Intervals.of((min(two), max(two)))).filter(
        lambda several: several.size > 1
    )


names = st.sampled_from(NAMES) | st.sets(st.sampled_from(NAMES), min_size=2, max_size=3).map(
    lambda some: Names(frozenset(some))
)


@st.composite
def rewriting(draw: st.DrawFn, family: int, choosing: bool) -> Action:
    """An action that rewrites; one that is *choosing* may leave open which of some values it takes."""
    if not choosing and draw(st.booleans()):
        mask = draw(st.sampled_from((1, 2, 3, (1 << (32 if family == 4 else 128)) - 1)))
        base = (V4_FIRST if family == 4 else V6_FIRST) & ((1 << 32) - 1 if family == 4 else (1 << 128) - 1)
        return Set(draw(st.sampled_from(("src", "dst"))), base + draw(st.integers(0, 3)) & mask, mask)
    single = {
        "dst": addresses(family),
        "src": addresses(family),
        "dport": st.integers(1, 4),
        "sport": st.integers(1, 4),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(single)), unique=True, max_size=2))
    changes: list[tuple[str, Value]] = [(n, draw(some(single[n]) if choosing else single[n])) for n in chosen]
    if draw(st.booleans()):
        changes.append(("hook", draw(moves)))
        if draw(st.booleans()):
            changes.append(("out", draw(names if choosing else st.sampled_from(NAMES))))
    return Rewrite(tuple(changes))


in_ranges = st.sampled_from(
    ("src", "dst", "dst", "dport", "sport", "in", "out", "out", "hook", "uid", "proto")
).flatmap(
    lambda name: st.builds(Field, st.just(name), CONDITIONS[name].filter(lambda v: isinstance(v, Intervals | Names)))
)
plain_matches = matches_of(in_ranges | in_ranges | in_ranges | unknowns)


@st.composite
def rewriting_rulesets(draw: st.DrawFn, size: int = 3) -> Ruleset:
    """Rulesets of one family with entries for some hooks, and rules that take packets to others."""
    family, choosing = draw(st.sampled_from((4, 6))), draw(st.booleans())
    matches = plain_matches if choosing else any_matches
    change = rewriting(family, choosing)
    policies: dict[str, Policy] = {}
    for name in ("a", "b", "c"):
        others = (st.just(Jump("c")),) if name != "c" else ()
        acting = rules(matches, verdicts, st.just(Return()), harmless, unknown_actions, change, change, *others)
        passing = st.builds(lambda rule: rule, acting)
        body = draw(st.lists(passing, max_size=size))
        policies[name] = Policy(name, tuple(body), draw(st.none() | st.none() | verdicts))
    entry = st.builds(
        Entry,
        st.sampled_from("ab"),
        st.sampled_from((Allow(), Allow(), Block())),
        st.booleans(),
        st.booleans(),
        hook=guards,
        translates=st.sampled_from((None, "dst", "src")),
    )
    keys = draw(st.just((None,)) | st.just((INPUT, FORWARD)) | st.just((None, INPUT)))
    entries = {key: tuple(draw(st.lists(entry, min_size=1, max_size=4))) for key in keys}
    return Ruleset("test", frozenset({family}), policies, entries)


several_packets = st.lists(packets(), min_size=1, max_size=3)


@settings(max_examples=300)
@given(rewriting_rulesets(), several_packets)
def test_diagrams(ruleset: Ruleset, sent: list[Packet]) -> None:
    for packet in sent:
        if packet.family in ruleset.families:
            space = space_of(ruleset, hook=hook_of(packet), questions=sent)
            check(Flow(ruleset, space), packet, {})


@settings(max_examples=150)
@given(rewriting_rulesets(2), several_packets)
def test_boxes(ruleset: Ruleset, sent: list[Packet]) -> None:
    """Lists of boxes may give up, and are right where they do not."""
    for packet in sent:
        if packet.family in ruleset.families:
            space = boxes_of(ruleset, hook=hook_of(packet), questions=sent)
            try:
                flow = Flow(ruleset, space, space.of_box(packet))
            except Exhausted:
                return
            check(flow, packet, {})


@settings(max_examples=200)
@given(rewriting_rulesets(), asked())
def test_connections(ruleset: Ruleset, one: tuple[Sent, Packet]) -> None:
    """What follows a packet that was rewritten is rewritten, too, and the reply comes from where that was sent."""
    sent, first = one
    if first.family not in ruleset.families:
        return
    sets = space(KINDS[0], ruleset, [sent])
    found, _ = passages(ruleset, sets, [sent], {})
    inside = sets.of_box(everything(first))
    ((verdict, role, end),) = [(each.verdict, each.role, each.end) for each in found if inside & each.firsts]
    wanted, wanted_role, decision = decided(ruleset, sent, first, {})
    if wanted == "depends":  # where it is not certain how the first packet leaves, the evaluator says no more
        assert verdict in ("depends", "block")
    else:
        assert (verdict, role) == (wanted, wanted_role)
        assert (end and end.rule) is decision.rule
