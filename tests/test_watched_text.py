"""Scans, and ports on which rules and sockets do not agree, in words."""

from __future__ import annotations

from policy.report.timeline_text import step_text
from policy.report.watched_text import scans_text, unmatched_text
from policy.sets import Budget
from policy.simulate.play import play
from policy.simulate.scenario import Connect, Deed, Firewall, Listen, Scan, Send
from policy.simulate.unmatched import unmatched
from policy.simulate.watch import Watch
from policy.simulate.world import World
from tests.watching import firewall, played, scenario, tcp, udp

RULES = """table ip f {
  chain c {
    type filter hook forward priority 0; policy drop
    ct state established accept
    tcp dport { 21, 22 } accept
  }
  chain i { type filter hook input priority 0; policy drop; tcp dport { 22, 8000-8010 } accept; udp dport 53 accept; }
}"""


def at_gate(rules: Firewall, *deeds: Deed, steps: int | None = None) -> str:
    """Return what does not agree on the gate; *steps* is the budget."""
    made = scenario(rules, deeds)
    world = World(made)
    assert all(done.outcome.result == "ok" for done in play(made, world))
    found = unmatched(world.hosts["gate"], None if steps is None else Budget(steps=steps))
    assert found is not None
    return unmatched_text(found, world.names)


def test_scans() -> None:
    watch = Watch()
    for done in played(firewall(RULES), Listen("server", tcp(22), "ssh"), Scan("client", ("server",), tcp(20, 39))):
        watch.take(done.events)
    assert scans_text(watch.scans) == (
        "gate sees a vertical scan by 192.0.2.9: tcp/20-39 of 10.0.0.2, within 190 ms; 18 blocked, 2 let through"
    )
    assert scans_text([]) == ""


def test_many_addresses_are_not_all_named() -> None:
    watch, everybody = Watch(), ("server", *(f"server{number}" for number in range(3, 32)))
    for done in played(firewall(RULES), Scan("client", everybody, tcp(445)), servers=30):
        watch.take(done.events)
    named = ", ".join(f"10.0.0.{number}" for number in range(2, 10))
    assert scans_text(watch.scans) == (
        f"gate sees a horizontal scan by 192.0.2.9: tcp/445 of {named} and 22 more, within 290 ms; "
        "30 blocked, 0 let through"
    )


def test_ports_on_which_rules_and_sockets_do_not_agree() -> None:
    deeds = [Listen("gate", tcp(22), "ssh"), Listen("gate", udp(53), "dns"), Listen("gate", tcp(25), "mail")]
    assert at_gate(firewall(RULES), *deeds).splitlines() == [
        "gate lets in what comes to tcp/8000-8010 of 10.0.0.1, 192.0.2.1, and nothing listens there",
        "gate lets in nothing that is for mail at tcp/25",
    ]
    assert (
        at_gate(firewall(RULES), steps=2) == "gate: it is undecided which ports are open: that takes more than 2 steps"
    )


def test_what_the_helper_drops() -> None:
    talk: list[Deed] = [
        Listen("server", tcp(21), "ftp"),
        Connect("client", "server", tcp(21), "c"),
        Send("c", text="USER me\r\n"),
        Send("c", text="PORT 1,2,3\r\n"),
    ]
    text = step_text(4, played(firewall(RULES, "ftp"), *talk)[3])
    assert "gate forward: block, helper  FTP: PORT that says no port" in text
