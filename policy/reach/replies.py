"""What becomes of the replies to the connections that are opened at one hook, as sets of their first packets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Generic

from policy.evaluate.following import followed
from policy.evaluate.looks import tells_replies_apart
from policy.ir import Field, Match, Ruleset, either_of
from policy.packet import TRAFFIC, Intervals, Packet, Value, complete
from policy.packet.address import BROADCAST, LOOPBACK, MULTICAST, whole
from policy.packet.connection import BACK, CLIENT_PORTS, OTHER_HOOK, Role, connection
from policy.packet.fields import ICMP, ICMP6, TCP, UDP
from policy.reach.connections import Sent, first_example, space_for
from policy.reach.ends import End
from policy.reach.find import Disagreement
from policy.reach.flow import Flow
from policy.reach.following import diverted, following, kept
from policy.reach.roles import View, first_packets, signature
from policy.sets import Budget
from policy.sets.truth import S, Sets

_PORTS = Intervals.of((0, 65535))
_NO_PEER = MULTICAST | BROADCAST | LOOPBACK
"""Addresses that answer nobody on another host, or are answered on `lo` alone."""


class Replies(Generic[S]):
    """The connections (TCP, UDP, ICMP echo) that packets at a hook open, and what the rules say of their replies.

    *hook* is that of the first packets, `back` that of the replies. All sets are sets of first packets with the usual
    values of questions, between single hosts that are not one (no multicast, broadcast or loopback address). A reply is
    of an established connection. Every property raises `Exhausted` once the *budget* is spent.
    """

    def __init__(self, ruleset: Ruleset, hook: int | None, budget: Budget | None = None) -> None:
        self.ruleset = ruleset
        self.hook = hook
        self.back = self.way_back(hook)
        self._sent: tuple[Sent, ...] = tuple(tuple(connection(first)) for first in _firsts(ruleset, hook))
        self.sets: Sets[Any, Any] = space_for(ruleset, self._sent, (), budget)
        alone = self.sets.of_match(either_of(Field("src", _NO_PEER), Field("dst", _NO_PEER)))
        self.asked = self.sets.union(first_packets(self.sets, sent[0][1]) for sent in self._sent) - alone

    @staticmethod
    def way_back(hook: int | None) -> int | None:
        """Return the hook where replies come by."""
        return None if hook is None else OTHER_HOOK[hook]

    @cached_property
    def first(self) -> Flow[Any, Any]:
        """The first packets through the rules of their hook."""
        firsts = [sent[0][1] for sent in self._sent]
        view: View[Any, Any] = View(self.sets, "first", firsts, firsts)
        within = self.asked.apart_from(*view.open)
        return Flow(self.ruleset, view, within, passing=False, kept=kept(self.ruleset))

    @cached_property
    def _views(self) -> list[tuple[View[Any, Any], Any]]:
        return [*self._each(lambda reply: reply)]

    @cached_property
    def _replies(self) -> list[Flow[Any, Any]]:
        return [following(self.ruleset, view, self.first, packets) for view, packets in self._views]

    @cached_property
    def _new(self) -> list[Flow[Any, Any]]:
        """What goes the ways of the replies, and is none."""
        return [self._flow(view, packets) for view, packets in self._each(_as_new)]

    @cached_property
    def blocked(self) -> S:
        """The connections whose replies are blocked, whatever the unknowns are."""
        blocked: S = self.sets.union(flow.blocked for flow in self._replies)
        return blocked

    @cached_property
    def recognised(self) -> S:
        """The connections of which a reply may pass that would surely be blocked if it opened a connection itself."""
        new: S = self.sets.union(flow.blocked for flow in self._new)
        followed = self.sets.union(flow.within for flow in self._replies)
        found: S = new & followed - self.blocked
        return found

    @cached_property
    def diverted(self) -> S:
        """The connections that may leave at another hook than where they came."""
        found: S = diverted(self.first)
        return found

    @cached_property
    def is_closed(self) -> bool:
        """Does no packet that opens a connection pass on the way of the replies?"""
        return not any(flow.within - flow.blocked for flow in self._new)

    def by_clients(self, firsts: S) -> S:
        """Return those of *firsts* that come from ports of clients, or have none; all of them, if none are such."""
        others = self.sets.field("sport", _PORTS - CLIENT_PORTS, self.sets.original)
        return firsts - others or firsts

    @cached_property
    def opened(self) -> tuple[tuple[End, S], ...]:
        """Each rule that surely lets connections in, as the end that decides, with those."""
        return tuple(
            (each.end, each.packets)
            for each in self.first.outcomes()
            if each.verdict == "allow" and each.end is not None and each.end.at is not None
        )

    def follow(self) -> None:
        """Find out what takes time: where first packets and replies end."""
        _ = self.opened, self.blocking

    def blockers(self, firsts: S) -> list[tuple[End, S]]:
        """Return what blocks replies to *firsts*, and which of them, most first."""
        found: dict[object, tuple[End, Any]] = {}
        for end, packets in self.blocking:
            if mine := packets & firsts:
                _, before = found.get(end.decider, (end, self.sets.nothing))
                found[end.decider] = end, before | mine
        return sorted(found.values(), key=lambda each: -each[1].count())

    @cached_property
    def blocking(self) -> list[tuple[End, Any]]:
        """What blocks replies, and which."""
        outcomes = [(flow, outcome) for flow in self._replies for outcome in flow.outcomes()]
        return [found for flow, each in outcomes if each.verdict == "block" for found in flow.deciders(each)]

    def without_answer(self, firsts: S, *other: str) -> S:
        """Return those of *firsts* to whose source no reply comes, over whatever interfaces.

        Nor would one if the fields *other* had other values.
        """
        names = [name for name in ("in", "out", *other) if name in self.sets.layout.fields]
        answered: S = (self.first.allowed - self.blocked).apart_from(*names)
        return firsts - answered

    def answered_by(self, match: Match) -> S:
        """Return the connections whose replies match."""
        found: S = self.sets.union(view.of_match(match) & packets for view, packets in self._views)
        return found

    def example(self, firsts: S) -> Packet:
        """Return the first packet of a connection that passes while its reply is blocked, which was tried."""
        first = first_example(firsts, self.sets, self.hook)
        passes: dict[Role, bool] = {}
        for role, decision in followed(self.ruleset, first):
            passes[role] = passes.get(role, False) or decision.verdict == "allow"
        replies = [passes[role] for role in BACK if role in passes]
        if not passes["first"] or (replies and all(replies)):
            raise Disagreement(f"sets and evaluator disagree about {dict(first.values)}")
        return first

    def _each(self, change: Callable[[Packet], Packet]) -> Iterator[tuple[View[Any, Any], Any]]:
        """Yield views of the replies, *change*d, of connections of one shape, with those."""
        groups: dict[object, list[tuple[Packet, Packet]]] = {}
        later = tells_replies_apart(self.ruleset)
        for sent in self._sent:
            first = sent[0][1]
            for role, packet in sent:
                if role == "reply" or (role == "later" and later):
                    reply = change(packet)
                    groups.setdefault(signature(self.sets.layout, "reply", first, reply), []).append((first, reply))
        for group in groups.values():
            firsts = [first for first, _ in group]
            packets = self.sets.union(first_packets(self.sets, first) for first in firsts) & self.asked
            yield View(self.sets, "reply", firsts, [reply for _, reply in group]), packets

    def _flow(self, view: View[Any, Any], packets: Any) -> Flow[Any, Any]:
        return Flow(self.ruleset, view, packets.apart_from(*view.open), passing=False)


def _firsts(ruleset: Ruleset, hook: int | None) -> Iterator[Packet]:
    """Yield the first packets of all connections at a hook, as boxes."""
    for family in sorted(ruleset.families):
        for protocol in (TCP, UDP, ICMP if family == 4 else ICMP6):
            values: dict[str, Value] = {"proto": protocol, "src": whole(family), "dst": whole(family)}
            yield complete(values if hook is None else {**values, "hook": hook})


def _as_new(reply: Packet) -> Packet:
    """Return what goes the same way as a reply and opens a connection."""
    return complete({name: value for name, value in reply.values.items() if name in TRAFFIC or name == "hook"})
