"""What comes from outside: packets that open connections, from where nothing is to be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from policy._record import dataclass
from policy.check.settings import Settings
from policy.ir import EVERYTHING, NOTHING, Field, Match, Not, Ruleset, walk
from policy.packet import Intervals, Names
from policy.sets.layout import Layout
from policy.sets.regions import Region
from policy.sets.truth import N, S, Sets

_FILE = Path(__file__).with_name("data") / "interfaces.tsv"
_LO = "lo"


@cache
def named(side: str) -> Names:
    """Return the names of interfaces that say that they lie on a side: `inside` or `outside`."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return Names.of(*(row[0] for row in rows if row[1] == side))


@dataclass(frozen=True, slots=True)
class Outside:
    """Where outside is: the packets that come from there, and those that leave to there.

    *known*: does the configuration say it, or the name of an interface? Else *comes* are the packets of an interface
    that no rule names, and any other may lead outside too, but for those of *inside*.
    """

    comes: Match
    leaves: Match
    known: bool
    inside: Names

    def doubtful(self, layout: Layout) -> list[Intervals]:
        """Return the interfaces that rules name and that may lead outside or not, each by the number of its atom."""
        if self.known:
            return []
        atoms = enumerate(layout.atoms.all)
        return [Intervals.of(n) for n, atom in atoms if atom.text and not self.inside.covers(Names.of(str(atom)))]

    def whichever(self, sets: Sets[S, N], passing: S) -> S:
        """Return those of the packets *passing* that do whichever of the doubtful interfaces leads outside.

        They are alike in their input interface. What leaves by the interface that it came by does not count: where that
        leads outside, it does not come in.
        """
        found = sets.everything
        for numbers in self.doubtful(sets.layout):
            here = passing
            if "in" in sets.layout.fields:
                here = here & sets.of_match(Region({"in": numbers}).match(sets.layout))
            if "out" in sets.layout.fields:
                here = here - sets.of_match(Region({"out": numbers}).match(sets.layout))
            found = found & here.apart_from("in")
        return found


def outside(ruleset: Ruleset, settings: Settings) -> Outside:
    """Return what is outside of a set of rules.

    It is the untrusted zones. Where no zone is declared to be untrusted it is the interfaces whose names say that they
    lead outside (`wan0`, `ppp0`); where there are none nobody knows (`Outside.whichever`).
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
    names = [name for name in _interfaces(ruleset, "in") if name != "+"]
    return Outside(Not(Field("in", Names.of(*names, _LO))) if names else EVERYTHING, NOTHING, False, trusted)


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
