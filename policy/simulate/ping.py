"""The echoes that a host asks for, and what comes back (ping(8))."""

from __future__ import annotations

from policy.conntrack import Segment, Step
from policy.packet.address import family_of
from policy.packet.fields import ICMP, ICMP6
from policy.simulate.datagram import ECHO, ECHO_REPLY, Datagram
from policy.simulate.failure import Failure
from policy.simulate.log import Travel
from policy.simulate.machine import PATIENCE, Machine

WAIT = PATIENCE + 1.0
"""So long an echo is waited for, in seconds: until a router has given up to ask for a neighbour, and a bit longer."""

_SIZE = 56


class Pings:
    """The sockets of a host that wait for echoes: they hear of all errors (raw(7), IP_RECVERR)."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.heard: dict[int, Failure | None] = {}
        """What came back, by the identifier of the echo; None: what was asked for."""

    def send(self, identifier: int, source: int, to: int) -> Failure | None:
        """Ask for an echo; return why that is not possible."""
        family = family_of(to)
        proto = ICMP if family == 4 else ICMP6
        request = Step(proto, source, to, icmp=ECHO[family], identifier=identifier, segment=Segment(length=_SIZE))
        code = self.machine.send(request)
        return None if code is None else Failure(code)

    def take(self, travel: Travel, datagram: Datagram) -> bool:  # noqa: ARG002 (as `Transport` has it)
        """Take an answer."""
        step = datagram.step
        if step.icmp == ECHO_REPLY[step.family]:
            self.heard.setdefault(step.identifier, None)
        return True

    def fail(self, travel: Travel, step: Step, code: str, hard: bool) -> bool:  # noqa: ARG002 (as `Transport` has it)
        """Be told of an ICMP error about an echo that was asked for."""
        if step.icmp == ECHO[step.family]:
            self.heard.setdefault(step.identifier, Failure(code, travel))
        return True
