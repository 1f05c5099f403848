"""Sets of packets through the rules of a hook, as the evaluator sends one packet through them.

Where an unknown or an action that is not modelled decides, both ways are followed, so a packet may be on
several ways at once; where ways with the same changes meet again they are one. Pure unknowns are part of the sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, assert_never

from policy.evaluate import Implicit
from policy.evaluate.state import harmless
from policy.evaluate.walk import IMPLICIT
from policy.ir import (
    Allow,
    Block,
    Entry,
    Goto,
    Jump,
    Log,
    Match,
    Note,
    Reject,
    Return,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    UnknownAction,
    Verdict,
)
from policy.reach import ends
from policy.reach.ends import At, End, Outcome, Passing, combined
from policy.sets import Exhausted
from policy.sets.truth import N, S, Sets

MOST_VISITS = 200_000
"""After so many rules, counted on every way, the question is undecided."""

MOST_WAYS = 200
"""So many ways that differ in what they have changed are followed side by side."""

MOST_HANGING = 50
"""Packets that hang on unknowns in more ways are not told apart by them."""

DEEPEST = 150
"""Deeper calls are undecided."""

Ways = dict[N, S]
"""The packets that are at one place, by what was changed on the way there."""


@dataclass(slots=True)
class _Going(Generic[S, N]):
    """What came of some packets: those that go on, those that leave the policy, and all that may end."""

    going: Ways[N, S]
    returned: Ways[N, S]
    ended: S


class Flow(Generic[S, N]):
    """The packets of *within* (all, when left out) through the rules of a hook.

    Nothing is known of the fields *open*: of each packet *within* has those with every value of them, and verdicts
    are definite where all values give the same. Without *passing* there are no `rules`, in less time.
    Once *most* rules decide packets, and both verdicts have been found, those that get past them are `left`.

    `rules` has a `Passing` for each rule that any packet may come to; `allowed`, `blocked` and `depends` are the
    packets by verdict, and `outcomes` splits them by what decides. Raises `Exhausted` when the budget of the space,
    or one of the limits above, is spent.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        sets: Sets[S, N],
        within: S | None = None,
        assume: Mapping[str, bool] | None = None,
        open: Iterable[str] = (),
        passing: bool = True,
        most: int | None = None,
    ) -> None:
        self.ruleset = ruleset
        self.sets = sets
        self.assume = assume or {}
        self.open = tuple(open)
        self.forked = bool(self.open or sets.layout.unknowns)
        """May a packet come to several ends?"""
        self.wants_passing = passing
        self.most = most
        self.left: S = sets.nothing
        self.rules: dict[At, Passing[S]] = {}
        self._allows: dict[End, S] = {}
        self._blocks: dict[End, S] = {}
        self._visits = MOST_VISITS
        self._follow(sets.everything if within is None else within)

    def _follow(self, within: S) -> None:
        sets = self.sets
        ways: Ways[N, S] = {sets.original: within}
        sure = within if self.wants_passing else sets.nothing
        before: dict[End, S] | None = None
        entries = self.ruleset.at(sets.hook)
        for number, entry in enumerate(entries, 1):
            walk = _Walk(self, entry, last=number == len(entries))
            walk.enter(ways, sure)
            before = combined(self.sets, before, walk.allows)
            ways = walk.allowed() if number < len(entries) else {}
            sure = sure - sets.union((*walk.blocks.values(), *walk.passes.values())).known()
            _add(self._blocks, walk.blocks)
            _add(self._allows, walk.passes)
        if before is None:
            before = {End(Allow(), None, None, "default", None): within}
        _add(self._allows, before)
        within = within - self.left
        may_block = self.possible(sets.union(self._blocks.values()))
        may_allow = self.possible(sets.union(self._allows.values()))
        self.allowed: S = within - may_block
        self.blocked: S = within - may_allow
        self.depends: S = may_block & may_allow & within

    def passing(self, at: At) -> Passing[S]:
        """Return what reaches and matches a rule; nothing, where no packet comes to it."""
        nothing = self.sets.nothing
        return self.rules.get(at) or Passing(nothing, nothing, nothing)

    @property
    def by_end(self) -> dict[End, S]:
        """The packets that may come to each end; a packet may come to several where unknowns decide."""
        return {**self._allows, **self._blocks}

    def outcomes(self) -> list[Outcome[S]]:
        """Return disjoint sets that are all of *within*, each with its verdict and what decides."""
        found = [
            *self._split("allow", self.allowed, self._allows),
            *self._split("block", self.blocked, self._blocks),
        ]
        return [*found, *self._hanging()]

    def _hanging(self) -> list[Outcome[S]]:
        """Split the packets whose verdict hangs on unknowns by the ends that they may come to."""
        found: list[tuple[tuple[End, ...], S]] = [((), self.depends)] if self.depends else []
        for end, each in (*self._allows.items(), *self._blocks.items()) if found else ():
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

    def possible(self, packets: S) -> S:
        """Return the packets that are there for some truth of the unknowns and some values of the open fields."""
        found = packets.some()
        return found.apart_from(*self.open) if self.open else found

    def visit(self, depth: int) -> None:
        """Count one rule; raises `Exhausted` at the limits."""
        self._visits -= 1
        if self._visits <= 0:
            raise Exhausted(f"{MOST_VISITS:,} rules on all ways")
        if depth > DEEPEST:
            raise Exhausted(f"{DEEPEST} nested calls")

    def seen(self, at: At, reach: S, matched: S, surely: S) -> None:
        """Add what one way brings to a rule."""
        before = self.rules.get(at)
        if before is None:
            self.rules[at] = Passing(reach.some(), matched.some(), surely.every())
        else:
            self.rules[at] = Passing(
                before.reach | reach.some(), before.matched | matched.some(), before.surely | surely.every()
            )


class _Walk(Generic[S, N]):
    """The way through one entry."""

    def __init__(self, flow: Flow[S, N], entry: Entry, last: bool) -> None:
        self.flow = flow
        self.last = last
        self.sets = flow.sets
        self.entry = entry
        self.allows: dict[End, S] = {}
        self.blocks: dict[End, S] = {}
        self.passes: dict[End, S] = {}
        self._allowed: dict[N, list[S]] = {}
        self.met: dict[object, _Going[S, N]] = {}

    def enter(self, ways: Ways[N, S], sure: S) -> None:
        """The implicit rule for connection state, then the policy, then its default."""
        entry = self.entry
        for match, action in IMPLICIT if entry.stateful else ():
            rest: Ways[N, S] = {}
            for now, packets in ways.items():
                held = self.sets.truth(match, now, self.flow.assume).may
                self._end(self._some({now: packets & held}), action, entry.policy, None, "state")
                _join(rest, now, packets - held)
                sure = sure - (packets & held).known()
            ways = rest
        returned = self._policy(entry.policy, ways, sure, 0).returned
        default = self.flow.ruleset.policies[entry.policy].default or entry.default
        self._end(returned, default, entry.policy, None, "default")

    def allowed(self) -> Ways[N, S]:
        """Return the packets that go on to the next entry."""
        return self._some({now: self.sets.union(parts) for now, parts in self._allowed.items()})

    def _policy(self, name: str, ways: Ways[N, S], sure: S, depth: int) -> _Going[S, N]:
        """Follow *ways* through a policy. *sure*: the packets that come here whatever the unknowns are."""
        key = name, frozenset(ways.items()), sure
        if key not in self.met:
            self.met[key] = self._rules(name, ways, sure, depth)
        return self.met[key]

    def _rules(self, name: str, ways: Ways[N, S], sure: S, depth: int) -> _Going[S, N]:
        policy = self.flow.ruleset.policies[name]
        returned: Ways[N, S] = {}
        ended = self.sets.nothing
        order = range(len(policy.rules))
        for number in order[::-1] if policy.last_match else order:
            if not ways:
                break
            rule, at = policy.rules[number], (name, number)
            self.flow.visit(depth)
            matched, unmatched = self._parted(rule.match, ways)
            surely = sure - self._all(unmatched).known()
            if self.flow.wants_passing:
                self.flow.seen(at, self._all(ways), self._all(matched), surely)
            if not matched or all(harmless(action) for action in rule.actions):
                continue
            done = self._do(rule, at, matched, surely, depth)
            ways = unmatched
            for now, packets in done.going.items():
                _join(ways, now, packets)
            for now, packets in done.returned.items():
                _join(returned, now, packets)
            ended = ended | done.ended if self.flow.wants_passing else ended
            sure = sure - (done.ended | self._all(done.returned)).known()
            if depth == 0 and self._suffices():
                self.flow.left = self.flow.possible(self._all(ways))
                return _Going({}, returned, ended)
            if len(ways) > MOST_WAYS:
                raise Exhausted(f"{MOST_WAYS} ways that change packets differently")
        if policy.default is not None:
            ended = ended | self._end(ways, policy.default, name, None, "default")
        else:
            for now, packets in ways.items():
                _join(returned, now, packets)
        return _Going({}, returned, ended)

    def _suffices(self) -> bool:
        """Have enough packets been decided?"""
        most = self.flow.most
        if most is None or not self.last or not (self.allows and self.blocks):
            return False
        return len(self.allows) + len(self.blocks) >= most

    def _parted(self, match: Match, ways: Ways[N, S]) -> tuple[Ways[N, S], Ways[N, S]]:
        """Return the packets that may match and those that may not."""
        matched: Ways[N, S] = {}
        unmatched: Ways[N, S] = {}
        for now, packets in ways.items():
            held = self.sets.truth(match, now, self.flow.assume)
            self.flow.forked |= held.may is not held.must
            _join(matched, now, packets & held.may)
            _join(unmatched, now, packets - held.must)
        return matched, unmatched

    def _do(self, rule: Rule, at: At, ways: Ways[N, S], sure: S, depth: int) -> _Going[S, N]:
        """Do the actions of a rule for the packets that match."""
        name = at[0]
        ended = self.sets.nothing
        for action in rule.actions:
            match action:
                case Allow() | Block() | Reject():
                    return _Going({}, {}, ended | self._end(ways, action, name, at))
                case Jump(called):
                    inner = self._policy(called, ways, sure, depth + 1)
                    return _Going(inner.returned, {}, ended | inner.ended)
                case Goto(called):
                    inner = self._policy(called, ways, sure, depth + 1)
                    return _Going({}, inner.returned, ended | inner.ended)
                case Return():
                    return _Going({}, ways, ended)
                case Set() | Rewrite():
                    ways = self._changed(ways, action)
                case Log() | Note():
                    continue
                case UnknownAction():
                    outcomes = self._outcomes(action)
                    self.flow.forked = True
                    for outcome in sorted(outcomes - {"continue"}):
                        ended = ended | self._outcome(outcome, ways, at)
                    if "continue" not in outcomes:
                        return _Going({}, {}, ended)
                    sure = sure - ended.known()
                case _:
                    assert_never(action)
        return _Going(ways, {}, ended)

    def _changed(self, ways: Ways[N, S], action: Set | Rewrite) -> Ways[N, S]:
        self.flow.forked = True
        found: Ways[N, S] = {}
        for now, packets in ways.items():
            after, known = self.sets.changed(now, action)
            _join(found, after, packets & known)
        return found

    def _outcomes(self, action: UnknownAction) -> frozenset[str]:
        """Return what may happen; a settled key says how far the action lets the packet go."""
        outcomes = action.outcomes
        settled = self.flow.assume.get(action.key)
        if settled is None:
            return outcomes
        if not settled:
            return outcomes & {"block"} or outcomes
        return outcomes & {"continue"} or outcomes - {"block"} or outcomes

    def _outcome(self, outcome: str, ways: Ways[N, S], at: At) -> S:
        if outcome == "pass":
            end = End(Allow(), at, self._rule(at), None, at[0])
            packets = self._all(ways)
            _add(self.passes, {end: packets})
            return packets
        return self._end(ways, Allow() if outcome == "allow" else Block(), at[0], at)

    def _end(
        self, ways: Ways[N, S], action: Verdict, policy: str, at: At | None, implicit: Implicit | None = None
    ) -> S:
        """Come to a verdict in this entry: a block is the end, an allow goes on to the next entry."""
        packets = self._all(ways)
        end = End(action, at, None if at is None else self._rule(at), implicit, policy, self.entry.main)
        if packets:
            _add(self.allows if end.allows else self.blocks, {end: packets})
        if end.allows:
            for now, each in ways.items():
                self._allowed.setdefault(now, []).append(each)
        return packets

    def _rule(self, at: At) -> Rule:
        return self.flow.ruleset.policies[at[0]].rules[at[1]]

    def _all(self, ways: Ways[N, S]) -> S:
        return self.sets.union(ways.values())

    def _some(self, ways: Ways[N, S]) -> Ways[N, S]:
        return {now: packets for now, packets in ways.items() if packets}


def _join(ways: Ways[N, S], now: N, packets: S) -> None:
    """Add packets to a way, if there are any."""
    if packets:
        ways[now] = ways[now] | packets if now in ways else packets


def _add(to: dict[End, S], found: Mapping[End, S]) -> None:
    for end, packets in found.items():
        to[end] = to[end] | packets if end in to else packets
