"""The evaluator against the oracle, on random rulesets, packets and boxes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.evaluate import decide
from policy.ir import Field, Ruleset
from policy.packet import Intervals, Packet
from tests import oracle
from tests.strategies import NAMES, boxes, field_matches, masked, matches, packets, rulesets, unknowns

Assume = dict[str, bool]

keys = st.sampled_from(("a", "b", "limit", "queue"))


@settings(max_examples=600)
@given(rulesets(), st.lists(packets(), min_size=1, max_size=4), st.dictionaries(keys, st.booleans(), max_size=2))
def test_one_packet(ruleset: Ruleset, some: list[Packet], assume: Assume) -> None:
    for packet in some:
        for settled in ({}, assume):
            decision = decide(ruleset, packet, assume=settled)
            assert (decision.verdict, decision.undecided) == (oracle.verdict(ruleset, packet, settled), False)


marks = st.builds(Field, st.just("mark"), masked(2))
with_masks = matches(field_matches | field_matches | marks | unknowns)


@settings(max_examples=400)
@given(rulesets(with_masks), boxes())
def test_a_definite_box(ruleset: Ruleset, box: Packet) -> None:
    """What is said of a whole box holds for each of its packets."""
    decision = decide(ruleset, box)
    if decision.verdict in ("allow", "block"):
        for packet in oracle.members(box, NAMES):
            assert oracle.verdict(ruleset, packet) == decision.verdict


in_ranges = field_matches.filter(lambda match: isinstance(match.values, Intervals) or match.name == "flags")


@settings(max_examples=400)
@given(rulesets(matches(in_ranges | in_ranges | unknowns)), boxes(("src", "sport", "dport", "uid")))
def test_a_box_of_ranges(ruleset: Ruleset, box: Packet) -> None:
    """Where only numbers are open, nothing is left undecided that need not be."""
    found = set().union(*(oracle.verdicts(ruleset, packet) for packet in oracle.members(box, NAMES)))
    expected = found.pop() if len(found) == 1 else "open"
    verdict = decide(ruleset, box).verdict
    assert ("open" if verdict in ("mixed", "depends") else verdict) == expected
