"""What is open to everybody outside: which rules let it in, how much it is, and which notable services are among it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import IntEnum
from functools import cached_property
from itertools import chain
from typing import Any

from policy._record import dataclass
from policy.check.facts import Facts
from policy.check.services import Notable, notable
from policy.check.source_ports import is_about_source_ports, trusts_source_port
from policy.check.traffic import bound
from policy.evaluate import decide
from policy.ir import EVERYTHING, Allow, Field, Match, Not, all_of, conjuncts, either_of
from policy.packet import NEW, OUTPUT, Intervals, Packet
from policy.packet.address import ANY_ADDRESS, V4, V6
from policy.packet.fields import TCP, UDP
from policy.packet.special import of_kind, public
from policy.reach import At, Disagreement
from policy.sets.layout import DECIDING

Packets = Mapping[int | None, Any]
"""Sets of packets, by hook."""

INTERNET = "the Internet"
ALL_PORTS = 1 << 16
HALF = 0.5
"""Who comes from so many of the addresses of an origin comes from everywhere there."""

NEARLY_ALL = 0.9
"""Of so many it need not be said how many they are."""

_PROTOCOLS = Intervals.of((0, 255))
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
    """Where packets come from: *name* it, *sends* are the packets, *whole* its addresses, by family.

    *within*: the name of it where only a part of it is meant.
    """

    name: str
    within: str
    sends: Match
    whole: tuple[Intervals, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The protocols and the destination ports that a match allows at most, as it is written."""

    protocols: Intervals
    ports: Intervals

    @staticmethod
    def by(match: Match) -> Asked:
        """Return those of a match."""
        return Asked(bound(match, "proto"), bound(match, "dport"))

    def may_serve(self, service: Notable) -> bool:
        """May packets of a service be among those that match?"""
        return service.protocol in self.protocols and self.ports.meets(service.ports)


ANYTHING = Asked.by(EVERYTHING)


class Exposure:
    """What the rules of *facts* open to everybody outside: to half of the addresses of the Internet, or of a zone.

    Checks have it from `facts.once(Exposure)`.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.origins = tuple(self._origins())
        self._from_outside = either_of(*(origin.sends for origin in self.origins))
        self._packets: dict[At, dict[int | None, Any]] = {}
        self._matching: dict[tuple[int | None, Match], Any] = {}
        self._extents: dict[At, Extent] = {}
        self._asked: dict[At, Asked] = {}

    def _origins(self) -> Iterator[Origin]:
        zones = [zone for zone in self._facts.settings.zones if zone.untrusted]
        for zone in zones:
            if zone.addresses is not None:
                yield Origin(f"anywhere in `{zone.name}`", f"`{zone.name}`", zone.sends, _families(zone.addresses))
        if not zones or any(zone.addresses is None for zone in zones):
            sends = either_of(*(zone.sends for zone in zones if zone.addresses is None)) if zones else EVERYTHING
            # No router of the Internet delivers what is for these.
            beyond = of_kind("multicast", "linklocal", "loopback", "reserved")
            sends = all_of(sends, Field("src", public()), Not(Field("dst", beyond)))
            yield Origin(INTERNET, INTERNET, sends, _families(public()))

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
        found = {}
        for hook, some in packets.items():
            if (hook, match) not in self._matching:
                self._matching[hook, match] = self._facts.space(hook).of_match(match)
            if both := some & self._matching[hook, match]:
                found[hook] = both
        return found

    def origin(self, packets: Packets, share: float = HALF) -> Origin | None:
        """Return where some packets come from, from a *share* of the addresses at least at one hook; None: nowhere."""
        for origin in self.origins:
            for some in self.within(packets, origin.sends).values():
                if any(some.count_values("src", whole) >= share * whole.size for whole in origin.whole):
                    return origin
        return None

    def sender(self, packets: Packets) -> str:
        """Say where packets that have an `origin` come from, and from how much of it, where that is not all."""
        origin = self.origin(packets)
        assert origin is not None
        mine = self.within(packets, origin.sends).values()
        share = max(some.count_values("src", whole) / whole.size for some in mine for whole in origin.whole)
        return origin.name if share >= NEARLY_ALL else f"{math.floor(100 * share)} % of {origin.within}"

    def ports(self, packets: Packets, protocol: int) -> Intervals:
        """Return the ports of a protocol that some packets are for, where everybody sends such ones."""
        mine = self.within(packets, Field("proto", Intervals.of(protocol)))
        found = Intervals()
        if mine and self.origin(mine):
            for hook, some in mine.items():
                found |= self._ports_of_all(hook, some)
        return found

    def _ports_of_all(self, hook: int | None, some: Any) -> Intervals:
        """Return the ports that the senders of some packets reach, all of them alike or nearly so."""
        space = self._facts.space(hook)
        ports: Intervals = some.values("dport")
        kept = {"src", "dport", *DECIDING}
        pairs = some.apart_from(*(name for name in space.layout.fields if name not in kept), "dst")
        missing = (pairs.apart_from("dport") & space.of_match(Field("dport", ports))) - pairs
        if missing and not self.origin({hook: some - missing.apart_from("dport")}):
            ports -= missing.values("dport")
        return ports

    def services(self, packets: Packets, asked: Asked = ANYTHING, group: str | None = None) -> list[Notable]:
        """Return the notable services that everybody outside reaches with some packets of those *asked* for.

        Each has those of its ports that are open.
        """
        found = []
        for each in notable():
            if group in (None, each.group) and asked.may_serve(each):
                mine = self.within(packets, each.match)
                if mine and self.origin(mine):
                    open_ = Intervals.of(*(pair for some in mine.values() for pair in some.values("dport").ranges))
                    found.append(replace(each, ports=open_))
        return found

    # Rules

    def asked(self, at: At) -> Asked:
        """Return which protocols and ports packets have, as they arrive, that a rule asks for."""
        if at not in self._asked:
            asked = Asked.by(self._facts.rule(at).match)
            if any(ground.changed(at[0], ("dport",)) for ground in self._facts.grounds):
                asked = replace(asked, ports=ANYTHING.ports)
            self._asked[at] = asked
        return self._asked[at]

    @cached_property
    def candidates(self) -> tuple[At, ...]:
        """The rules that, as they are written, may open something to everybody outside.

        Without those that are about source ports: FW407 says what is to be said of them, and replies need them.
        """
        return tuple(at for at in self.may_open(HALF) if not is_about_source_ports(self._facts.rule(at)))

    def may_open(self, share: float) -> Iterator[At]:
        """Yield the rules that, as they are written, may open something to such a share of what is outside."""
        for at in self._facts.places:
            rule = self._facts.rule(at)
            if (
                any(isinstance(action, Allow) for action in rule.actions)
                and self.is_wide(bound(rule.match, "src"), share)
                and NEW in bound(rule.match, "state")
                and any(hook != OUTPUT for hook in self._facts.met.get(at[0], ()))
            ):
                yield at

    def by_source_port(self, at: At) -> Packets:
        """Return what a rule lets in for its source port, if everybody outside can send it; else nothing."""
        rule = self._facts.rule(at)
        if not trusts_source_port(rule) or not self.is_wide(bound(rule.match, "src")):
            return {}
        packets = self.packets(at)
        return packets if self.origin(packets) else {}

    def is_wide(self, sources: Intervals, share: float = HALF) -> bool:
        """Are so many addresses of one of the origins among some sources?"""
        wholes = [whole for origin in self.origins for whole in origin.whole]
        return sources == ANY_ADDRESS or any((sources & whole).size >= share * whole.size for whole in wholes)

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
        if not self._are_many_protocols(packets):
            return Extent.PORTS
        narrow = any(isinstance(part, Field) and part.name == "out" for part in conjuncts(self._facts.rule(at).match))
        return Extent.EVERYTHING if _goes_everywhere(packets) and not narrow else Extent.PROTOCOLS

    def is_everything(self, packets: Packets) -> bool:
        """Are most protocols among some packets, with nearly all ports of TCP or UDP, for half of the Internet?"""
        least = ALL_PORTS - self._facts.settings.wide_ports
        ports = [
            some.values("dport").size
            for protocol in (TCP, UDP)
            for some in self.within(packets, Field("proto", Intervals.of(protocol))).values()
        ]
        return max(ports, default=0) > least and self._are_many_protocols(packets) and _goes_everywhere(packets)

    @staticmethod
    def _are_many_protocols(packets: Packets) -> bool:
        return any(some.count_values("proto", _PROTOCOLS) >= _MANY_PROTOCOLS for some in packets.values())

    # Words and examples

    def region(self, packets: Packets, guess: Match | None = None) -> str | None:
        """Return some packets, which all meet *guess*, in words, without what all that come from outside have."""
        within = self.sent({hook: self._facts.arriving(hook) for hook in packets})
        return self._facts.region(packets, guess, within)

    def example(self, packets: Packets, at: At | None, guess: Match = EVERYTHING) -> Packet | None:
        """Return one of some packets that the evaluator lets in; *at* is the rule that does, if one does.

        None where it says of those that were tried that unknowns decide. Raises `Disagreement` where it blocks one.
        """
        facts = self._facts
        match = EVERYTHING if at is None else facts.rule(at).match
        usual = facts.usual(packets, all_of(match, guess, Field("src", public()), Field("state", Intervals.of(NEW))))
        # The usual packet leaves open what is not known of packets, such as their length; the others do not.
        for packet in chain((usual,), (some.example() for some in packets.values())):
            if packet is None:
                continue
            last = decide(facts.ruleset, packet, index=facts.index)
            if last.verdict == "allow":
                return packet if at is None else facts.replayed(packets.values(), [facts.rule(at)], packet)
            if last.verdict == "block":
                raise Disagreement(f"sets and evaluator disagree about {dict(packet.values)}, which is let in")
        return None


def _families(addresses: Intervals) -> tuple[Intervals, ...]:
    return tuple(cut for family in (V4, V6) if (cut := addresses & family))


def _goes_everywhere(packets: Packets) -> bool:
    """Is half of the Internet among the destinations?"""
    sets = [(some, whole) for some in packets.values() for whole in _families(public())]
    return any(some.count_values("dst", whole) >= HALF * whole.size for some, whole in sets)
