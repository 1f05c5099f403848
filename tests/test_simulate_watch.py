"""Ports that are tried, and scans: recognised at the thresholds, and not below them."""

from __future__ import annotations

import time

import pytest

from policy.packet.fields import TCP, UDP
from policy.simulate.activity import REPLY_WITHIN, Attempt
from policy.simulate.play import Done
from policy.simulate.scenario import Close, Connect, Deed, Listen, Scan, Send, Wait
from policy.simulate.watch import (
    HORIZONTAL_TARGETS,
    HORIZONTAL_WITHIN,
    SLOW_PORTS,
    SLOW_WITHIN,
    VERTICAL_PORTS,
    VERTICAL_WITHIN,
    Watch,
)
from tests.watching import INSIDE, OUTSIDE, firewall, played, tcp, udp

OPEN = "table ip f { chain c { type filter hook forward priority 0; policy accept; } }"
WEB = """table ip f {
  chain c {
    type filter hook forward priority 0; policy drop
    ct state established accept
    tcp dport { 22, 80, 443 } accept
    udp dport 53 accept
  }
}"""


def watched(steps: list[Done]) -> tuple[Watch, list[Attempt]]:
    """Watch a scenario step by step."""
    watch = Watch()
    return watch, [each for done in steps for each in watch.take(done.events)]


def kinds(*deeds: Deed, rules: str = WEB, servers: int = 1) -> list[str]:
    """Return the kinds of scans that are recognised."""
    return [scan.kind for scan in watched(played(firewall(rules), *deeds, servers=servers))[0].scans]


def servers(number: int) -> tuple[str, ...]:
    """Return the names of hosts behind the gate."""
    return ("server", *(f"server{each}" for each in range(3, number + 2)))


def test_attempts_say_who_tried_what_and_which_rule_decided() -> None:
    steps = played(
        firewall(WEB), Listen("server", tcp(80), "web"), Connect("client", "server", tcp(80), "c"),
        Connect("client", "server", tcp(443), "d"), Scan("client", ("server",), tcp(23)),
    )  # fmt: skip
    seen = watched(steps)[1]
    assert [(each.host, each.source, each.target, each.proto, each.port) for each in seen] == [
        ("gate", OUTSIDE, INSIDE, TCP, port) for port in (80, 443, 23)
    ]
    assert [(each.allowed, each.found, each.rule) for each in seen] == [
        (True, True, "gate:5"), (True, False, "gate:5"), (False, False, "gate:default")
    ]  # fmt: skip


def test_vertical_at_the_threshold() -> None:
    assert kinds(Scan("client", ("server",), tcp(1000, 999 + VERTICAL_PORTS))) == ["vertical"]
    assert kinds(Scan("client", ("server",), tcp(1000, 998 + VERTICAL_PORTS))) == []


def test_scan_grows_and_counts_what_was_let_through() -> None:
    steps = played(firewall(WEB), Listen("server", tcp(22), "ssh"), Scan("client", ("server",), tcp(20, 84)))
    (scan,) = watched(steps)[0].scans
    assert (scan.host, scan.source, scan.targets, scan.proto) == ("gate", OUTSIDE, (INSIDE,), TCP)
    assert scan.ports == tuple(range(20, 85))
    assert (scan.blocked, scan.allowed) == (63, 2)
    assert scan.end - scan.begin == pytest.approx(0.64)


def test_scan_of_open_ports_is_one_because_nothing_is_done_with_them() -> None:
    opened = [Listen("server", tcp(port), f"s{port}") for port in range(100, 100 + VERTICAL_PORTS)]
    assert kinds(*opened, Scan("client", ("server",), tcp(100, 99 + VERTICAL_PORTS)), rules=OPEN) == ["vertical"]


def test_connections_that_are_wanted_are_none() -> None:
    ports = range(100, 100 + 2 * VERTICAL_PORTS)
    wanted: list[Deed] = []
    for port in ports:
        wanted += [Listen("server", tcp(port), f"s{port}"), Connect("client", "server", tcp(port), f"c{port}")]
    aborted = [Close(f"c{port}", abruptly=True) for port in ports]
    assert kinds(*wanted, *aborted, rules=OPEN) == []


@pytest.mark.parametrize("port", [80, 25])
def test_many_connections_to_one_port_are_none(port: int) -> None:
    tries = [Scan("client", ("server",), tcp(port)) for _ in range(3 * VERTICAL_PORTS)]
    assert kinds(*tries, Connect("client", "server", tcp(port), "again")) == []


def test_vertical_only_within_its_time() -> None:
    paced = VERTICAL_WITHIN / (VERTICAL_PORTS - 1)
    ports = tcp(1000, 999 + VERTICAL_PORTS)
    assert kinds(Scan("client", ("server",), ports, paced * 0.99)) == ["vertical"]
    assert kinds(Scan("client", ("server",), ports, paced * 1.01)) == ["slow"]


def test_slow_at_the_threshold_and_within_its_time() -> None:
    assert kinds(Scan("client", ("server",), tcp(1000, 998 + SLOW_PORTS), 300.0)) == []
    assert kinds(Scan("client", ("server",), tcp(1000, 999 + SLOW_PORTS), 300.0)) == ["slow"]
    assert kinds(Scan("client", ("server",), tcp(1000, 999 + SLOW_PORTS), 1.01 * SLOW_WITHIN / (SLOW_PORTS - 1))) == []


def test_horizontal_at_the_threshold() -> None:
    enough = servers(HORIZONTAL_TARGETS)
    steps = played(firewall(WEB), Scan("client", enough, tcp(445)), servers=HORIZONTAL_TARGETS)
    (scan,) = watched(steps)[0].scans
    assert (scan.kind, scan.ports, len(scan.targets), scan.blocked) == ("horizontal", (445,), HORIZONTAL_TARGETS, 25)
    assert kinds(Scan("client", enough[1:], tcp(445)), servers=HORIZONTAL_TARGETS) == []
    paced = 1.01 * HORIZONTAL_WITHIN / (HORIZONTAL_TARGETS - 1)
    assert kinds(Scan("client", enough, tcp(445), paced), servers=HORIZONTAL_TARGETS) == []


def test_nothing_counts_for_two_scans() -> None:
    everybody = servers(HORIZONTAL_TARGETS)
    assert kinds(Scan("client", everybody, tcp(1000, 1019)), servers=HORIZONTAL_TARGETS) == ["vertical"] * 25
    one_by_one = [Scan("client", everybody, tcp(port)) for port in range(1000, 1020)]
    assert kinds(*one_by_one, servers=HORIZONTAL_TARGETS) == ["horizontal"] * 20


def test_later_scan_of_the_same_is_another_one() -> None:
    scan = Scan("client", ("server",), tcp(1000, 1029))
    assert kinds(scan, Wait(VERTICAL_WITHIN - 2), scan) == ["vertical"]
    assert kinds(scan, Wait(VERTICAL_WITHIN + 2), scan) == ["vertical", "vertical"]


def test_datagrams() -> None:
    steps = played(firewall(WEB), Scan("client", ("server",), udp(1000, 999 + VERTICAL_PORTS)))
    (scan,) = watched(steps)[0].scans
    assert (scan.kind, scan.proto) == ("vertical", UDP)


def answered(late: float) -> list[Deed]:
    """Ask a server from many ports; it answers so late that connection tracking has forgotten who asked."""
    deeds: list[Deed] = [Listen("server", udp(53), "dns")]
    asked = range(2000, 2000 + VERTICAL_PORTS)
    deeds += [Connect("client", "server", udp(53), f"q{port}", source_port=port) for port in asked]
    deeds += [Send(f"q{port}", 10) for port in asked]
    deeds += [Wait(late)]
    return [*deeds, *(Send("dns", 10, to="client", port=udp(port)) for port in asked)]


def test_late_answers_of_a_server_are_no_scan() -> None:
    assert kinds(*answered(60)) == []
    assert kinds(*answered(REPLY_WITHIN + 1)) == ["vertical"]  # blocked, and to ports that nobody speaks of any more


def test_each_packet_costs_the_same() -> None:
    (many,) = played(firewall(OPEN), Scan("client", ("server",), tcp(1, 8000), 0.001))

    def cost(steps: list[Done]) -> float:
        watch, begin = Watch(), time.process_time()
        for done in steps:
            watch.take(done.events)
        return time.process_time() - begin

    (few,) = played(firewall(OPEN), Scan("client", ("server",), tcp(1, 1000), 0.001))
    once = min(cost([few]) for _ in range(3))
    assert min(cost([many]) for _ in range(3)) < 24 * once


def test_without_a_firewall_nobody_watches() -> None:
    assert watched(played(None, Scan("client", ("server",), tcp(1, 100))))[1] == []
