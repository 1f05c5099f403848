"""Checks that speak of zones, with other zones than those of their examples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy.check import Check, Settings, Undecided, Zone
from policy.checks import checks
from policy.packet import Names
from policy.packet.address import parse_prefix
from tests.casefile import found, known

CHECKS = {check.code: check for check in checks()}
OFFICE = Zone("office", Names.of("eth1"), parse_prefix("10.1.0.0/16"))
RULES = "policy p at forward {\n    default block\n    allow tcp/443 from 203.0.113.5 in eth1\n}\n"


def given(code: str, *zones: Zone) -> Check:
    return replace(CHECKS[code], settings=Settings(zones=zones))


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        ((), None),
        ((OFFICE,), "`office`, which lies behind eth1"),
        ((OFFICE, Zone("lab", Names.of("eth1", "eth2"), parse_prefix("10.2.0.0/16"))), "`office` and `lab`, which lie"),
        ((OFFICE, Zone("anything", Names.of("eth+"))), None),
        ((OFFICE, Zone("partner", None, parse_prefix("203.0.113.0/24"))), None),
        ((OFFICE, Zone("internet", Names.of("eth1"), untrusted=True)), None),
        ((replace(OFFICE, untrusted=True),), None),
        ((Zone("six", Names.of("eth1"), parse_prefix("2001:db8::/32")),), None),
    ],
)
def test_addresses_behind_an_interface(zones: tuple[Zone, ...], said: str | None) -> None:
    messages = [each.message for each in found(given("FW311", *zones), RULES)]
    assert len(messages) == (said is not None)
    assert said is None or said in messages[0]


@pytest.mark.parametrize("code", ["FW301", "FW303"])
@pytest.mark.parametrize(
    "zones", [(), (OFFICE,), (Zone("internet", untrusted=True),), (Zone("internet", None, parse_prefix("8.0.0.0/8")),)]
)
def test_without_an_outer_interface_nothing_is_said_of_what_comes_from_there(
    code: str, zones: tuple[Zone, ...]
) -> None:
    assert not found(given(code, *zones), "policy p {\n    allow any\n}\n")


def test_the_sources_of_an_untrusted_zone_with_addresses_are_its_own() -> None:
    guests = Zone("guests", Names.of("eth2"), parse_prefix("192.168.20.0/24"), untrusted=True)
    rules = "policy p at forward {\n    default block\n    allow any from 192.168.20.0/24 in eth2\n}\n"
    assert not found(given("FW301", guests, OFFICE), rules)
    assert not found(given("FW303", guests, OFFICE), rules)
    assert found(given("FW303", guests, OFFICE), rules.replace("192.168.20.0/24", "192.168.20.0/24, 10.1.2.3"))


def test_what_hangs_on_an_unknown_is_undecided_at_the_rule_that_does_not_know() -> None:
    check = CHECKS["FW303"]
    text = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m set --match-set friends src -j ACCEPT\nCOMMIT\n"
    assert check.find is not None
    (facts,) = known(text, check.settings)
    (one,) = check.find(facts)
    assert isinstance(one, Undecided)
    assert one.span.line == 3


def test_addresses_of_the_host_itself_are_forged_outside() -> None:
    check = given("FW303", Zone("internet", Names.of("eth0"), untrusted=True))
    assert check.find is not None
    (facts,) = known("policy p at input {\n    default block\n    allow tcp/22\n}\n", check.settings)
    assert not list(check.find(facts))
    facts.local = parse_prefix("192.0.2.10")
    (one,) = check.find(facts)
    assert not isinstance(one, Undecided)
    assert "an address of this host" in one.message
