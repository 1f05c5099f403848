"""The UDP of a host: datagram sockets (udp(7))."""

from __future__ import annotations

from collections import deque

from policy._record import dataclass
from policy.conntrack import Segment, Step
from policy.packet.fields import UDP
from policy.simulate.datagram import Datagram
from policy.simulate.failure import Failure
from policy.simulate.log import Travel
from policy.simulate.machine import Machine
from policy.sockets import Endpoint, Socket, SocketTable

LARGEST = 65507
"""Bytes in the largest datagram."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A datagram that waits to be received: how many bytes, what they say if they are text, and whose it is."""

    size: int
    text: str | None
    sender: Endpoint


class Udp:
    """The datagram sockets of a host."""

    def __init__(self, machine: Machine, table: SocketTable) -> None:
        self.machine = machine
        self.table = table
        self._boxes: dict[Socket, deque[Mail]] = {}
        self._failures: dict[Socket, Failure] = {}
        self.last: dict[Socket, Endpoint] = {}
        """Who sent the last datagram that a socket has received."""

    def send(self, socket: Socket, to: Endpoint, source: int, size: int, text: str | None) -> Failure | None:
        """Send a datagram; return why that is not possible, or what became of an earlier one (ICMP)."""
        if (failure := self._failures.pop(socket, None)) is not None:
            return failure
        if size > LARGEST:
            return Failure("EMSGSIZE")
        assert socket.local is not None
        assert to.address is not None
        own = source if socket.local.address is None else socket.local.address
        numbers = Segment(length=size)
        step = Step(UDP, own, to.address, socket.local.port, to.port, segment=numbers)
        code = self.machine.send(step, text)
        return None if code is None else Failure(code)

    def received(self, socket: Socket) -> Mail | Failure | None:
        """Take what has come, or what went wrong; None: nothing."""
        if (failure := self._failures.pop(socket, None)) is not None:
            return failure
        box = self._boxes.get(socket)
        if not box:
            return None
        mail = box.popleft()
        self.last[socket] = mail.sender
        return mail

    def waits(self, socket: Socket) -> bool:
        """Has something come for a socket, or gone wrong?"""
        return bool(self._boxes.get(socket)) or socket in self._failures

    def take(self, travel: Travel, datagram: Datagram) -> bool:  # noqa: ARG002 (as `Transport` has it)
        """Take a datagram; does anybody want it?"""
        step = datagram.step
        socket = self.table.found(UDP, step.src, step.sport, step.dst, step.dport)
        if socket is None:
            return False
        sender = Endpoint(step.src, step.sport)
        self._boxes.setdefault(socket, deque()).append(Mail(step.segment.length, datagram.data, sender))
        return True

    def fail(self, travel: Travel, step: Step, code: str, hard: bool) -> bool:
        """Be told of an ICMP error; a socket that is connected is told, if the error is a hard one."""
        socket = self.table.found(UDP, step.dst, step.dport, step.src, step.sport)
        if socket is None or socket.state != "connected" or not hard:
            return False
        self._failures[socket] = Failure(code, travel)
        return True
