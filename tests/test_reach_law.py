"""The law: sets give the verdict of the evaluator on every packet, whatever the rules are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.evaluate import decide
from policy.ir import Ruleset
from policy.packet import Intervals, Packet
from policy.reach import At, Flow
from policy.sets import Exhausted
from policy.sets.truth import N, S
from tests import oracle
from tests.spaces import boxes_of, hook_of, space_of
from tests.strategies import field_matches, matches, packets, rulesets, unknowns

keys = st.sampled_from(("a", "b", "limit", "queue"))
families = st.sampled_from((frozenset({4, 6}), frozenset({4, 6}), frozenset({4}), frozenset({6})))
several_packets = st.lists(packets(), min_size=1, max_size=4)


def check(flow: Flow[S, N], packet: Packet, assume: Mapping[str, bool]) -> None:
    """Verdict and decider are those of the evaluator."""
    decision = decide(flow.ruleset, packet, assume=assume)
    found = {"allow": flow.allowed, "block": flow.blocked, "depends": flow.depends}
    assert [name for name, packets in found.items() if packet in packets] == [decision.verdict]
    ((verdict, end),) = [(each.verdict, each.end) for each in flow.outcomes() if packet in each.packets]
    assert verdict == decision.verdict
    if verdict != "depends":
        assert (end and end.rule) is decision.rule
        assert ((end and end.implicit), (end and end.policy)) == (decision.implicit, decision.policy)


@settings(max_examples=200)
@given(rulesets(), several_packets, st.dictionaries(keys, st.booleans(), max_size=2), families)
def test_diagrams(ruleset: Ruleset, some: list[Packet], assume: dict[str, bool], spoken: frozenset[int]) -> None:
    ruleset = replace(ruleset, families=spoken)
    for packet in some:
        if packet.family not in spoken:
            assert packet not in space_of(ruleset, hook=hook_of(packet), questions=some).everything
            continue
        space = space_of(ruleset, hook=hook_of(packet), questions=some)
        check(Flow(ruleset, space, assume=assume), packet, assume)


in_ranges = field_matches.filter(lambda m: m.name not in ("src", "dst") or isinstance(m.values, Intervals))


@settings(max_examples=150)
@given(rulesets(matches(in_ranges | in_ranges | unknowns), 3), several_packets)
def test_boxes(ruleset: Ruleset, some: list[Packet]) -> None:
    """Lists of boxes may give up, and are right where they do not."""
    for packet in some:
        space = boxes_of(ruleset, hook=hook_of(packet), questions=some)
        try:
            flow = Flow(ruleset, space, space.of_box(packet))
        except Exhausted:
            return
        check(flow, packet, {})


@settings(max_examples=150)
@given(rulesets(), packets())
def test_the_packets_of_a_rule(ruleset: Ruleset, packet: Packet) -> None:
    """Against every world, one by one: which rules match in some, and which in all."""
    space = space_of(ruleset, hook=hook_of(packet), questions=[packet])
    flow = Flow(ruleset, space)
    every: list[Recorded] = []
    world = oracle.World((), {})
    for _ in range(500):
        walk = Recorded(ruleset, oracle.single_values(packet), world)
        walk.verdict()
        every.append(walk)
        plan = world.next_plan()
        if plan is None:
            break
        world = oracle.World(plan, {})
    else:
        return
    once = len(ruleset.at(hook_of(packet))) == 1
    for name, policy in ruleset.policies.items():
        for number in range(len(policy.rules)):
            if policy.last_match:
                continue
            at, passing = (name, number), flow.passing((name, number))
            assert (packet in passing.matched) is any(at in walk.matched for walk in every)
            surely = all(at in walk.matched for walk in every)
            assert surely or packet not in passing.surely
            if name == "a" and once:
                assert (packet in passing.surely) is surely


@dataclass
class Recorded(oracle.Walk):
    """A walk that remembers which rules matched."""

    matched: set[At] = field(default_factory=set)

    def policy(self, name: str) -> str:
        policy = self.ruleset.policies[name]
        if policy.last_match:
            return super().policy(name)
        for number, rule in enumerate(policy.rules):
            if oracle.matches(rule.match, self.values, self.world.holds):
                self.matched.add((name, number))
                if (found := self.do(rule.actions)) is not None:
                    return found
        return (policy.default and self.do((policy.default,))) or "return"
