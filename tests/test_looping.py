"""The law for what a host sends to itself: sets of connections say what the evaluator says of each."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.ir import All, Allow, Field, Policy, Rewrite, Rule, Ruleset
from policy.looping import arriving, looping
from policy.packet import ESTABLISHED, INPUT, OUTPUT, Intervals, Packet, Value, complete
from policy.packet.connection import connection
from policy.reach.connections import passages
from policy.source import Source
from tests.spaces import KINDS
from tests.strategies import HERE, verdicts
from tests.test_reach_connections import decided, everything, space
from tests.test_reach_rewriting import addresses, one_field, translating_rulesets

NAT = ("pre", "sent", "post", "in")


def by_lo(ruleset: Ruleset) -> Ruleset:
    """Return rules that take what is for the host itself to `lo`, and from there to INPUT."""
    first, *rest = ruleset.policies["rerouting"].rules
    here = Rule(first.match, (Rewrite((("hook", OUTPUT), ("out", "lo"))), Allow()), span=first.span)
    routing = Policy("rerouting", (here, *rest), Allow(), implied=True)
    entries = {
        hook: tuple(replace(entry, table="nat") if entry.policy in NAT else entry for entry in way)
        for hook, way in ruleset.entries.items()
    }
    policies = {**ruleset.policies, "rerouting": routing}
    ruleset = replace(ruleset, sources=(Source("rules", ""),), policies=policies, entries=entries)
    return looping(arriving(ruleset))


later = st.builds(
    lambda match, action: Rule(All((Field("state", Intervals.of(ESTABLISHED)), match)), (action,), span=HERE),
    one_field,
    verdicts,
)


@st.composite
def opening(draw: st.DrawFn) -> Packet:
    """A packet that the host sends, or that arrives by `lo`."""
    family, hook = draw(st.sampled_from((4, 6))), draw(st.sampled_from((OUTPUT, OUTPUT, OUTPUT, INPUT)))
    given: dict[str, Value] = {name: draw(addresses(family)) for name in ("src", "dst")}
    given |= {"hook": hook, "proto": draw(st.sampled_from((6, 17)))}
    given |= {name: draw(st.integers(1, 4)) for name in ("sport", "dport")}
    given |= {"in" if hook == INPUT else "out": draw(st.sampled_from(("lo", "lo", "eth0")))}
    return complete(given)


@settings(max_examples=80)
@given(st.data(), opening())
def test_connections_of_a_host_with_itself(data: st.DataObject, first: Packet) -> None:
    sent = tuple(connection(first))
    ruleset = data.draw(translating_rulesets(first.family))
    # Lists that mostly let the first packet pass, and decide on those that follow.
    lists = {name: Policy(name, tuple(data.draw(st.lists(later, max_size=3))), Allow()) for name in ("INPUT", "OUTPUT")}
    if data.draw(st.booleans()):
        ruleset = replace(ruleset, policies={**ruleset.policies, **lists})
    ruleset = by_lo(ruleset)
    sets = space(KINDS[0], ruleset, [sent])
    found, _ = passages(ruleset, sets, [sent], {})
    inside = sets.of_box(everything(first))
    ((verdict, role, end),) = [(each.verdict, each.role, each.end) for each in found if inside & each.firsts]
    wanted, wanted_role, decision = decided(ruleset, sent, first, {})
    if wanted == "depends":  # the sets know what is true where an unknown was decided for another packet
        assert verdict in ("depends", "block")
    else:
        assert (verdict, role) == (wanted, wanted_role)
        # Where the kernel chooses among addresses, several rules may decide: the evaluator names one of them.
        assert end is None or end.rule is decision.rule
