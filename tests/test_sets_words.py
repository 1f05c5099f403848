"""Regions in words."""

from __future__ import annotations

import pytest

from policy.ir import All, Definition, Either, Field, Match, Not
from policy.packet import Intervals
from policy.packet.address import V4, parse_prefix
from policy.sets import Exhausted
from tests.spaces import KINDS, Kind, each_kind, space_of
from tests.strategies import HERE, field, rule, simple_ruleset


def network(*prefixes: str) -> Intervals:
    found = Intervals()
    for prefix in prefixes:
        found |= parse_prefix(prefix)
    return found


OFFICE = network("10.1.0.0/16", "2001:db8:1::/48")
SERVERS = network("10.2.0.0/24", "2001:db8:2::/64")
DB = network("10.2.0.5")
WEB = ((field("proto", 6), field("dport", 80, 443)), (field("proto", 17), field("dport", 443)))
DNS = ((field("proto", 6), field("dport", 53)), (field("proto", 17), field("dport", 53)))
DEFINITIONS = (
    Definition("office", "network", "", OFFICE, span=HERE),
    Definition("servers", "network", "", SERVERS, span=HERE),
    Definition("db", "host", "", DB, span=HERE),
    Definition("dns", "service", "", DNS, span=HERE),
)
TCP, UDP = field("proto", 6), field("proto", 17)


def source(values: Intervals) -> Field:
    return Field("src", values)


def target(values: Intervals) -> Field:
    return Field("dst", values)


@pytest.mark.parametrize(
    ("match", "text"),
    [
        (All(()), "any"),
        (All((TCP, field("dport", 5432), source(OFFICE), target(DB))), "tcp/5432 from office to db"),
        (All((TCP, source(OFFICE), target(SERVERS))), "tcp from office to servers"),
        (
            All((TCP, field("dport", 5432), source(OFFICE - network("10.1.9.0/24")), target(SERVERS))),
            "tcp/5432 from office except 10.1.9.0/24 to servers",
        ),
        (All((field("dport", 53), Either((TCP, UDP)), source(OFFICE))), "dns from office"),
        (All((TCP, target(SERVERS | DB | network("192.0.2.0/28")))), "tcp to servers, 192.0.2.0/28"),
        (Not(TCP), "any but tcp"),
        (source(V4 - network("192.0.2.0/24")), "any from 0.0.0.0/0 except 192.0.2.0/24"),
        (source(V4), "any from 0.0.0.0/0"),
        (Not(source(OFFICE)), "any from any except office"),
        (All((field("dport", 80), source(OFFICE))), "any to port 80 from office"),
        (All((TCP, field("dport", 80, 443, (8000, 8099)))), "tcp/{80, 443, 8000-8099}"),
        (All((UDP, field("sport", 53), field("in", "eth+"))), "udp from any port 53 in eth+"),
        (All((field("in", "eth+"), Not(field("in", "eth0")))), "any in eth+ except eth0"),
        (Not(field("in", "lo")), "any in any but lo"),
        (
            All((target(network("10.0.0.0/8")), field("mark", 1), field("state", 0))),
            "any to 10.0.0.0/8 state new with mark 0x1",
        ),
    ],
)
def test_one_region(match: Match, text: str) -> None:
    for kind in KINDS:
        space = kind(simple_ruleset(rule(match)), hook=0)
        assert space.of_match(match).describe(DEFINITIONS) == [text]


@each_kind
def test_the_first_regions(kind: Kind) -> None:
    match = Either((*(All((TCP, field("dport", port), source(OFFICE))) for port in (22, 80)), All((UDP, target(DB)))))
    found = kind(simple_ruleset(rule(match))).of_match(match)
    assert found.describe_first(DEFINITIONS, 2) == (found.describe(DEFINITIONS), False)
    assert sorted(found.describe(DEFINITIONS)) == ["tcp/{22, 80} from office", "udp to db"]
    assert found.describe_first(DEFINITIONS, 1) == (found.describe(DEFINITIONS)[:1], True)
    with pytest.raises(Exhausted, match="1 regions"):
        found.describe(DEFINITIONS, 1)


def test_what_is_general_comes_first() -> None:
    match = Either((field("state", 1, 2), All((TCP, field("dport", 80))), field("in", "lo")))
    found = space_of(simple_ruleset(rule(match)), hook=0).of_match(match)
    assert found.describe() == [
        "any state established, related",
        "any in lo state new, invalid, untracked",
        "tcp/80 in any but lo state new, invalid, untracked",
    ]


def test_regions_within_a_question() -> None:
    """What the question says already is not said again."""
    match = All((TCP, field("dport", 80), source(OFFICE)))
    asked = All((TCP, field("state", 0), field("fragment", 0), target(SERVERS)))
    space = space_of(simple_ruleset(rule(match)), questions=[asked])
    within, web = space.of_match(asked), space.of_match(match)
    assert (web & within).describe_first(DEFINITIONS, 3, within) == (["any to port 80 from office"], False)
    assert within.describe_first(DEFINITIONS, 3, within) == (["any"], False)


def test_several_regions() -> None:
    match = Either(tuple(All((*service, source(OFFICE))) for service in WEB))
    for kind in KINDS:
        found = kind(simple_ruleset(rule(match))).of_match(match)
        assert sorted(found.describe(DEFINITIONS)) == ["tcp/{80, 443} from office", "udp/443 from office"]
