"""Scans, as the firewalls of a scenario see them.

    watch = Watch()
    for done in play(scenario):
        watch.take(done.events)
    watch.scans

Only attempts that find nothing make a scan: what a firewall refuses, what nobody listens to, and connections that are
given up as soon as they are answered. Whoever opens many connections that are wanted scans nothing. So counts Zeek
(policy/misc/scan.zeek: "failed connections"), and Snort's sfportscan says why: those who know what they want seldom
get a no.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.simulate.activity import Activity, Attempt
from policy.simulate.log import Event
from policy.simulate.window import Mark, Window

VERTICAL_PORTS, VERTICAL_WITHIN = 15, 300.0
"""So many ports of one target within so many seconds (Zeek: port_scan_threshold, port_scan_interval)."""

HORIZONTAL_TARGETS, HORIZONTAL_WITHIN = 25, 300.0
"""So many targets at one port within so many seconds (Zeek: addr_scan_threshold, addr_scan_interval)."""

SLOW_PORTS, SLOW_WITHIN = 15, 86400.0
"""So many ports of one target within a day. The slowest that nmap goes by itself is a port in five minutes (`-T0`):
that stays below the rate of a vertical scan, and tries 15 ports in 70 minutes. There is no such number for targets: a
host that sends mail fails at as many others on a usual day."""

Kind = Literal["vertical", "horizontal", "slow"]
"""Many ports of one target, one port of many targets, many ports of one target over a long time."""

_WITHIN: dict[Kind, float] = {"vertical": VERTICAL_WITHIN, "horizontal": HORIZONTAL_WITHIN, "slow": SLOW_WITHIN}
_Whose = tuple[str, int, int]
"""The host of a firewall, a source and a protocol."""


@dataclass(slots=True, eq=False)
class Scan:
    """A scan that the firewall of a *host* saw, from *begin* to *end*; it grows as long as it goes on.

    *outcomes* are the ports of targets that were tried, and whether the firewall let that through the last time;
    *blocked* and *allowed* count them.
    """

    kind: Kind
    host: str
    source: int
    proto: int
    begin: float
    end: float
    outcomes: dict[tuple[int, int], bool] = field(default_factory=dict)
    blocked: int = 0
    allowed: int = 0

    @property
    def targets(self) -> tuple[int, ...]:
        """The addresses that were tried, from the lowest."""
        return tuple(sorted({target for target, _ in self.outcomes}))

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that were tried, from the lowest."""
        return tuple(sorted({port for _, port in self.outcomes}))

    def add(self, target: int, port: int, mark: Mark) -> None:
        """Let another attempt be part of it."""
        was = self.outcomes.get((target, port))
        self.allowed += mark.allowed - (was is True)
        self.blocked += (not mark.allowed) - (was is False)
        self.outcomes[target, port] = mark.allowed
        self.begin, self.end = min(self.begin, mark.first), max(self.end, mark.last)


class Watch:
    """Takes the log of a scenario piece by piece; each packet costs the same, however many came before.

    *scans* are those that were recognised, in that order. What is part of one is not counted for another.
    """

    def __init__(self) -> None:
        self.scans: list[Scan] = []
        self._activity = Activity()
        self._targets: dict[tuple[_Whose, int], tuple[Window, Window]] = {}
        self._ports: dict[tuple[_Whose, int], Window] = {}
        self._deep: dict[tuple[_Whose, int], Scan] = {}
        self._wide: dict[tuple[_Whose, int], Scan] = {}

    def take(self, events: Iterable[Event]) -> list[Attempt]:
        """Take what happened next, in order; return the ports that were tried, as each firewall saw it."""
        found: list[Attempt] = []
        for attempt in self._activity.take(events):
            if attempt.given_up is None:
                found.append(attempt)
            self._count(attempt)
        return found

    def _count(self, attempt: Attempt) -> None:
        whose = (attempt.host, attempt.source, attempt.proto)
        target, port = attempt.target, attempt.port
        at = attempt.at if attempt.given_up is None else attempt.given_up
        for going, key in ((self._deep, (whose, target)), (self._wide, (whose, port))):
            scan = going.get(key)
            if scan is not None and at - scan.end <= _WITHIN[scan.kind]:
                scan.add(target, port, Mark(at, at, attempt.allowed, attempt.found))
                return
        quick, slow = self._targets.setdefault((whose, target), (Window(VERTICAL_WITHIN), Window(SLOW_WITHIN)))
        wide = self._ports.setdefault((whose, port), Window(HORIZONTAL_WITHIN))
        for window, what in ((quick, port), (slow, port), (wide, target)):
            window.put(what, at, allowed=attempt.allowed, found=attempt.found)
        if quick.missed >= VERTICAL_PORTS:
            self._down(whose, target, "vertical", quick)
        elif slow.missed >= SLOW_PORTS:
            self._down(whose, target, "slow", slow)
        elif wide.missed >= HORIZONTAL_TARGETS:
            self._across(whose, port, wide)

    def _down(self, whose: _Whose, target: int, kind: Kind, window: Window) -> None:
        """Recognise a scan of the ports of a target."""
        scan = self._deep[whose, target] = self._scan(kind, whose, window)
        for port, mark in window.marks.items():
            scan.add(target, port, mark)
            if (other := self._ports.get((whose, port))) is not None:
                other.drop(target)
        del self._targets[whose, target]

    def _across(self, whose: _Whose, port: int, window: Window) -> None:
        """Recognise a scan of a port of many targets."""
        scan = self._wide[whose, port] = self._scan("horizontal", whose, window)
        for target, mark in window.marks.items():
            scan.add(target, port, mark)
            for each in self._targets.get((whose, target), ()):
                each.drop(port)
        del self._ports[whose, port]

    def _scan(self, kind: Kind, whose: _Whose, window: Window) -> Scan:
        begin = next(iter(window.marks.values())).first
        host, source, proto = whose
        self.scans.append(Scan(kind, host, source, proto, begin, begin))
        return self.scans[-1]
