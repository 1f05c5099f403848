"""Trying ports: a packet to each, and what comes back (nmap(1): -sS and -sU).

A SYN that is answered with SYN+ACK: `open`; with a RST, or a UDP datagram with "port unreachable" of the host itself:
`closed`; anything else, and nothing: `filtered`. The scanner's own host answers each SYN+ACK with a RST, as it has no
socket for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from policy.conntrack import Segment, Step
from policy.packet.fields import TCP
from policy.simulate.datagram import ACK, NO_PORT, RST, SYN, UNREACHABLE, Datagram
from policy.simulate.log import Travel
from policy.simulate.machine import Machine
from policy.simulate.network import Network
from policy.simulate.scenario import Ports

WAIT = 1.0
"""So long the last answer is waited for, in seconds."""

_SOURCE_PORT = 61000
"""Outside of the dynamic ports of Linux."""


def scan(
    machine: Machine, network: Network, targets: Sequence[int], ports: Ports, pace: float
) -> dict[tuple[int, int], str]:
    """Return what was found, by address and port."""
    found: dict[tuple[int, int], str] = {}

    def heard(_: Travel, datagram: Datagram) -> None:
        step = datagram.step
        if step.about is not None:
            own = step.src == step.about.dst and step.icmp == (UNREACHABLE[step.family], NO_PORT[step.family])
            said = "closed" if own and not datagram.refused else "filtered"
            found.setdefault((step.about.dst, step.about.dport), said)
        elif step.proto == TCP and step.flags & ACK and step.dport == _SOURCE_PORT:
            said = "closed" if step.flags & RST else "open"
            found.setdefault((step.src, step.sport), said)
        elif step.proto == ports.proto and step.dport == _SOURCE_PORT:
            found.setdefault((step.src, step.sport), "open")

    machine.listener = heard
    for target in targets:
        source = machine.routes.source(target)
        for port in range(ports.first, ports.last + 1):
            if source is not None:
                machine.send(_probe(ports.proto, source, target, port))
            network.run(network.now + pace)
    network.run(network.now + WAIT)
    machine.listener = None
    for target in targets:
        for port in range(ports.first, ports.last + 1):
            found.setdefault((target, port), "filtered")
    return found


def _probe(proto: int, source: int, target: int, port: int) -> Step:
    if proto == TCP:
        return Step(TCP, source, target, _SOURCE_PORT, port, SYN, Segment(1, None, window=1024))
    return Step(proto, source, target, _SOURCE_PORT, port)
