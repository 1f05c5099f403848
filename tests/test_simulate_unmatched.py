"""Open ports that nothing listens on, and listeners that nobody reaches: named cases, and packet by packet."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from policy.conntrack import Segment, Step
from policy.ir import Unknown, walk
from policy.packet import FORWARD, INPUT, Intervals
from policy.packet.address import parse_address
from policy.packet.fields import TCP, UDP
from policy.sets import Budget, Missing
from policy.simulate.datagram import SYN, Datagram
from policy.simulate.play import play
from policy.simulate.scenario import Close, Connect, Deed, Firewall, HostSpec, Listen, Network, Scenario
from policy.simulate.unmatched import PORTS, Open, Unmatched, unmatched
from policy.simulate.wall import Wall
from policy.simulate.world import World
from tests.watching import OUTSIDE, firewall, scenario, tcp, udp

WAN, LAN = parse_address("192.0.2.1"), parse_address("10.0.0.1")
NARROW = """table ip f {
  chain c {
    type filter hook input priority 0; policy drop
    ct state established accept
    iifname "lo" accept
    tcp dport { 22, 80, 443 } accept
    udp dport 53 accept
  }
}"""
TRANSLATED = """table ip f {
  chain c {
    type filter hook input priority 0; policy drop
    tcp dport { 80, 8080, 9000 } accept
    tcp dport 3128 accept
    iifname "lan" udp dport 53-54 accept
    tcp dport 443 accept
    ip saddr 192.0.2.9 tcp dport 1000-1010 accept
  }
  chain n {
    type nat hook prerouting priority -100
    tcp dport 81 redirect to :8080
    iifname "lan" ip daddr != 10.0.0.1 tcp dport 83 redirect to :3128
    ip daddr 192.0.2.1 tcp dport 9000 dnat to 10.0.0.2:9000
    tcp dport 84 dnat to 10.0.0.1:443
    tcp dport 85 dnat to 192.0.2.1:3128
  }
}"""
IPTABLES = """*filter
:INPUT DROP [0:0]
-A INPUT -m state --state ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 20:25 -j ACCEPT
-A INPUT -p tcp --dport 23 -j DROP
-A INPUT -i wan -p udp --dport 500 -j ACCEPT
COMMIT
*nat
-A PREROUTING -i wan -p tcp --dport 2222 -j REDIRECT --to-ports 22
COMMIT
"""
TRIED = (*range(20, 27), *range(52, 55), *range(80, 86), 442, 443, 500, 1000, 1010, 1011, 2222, 3128, 8080, 9000)
RULES = {
    "narrow": firewall(NARROW),
    "translated": firewall(TRANSLATED),
    "by status": firewall(TRANSLATED.replace("tcp dport 443", "ct status dnat tcp dport 443")),
    "iptables": firewall(IPTABLES, language="iptables"),
}


def at_gate(rules: Firewall, *deeds: Deed) -> tuple[Unmatched, World]:
    """Return what does not agree on the gate, behind some steps."""
    played = scenario(rules, deeds)
    world = World(played)
    assert all(done.outcome.result in ("ok", "connected", "refused") for done in play(played, world))
    found = unmatched(world.hosts["gate"], Budget(None))
    assert found is not None
    return found, world


def test_open_ports_without_listeners_are_ranges_of_addresses() -> None:
    found, _ = at_gate(RULES["narrow"], Listen("gate", tcp(80), "web"), Listen("gate", udp(53), "dns", LAN))
    assert found.open == (
        Open(TCP, (LAN, WAN), Intervals.of(22, 443)),
        Open(UDP, (WAN,), Intervals.of(53)),
    )
    assert found.unreached == ()


def test_everything_is_open_where_everything_is_let_in() -> None:
    found, _ = at_gate(firewall("table ip f { chain c { type filter hook input priority 0; } }"))
    assert found.open == (Open(TCP, (LAN, WAN), PORTS), Open(UDP, (LAN, WAN), PORTS))


def test_listeners_that_nobody_reaches() -> None:
    found, world = at_gate(
        RULES["narrow"],
        Listen("gate", tcp(80), "web"),
        Listen("gate", tcp(25), "mail"),
        Listen("gate", udp(80), "quic"),
        Listen("gate", tcp(8080), "own", parse_address("127.0.0.1")),
    )
    assert [world.names[socket] for socket in found.unreached] == ["mail", "quic"]


def test_connections_are_no_listeners() -> None:
    found, _ = at_gate(RULES["narrow"], Listen("gate", tcp(80), "web"), Connect("client", "gate", tcp(80), "c"))
    assert found.open[0] == Open(TCP, (LAN, WAN), Intervals.of(22, 443))
    again, _ = at_gate(RULES["narrow"], Listen("gate", tcp(80), "web"), Close("web"))
    assert again.open[0] == Open(TCP, (LAN, WAN), Intervals.of(22, 80, 443))


def test_what_is_not_known_may_let_in_and_what_is_assumed_does_not() -> None:
    rule = "tcp dport 22 limit rate 1/minute accept"
    text = f"table ip f {{ chain c {{ type filter hook input priority 0; policy drop; {rule}; }} }}"
    found, _ = at_gate(firewall(text))
    assert found.open == (Open(TCP, (LAN, WAN), Intervals.of(22)),)
    known = firewall(text)
    matches = [rule.match for each in known.rules.policies.values() for rule in each.rules]
    (key,) = {part.key for match in matches for part in walk(match) if isinstance(part, Unknown)}
    found, _ = at_gate(Firewall(known.rules, assume={key: False}))
    assert found.open == ()


def test_rules_of_the_other_ip_version_stand_apart() -> None:
    """What iptables does not see is all let in, until ip6tables has rules, too."""
    four = RULES["iptables"].rules
    text = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp --dport 53 -j ACCEPT\nCOMMIT\n"
    six = firewall(text, language="ip6tables").rules
    address = parse_address("fd00::1")
    lan, wan = Network(LAN, 24), Network(WAN, 24)
    for rules, expected in (
        (Firewall(four), {Open(TCP, (address,), PORTS), Open(UDP, (address,), PORTS)}),
        (Firewall(four, six), {Open(UDP, (address,), Intervals.of(53))}),
    ):
        gate = HostSpec("gate", {"lan": (lan, Network(address, 64)), "wan": (wan,)}, forwards=True, firewall=rules)
        found = unmatched(World(Scenario("", "", (gate,), (), ())).hosts["gate"])
        assert found is not None
        assert {each for each in found.open if address in each.addresses} == expected
        assert found.open[0] == Open(TCP, (LAN, WAN), Intervals.of((20, 25)))


def test_without_rules_there_is_nothing_to_say() -> None:
    world = World(scenario(None, ()))
    assert unmatched(world.hosts["gate"]) is None


def test_spent_budget_is_said() -> None:
    world = World(scenario(RULES["translated"], ()))
    found = unmatched(world.hosts["gate"], Budget(steps=3))
    assert found is not None
    assert found.undecided == "more than 3 steps"


@pytest.mark.parametrize("library", [True, False], ids=["diagrams", "boxes"])
@pytest.mark.parametrize("name", RULES)
def test_same_as_packet_by_packet(name: str, library: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not library:
        monkeypatch.setattr(sys.modules["policy.reach.find"], "Space", _missing)
    found, world = at_gate(RULES[name])
    if name == "by status" and not library:
        assert found == Unmatched("gate", undecided="more than lists of boxes, where the status of connections changes")
        return
    wall = Wall("gate", RULES[name], world.hosts["gate"].machine)
    reached = set(_let_in(wall))
    said = {
        (each.proto, address, port)
        for each in found.open
        for address in each.addresses
        for port in TRIED
        if port in each.ports
    }
    assert reached
    assert said == reached
    assert all(each.ports.size < 20 for each in found.open)


def test_playing_and_watching_need_no_sets_of_packets() -> None:
    program = "import sys, policy.simulate.play, policy.simulate.watch; print('policy.reach' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def _missing(*_: object) -> None:
    raise Missing


def _let_in(wall: Wall) -> Iterator[tuple[int, int, int]]:
    """Yield protocol, address and port of all that the rules let in of packets of two hosts, one by one."""
    for number, (proto, port) in enumerate((proto, port) for proto in (TCP, UDP) for port in TRIED):
        for entering, source in (("wan", OUTSIDE), ("lan", parse_address("10.0.0.2")), ("lan", OUTSIDE)):
            for target in (WAN, LAN, parse_address("198.51.100.1")):
                wall.flush()
                step = Step(proto, source, target, 40000 + number, port, SYN if proto == TCP else 0, Segment(1))
                hook, leaving = (INPUT, None) if target in (WAN, LAN) else (FORWARD, "wan")
                ruling = wall.ask(Datagram(step), hook, entering, leaving, float(number))
                if ruling.allowed and ruling.hook == INPUT:
                    left = ruling.left.step
                    yield proto, left.dst, left.dport
