"""The law for what a host sends to itself: sets of connections say what the evaluator says of each."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.ir import Allow, Policy, Rewrite, Rule, Ruleset
from policy.looping import BACK, arriving, looping
from policy.packet import INPUT, OUTPUT, Packet, Value, complete
from policy.packet.connection import connection
from policy.reach.connections import passages
from policy.source import Source
from tests.spaces import KINDS
from tests.test_reach_connections import decided, everything, space
from tests.test_reach_rewriting import addresses, translating_rulesets


def by_lo(ruleset: Ruleset) -> Ruleset:
    """Return rules that take what is for the host itself to `lo`, and from there to INPUT."""
    first, *rest = ruleset.policies["rerouting"].rules
    here = Rule(first.match, (Rewrite((("hook", OUTPUT), ("out", "lo"))), Allow()), span=first.span)
    routing = Policy("rerouting", (here, *rest), Allow(), implied=True)
    ruleset = replace(ruleset, sources=(Source("rules", ""),), policies={**ruleset.policies, "rerouting": routing})
    return looping(arriving(ruleset))


@st.composite
def opening(draw: st.DrawFn) -> Packet:
    """A packet that the host sends, or that arrives by `lo`."""
    family, hook = draw(st.sampled_from((4, 6))), draw(st.sampled_from((OUTPUT, OUTPUT, OUTPUT, INPUT)))
    given: dict[str, Value] = {name: draw(addresses(family)) for name in ("src", "dst")}
    given |= {"hook": hook, "proto": draw(st.sampled_from((6, 17)))}
    given |= {name: draw(st.integers(1, 4)) for name in ("sport", "dport")}
    given |= {"in" if hook == INPUT else "out": draw(st.sampled_from(("lo", "lo", "eth0")))}
    return complete(given)


@settings(max_examples=200)
@given(st.data(), opening())
def test_connections_of_a_host_with_itself(data: st.DataObject, first: Packet) -> None:
    sent = tuple(connection(first))
    ruleset = by_lo(data.draw(translating_rulesets(first.family)))
    assert BACK in ruleset.policies
    sets = space(KINDS[0], ruleset, [sent])
    found, _ = passages(ruleset, sets, [sent], {})
    inside = sets.of_box(everything(first))
    ((verdict, role, end),) = [(each.verdict, each.role, each.end) for each in found if inside & each.firsts]
    wanted, wanted_role, decision = decided(ruleset, sent, first, {})
    if wanted == "depends":  # the sets know what is true where an unknown was decided for another packet
        assert verdict in ("depends", "block")
    else:
        assert (verdict, role) == (wanted, wanted_role)
        assert (end and end.rule) is decision.rule
