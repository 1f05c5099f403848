"""The space that packet sets live in: made for the rules and questions of one hook, with a budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policy.ir import Change, Match, Ruleset
from policy.packet import Packet, ValueSet
from policy.sets.budget import Budget
from policy.sets.encoding import Bits, Encoding
from policy.sets.layout import layout
from policy.sets.now import Now
from policy.sets.packets import PacketSet
from policy.sets.truth import Remembered, Truth, balanced, truth

LEAST_NODES = 1 << 22
NODES_PER_RULE = 1 << 11
"""Tables of nodes take memory before they are full, so those of short lists are smaller."""

NODES_PER_SECOND = 1 << 18
"""One operation may fill the table, and cannot be interrupted: a second fills so many nodes of a large one at least."""


class Space:
    """All sets of packets that the rules of *rulesets*, and *questions*, can tell apart at *hook*.

    Sets of different spaces do not mix. Raises `dd.Missing` without the library, and `Exhausted`, here and in
    every operation on its sets, once the *budget* is spent: the space is then of no more use.
    """

    def __init__(
        self,
        rulesets: Iterable[Ruleset],
        questions: Iterable[Match | Packet] = (),
        hook: int | None = None,
        budget: Budget | None = None,
    ) -> None:
        budget = budget or Budget()
        budget.check()
        rulesets = tuple(rulesets)
        rules = sum(len(policy.rules) for ruleset in rulesets for policy in ruleset.policies.values())
        self.layout = layout(rulesets, questions, hook)
        nodes = max(LEAST_NODES, rules * NODES_PER_RULE)
        if budget.seconds is not None:
            nodes = min(nodes, max(round(budget.seconds * NODES_PER_SECOND), LEAST_NODES // 4))
        self.encoding = Encoding(self.layout, budget, nodes)
        self.budget = self.encoding.diagram.budget
        self.everything = PacketSet(self.encoding, self.encoding.wellformed)
        self.nothing = PacketSet(self.encoding, self.encoding.false)
        self.original = self.encoding.original
        self.hook = hook
        self.unites = True
        self.open: tuple[str, ...] = ()
        self._remembered: Remembered[PacketSet] = Remembered()

    def union(self, sets: Iterable[PacketSet]) -> PacketSet:
        """Return the packets of any of *sets*."""
        return balanced(sets, self.nothing)

    def field(self, name: str, values: ValueSet, now: Now[Bits] | None = None) -> PacketSet:
        """Return the packets that have a field with one of *values*, once actions have made *now* of them."""
        now = now or self.original
        return PacketSet(self.encoding, self.encoding.test(name, values, now) & self.encoding.wellformed)

    def unknown(self, key: str) -> PacketSet:
        """Return all packets, where the pure unknown *key* is true."""
        return PacketSet(self.encoding, self.encoding.unknowns[key] & self.encoding.wellformed)

    def truth(
        self, match: Match, now: Now[Bits] | None = None, assume: Mapping[str, bool] | None = None
    ) -> Truth[PacketSet]:
        """Return which packets may and must match."""
        now = now or self.original
        plain = not assume and now == self.original
        return self._remembered(match, self, now) if plain else truth(match, self, now, assume or {})

    def of_match(self, match: Match) -> PacketSet:
        """Return the packets that match; where an impure unknown decides, those that may."""
        return self.truth(match).may

    def of_box(self, packet: Packet) -> PacketSet:
        """Return the packets of a box, so far as the space looks at its fields; raises ValueError at another hook."""
        if packet.get("hook") != self.layout.hook:
            raise ValueError("this is a packet of another hook")
        return PacketSet(self.encoding, self.encoding.where(packet.values))

    def begin(self) -> None:
        """Let variables stand for other values that actions pick."""
        self.encoding.picked = 0

    def changed(self, now: Now[Bits], action: Change) -> tuple[Now[Bits], PacketSet]:
        """Return what an action makes of the fields, and what is known of values that it picks itself."""
        after, known = self.encoding.changed(now, action)
        return after, PacketSet(self.encoding, known & self.encoding.wellformed)
