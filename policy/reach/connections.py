"""What becomes of many connections: disjoint sets of their first packets, each with a verdict and what decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic

from policy.ir import Field, Ruleset
from policy.packet import FIELDS, Packet
from policy.packet.connection import Role
from policy.reach.ends import End, Outcome, Verdict
from policy.reach.flow import Flow
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

    It is one of diagrams, or, where the library is missing, of boxes. Raises `Exhausted`.
    """
    boxes = [packet for packets in sent for _, packet in packets]
    fields = [Field(name, FIELDS[name].domain) for name in ("state", *said)]
    try:
        return Space([ruleset], [*boxes, *fields], None, budget)
    except Missing:
        return BoxSpace([ruleset], [*boxes, *fields], None, budget)


def passages(
    ruleset: Ruleset, sets: Sets[S, Any], sent: Iterable[Sent], assume: Mapping[str, bool]
) -> list[Passage[S]]:
    """Return what becomes of the connections *sent*: disjoint sets that make up all of them; raises `Exhausted`.

    A connection is blocked if one of its packets surely is, hangs on unknowns if else one of them does, and is
    allowed if all are. It is decided by the first of its packets with that verdict; an allowed one by the first.
    """
    groups: dict[object, list[Sent]] = {}
    for packets in sent:
        (_, first), *_ = packets
        key = tuple(signature(sets.layout, role, first, packet) for role, packet in packets)
        groups.setdefault(key, []).append(packets)
    taken = sets.nothing
    found: dict[object, Passage[S]] = {}
    for group in groups.values():
        for passage in _passages(ruleset, sets, group, assume, taken):
            before = found.get(passage.decider)
            found[passage.decider] = (
                passage if before is None else replace(passage, firsts=before.firsts | passage.firsts)
            )
            taken = taken | passage.firsts
    return list(found.values())


def _passages(
    ruleset: Ruleset, sets: Sets[S, Any], group: list[Sent], assume: Mapping[str, bool], taken: S
) -> Iterable[Passage[S]]:
    """Yield what becomes of connections of one shape, but for those that are *taken*."""
    firsts = [packets[0][1] for packets in group]
    left = sets.union(first_packets(sets, first) for first in firsts) - taken
    outcomes: list[tuple[Role, Outcome[S]]] = []
    for number, (role, _) in enumerate(group[0]):
        if not left:
            break
        view = View(sets, role, firsts, [packets[number][1] for packets in group])
        flow = Flow(ruleset, view, left.apart_from(*view.open), assume, view.open)
        outcomes += ((role, outcome) for outcome in flow.outcomes())
        left -= flow.blocked
    asked = sets.union(first_packets(sets, first) for first in firsts) - taken
    for verdict in ("block", "depends", "allow"):
        for role, outcome in outcomes:
            if outcome.verdict == verdict and (verdict != "allow" or role == "first"):
                mine = outcome.packets & asked
                if mine:
                    yield Passage(outcome.verdict, role, outcome.end, outcome.among, mine)
                    asked -= mine
