"""What the rules of one IP version let in from anywhere at one hook, so that two versions can be compared.

*Anywhere* are the Internet's addresses that no rule names: to the rules they are all the same, and whoever is not known
to the rules has one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Generic

from policy.ir import EVERYTHING, Field, Match, Ruleset, all_of, walk
from policy.packet import PORT_PROTOCOLS, Intervals, Masked
from policy.packet.address import whole
from policy.packet.services import PORTS, Services, both, every_service, without
from policy.packet.special import of_kind, public
from policy.reach.ends import End
from policy.reach.first import first_packets
from policy.reach.flow import Flow
from policy.sets.layout import ADDRESSES, DECIDING
from policy.sets.masks import unmasked
from policy.sets.truth import N, S, Sets

KEPT = ("proto", "dport")
"""The fields that make a service."""


class Side(Generic[S, N]):
    """The first packets of connections of one *family* that come from anywhere, through the rules at a hook.

    *senders* says more of where they come from. *hosts* are the addresses that a service is to be reached at: those of
    the host itself, where they are known and meant, else those of the Internet that no rule names.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        sets: Sets[S, N],
        family: int,
        senders: Match = EVERYTHING,
        hosts: Intervals | None = None,
    ) -> None:
        self.ruleset = ruleset
        self.sets = sets
        self.family = family
        source = Field("src", unnamed(ruleset, "src", family))
        ports = Field("proto", PORT_PROTOCOLS)
        self.packets = sets.of_match(all_of(first_packets(sets.layout), ports, source, senders))
        hosts = hosts & whole(family) if hosts else None
        self._reached = sets.of_match(Field("dst", hosts or unnamed(ruleset, "dst", family)))

    @cached_property
    def flow(self) -> Flow[S, N]:
        """The packets through the rules."""
        return Flow(self.ruleset, self.sets, self.packets, passing=False)

    @cached_property
    def is_empty(self) -> bool:
        """Do rules name all addresses, so that there is nothing to compare?"""
        return not self.packets & self._reached

    @cached_property
    def open(self) -> Services:
        """The services that are surely let in, whichever interface the packets come by."""
        return without(every_service(), services(self.sets, self.packets & self._reached - self.flow.allowed))

    @cached_property
    def closed(self) -> Services:
        """The services that are surely blocked, wherever the packets go."""
        return without(every_service(), services(self.sets, self.packets - self.flow.blocked))

    def of(self, some: Services) -> S:
        """Return the packets to some services."""
        parts = (
            Field("proto", Intervals.of(number)) if ports == PORTS else _service(number, ports)
            for number, ports in some.items()
        )
        return self.packets & self._reached & self.sets.union(self.sets.of_match(part) for part in parts)

    def deciders(self, some: Services) -> Iterator[tuple[End, Services]]:
        """Yield what decides about some services, each with its share.

        Where unknowns choose among several that all decide alike, it is the last of them, which asks for the least.
        """
        packets = self.of(some)
        for outcome in self.flow.outcomes():
            if mine := outcome.packets & packets:
                *_, last = (end for end, packets in self.flow.deciders(outcome) if packets & mine)
                yield last, both(some, services(self.sets, mine))


def _service(number: int, ports: Intervals) -> Match:
    return all_of(Field("proto", Intervals.of(number)), Field("dport", ports))


def unnamed(ruleset: Ruleset, side: str, family: int) -> Intervals:
    """Return the Internet's addresses of one family that no rule tells from others on one side (`src`, `dst`).

    Of addresses that are most of the Internet, the others are what is named. Those for documentation count as the
    Internet's, as in every manual: examples have them.
    """
    found = (public() | of_kind("documentation")) & whole(family)
    named: list[tuple[int, int]] = []
    for values in {
        part.values
        for policy in ruleset.policies.values()
        for rule in policy.rules
        for part in walk(rule.match)
        if isinstance(part, Field) and part.name == side and isinstance(part.values, Intervals)
    }:
        mine = values & found
        named += (found - mine if 2 * mine.size > found.size else mine).ranges
    return found - Intervals.of(*named)


def services(sets: Sets[S, N], packets: S) -> Services:
    """Return the services that some packets, which all have ports, are to: protocols and destination ports."""
    fields = [name for name in sets.layout.fields if name not in KEPT]
    away = [name for name in fields if name in ADDRESSES or name not in DECIDING]
    found: dict[int, Intervals] = {}
    for region in packets.some().apart_from(*away).regions():
        protocols, ports = (_numbers(region.values.get(name)) for name in KEPT)
        for low, high in (PORT_PROTOCOLS if protocols is None else protocols & PORT_PROTOCOLS).ranges:
            for number in range(low, high + 1):
                found[number] = found.get(number, Intervals()) | (PORTS if ports is None else ports)
    return dict(sorted(found.items()))


def _numbers(values: Intervals | Masked | None) -> Intervals | None:
    return unmasked(values, 0, PORTS.ranges[-1][1]) if isinstance(values, Masked) else values
