"""What is open and closed to anyone, held against sets and the evaluator, service by service."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.evaluate import decide
from policy.ir import Field, Match, Ruleset, all_of, walk
from policy.packet import Intervals
from policy.packet.address import parse_prefix, whole
from policy.packet.fields import PORT_PROTOCOLS, TCP, UDP
from policy.packet.services import both, every_service, of_one_family, services_text, without
from policy.reach.parity import Side, services, unnamed
from policy.sets import BoxSpace, Budget, Exhausted, Space
from policy.sets.truth import Sets
from tests.spaces import Kind, each_kind
from tests.strategies import NAMES, field, field_matches, matches, rule, rulesets, simple_ruleset, unknowns

TEXTS = ("8.0.0.0/8", "9.9.9.0/24", "0.0.0.0/1", "64.0.0.0/2", "2600::/12", "2a00:1450::/32", "2000::/4", "::/0")
PREFIXES = [parse_prefix(text) for text in TEXTS]
_sides = st.sampled_from(("src", "dst"))
named = st.builds(Field, _sides, st.sampled_from(PREFIXES) | st.sampled_from(PREFIXES).map(lambda v: whole(4) - v))
rules_of_hosts = rulesets(matches(field_matches | named | named | unknowns), 3)
SERVICES = [(TCP, 0), (TCP, 2), (UDP, 3), (UDP, 4), (TCP, 443), (132, 65535)]


def to(number: int, port: int) -> Match:
    return all_of(Field("proto", Intervals.of(number)), Field("dport", Intervals.of(port)))


@settings(max_examples=30)
@given(rules_of_hosts, st.sampled_from((4, 6)), st.sampled_from((None, 0, 2)), st.booleans())
def test_services_are_open_and_closed_as_their_packets_pass(
    ruleset: Ruleset, family: int, hook: int | None, diagrams: bool
) -> None:
    asked = [to(*each) for each in SERVICES]
    try:
        sets: Sets[Any, Any] = (
            Space([ruleset], asked, hook, Budget(seconds=None, nodes=1 << 20))
            if diagrams
            else BoxSpace([ruleset], asked, hook, Budget(seconds=None, boxes=2000))
        )
        side = Side(ruleset, sets, family)
        if side.is_empty:
            return
        for number, port in SERVICES:
            mine = side.packets & sets.of_match(to(number, port))
            reached = mine & side.of(every_service())
            for found, wrong, verdict in (
                (side.open, reached - side.flow.allowed, "allow"),
                (side.closed, mine - side.flow.blocked, "block"),
            ):
                holds = port in found.get(number, Intervals())
                assert holds is (not wrong)
                packet = (wrong or mine).example()
                assert packet is not None
                said = decide(ruleset, packet).verdict
                assert said == verdict if holds else said != verdict
        gap = both(side.open, {TCP: Intervals.of((0, 500)), UDP: Intervals.of(4)})
        shares = [share for _, share in side.deciders(gap)]
        for number, ports in gap.items():
            told = Intervals.of(*(pair for share in shares for pair in share.get(number, Intervals()).ranges))
            assert told.covers(ports)
    except Exhausted:
        assert not diagrams


@settings(max_examples=40)
@given(rules_of_hosts, st.sampled_from(("src", "dst")), st.sampled_from((4, 6)))
def test_rules_do_not_tell_unnamed_addresses_apart(ruleset: Ruleset, side: str, family: int) -> None:
    found = unnamed(ruleset, side, family)
    assert whole(family).covers(found)
    matches = (each.match for policy in ruleset.policies.values() for each in policy.rules)
    for part in (part for match in matches for part in walk(match)):
        if isinstance(part, Field) and part.name == side and isinstance(part.values, Intervals):
            assert part.values.covers(found) or not part.values.meets(found)


@each_kind
def test_services_of_packets(kind: Kind) -> None:
    match = all_of(
        field("proto", 6, 17), field("dport", 22, (80, 90), 443), field("in", NAMES[0]), field("src", 1 << 128)
    )
    odd = all_of(field("proto", 6), Field("dport", Intervals.of(*range(1, 2000, 2))))
    ruleset = simple_ruleset(rule(match), rule(odd))
    sets = kind(ruleset, hook=0)
    ports = Intervals.of(22, (80, 90), 443)
    assert services(sets, sets.of_match(match)) == {TCP: ports, UDP: ports}
    assert services(sets, sets.of_match(odd)) == {TCP: Intervals.of(*range(1, 2000, 2))}
    everything = sets.of_match(all_of(Field("proto", PORT_PROTOCOLS), field("fragment", 0)))
    assert services(sets, everything) == every_service()
    assert services(sets, sets.nothing) == {}


@each_kind
def test_addresses_can_be_left_out_of_a_set(kind: Kind) -> None:
    """Of a packet of one family that is in a set, those with other addresses of that family are."""
    four, six = parse_prefix("10.0.0.0/8"), parse_prefix("2001:db8::/32")
    for families in ({4, 6}, {4}, {6}):
        given_rules = simple_ruleset(rule(all_of(Field("src", four | six), field("sport", 7))))
        ruleset = Ruleset("test", frozenset(families), given_rules.policies, given_rules.entries)
        sets = kind(ruleset, hook=0)
        match = all_of(Field("src", four), Field("dst", four), field("proto", 6), field("sport", 7))
        left = sets.of_match(match).apart_from("src", "dst", "sport")
        assert left == sets.of_match(all_of(Field("src", whole(4)), field("proto", 6), field("fragment", 0, 1)))


def test_services_as_sets() -> None:
    web = {TCP: Intervals.of(80, 443), UDP: Intervals.of(443)}
    assert both(web, {TCP: Intervals.of((0, 100))}) == {TCP: Intervals.of(80)}
    assert without(web, {TCP: Intervals.of((0, 100))}) == {TCP: Intervals.of(443), UDP: Intervals.of(443)}
    assert services_text(web) == "tcp/{80,443}, udp/443"
    assert services_text(every_service()) == "tcp, udp, dccp, sctp, udplite"
    assert of_one_family()[UDP].covers(Intervals.of(67, 68, 546, 547))
