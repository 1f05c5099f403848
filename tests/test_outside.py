"""What comes from outside, where nobody says which interface leads there, and where somebody does."""

from __future__ import annotations

import pytest

from policy.app.load import facts, load
from policy.check import Settings, Zone
from policy.check.outside import named
from policy.packet import Names
from policy.packet.address import parse_prefix
from policy.source import Source

HEAD = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"


def exposed(*rules: str, settings: Settings | None = None, head: str = HEAD) -> list[int]:
    """Return the numbers of the rules, from 1, that let something in from outside."""
    text = head + "".join(f"-A {rule} -j ACCEPT\n" for rule in rules) + "COMMIT\n"
    known = facts(load(Source("rules", text)), settings=settings)
    open_ = {known.rule(at).span.line for at in known.places if known.exposed(at)}
    return [number for number in range(1, len(rules) + 1) if number + head.count("\n") in open_]


SSH = "-p tcp --dport 22"


@pytest.mark.parametrize(
    ("rules", "numbers"),
    [
        ((f"INPUT {SSH}",), [1]),
        ((f"INPUT -i eth0 {SSH}",), []),
        ((f"INPUT -i lo {SSH}",), []),
        (("INPUT -m state --state ESTABLISHED",), []),
        ((f"OUTPUT {SSH}",), []),
        # what is accepted on the LAN is open only where all other interfaces let it in, too
        (("INPUT -i eth1", f"INPUT {SSH}"), [2]),
        ((f"INPUT -i eth0 {SSH}", f"INPUT -i eth1 {SSH}"), []),
        (("INPUT ! -i eth0 -m state --state NEW",), []),
        (("INPUT ! -i docker0",), [1]),
        (("INPUT -i eth+", f"INPUT {SSH}"), [2]),
        (("INPUT ! -i eth+",), []),
        ((f"INPUT -i wan0 {SSH}", "INPUT -i eth0", "INPUT -p udp"), [1, 3]),
        # the rule of the interface by which least passes is the one that opens it
        ((f"INPUT -i eth0 {SSH}", "INPUT ! -i eth0"), [1]),
        (("INPUT -i eth1", f"INPUT {SSH}", "INPUT -i eth2"), [2]),
        # what leaves by the interface that leads outside does not come in
        (("FORWARD -o eth0",), []),
        (("FORWARD -i eth1 -o eth0",), []),
        (("FORWARD -o ppp0",), []),
        (("FORWARD -d 172.17.0.2 ! -i docker0 -o docker0 -p tcp --dport 5432",), [1]),
    ],
)
def test_without_zones_only_what_any_interface_lets_in_is_open(rules: tuple[str, ...], numbers: list[int]) -> None:
    assert exposed(*rules) == numbers


def test_an_earlier_block_on_one_interface_suffices() -> None:
    head = HEAD + "-A INPUT -i eth0 -p tcp -j DROP\n"
    assert exposed(f"INPUT {SSH}", "INPUT -p udp", head=head) == [2]


@pytest.mark.parametrize(
    ("zone", "numbers"),
    [
        (Zone("internet", Names.of("eth0"), untrusted=True), [1, 3, 4]),
        (Zone("lan", Names.of("eth0")), [3, 4]),
        (Zone("partner", addresses=parse_prefix("10.9.0.0/16"), untrusted=True), [1, 2, 3, 4]),
    ],
)
def test_zones_say_what_is_outside(zone: Zone, numbers: list[int]) -> None:
    rules = (f"INPUT -i eth0 {SSH}", f"INPUT -i eth1 {SSH}", "INPUT -s 10.0.0.0/8 -p udp", "INPUT -p tcp --dport 80")
    assert exposed(*rules, settings=Settings((zone,))) == numbers


def test_tables_that_do_not_decide_open_nothing() -> None:
    head = "*mangle\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n" + HEAD
    assert exposed(f"INPUT {SSH}", head=head) == [1]


def test_names_of_interfaces_are_on_one_side() -> None:
    assert "wan0" in named("outside")
    assert "docker0" in named("inside")
    assert not named("outside").meets(named("inside"))
