"""What comes from outside: packets that open connections, from where nothing is to be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Generic

from policy._record import dataclass
from policy.check.settings import Settings
from policy.check.tables import rows
from policy.ir import EVERYTHING, NOTHING, Field, Match, Ruleset, walk
from policy.packet import OUTPUT, Intervals, Names
from policy.reach.first import first_packets
from policy.reach.flow import Flow
from policy.sets.layout import Layout
from policy.sets.regions import Region
from policy.sets.truth import N, S, Sets

_LO = "lo"


@cache
def named(side: str) -> Names:
    """Return the names of interfaces that say that they lie on a side: `inside` or `outside`."""
    return Names.of(*(name for name, where, *_ in rows("interfaces.tsv") if where == side))


@dataclass(frozen=True, slots=True)
class Outside:
    """Where outside is: the packets that come from there, and those that leave to there.

    *known*: does the configuration say it, or the name of an interface? Else any interface may lead outside that is
    not one of *inside*.
    """

    comes: Match
    leaves: Match
    known: bool
    inside: Names

    def doubtful(self, layout: Layout) -> list[Intervals]:
        """Return the interfaces that may lead outside or not, each by the number of its atom; first: any not named."""
        atoms = reversed(list(enumerate(layout.atoms.all)))
        return [Intervals.of(n) for n, atom in atoms if not atom.text or not self.inside.covers(Names.of(str(atom)))]


class Gate(Generic[S]):
    """Where nobody says which interface leads outside: what passes whichever does.

    *open* are those of the packets *passing* that do so by every interface that may lead outside, alike in the one that
    they come by. What leaves by that interface does not count: where it leads outside, it does not come in. *front* is
    the interface by which least passes, by the number of its atom: most probably this is the one.
    """

    def __init__(self, sets: Sets[S, N], passing: S, doubtful: Sequence[Intervals]) -> None:
        layout = sets.layout
        self.open = sets.everything
        self.front = doubtful[0]
        least: int | None = None
        for numbers in doubtful if len(doubtful) > 1 else ():
            here = passing
            if "in" in layout.fields:
                here = here & sets.of_match(Region({"in": numbers}).match(layout))
            if "out" in layout.fields and numbers != doubtful[0]:
                here = here - sets.of_match(Region({"out": numbers}).match(layout))
            here = here.apart_from("in")
            self.open = self.open & here
            if least is None or here.count() < least:
                self.front, least = numbers, here.count()


class Arrivals(Generic[S, N]):
    """What comes from *outside*, in the spaces of some rules, and *flow*: all packets through the rules of a hook."""

    def __init__(
        self, outside: Outside, space: Callable[[int | None], Sets[S, N]], flow: Callable[[int | None], Flow[S, N]]
    ) -> None:
        self._outside = outside
        self._space = space
        self._flow = flow
        self._arriving: dict[int | None, S] = {}
        self._gates: dict[int | None, Gate[S]] = {}

    def arriving(self, hook: int | None) -> S:
        """Return the packets from outside that open connections (`Facts.arriving`)."""
        if hook not in self._arriving:
            sets = self._space(hook)
            found = sets.nothing
            if hook != OUTPUT:
                found = sets.of_match(first_packets(sets.layout)) & sets.of_match(self._outside.comes)
                found = found - sets.of_match(self._outside.leaves)
                if not self._outside.known and "in" in sets.layout.fields:
                    found = found & sets.of_match(Region({"in": self._gate(hook).front}).match(sets.layout))
            self._arriving[hook] = found
        return self._arriving[hook]

    def reachable(self, hook: int | None) -> S:
        """Return those that pass whichever interface leads outside (`Facts.reachable`)."""
        return self.arriving(hook) if self._outside.known else self.arriving(hook) & self._gate(hook).open

    def _gate(self, hook: int | None) -> Gate[S]:
        if hook not in self._gates:
            sets = self._space(hook)
            doubtful = self._outside.doubtful(sets.layout)
            passing = sets.nothing
            if len(doubtful) > 1:
                passing = self._flow(hook).allowed & sets.of_match(first_packets(sets.layout))
            self._gates[hook] = Gate(sets, passing, doubtful)
        return self._gates[hook]


def outside(ruleset: Ruleset, settings: Settings) -> Outside:
    """Return what is outside of a set of rules.

    It is the untrusted zones. Where no zone is declared to be untrusted it is the interfaces whose names say that they
    lead outside (`wan0`, `ppp0`); where there are none nobody knows (`Gate`).
    """
    zones = [zone for zone in settings.zones if zone.untrusted]
    inside = [zone.interfaces for zone in settings.zones if not zone.untrusted and zone.interfaces is not None]
    trusted = _united(named("inside"), Names.of(_LO), *inside)
    told = settings.untrusted
    if told is not None:
        interfaces = [zone.interfaces for zone in zones if zone.interfaces is not None]
        return Outside(told, Field("out", _united(*interfaces)) if interfaces else NOTHING, True, trusted)
    spoken = sorted({*_interfaces(ruleset, "in"), *_interfaces(ruleset, "out")})
    wild = [name for name in spoken if named("outside").covers(Names.of(name))]
    if wild:
        return Outside(Field("in", Names.of(*wild)), Field("out", Names.of(*wild)), True, trusted)
    return Outside(EVERYTHING, NOTHING, False, trusted)


def _united(*names: Names) -> Names:
    exact = frozenset[str]().union(*(each.exact for each in names))
    return Names(exact, frozenset[str]().union(*(each.prefixes for each in names)))


def _interfaces(ruleset: Ruleset, field: str) -> Iterator[str]:
    """Yield the interfaces that rules name, as in iptables: with `+` for any ending."""
    for policy in ruleset.policies.values():
        for rule in policy.rules:
            for part in walk(rule.match):
                if isinstance(part, Field) and part.name == field and isinstance(part.values, Names):
                    yield from sorted(part.values.exact)
                    yield from sorted(f"{prefix}+" for prefix in part.values.prefixes)
