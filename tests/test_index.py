"""The candidate index leaves out rules that cannot match, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.evaluate import Index, Step, decide, evaluate, index, truth
from policy.evaluate.index import bound
from policy.ir import NOTHING, All, Allow, Any, Block, Either, Jump, Match, Not, Policy, Rewrite, Ruleset
from policy.packet import EMPTY, Intervals, Packet, complete
from policy.packet.address import parse_address
from tests.strategies import any_matches, boxes, field, packets, rule, rulesets, simple_ruleset

ONE = parse_address("10.0.0.1")
TCP = complete({"proto": 6, "src": ONE, "dst": ONE, "sport": 50000, "dport": 22})
GRE = complete({"proto": 47, "src": ONE, "dst": ONE})

pieces = st.sampled_from((index.MOST_PIECES, 3, 2, 1))


@contextmanager
def indexed(most_pieces: int) -> Iterator[Index]:
    """An index of every policy, however short, in few and coarse pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "FEW", 0)
        patch.setattr(index, "MOST_PIECES", most_pieces)
        yield Index()


@given(rulesets(size=7), st.lists(packets() | boxes(), min_size=1, max_size=3), pieces)
def test_the_decision_is_the_same(ruleset: Ruleset, some: list[Packet], most_pieces: int) -> None:
    with indexed(most_pieces) as shared:
        for packet in some:
            assert decide(ruleset, packet, index=shared) == decide(ruleset, packet)


@given(st.lists(any_matches, max_size=8), packets() | boxes(), pieces)
def test_what_is_left_out_cannot_match(matches: list[Match], packet: Packet, most_pieces: int) -> None:
    policy = Policy("main", tuple(rule(match, Allow()) for match in matches))
    with indexed(most_pieces) as shared:
        candidates = shared.candidates(policy, packet)
        assert list(candidates) == sorted(set(candidates))
        for number in set(range(len(matches))) - set(candidates):
            assert truth(matches[number], packet, {}) is False


@pytest.mark.parametrize(
    ("match", "values"),
    [
        (field("dport", 80), Intervals.of(80)),
        (field("sport", 80), None),
        (Any(), None),
        (NOTHING, EMPTY),
        (Not(field("dport", 80)), None),
        (All((field("dport", (1, 9)), field("dport", (5, 20)), field("proto", 6))), Intervals.of((5, 9))),
        (All((field("dport", 1), field("dport", 2))), EMPTY),
        (Either((field("dport", 1), field("dport", 2))), Intervals.of(1, 2)),
        (Either((field("dport", 1), field("proto", 6))), None),
    ],
)
def test_bound(match: Match, values: Intervals | None) -> None:
    assert bound(match, "dport") == values


PORTS = Policy("main", (*(rule(field("dport", port), Block()) for port in range(1, 11)), rule(Any(), Allow())))


def test_few_candidates_are_left() -> None:
    shared = Index()
    assert shared.candidates(PORTS, TCP.with_values({"dport": 3})) == [2, 10]
    assert shared.candidates(PORTS, TCP) == [10]
    assert shared.candidates(PORTS, GRE) == [10]
    assert shared.candidates(PORTS, TCP.with_values({"dport": Intervals.of((3, 4))})) == list(range(11))


def test_coarse_pieces_leave_more() -> None:
    with indexed(3) as shared:
        found = shared.candidates(PORTS, TCP.with_values({"dport": 3}))
        assert {2, 10} < set(found) < set(range(11))


def test_short_policies_are_walked_as_they_are() -> None:
    short = Policy("main", PORTS.rules[: index.FEW - 1])
    assert list(Index().candidates(short, GRE)) == list(range(index.FEW - 1))


def test_a_rewritten_packet_has_other_candidates() -> None:
    """Behind a rewrite the rest of the policy, and of its callers, is walked without leaving rules out."""
    called = Policy(
        "a", (*(rule(field("sport", port), Block()) for port in range(9)), rule(Any(), Rewrite((("dport", 2),))))
    )
    rules = simple_ruleset(rule(Any(), Jump("a")), *PORTS.rules, a=called)
    steps = [each for each in evaluate(rules, TCP, index=Index()) if isinstance(each, Step)]
    assert [(step.policy, step.depth) for step in steps] == [("main", 0), ("a", 1), ("main", 0), ("main", 0)]
    assert decide(rules, TCP, index=Index()).rule is rules.policies["main"].rules[2]
