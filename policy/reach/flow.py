"""Sets of packets through the rules of a hook, as the evaluator sends one packet through them.

Where an unknown or an action that is not modelled decides, both ways are followed, so a packet may be on
several ways at once; where ways with the same changes meet again they are one. Pure unknowns are part of the sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property

from policy.reach import ends
from policy.reach.course import Course, add
from policy.reach.ends import At, End, Outcome, Passing
from policy.sets.truth import N, S

MOST_HANGING = 50
"""Packets that hang on unknowns in more ways are not told apart by them."""


class Flow(Course[S, N]):
    """The packets of *within* (all, when left out) through the rules of a hook.

    Nothing is known of the `open` fields of *sets*: of each packet *within* has those with every value of them, and
    verdicts are definite where all values give the same. Packets may come as several *starts*. How packets leave is
    known as far as the fields *kept* go (`finals`). Without *passing* there are no `rules`, in less time.
    Once *most* rules decide packets, and both verdicts have been found, those that get past them are `left`.

    `rules` has a `Passing` for each rule that any packet may come to and match, `changed` of each policy the fields
    that have changed of some packets there; `allowed`, `blocked` and `depends` are the packets by verdict, and
    `outcomes` splits them by what decides. Raises `Exhausted`, then and when verdicts are asked for, when the budget of
    the space, or one of the limits above, is spent.
    """

    @classmethod
    def joined(cls, flows: Sequence[Flow[S, N]]) -> Flow[S, N]:
        """Return what becomes of the packets of several flows as one, without `rules`: some packets may be in each."""
        if len(flows) == 1:
            return flows[0]
        found = copy(flows[0])
        found.within, found.left = (
            found.sets.union(sets) for sets in zip(*((each.within, each.left) for each in flows), strict=True)
        )
        found.open, found.forked = (), True
        found.allows, found.blocks, found.finals = {}, {}, {}
        for flow in flows:
            add(found.allows, {end: flow.possible(packets) for end, packets in flow.allows.items()})
            add(found.blocks, {end: flow.possible(packets) for end, packets in flow.blocks.items()})
            for now, packets in flow.finals.items():
                some = flow.possible(packets)
                found.finals[now] = found.finals[now] | some if now in found.finals else some
        return found

    @cached_property
    def _may_allow(self) -> S:
        return self.possible(self.sets.union(self.allows.values()))

    @cached_property
    def _may_block(self) -> S:
        return self.possible(self.sets.union(self.blocks.values()))

    @cached_property
    def allowed(self) -> S:
        """The packets that pass, whatever the unknowns are."""
        return self.within - self.left - self._may_block

    @cached_property
    def blocked(self) -> S:
        """The packets that do not, whatever the unknowns are."""
        return self.within - self.left - self._may_allow

    @cached_property
    def depends(self) -> S:
        """The packets of which unknowns decide."""
        return self._may_block & self._may_allow & self.within - self.left

    def passing(self, at: At) -> Passing[S]:
        """Return what reaches and matches a rule; nothing, where no packet comes to it."""
        return self.rules.get(at) or Passing(self.sets.nothing, self.sets.nothing)

    @property
    def by_end(self) -> dict[End, S]:
        """The packets that may come to each end; a packet may come to several where unknowns decide."""
        return {**self.allows, **self.blocks}

    def outcomes(self) -> list[Outcome[S]]:
        """Return disjoint sets that are all of *within*, each with its verdict and what decides."""
        found = [
            *self._split("allow", self.allowed, self.allows),
            *self._split("block", self.blocked, self.blocks),
        ]
        return [*found, *self._hanging()]

    def deciders(self, outcome: Outcome[S]) -> list[tuple[End, S]]:
        """Return what decides the packets of an outcome, and which: several may, where unknowns choose between them."""
        if outcome.end is not None:
            return [(outcome.end, outcome.packets)]
        found = ((end, self.possible(each) & outcome.packets) for end, each in self.by_end.items())
        return [(end, packets) for end, packets in found if packets]

    def _hanging(self) -> list[Outcome[S]]:
        """Split the packets whose verdict hangs on unknowns by the ends that they may come to."""
        found: list[tuple[tuple[End, ...], S]] = [((), self.depends)] if self.depends else []
        for end, each in (*self.allows.items(), *self.blocks.items()) if found else ():
            mine = self.possible(each) & self.depends
            if not mine:
                continue
            parts = [((*ends, end), packets & mine) for ends, packets in found]
            parts += [(ends, packets - mine) for ends, packets in found]
            found = [(ends, packets) for ends, packets in parts if packets]
            if len(found) > MOST_HANGING:
                return [Outcome("depends", self.depends, None)]
        return [Outcome("depends", packets, None, ends) for ends, packets in found]

    def _split(self, verdict: ends.Verdict, packets: S, by_end: Mapping[End, S]) -> list[Outcome[S]]:
        by_decider: dict[object, tuple[End, S]] = {}
        for end, each in by_end.items():
            mine = self.possible(each) & packets
            if not mine:
                continue
            known, before = by_decider.get(end.decider, (end, None))
            by_decider[end.decider] = known, mine if before is None else before | mine
        if not self.forked:
            return [Outcome(verdict, mine, end) for end, mine in by_decider.values()]
        once = twice = self.sets.nothing
        for _, mine in by_decider.values():
            twice = twice | once & mine
            once = once | mine
        found = [Outcome(verdict, mine - twice, end) for end, mine in by_decider.values() if mine - twice]
        return [*found, *([Outcome(verdict, twice, None)] if twice else [])]
