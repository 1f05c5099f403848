"""What becomes of many connections: disjoint sets of their first packets, each with a verdict and what decides."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic

from policy.evaluate.looks import looks_at
from policy.ir import Field, Ruleset
from policy.packet import FIELDS, Packet, Value, complete, has
from policy.packet.connection import Role
from policy.packet.example import example
from policy.packet.fields import NOT_KNOWN
from policy.reach.ends import End, Verdict
from policy.reach.flow import Flow
from policy.reach.following import following, kept, marked
from policy.reach.roles import View, first_packets, signature
from policy.sets import BoxSpace, Budget, Missing, Space
from policy.sets.truth import S, Sets

Sent = tuple[tuple[Role, Packet], ...]
"""The packets of a connection, or the one packet that is sent alone; boxes of one shape."""


@dataclass(frozen=True, slots=True)
class Passage(Generic[S]):
    """First packets of connections with one verdict, which the packet with this *role* gives to all of them.

    *end* is what decides it; None where several rules do, or unknowns, with the ends *among* which they choose.
    """

    verdict: Verdict
    role: Role
    end: End | None
    among: tuple[End, ...]
    firsts: S

    @property
    def decider(self) -> object:
        """The verdict and what decides."""
        return self.verdict, self.role, self.end and self.end.decider, tuple(end.decider for end in self.among)


def space_for(
    ruleset: Ruleset, sent: Iterable[Sent], said: Iterable[str], budget: Budget | None = None
) -> Sets[Any, Any]:
    """Return the space of the first packets of connections, at no hook in particular; *said*: fields to tell apart.

    What a rule asks of one interface of a reply it asks of the other one of the first packet: both are told apart.
    It is one of diagrams, or, where the library is missing, of boxes. Raises `Exhausted`.
    """
    boxes = [packet for packets in sent for _, packet in packets]
    names = ["state", *said]
    if looks_at(ruleset, "in", "out"):
        names += ["in", "out"]
    fields = [Field(name, FIELDS[name].domain) for name in names]
    try:
        return Space([ruleset], [*boxes, *fields], None, budget)
    except Missing:
        return BoxSpace([ruleset], [*boxes, *fields], None, budget)


def first_example(firsts: S, sets: Sets[S, Any], hook: int | None, said: Container[str] = ()) -> Packet:
    """Return a packet out of a set of first packets at no hook, as it is at *hook*.

    What is not known of first packets stays open, but for the fields that are *said*. The set is not empty.
    """
    found = firsts.example()
    assert found is not None, "a set without packets"
    known = {name for name in sets.layout.fields if name not in NOT_KNOWN or name in said}
    given: dict[str, Value] = {name: value for name, value in found.values.items() if name in known}
    given |= {} if hook is None else {"hook": hook}
    return example(complete({name: value for name, value in given.items() if name == "hook" or has(given, name)}))


def passages(
    ruleset: Ruleset, sets: Sets[S, Any], sent: Iterable[Sent], assume: Mapping[str, bool], most: int | None = None
) -> tuple[list[Passage[S]], S]:
    """Return what becomes of the connections *sent*: disjoint sets that make up all of them, but for those left.

    A connection is blocked if one of its packets surely is, hangs on unknowns if else one of them does, and is
    allowed if all are. It is decided by the first of its packets with that verdict; an allowed one by the first.

    Where more than *most* rules decide, and not all packets have one verdict, those that only later rules decide
    are left. Raises `Exhausted`.
    """
    groups: dict[object, list[Sent]] = {}
    for packets in sent:
        (_, first), *_ = packets
        key = tuple(signature(sets.layout, role, first, packet) for role, packet in packets)
        groups.setdefault(key, []).append(packets)
    taken = rest = sets.nothing
    by_decider: dict[object, list[Passage[S]]] = {}
    for group in groups.values():
        firsts = sets.union(first_packets(sets, packets[0][1]) for packets in group)
        flows, left = _flows(ruleset, sets, group, assume, firsts - taken, most)
        for passage in _passages(flows, firsts - taken - left):
            by_decider.setdefault(passage.decider, []).append(passage)
        taken = taken | firsts
        rest = rest | left
    found = [replace(some[0], firsts=sets.union(each.firsts for each in some)) for some in by_decider.values()]
    if rest and len({passage.verdict for passage in found}) < 2:
        return passages(ruleset, sets, sent, assume)
    return found, rest


def _flows(
    ruleset: Ruleset, sets: Sets[S, Any], group: list[Sent], assume: Mapping[str, bool], asked: S, most: int | None
) -> tuple[list[tuple[Role, Flow[S, Any]]], S]:
    """Send connections of one shape through the rules, packet by packet; also return those that are left."""
    firsts = [packets[0][1] for packets in group]
    going, left = asked, sets.nothing
    flows: list[tuple[Role, Flow[S, Any]]] = []
    for number, (role, _) in enumerate(group[0]):
        if not going:
            break
        view = View(sets, role, firsts, [packets[number][1] for packets in group])
        if flows:
            earlier = flows[-1][1] if marked(ruleset) and len(flows) > 1 else None
            flow = following(ruleset, view, flows[0][1], going, assume, most, earlier)
        else:
            within = going.apart_from(*view.open)
            flow = Flow(ruleset, view, within, assume, passing=False, most=most, kept=kept(ruleset))
        flows.append((role, flow))
        left = left | flow.left
        going = going - flow.blocked - flow.left
    return flows, left


def _passages(flows: list[tuple[Role, Flow[S, Any]]], asked: S) -> Iterable[Passage[S]]:
    """Yield what becomes of the connections that are *asked* about."""
    outcomes = [(role, flow, flow.outcomes()) for role, flow in flows]
    for verdict in ("block", "depends", "allow"):
        for role, flow, some in outcomes if verdict != "allow" else outcomes[:1]:
            for outcome in some:
                if outcome.verdict == verdict and (mine := outcome.packets & asked):
                    yield Passage(outcome.verdict, role, outcome.end, outcome.among, mine)
            asked = asked - (flow.blocked if verdict == "block" else flow.depends)
