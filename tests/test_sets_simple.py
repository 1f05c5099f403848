"""Simple matches as regions and packets are what the sets say of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.ir import Any, Block, Field, Match, all_of
from policy.packet import Intervals, Masked
from policy.sets.simple import packet_of, region_of
from tests.spaces import space_of
from tests.strategies import V4_FIRST, V6_FIRST, field, field_matches, hooks, rule, simple_ruleset

conjunctions = st.lists(field_matches, max_size=4).map(lambda parts: all_of(*parts))


@settings(max_examples=150)
@given(conjunctions, hooks)
def test_simple_matches(match: Match, hook: int | None) -> None:
    space = space_of(simple_ruleset(rule(match, Block())), hook=hook)
    region, packet = region_of(match, space.layout), packet_of(match, space.layout)
    if region is not None:
        assert space.of_match(region.match(space.layout)) == space.of_match(match)
        if packet is not None:
            assert packet.get("hook") == hook


def test_a_rule_of_a_list() -> None:
    match = all_of(field("proto", 6), field("dport", 443), field("src", (V4_FIRST, V4_FIRST + 3)))
    space = space_of(simple_ruleset(rule(match, Block())))
    region, packet = region_of(match, space.layout), packet_of(match, space.layout)
    assert region is not None
    assert packet is not None
    assert set(region.values) == {"proto", "dport", "src"}
    assert packet in space.of_match(match)
    assert packet.get("src") == V4_FIRST + 1


def test_what_is_not_simple() -> None:
    layout = space_of(simple_ruleset(rule(field("in", "eth0"), Block()))).layout
    both = all_of(field("src", V4_FIRST), field("dst", V6_FIRST))
    assert packet_of(both, layout) is None
    assert region_of(Field("src", Masked(1, 1)), layout) is None
    assert region_of(all_of(field("proto", 6), field("proto", 17)), layout) is None
    assert region_of(Field("proto", Intervals()), layout) is None
    assert region_of(all_of(field("in", "eth0"), field("in", "eth+")), layout) is None
    every = region_of(Any(), layout)
    assert every is not None
    assert every.values == {}
