"""Sets of packets, as diagrams and as boxes, against single packets asked one by one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.evaluate import decide
from policy.ir import All, Allow, Either, Field, Match, Not, Ruleset
from policy.packet import Intervals, Masked
from policy.packet.address import V4
from policy.packet.example import is_single
from policy.sets import BoxSpace, Budget, Exhausted, Space
from policy.sets.truth import N, S, Sets
from tests import oracle
from tests.spaces import KINDS, Kind, boxes_of, each_kind, hook_of, space_of
from tests.strategies import (
    NAMES,
    V4_FIRST,
    field,
    field_matches,
    matches,
    packets,
    rule,
    simple_ruleset,
)

in_ranges = field_matches.filter(
    lambda match: not (match.name in ("src", "dst") and not isinstance(match.values, Intervals))
)
ranged = matches(in_ranges)
"""Matches without unknowns, and without masks of addresses, which lists of boxes cannot hold."""


def ruleset_of(*found: Match) -> Ruleset:
    return simple_ruleset(*(rule(match, Allow()) for match in found))


@each_kind
@given(data=st.data())
def test_a_match_is_the_set_of_the_packets_that_match(kind: Kind, data: st.DataObject) -> None:
    match = data.draw(ranged if kind is boxes_of else matches(field_matches))
    some = data.draw(st.lists(packets(), min_size=1, max_size=4))
    for packet in some:
        space = kind(ruleset_of(match), questions=some, hook=hook_of(packet))
        found = space.of_match(match)
        assert (packet in found) is oracle.matches(match, oracle.single_values(packet))
        assert packet in (space.everything if packet in found else ~found)
        assert (packet in space.of_match(Not(match))) is (packet not in found)


@given(ranged, ranged, st.sampled_from((None, 0, 1, 2)))
def test_boxes_and_diagrams_are_one_algebra(one: Match, two: Match, hook: int | None) -> None:
    rules = ruleset_of(one, two)
    space, boxes = space_of(rules, hook=hook), boxes_of(rules, hook=hook)
    (a, b), (x, y) = ((space.of_match(m) for m in (one, two)), (boxes.of_match(m) for m in (one, two)))
    for mine, theirs in ((a, x), (a | b, x | y), (a & b, x & y), (a - b, x - y), (~a, ~x)):
        assert mine.count() == theirs.count()
        assert mine.is_empty is theirs.is_empty
        again = space.union(space.of_match(region.match(space.layout)) for region in theirs.regions(100_000))
        assert again == mine
    assert all(a.values(name) == x.values(name) for name in space.layout.fields)
    assert (a <= b, a == b) == (x <= y, x == y)
    assert a - b == a & ~b == ~(~a | b)
    assert x - y == x & ~y == ~(~x | y)


@given(ranged | matches(field_matches), st.sampled_from((None, 0, 1, 2)))
def test_regions_are_disjoint_and_cover_the_set(match: Match, hook: int | None) -> None:
    space = space_of(ruleset_of(match), hook=hook)
    for whole in (space.of_match(match), ~space.of_match(match)):
        parts = [space.of_match(region.match(space.layout)) for region in whole.regions(100_000)]
        assert space.union(parts) == whole
        assert all(not part.is_empty for part in parts)
        assert all((a & b).is_empty for a, b in combinations(parts[:20], 2))
        assert len(whole.describe((), 100_000)) == len(parts)


@each_kind
@given(data=st.data(), name=st.sampled_from(("src", "dst", "proto", "sport", "dport", "icmp_type", "state")))
def test_the_values_of_a_field_are_those_that_packets_have(kind: Kind, data: st.DataObject, name: str) -> None:
    match = data.draw(ranged if kind is boxes_of else matches(field_matches))
    space = kind(ruleset_of(match, field("icmp_type", 8)))
    found = space.of_match(match)
    values = found.values(name)
    numbers = {number for low, high in values.ranges for number in (low - 1, low, high, high + 1)}
    domain = space.layout.domain(name)
    for number in {*numbers, *(each for pair in domain.ranges for each in pair)}:
        if number in domain:
            held = found & space.of_match(Field(name, Intervals.of(number)))
            assert (number in values) is not held.is_empty
    for among in (domain, Intervals.of((0, 6)), V4):
        assert found.count_values(name, among & domain) == (values & among).size


@each_kind
@given(data=st.data(), hook=st.sampled_from((None, 0, 1, 2)))
def test_an_example_is_in_the_set(kind: Kind, data: st.DataObject, hook: int | None) -> None:
    match = data.draw(ranged if kind is boxes_of else matches(field_matches))
    rules = ruleset_of(match)
    space = kind(rules, hook=hook)
    for found in (space.of_match(match), ~space.of_match(match)):
        example = found.example()
        assert (example is None) is found.is_empty
        if example is not None:
            assert example in found
            assert is_single(example)
            assert decide(rules, example).verdict == ("allow" if example in space.of_match(match) else "block")


def test_an_example_is_natural() -> None:
    for kind in KINDS:
        rules = ruleset_of(field("state", 0), field("in", "eth0", "wan+"), field("flags", (0, 255)))
        space = kind(rules, hook=0)
        packet = space.everything.example()
        assert packet is not None
        assert packet.values | {"mac": 0, "length": 0} == {
            "hook": 0,
            "in": "eth0",
            "proto": 6,
            "src": V4_FIRST - (10 << 24) + (198 << 24) + (51 << 16) + (100 << 8) + 7,
            "dst": V4_FIRST - (10 << 24) + (192 << 24) + (2 << 8) + 9,
            "sport": 51000,
            "dport": 443,
            "flags": 2,
            "fragment": 0,
            "state": 0,
            "direction": 0,
            "ctmark": 0,
            "ctstatus": 0,
            "ttl": 64,
            "tos": 0,
            "mark": 0,
            "pkttype": 0,
            "tcp_options": 0,
            "length": 0,
            "mac": 0,
        }
        network = space.of_match(Field("src", Intervals.of((V4_FIRST + 256, V4_FIRST + 511)))).example()
        assert network is not None
        assert network.get("src") == V4_FIRST + 257


# Counts: domains of 4 bits

FEW = tuple(range(16))
four_bits = st.lists(st.sampled_from(FEW), max_size=6).map(lambda numbers: Intervals.of(*numbers))
WITHIN: dict[str, Intervals] = {
    "src": Intervals.of((V4_FIRST, V4_FIRST + 15)),
    "dst": Intervals.of(V4_FIRST, V4_FIRST + 1),
    "sport": Intervals.of((0, 1)),
    "dport": Intervals.of((0, 15)),
    "proto": Intervals.of(6, 17, 47),
}


@settings(max_examples=60)
@given(st.lists(st.tuples(four_bits, four_bits, st.sampled_from((6, 17, 47)), st.booleans()), max_size=4))
def test_counts_are_those_of_all_packets(drawn: list[tuple[Intervals, Intervals, int, bool]]) -> None:
    """On a domain so small that every 5-tuple can be asked for, with the fragments that have no ports."""
    some = [
        (
            Field("proto", Intervals.of(proto)),
            Field("src", Intervals.of(*(V4_FIRST + n for a, b in sources.ranges for n in range(a, b + 1)))),
            Not(Field("dport", ports)) if negated else Field("dport", ports),
        )
        for sources, ports, proto, negated in drawn
    ]
    rules = ruleset_of(*(part for parts in some for part in parts))
    tuples: set[tuple[int, ...]] = set()
    for proto, src, dst, sport, dport in product((6, 17, 47), FEW, (0, 1), (0, 1), FEW):
        for fragment in (0, 2):
            values: dict[str, int | str] = {"proto": proto, "src": V4_FIRST + src, "fragment": fragment}
            has_ports = proto != 47 and fragment == 0
            if has_ports:
                values |= {"sport": sport, "dport": dport}
            if any(all(oracle.matches(part, values) for part in parts) for parts in some):
                tuples.add((proto, src, dst, sport, dport) if has_ports else (proto, src, dst))
    for kind in KINDS:
        space = kind(rules, hook=None)
        inside = _all(space, (Field(name, values) for name, values in WITHIN.items() if "port" not in name))
        for name in ("sport", "dport"):
            held = space.of_match(Field(name, WITHIN[name]))
            lacking = space.everything - space.of_match(Field(name, Intervals.of((0, 65535))))
            inside = inside & (held | lacking)
        found = space.union(_all(space, parts) for parts in some)
        assert (found & inside).count() == len(tuples)


def _all(space: Sets[S, N], parts: Iterable[Match]) -> S:
    found = space.everything
    for part in parts:
        found = found & space.of_match(part)
    return found


def test_everything_is_counted() -> None:
    """Five protocols with ports, or without on a later fragment; the others without; any two addresses of a family."""
    for kind in KINDS:
        ports = 5 * ((1 << 32) + 1) + 251
        assert kind(ruleset_of()).everything.count() == ports * ((1 << 64) + (1 << 256))


# Interfaces


@given(st.lists(st.sampled_from(("eth0", "eth+", "eth0+", "wan", "+", "x")), max_size=4), st.sampled_from(NAMES))
def test_interfaces_are_cut_where_patterns_differ(patterns: list[str], name: str) -> None:
    rules = ruleset_of(*(field("in", pattern) for pattern in patterns))
    for kind in KINDS:
        space = kind(rules, questions=(field("in", name),), hook=0)
        packet = space.of_match(field("in", name)).example()
        assert packet is not None
        assert packet.get("in") == name
        for pattern in patterns:
            held = name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern
            assert (packet in space.of_match(field("in", pattern))) is held
            text = space.of_match(field("in", pattern)).describe()
            assert text == [f"any in {pattern}" if pattern != "+" else "any"]


def test_names_that_were_not_said_are_refused() -> None:
    with pytest.raises(ValueError, match="not said"):
        space_of(ruleset_of(field("in", "eth0")), hook=0).of_match(field("in", "eth7"))


# Budgets


def hard(size: int) -> Match:
    """A sum over scattered bits, which has no small diagram: pairs of equal bits of two addresses."""
    pairs: list[Match] = []
    for place in range(size):
        bit = 1 << place
        both = [All((Field("src", Masked(v * bit, bit)), Field("dst", Masked(v * bit, bit)))) for v in (0, 1)]
        pairs.append(Either(tuple(both)))
    return All(tuple(pairs))


def test_a_budget_of_nodes_is_kept_and_the_space_is_then_useless() -> None:
    match = hard(30)
    space = Space([ruleset_of(match)], (), None, Budget(nodes=20_000))
    with pytest.raises(Exhausted, match="20,000 nodes"):
        space.of_match(match)
    with pytest.raises(Exhausted):
        space.of_match(field("dport", 80))


def test_a_budget_of_seconds_is_kept() -> None:
    with pytest.raises(Exhausted, match="seconds"):
        Space([ruleset_of(field("dport", 80))], (), None, Budget(seconds=-1.0))


def test_a_budget_of_boxes_is_kept() -> None:
    space = BoxSpace([ruleset_of(field("dport", 80))], (), None, Budget(boxes=100))
    with pytest.raises(Exhausted, match="100 boxes"):
        ~space.union(
            space.of_match(field("dport", n, n + 7)) & space.of_match(field("sport", n)) for n in range(0, 999, 9)
        )


def test_sets_of_two_spaces_do_not_mix() -> None:
    one, two = (space_of(ruleset_of(field("dport", 80))) for _ in range(2))
    with pytest.raises(ValueError, match="two diagrams"):
        one.everything & two.everything
    assert one.everything != two.everything
