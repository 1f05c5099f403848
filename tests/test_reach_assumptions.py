"""What is assumed of packets, one packet at a time, and with the host's own addresses."""

from __future__ import annotations

import pytest

from policy.app.load import load
from policy.check import Facts
from policy.checks import checks
from policy.diagnostic import Diagnostic
from policy.ir import Block, Match, Rewrite, Ruleset
from policy.packet import FORWARD, INPUT, OUTPUT, Packet, Value, complete
from policy.packet.address import parse_address, parse_prefix
from policy.reach.assumptions import assumptions, may_be_absent
from policy.source import Source
from tests.oracle import matches
from tests.strategies import field, rule, simple_ruleset

PLAIN = simple_ruleset(rule(field("in", "eth0"), Block()))
OWN = parse_prefix("192.0.2.1/32") | parse_prefix("2001:db8::1/128")


def packet(hook: int | None, src: str, dst: str, **interfaces: str) -> Packet:
    given: dict[str, Value] = {"src": parse_address(src), "dst": parse_address(dst), "proto": 47, **interfaces}
    return complete(given if hook is None else {**given, "hook": hook})


def texts(hook: int | None, sent: Packet, rules: Ruleset = PLAIN, own: bool = False) -> list[str]:
    """Return the first words of the assumptions that exclude a packet."""
    found = assumptions(rules, hook, {"in", "out"}, OWN if own else None)
    return [each.text.split()[0] for each in found if not matches(each.packets, single(sent))]


@pytest.mark.parametrize(
    ("hook", "src", "dst", "interfaces", "expected"),
    [
        (INPUT, "127.0.0.1", "127.0.0.1", {"in": "lo"}, []),
        (INPUT, "127.0.0.1", "192.0.2.1", {"in": "eth0"}, ["loopback"]),
        (INPUT, "198.51.100.7", "127.1.2.3", {"in": "eth0"}, ["loopback"]),
        (INPUT, "::1", "2001:db8::1", {"in": "eth0"}, ["loopback"]),
        (INPUT, "224.0.0.1", "192.0.2.1", {"in": "eth0"}, ["multicast"]),
        (INPUT, "255.255.255.255", "192.0.2.1", {"in": "eth0"}, ["multicast"]),
        (INPUT, "ff02::1", "2001:db8::1", {"in": "eth0"}, ["multicast"]),
        (INPUT, "0.0.0.0", "255.255.255.255", {"in": "eth0"}, []),
        (INPUT, "fe80::1", "ff02::1", {"in": "eth0"}, []),
        (OUTPUT, "127.0.0.1", "127.0.0.1", {"out": "lo"}, []),
        (OUTPUT, "127.0.0.1", "198.51.100.7", {"out": "eth0"}, ["loopback"]),
        (FORWARD, "127.0.0.1", "198.51.100.7", {"in": "lo", "out": "eth0"}, ["loopback"]),
        (FORWARD, "192.0.2.1", "198.51.100.7", {"in": "eth0", "out": "eth1"}, []),
        (None, "127.0.0.1", "198.51.100.7", {}, []),
        (None, "224.0.0.1", "198.51.100.7", {}, ["multicast"]),
    ],
)
def test_assumptions(hook: int | None, src: str, dst: str, interfaces: dict[str, str], expected: list[str]) -> None:
    assert texts(hook, packet(hook, src, dst, **interfaces)) == expected


@pytest.mark.parametrize(
    ("hook", "src", "dst", "expected"),
    [
        (FORWARD, "198.51.100.7", "192.0.2.1", ["what"]),
        (FORWARD, "192.0.2.1", "198.51.100.7", ["what"]),
        (FORWARD, "2001:db8::7", "2001:db8::1", ["what"]),
        (FORWARD, "2001:db8::1", "2001:db8::7", []),
        (FORWARD, "198.51.100.7", "198.51.100.8", []),
        (INPUT, "192.0.2.1", "198.51.100.8", []),
        (OUTPUT, "192.0.2.1", "198.51.100.7", []),
        (OUTPUT, "198.51.100.7", "192.0.2.1", ["what"]),
        (OUTPUT, "0.0.0.0", "255.255.255.255", []),
        (OUTPUT, "169.254.1.1", "169.254.1.2", []),
        (OUTPUT, "fe80::1", "ff02::1", []),
        (OUTPUT, "::", "ff02::1", []),
    ],
)
def test_own_addresses(hook: int, src: str, dst: str, expected: list[str]) -> None:
    ways = {"in": "eth0"} if hook != OUTPUT else {}
    ways |= {"out": "eth1"} if hook != INPUT else {}
    assert texts(hook, packet(hook, src, dst, **ways), own=True) == expected


def test_a_family_without_own_addresses_is_left_alone() -> None:
    (found,) = [a for a in assumptions(PLAIN, OUTPUT, (), parse_prefix("192.0.2.1/32")) if a.text.startswith("what")]
    assert matches(found.packets, single(packet(OUTPUT, "2001:db8::7", "2001:db8::8", out="eth0")))


def single(sent: Packet) -> dict[str, int | str]:
    return {name: value for name, value in sent.values.items() if isinstance(value, int | str)}


def test_where_destinations_are_rewritten_nothing_is_said_of_them() -> None:
    there = parse_address("10.0.0.2")
    rules = simple_ruleset(rule(field("proto", 6), Rewrite((("dst", there),))), rule(field("in", "eth0"), Block()))
    sent = packet(FORWARD, "198.51.100.7", "192.0.2.1", **{"in": "eth0", "out": "eth1"})
    assert texts(FORWARD, sent, rules, own=True) == []


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("hook", [INPUT, OUTPUT, FORWARD, None])
@pytest.mark.parametrize("src", ["127.0.0.1", "224.0.0.1", "192.0.2.1", "198.51.100.7", "::1", "2001:db8::1"])
def test_what_is_called_present_is(src: str, hook: int | None, own: bool) -> None:
    dst = "198.51.100.8" if "." in src else "2001:db8::8"
    match: Match = field("src", parse_address(src))
    ways = {name: "eth0" for name, at in (("in", (INPUT, FORWARD)), ("out", (OUTPUT, FORWARD))) if hook in at}
    if texts(hook, packet(hook, src, dst, **ways), own=own):
        assert may_be_absent(match, hook, OWN if own else None)


def test_own_addresses_given_to_the_check() -> None:
    text = (
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 192.0.2.1 -j ACCEPT\n-A FORWARD -d 192.0.2.2 -j ACCEPT\nCOMMIT\n"
    )
    find = next(check.find for check in checks() if check.code == "FW110")
    assert find is not None
    rules = load(Source("rules", text))
    assert not [*find(Facts(rules))]
    (found,) = find(Facts(rules, local=OWN))
    assert isinstance(found, Diagnostic)
    assert found.span.line == 3
    assert "neither from nor to the host itself" in found.message
