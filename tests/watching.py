"""Scenarios for the tests of what is watched: an attacker, a gate with rules, and hosts behind it."""

from __future__ import annotations

from collections.abc import Iterable

from policy.app.load import load
from policy.host import own
from policy.packet.address import parse_address
from policy.packet.fields import TCP, UDP
from policy.simulate.play import Done, play
from policy.simulate.scenario import Deed, Firewall, HostSpec, Link, Network, Ports, Scenario, Step, Way
from policy.source import Source

OUTSIDE, INSIDE = parse_address("192.0.2.9"), parse_address("10.0.0.2")


def tcp(first: int, last: int | None = None) -> Ports:
    """Ports of TCP."""
    return Ports(TCP, first, first if last is None else last)


def udp(first: int, last: int | None = None) -> Ports:
    """Ports of UDP."""
    return Ports(UDP, first, first if last is None else last)


def firewall(text: str, *helpers: str, language: str = "nftables", name: str = "gate") -> Firewall:
    """Rules, with the addresses of the gate or of the server."""
    has = {"gate": own("10.0.0.1/24@lan") | own("192.0.2.1/24@wan"), "server": own("10.0.0.2/24@eth0")}[name]
    return Firewall(load(Source(f"{name}.rules", text), language, has), helpers=helpers)


def scenario(
    gate: Firewall | None, deeds: Iterable[Deed], *, servers: int = 1, server: Firewall | None = None
) -> Scenario:
    """`client` (192.0.2.9) – `gate` – `server` (10.0.0.2), `server3` (10.0.0.3) …"""
    near, far = (parse_address(each) for each in ("10.0.0.1", "192.0.2.1"))
    names = ["server", *(f"server{number}" for number in range(3, servers + 2))]
    behind = [
        HostSpec(
            name,
            {"eth0": (Network(INSIDE + number, 24),)},
            ways=(Way(None, near),),
            firewall=server if not number else None,
        )
        for number, name in enumerate(names)
    ]
    hosts = (
        HostSpec("client", {"eth0": (Network(OUTSIDE, 24),)}, ways=(Way(None, far),)),
        HostSpec("gate", {"lan": (Network(near, 24),), "wan": (Network(far, 24),)}, forwards=True, firewall=gate),
        *behind,
    )
    links = (
        Link("net", (("client", "eth0"), ("gate", "wan"))),
        Link("lan", (("gate", "lan"), *((name, "eth0") for name in names))),
    )
    return Scenario("", "", hosts, links, tuple(Step(deed) for deed in deeds))


def played(gate: Firewall | None, *deeds: Deed, servers: int = 1, server: Firewall | None = None) -> list[Done]:
    """Play steps on it."""
    return list(play(scenario(gate, deeds, servers=servers, server=server)))
