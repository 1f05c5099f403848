"""The law: sets give the verdict of the evaluator on every packet, whatever the rules are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.evaluate import decide
from policy.ir import Ruleset
from policy.packet import Packet
from policy.reach import Flow
from policy.sets import Budget, Space
from tests.strategies import packets, rulesets

SMALL = Budget(nodes=1 << 18)
keys = st.sampled_from(("a", "b", "limit", "queue"))


def verdict(flow: Flow, packet: Packet) -> str:
    found = {"allow": flow.allowed, "block": flow.blocked, "depends": flow.depends}
    (name,) = [name for name, packets in found.items() if packet in packets]
    return name


@settings(max_examples=400)
@given(rulesets(), st.lists(packets(), min_size=1, max_size=4), st.dictionaries(keys, st.booleans(), max_size=2))
def test_a_packet(ruleset: Ruleset, some: list[Packet], settled: dict[str, bool]) -> None:
    for packet in some:
        hook = packet.get("hook")
        space = Space([ruleset], some, hook, SMALL)
        flow = Flow(ruleset, space, assume=settled)
        decision = decide(ruleset, packet, assume=settled)
        assert verdict(flow, packet) == decision.verdict
        (outcome,) = [each for each in flow.outcomes() if packet in each.packets]
        assert outcome.verdict == decision.verdict
        if decision.verdict != "depends":
            end = outcome.end
            assert (end and end.rule) is decision.rule
            assert ((end and end.implicit), (end and end.policy)) == (decision.implicit, decision.policy)
