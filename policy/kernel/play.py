"""Packets of the rules' world, and whole connections, put to the kernel: what it decides about each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from policy._record import dataclass
from policy.kernel.devices import LO
from policy.kernel.judge import Judge
from policy.kernel.making import CannotMake, Made, check_status, connection_of, made
from policy.kernel.place import Needs, Place
from policy.kernel.probe import Probe
from policy.kernel.recorder import Header, Recording, Way
from policy.kernel.tools import Failed, Unavailable
from policy.packet import FORWARD, HOOKS, INPUT, OUTPUT, Intervals, Names, Packet, Value
from policy.packet.address import parse_address
from policy.packet.connection import BACK, OPPOSITE, Role
from policy.packet.fields import DIRECTIONS

Talk = Sequence[tuple[Role, Packet]]
"""The packets of a connection, or one alone; the first is one packet, those that follow it may be boxes."""

_MOST = 500
"""So many packets are injected together."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the kernel decided about one packet; without a *verdict*, *why* it does not say.

    One that came through did so at *hook*, and left with *header*.
    """

    verdict: Literal["allow", "block"] | None
    why: str | None = None
    hook: str | None = None
    header: Header | None = None


class Player:
    """Rules that are loaded, and the host that they stand on.

    *untracks*: rules may take packets out of connection tracking. *statuses*: they look at the status of connections.
    *foreign*: sockets can belong to other users, too.
    """

    def __init__(self, judge: Judge, place: Place, *, untracks: bool, statuses: bool, foreign: bool) -> None:
        self._judge = judge
        self._place = place
        self._untracks = untracks
        self._statuses = statuses
        self._foreign = foreign
        self._looping = False

    def rule(self, talks: Sequence[Talk], looping: bool = False) -> list[tuple[Ruling, ...]]:
        """Return what the kernel decides about all packets of each talk; *looping* as in `Recording`."""
        self._looping = looping
        found: dict[int, tuple[Ruling, ...]] = {}
        waiting: dict[int, tuple[Packet, Made]] = {}
        shared: dict[str, str] = {}
        for number, talk in enumerate(talks):
            _, first = talk[0]
            try:
                check_status(first, exactly=self._statuses)
                one = made(first, self._foreign)
                needs = self._place.needs(one.probe)
                if len(talk) > 1:
                    found[number] = self._connection(talk, one, needs)
                    continue
                if one.known or not one.tracked:
                    found[number] = tuple(self._together({number: (first, one)}, needs).values())
                    continue
                fits = all(shared.get(address, device) == device for address, device in needs.items())
                if not fits or len(waiting) == _MOST:
                    found |= {at: (each,) for at, each in self._together(waiting, shared).items()}
                    waiting, shared = {}, {}
                waiting[number] = (first, one)
                shared |= needs
            except (CannotMake, Failed, Unavailable) as error:
                found[number] = tuple(Ruling(None, str(error)) for _ in talk)
        try:
            found |= {at: (each,) for at, each in self._together(waiting, shared).items()}
        except (Failed, Unavailable) as error:
            found |= {at: (Ruling(None, str(error)),) for at in waiting}
        return [found[number] for number in range(len(talks))]

    def _together(self, packets: Mapping[int, tuple[Packet, Made]], needs: Needs) -> dict[int, Ruling]:
        """Inject packets that leave no entry, one after the other."""
        if not packets:
            return {}
        several = [one for _, one in packets.values()]
        self._place.settle(needs, [one.probe for one in several])
        probes = [_free(one.probe) for one in several]
        tracked = all(one.tracked for one in several)
        recording = replace(_recording(several), tracked=tracked, looping=self._looping)
        ways = self._judge.judge(probes, recording, [each for one in several for each in one.known])
        return {
            at: self._ruling(one, packet, way) for (at, (packet, one)), way in zip(packets.items(), ways, strict=True)
        }

    def _connection(self, talk: Talk, opening: Made, needs: Needs) -> tuple[Ruling, ...]:
        """Open a connection, and send what follows; if it does not open, that belongs to one all the same."""
        (_, first), *others = talk
        self._place.settle(needs, [opening.probe])
        recording = replace(_recording([opening]), kept=(1,), looping=self._looping)
        (way,) = self._judge.judge([_free(opening.probe)], recording, opening.known)
        opened = way if way.hook and way.state == "new" else None
        known = None if opened else [(connection_of(opening.probe, reply=False), True)]
        rulings: dict[Role, Ruling] = {"first": self._ruling(opening, first, way)}
        sent: list[tuple[Role, Packet, Made]] = []
        for role, packet in others:
            try:
                one = _as_it_is(packet, opened, opening) if role in BACK and opened else packet
                if not opened:
                    check_status(one, exactly=self._statuses)
                follows = made(one, self._foreign)
                self._place.needs(follows.probe)
            except CannotMake as error:
                rulings[role] = Ruling(None, str(error))
            else:
                sent.append((role, one, follows))
        probes = [_free(one.probe) for _, _, one in sent]
        recording = Recording(kept=range(1, len(probes) + 1), looping=self._looping)
        ways = self._judge.judge(probes, recording, known)
        rulings |= {role: self._ruling(one, packet, each) for (role, packet, one), each in zip(sent, ways, strict=True)}
        return tuple(rulings[role] for role, _ in talk)

    def _ruling(self, one: Made, packet: Packet, way: Way) -> Ruling:
        if not way.arrived:
            return Ruling(None, "Linux itself does not take or send such a packet")
        states = {one.state, "untracked"} if self._untracks else {one.state}
        if way.state is not None and way.state not in states:
            return Ruling(None, f"Linux takes it for {way.state}, not for {one.state}")
        asked = packet.get("direction")
        if isinstance(asked, int) and way.direction not in (None, DIRECTIONS[asked]):
            return Ruling(None, f"to Linux it goes in direction {way.direction}")
        if way.hook:
            return Ruling("allow", None, way.hook, way.header)
        if not one.tracked and not way.hooks:
            return Ruling(None, "Linux puts fragments together before rules see them")
        if way.routed and not way.hooks:
            return Ruling(None, "Linux itself drops it when it looks for its way")
        return Ruling("block")


def _free(probe: Probe) -> Probe:
    """Return a packet that leaves as the routing says, also with a new destination."""
    return replace(probe, device_out="")


def _recording(several: Sequence[Made]) -> Recording:
    numbered = list(enumerate(several, 1))
    return Recording(
        untracked=[number for number, one in numbered if one.state == "untracked"],
        marks=[(number, one.probe.mark) for number, one in numbered if one.probe.mark and one.probe.device_in],
    )


def _as_it_is(packet: Packet, opened: Way, opening: Made) -> Packet:
    """Return a reply with the addresses and devices that the first packet left with; raises `CannotMake`."""
    assert opened.header is not None
    left = values_of(opened.header)
    values: dict[str, Value] = {OPPOSITE[name]: value for name, value in left.items()}
    if opened.hook == HOOKS[INPUT]:
        values |= {"hook": OUTPUT, "out": opening.probe.device_in or LO}
    hook = values.setdefault("hook", INPUT if opened.hook == HOOKS[OUTPUT] else packet.values.get("hook", FORWARD))
    if hook != packet.values.get("hook") or not may_be(packet, values):
        raise CannotMake("to Linux the reply is another packet")
    return packet.with_values({name: value for name, value in values.items() if name in packet.values})


def values_of(header: Header) -> dict[str, Value]:
    """Return the fields that a packet has with a header."""
    values: dict[str, Value | None] = {
        "src": parse_address(header.src),
        "dst": parse_address(header.dst),
        "sport": header.sport,
        "dport": header.dport,
        "out": header.out,
    }
    return {name: value for name, value in values.items() if value is not None}


def may_be(packet: Packet, values: Mapping[str, Value]) -> bool:
    """May a packet, perhaps a box, have these values, where it has the fields at all?"""
    return all(packet.test(name, each) is not False for name, each in _singles(packet, values))


def _singles(packet: Packet, values: Mapping[str, Value]) -> Iterator[tuple[str, Intervals | Names]]:
    for name, value in values.items():
        if name in packet.values:
            if isinstance(value, int):
                yield name, Intervals.of(value)
            elif isinstance(value, str):
                yield name, Names(frozenset({value}))
