"""Hosts on links, and the time: datagrams come to the next host when the delay of their link is over."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import count
from typing import Protocol

from policy.simulate.datagram import Datagram
from policy.simulate.log import Event, Fate, Hop, Travel
from policy.simulate.scenario import Scenario
from policy.simulate.topology import plugs

Action = Callable[[], None]


class Receiver(Protocol):
    """A host that datagrams come to."""

    @property
    def name(self) -> str: ...

    def arrive(self, travel: Travel, datagram: Datagram, entering: str) -> None:
        """Take a datagram that comes in by an interface."""


class Network:
    """All hosts of a scenario, and what is under way between them.

    *now* is in seconds from the beginning. `run` does what is to be done up to a time, in the order of times; what is
    at the same time is done in the order in which it was planned.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.now = 0.0
        self.log: list[Event] = []
        self._plugs = plugs(scenario)
        self._neighbours: dict[tuple[str, int], tuple[Receiver, str]] = {}
        self._planned: list[tuple[float, int, bool, Action]] = []
        self._order = count()
        self._numbers = count(1)
        self._flying = 0

    def plug(self, machine: Receiver, interface: str, address: int) -> None:
        """Let a host be found under an address on the link of one of its interfaces."""
        link = self._plugs.get((machine.name, interface))
        if link is not None:
            self._neighbours[link.name, address] = (machine, interface)

    # Time

    def plan(self, seconds: float, action: Action, *, flying: bool = False) -> None:
        """Let something be done later; *flying*: a datagram arrives then."""
        self._flying += flying
        heapq.heappush(self._planned, (self.now + seconds, next(self._order), flying, action))

    def run(self, until: float, enough: Callable[[], bool] = lambda: False) -> bool:
        """Do what is planned up to a time, or until that is *enough*; is it enough?"""
        while not enough():
            if not self._planned or self._planned[0][0] > until:
                self.now = max(self.now, until)
                return enough()
            self._next()
        return True

    def settle(self) -> None:
        """Let all datagrams arrive that are under way."""
        while self._flying:
            self._next()

    def _next(self) -> None:
        at, _, flying, action = heapq.heappop(self._planned)
        self._flying -= flying
        self.now = max(self.now, at)
        action()

    # Datagrams

    def begin(self, datagram: Datagram, sender: str, again: int = 0, answers: Travel | None = None) -> Travel:
        """Note that a host sends a datagram."""
        number = next(self._numbers)
        travel = Travel(
            number, self.now, datagram, sender, again=again, answers=None if answers is None else answers.number
        )
        self.log.append(travel)
        return travel

    def carry(self, travel: Travel, datagram: Datagram, host: str, interface: str, to: int) -> bool:
        """Bring a datagram to the neighbour on a link that has an address; is there one?"""
        link = self._plugs.get((host, interface))
        found = None if link is None else self._neighbours.get((link.name, to))
        if link is None or found is None:
            return False
        machine, entering = found
        self.plan(link.delay, lambda: machine.arrive(travel, datagram, entering), flying=True)
        return True

    def end(self, travel: Travel, fate: Fate, receiver: str | None = None) -> None:
        """Note what became of a datagram."""
        travel.fate, travel.end, travel.receiver = fate, self.now, receiver

    def hop(self, travel: Travel, hop: Hop) -> None:
        """Note where a datagram came to."""
        travel.hops.append(hop)

    def travels(self) -> Iterator[Travel]:
        """Yield all datagrams, in the order in which they were sent."""
        return (each for each in self.log if isinstance(each, Travel))
