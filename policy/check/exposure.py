"""What is open to everybody outside: which rules let it in, how much it is, and which notable services are among it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from policy._record import dataclass
from policy.check.services import Notable, notable
from policy.evaluate import Decision, evaluate
from policy.ir import EVERYTHING, Allow, Field, Match, Not, all_of, conjuncts, either_of
from policy.packet import FIELDS, NEW, OUTPUT, Intervals, Names, Packet
from policy.packet.address import ANY_ADDRESS, V4, V6
from policy.packet.fields import TCP, UDP
from policy.packet.special import of_kind, public
from policy.reach import At, Disagreement

if TYPE_CHECKING:
    from policy.check.facts import Facts

Packets = Mapping[int | None, Any]
"""Sets of packets, by hook."""

INTERNET = "the Internet"
ALL_PORTS = 1 << 16
_MANY_PROTOCOLS = 128


class Extent(IntEnum):
    """How much a rule opens to everybody outside."""

    FEW = 0
    """Not more ports than are wide, or nothing."""
    MANY_PORTS = 1
    """More ports than that, of TCP or of UDP."""
    PORTS = 2
    """Nearly all of them."""
    PROTOCOLS = 3
    """Nearly all of them, and most protocols."""
    EVERYTHING = 4
    """The same, to any destination."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where packets come from: *name* it, *sends* are the packets, *whole* its addresses, by family."""

    name: str
    sends: Match
    whole: tuple[Intervals, ...]


def bound(match: Match, name: str) -> Intervals:
    """Return the values of a field that a match allows at most, as its conditions say it (not every condition does)."""
    found = FIELDS[name].domain
    assert isinstance(found, Intervals)
    for part in conjuncts(match):
        if isinstance(part, Field) and part.name == name and isinstance(part.values, Intervals):
            found = found & part.values
    return found


class Exposure:
    """What the rules of *facts* open to everybody outside: to half of the addresses of the Internet, or of a zone."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.origins = tuple(self._origins())
        self._from_outside = either_of(*(origin.sends for origin in self.origins))
        self._packets: dict[At, dict[int | None, Any]] = {}
        self._extents: dict[At, Extent] = {}

    def _origins(self) -> Iterator[Origin]:
        zones = [zone for zone in self._facts.settings.zones if zone.untrusted]
        for zone in zones:
            if zone.addresses is not None:
                yield Origin(f"anywhere in `{zone.name}`", zone.sends, _families(zone.addresses))
        if not zones or any(zone.addresses is None for zone in zones):
            sends = either_of(*(zone.sends for zone in zones if zone.addresses is None)) if zones else EVERYTHING
            # No router of the Internet delivers what is for these.
            beyond = of_kind("multicast", "linklocal", "loopback", "reserved")
            sends = all_of(sends, Field("src", public()), Not(Field("dst", beyond)))
            yield Origin(INTERNET, sends, _families(public()))

    # Packets

    def packets(self, at: At) -> dict[int | None, Any]:
        """Return the packets from outside that a rule lets in (`Facts.exposed`)."""
        if at not in self._packets:
            self._packets[at] = self.sent(self._facts.exposed(at))
        return self._packets[at]

    def sent(self, packets: Packets) -> dict[int | None, Any]:
        """Return those of some packets that come from one of the `origins`."""
        return self.within(packets, self._from_outside)

    def within(self, packets: Packets, match: Match) -> dict[int | None, Any]:
        """Return those of some packets that match."""
        found = {hook: some & self._facts.space(hook).of_match(match) for hook, some in packets.items()}
        return {hook: some for hook, some in found.items() if some}

    def origin(self, packets: Packets, share: float = 0.5) -> Origin | None:
        """Return where some packets come from, from a *share* of the addresses at least at one hook; None: nowhere."""
        for origin in self.origins:
            for some in self.within(packets, origin.sends).values():
                if _is_share(some.values("src"), origin.whole, share):
                    return origin
        return None

    def ports(self, packets: Packets, protocol: int) -> Intervals:
        """Return the ports of a protocol that some packets are for, where everybody sends such ones."""
        mine = self.within(packets, Field("proto", Intervals.of(protocol)))
        found = Intervals()
        if mine and self.origin(mine):
            for some in mine.values():
                found |= some.values("dport")
        return found

    def services(self, packets: Packets, match: Match = EVERYTHING, group: str | None = None) -> list[Notable]:
        """Return the notable services that everybody outside reaches with some packets, which all meet *match*.

        Each has those of its ports that are open.
        """
        protocols, ports = bound(match, "proto"), bound(match, "dport")
        found = []
        for each in notable():
            if group in (None, each.group) and each.protocol in protocols and ports.meets(each.ports):
                mine = self.within(packets, each.match)
                if mine and self.origin(mine):
                    open_ = Intervals.of(*(pair for some in mine.values() for pair in some.values("dport").ranges))
                    found.append(replace(each, ports=open_))
        return found

    @staticmethod
    def may_serve(match: Match, group: str | None = None) -> bool:
        """May a notable service be among the packets of a match, as it is written?"""
        protocols, ports = bound(match, "proto"), bound(match, "dport")
        return any(
            group in (None, each.group) and each.protocol in protocols and ports.meets(each.ports) for each in notable()
        )

    # Rules

    def candidates(self) -> Iterator[At]:
        """Yield the rules that, as they are written, may open something to everybody outside."""
        for at in self._facts.places:
            if self.may_open(at) and self.may_be_wide(at):
                yield at

    def may_open(self, at: At) -> bool:
        """May a rule open something to the outside at all, as it is written?"""
        rule = self._facts.rule(at)
        if not any(isinstance(action, Allow) for action in rule.actions):
            return False
        if NEW not in bound(rule.match, "state") or self._facts.met.get(at[0], ()) in ((), (OUTPUT,)):
            return False
        return self._facts.outside.known or not any(_is_named_interface(part) for part in conjuncts(rule.match))

    def may_be_wide(self, at: At) -> bool:
        """May everybody outside be among the sources of a rule, as it is written?"""
        sources = bound(self._facts.rule(at).match, "src")
        return sources == ANY_ADDRESS or any(_is_share(sources, origin.whole, 0.5) for origin in self.origins)

    def extent(self, at: At) -> Extent:
        """Return how much a rule opens to everybody outside."""
        if at not in self._extents:
            wide = self._facts.settings.wide_ports
            few = bound(self._facts.rule(at).match, "dport").size <= wide
            self._extents[at] = Extent.FEW if few else self._extent(at, wide)
        return self._extents[at]

    def _extent(self, at: At, wide: int) -> Extent:
        packets = self.packets(at)
        most = max(self.ports(packets, protocol).size for protocol in (TCP, UDP))
        if most <= ALL_PORTS - wide:
            return Extent.MANY_PORTS if most > wide else Extent.FEW
        if max(some.values("proto").size for some in packets.values()) < _MANY_PROTOCOLS:
            return Extent.PORTS
        match = self._facts.rule(at).match
        narrow = any(isinstance(part, Field) and part.name == "out" for part in conjuncts(match))
        whole = _families(public())
        if narrow or not any(_is_share(some.values("dst"), whole, 0.5) for some in packets.values()):
            return Extent.PROTOCOLS
        return Extent.EVERYTHING

    # Words and examples

    def region(self, packets: Packets) -> str | None:
        """Return some packets in words, without what all that come from outside have."""
        return self._facts.region(packets, within=self.sent({hook: self._facts.arriving(hook) for hook in packets}))

    def example(self, packets: Packets, at: At | None, guess: Match = EVERYTHING) -> Packet | None:
        """Return one of some packets, sent through the evaluator; *at* is the rule that lets them in, if one does."""
        facts = self._facts
        match = EVERYTHING if at is None else facts.rule(at).match
        packet = facts.usual(packets, all_of(match, guess, Field("src", public()), Field("state", Intervals.of(NEW))))
        packet = packet or next((found for some in packets.values() if (found := some.example()) is not None), None)
        if packet is None:
            return None
        *_, last = evaluate(facts.ruleset, packet, index=facts.index)
        if not (isinstance(last, Decision) and last.verdict == "allow"):
            raise Disagreement(f"sets and evaluator disagree about {dict(packet.values)}, which is let in")
        return packet if at is None else facts.replayed(packets.values(), [facts.rule(at)], packet)


def _families(addresses: Intervals) -> tuple[Intervals, ...]:
    return tuple(cut for family in (V4, V6) if (cut := addresses & family))


def _is_share(values: Intervals, wholes: tuple[Intervals, ...], share: float) -> bool:
    return any((values & whole).size >= share * whole.size for whole in wholes)


def _is_named_interface(part: Match) -> bool:
    """Does a condition ask for interfaces by their names?"""
    return (
        isinstance(part, Field)
        and part.name == "in"
        and isinstance(part.values, Names)
        and not part.values.negated
        and "" not in part.values.prefixes
    )
