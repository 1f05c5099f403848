"""Packets worth asking about: at one hook those that each rule decides, and of them those that are often misread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from random import Random
from typing import Any

from policy.ir import Field, Match, Ruleset, either_of
from policy.learn.misread import misreadings
from policy.learn.outcome import Outcome, Outcomes
from policy.packet import ESTABLISHED, INVALID, NEW, RELATED, UNTRACKED, Intervals, Names, Packet, has
from policy.packet.address import LOOPBACK, V4, V6
from policy.packet.fields import ICMP, ICMP6
from policy.reach import Flow
from policy.sets import BoxSpace, Budget, Missing, Space
from policy.sets.truth import Sets

MANY = 300
"""In files of more rules nobody looks for packets that are misread: what comes up is asked."""

_STATES = (NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED)
_PORTS = (22, 23, 25, 53, 80, 443, 587, 3306, 5432, 8080)
_ECHO = Field("icmp_type", Intervals.of(8, 128))
_OUT = "eth1"
_CELLS = 4
"""So many packets are looked for that one rule decides and a misreading gives to others."""


class Ground:
    """The packets at a hook, and what sets say of them. Raises `Exhausted` once the *budget* is spent."""

    def __init__(self, ruleset: Ruleset, hook: int | None, budget: Budget, outcomes: Outcomes) -> None:
        self._of = outcomes.of_end
        few = sum(len(policy.rules) for policy in ruleset.policies.values()) <= MANY
        readings = misreadings(ruleset) if few else {}
        self._sets = _space([ruleset, *readings.values()], hook, budget)
        self._odd = [self._sets.of_match(match) for match in _odd(hook)]
        self._ports = [self._sets.of_match(Field("dport", Intervals.of(port))) for port in _PORTS]
        self._ports.append(self._sets.of_match(_ECHO))
        self._flow: Flow[Any, Any] = Flow(ruleset, self._sets, self._whole(), passing=False)
        self._misread = [Flow(each, self._sets, self._whole(), passing=False) for each in readings.values()]
        self._others = [self._by_outcome(flow) for flow in self._misread]

    def _whole(self) -> Any:
        """Return the packets that there are: of whole datagrams, with addresses and protocols that go together."""
        of = self._sets.of_match
        by_lo, loopback = self._odd
        own = of(Field("src", LOOPBACK)) & of(Field("dst", LOOPBACK))
        strangers = (loopback - by_lo) | (by_lo - own)
        for protocol, others in ((ICMP, V6), (ICMP6, V4)):
            strangers = strangers | (of(Field("proto", Intervals.of(protocol))) & of(Field("src", others)))
        return of(Field("fragment", Intervals.of(0))) - strangers

    def _by_outcome(self, flow: Flow[Any, Any]) -> dict[Outcome | None, Any]:
        found: dict[Outcome | None, Any] = {}
        for end, packets in flow.by_end.items():
            said = self._of(end, "first")
            found[said] = found[said] | packets if said in found else packets
        return found

    @cached_property
    def deciders(self) -> Mapping[Outcome, Any]:
        """Return the packets that each rule, and what holds without one, surely decides."""
        found: dict[Outcome, Any] = {}
        for outcome in self._flow.outcomes():
            said = None if outcome.end is None else self._of(outcome.end, "first")
            if said is not None and outcome.verdict != "depends":
                found[said] = found[said] | outcome.packets if said in found else outcome.packets
        return found

    def packets(self, outcome: Outcome, among: Any, random: Random) -> Iterator[Packet]:
        """Yield some packets of *among*, which come to *outcome*: first those that misreadings give to others."""
        by_state = [among & self._sets.of_match(Field("state", Intervals.of(state))) for state in _STATES]
        usual = next((some for some in by_state if some), among)
        for odd in self._odd:
            usual = usual - odd or usual
        for others in self._others:
            cells = [packets & usual for said, packets in others.items() if said != outcome]
            cells = [cell for cell in cells if cell]
            yield from self._examples(random.sample(cells, min(_CELLS, len(cells))), random)
        yield from self._examples([usual, usual & self._sets.of_match(Field("src", V6)), *by_state[1:2]], random)

    def _examples(self, sets: list[Any], random: Random) -> Iterator[Packet]:
        """Yield a packet of each set that has some: to a port that is known, where one is among them."""
        for each in sets:
            ports = (each & port for port in random.sample(self._ports, len(self._ports)))
            some = next((some for some in ports if some), each)
            if (packet := some.example()) is not None:
                yield _passing_through(packet, some)

    @property
    def perhaps(self) -> frozenset[Outcome]:
        """What some packets may come to, and others surely or not at all."""
        said = (self._of(end, "first") for end, packets in self._flow.by_end.items() if packets)
        return frozenset(outcome for outcome in said if outcome is not None)

    def is_only(self, outcome: Outcome, packet: Packet) -> bool:
        """Do sets say that the packet can come to nothing but this?"""
        sure = self.deciders.get(replace(outcome, role="first"))
        return sure is not None and bool(one := self._sets.of_box(packet)) and one <= sure


def _odd(hook: int | None) -> list[Match]:
    """Return the packets that are asked about only where there are no others: what a host says to itself."""
    sides = [name for name in ("in", "out") if hook is None or has({"hook": hook}, name)]
    by_lo = either_of(*(Field(side, Names.of("lo")) for side in sides))
    return [by_lo, either_of(Field("src", LOOPBACK), Field("dst", LOOPBACK))]


def _passing_through(packet: Packet, among: Any) -> Packet:
    """Return a packet that leaves by another interface than it came by, where that is one *among* these, too."""
    if packet.get("out") is None or packet.get("in") != packet.get("out"):
        return packet
    other = packet.with_values({"out": _OUT})
    return other if other in among else packet


def _space(rulesets: list[Ruleset], hook: int | None, budget: Budget) -> Sets[Any, Any]:
    numbers = {"fragment": Intervals.of(0), "state": Intervals.of(NEW), "src": V6, "dport": Intervals.of(*_PORTS)}
    asked: list[Match] = [Field(name, values) for name, values in numbers.items()]
    asked += [*_odd(hook), _ECHO, Field("src", V4), *(Field("proto", Intervals.of(each)) for each in (ICMP, ICMP6))]
    try:
        return Space(rulesets, asked, hook, budget)
    except Missing:
        return BoxSpace(rulesets, asked, hook, budget)
