"""The way of sets of packets through the rules of a hook, rule by rule."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, takewhile
from operator import or_
from typing import Generic, assert_never

from policy.evaluate import Implicit
from policy.evaluate.state import harmless
from policy.evaluate.walk import IMPLICIT
from policy.ir import (
    Allow,
    Block,
    Change,
    Copy,
    Entry,
    Goto,
    Jump,
    Log,
    Match,
    Note,
    Policy,
    Reject,
    Return,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    UnknownAction,
    Verdict,
)
from policy.packet.fields import HOOK_FIELDS
from policy.reach.effects import NO_CHANGE, leaves, reduced
from policy.reach.ends import NO_ENTRY, At, End, Passing, combined
from policy.reach.guard import Ways, guarded, join
from policy.reach.runs import after, deal, decision, halves
from policy.reach.way import looked_at
from policy.sets import Exhausted
from policy.sets.truth import N, S, Sets, Truth

STEPS = 100
"""A rule on one way costs so many steps of the budget."""

DEEPEST = 150
"""Deeper calls are undecided."""


@dataclass(slots=True)
class _Going(Generic[S, N]):
    """What came of some packets: those that go on, those that leave the policy, and all that may end."""

    going: Ways[N, S]
    returned: Ways[N, S]
    ended: S


class Course(Generic[S, N]):
    """The packets of *within* as they go through the rules of a hook, and what is noted on the way."""

    def __init__(
        self,
        ruleset: Ruleset,
        sets: Sets[S, N],
        within: S | None = None,
        assume: Mapping[str, bool] | None = None,
        passing: bool = True,
        most: int | None = None,
        kept: Iterable[str] = (),
        starts: Ways[N, S] | None = None,
    ) -> None:
        self.ruleset = ruleset
        self.sets = sets
        self.assume = assume or {}
        self.open = sets.open
        self.forked = bool(self.open or sets.layout.unknowns or starts)
        """May a packet come to several ends?"""
        self.wants_passing = passing
        self.most = most
        self.kept = frozenset(kept)
        self.finals: Ways[N, S] = {}
        self.left: S = sets.nothing
        self.rules: dict[At, Passing[S]] = {}
        self.changed: dict[str, frozenset[str]] = {}
        self.allows: dict[End, S] = {}
        self.blocks: dict[End, S] = {}
        self.passes: dict[End, S] = {}
        self.within = sets.everything if within is None else within
        try:
            self._follow(self.within, {sets.original: self.within} if starts is None else starts)
        except RecursionError:
            raise Exhausted("conditions that are nested too deeply") from None

    def _follow(self, within: S, ways: Ways[N, S]) -> None:
        sets = self.sets
        sets.begin()
        sure = within if self.wants_passing else sets.nothing
        before: dict[End, S] | None = None
        entries = self.ruleset.at(sets.hook)
        for number, entry in enumerate(entries, 1):
            last = all(entry.hook != other.hook and None not in (entry.hook, other.hook) for other in entries[number:])
            here, away = guarded(sets, entry, ways)
            if not here:
                continue
            walk = _Walk(self, entry, number, last)
            passed = sets.union(away.values())
            walk.enter(here, sure - passed.known() if away else sure)
            before = combined(self.sets, before, walk.allows, passed)
            add(self.blocks, walk.blocks)
            add(self.allows, walk.passes)
            add(self.passes, walk.passes)
            for now, packets in walk.passing.items():
                join(self.finals, now, packets)
            if number < len(entries) or self.kept:
                ways = {}
                for now, packets in walk.allowed().items():
                    join(ways, now.translated(entry.translates), packets)
                for now, packets in away.items():
                    join(ways, now, packets)
                sure = sure - sets.union((*walk.blocks.values(), *walk.passes.values())).known()
        add(self.allows, {NO_ENTRY: within} if before is None else before)
        for now, packets in ways.items() if self.kept else ():
            join(self.finals, now, packets)

    @cached_property
    def looked_at(self) -> list[frozenset[str]]:
        """The fields that matter behind all entries, those that do behind all but the last, and so on."""
        entries = reversed(self.ruleset.at(self.sets.hook))
        return [*accumulate((looked_at(self.ruleset, entry) for entry in entries), or_, initial=self.kept)]

    def possible(self, packets: S) -> S:
        """Return the packets that are there for some truth of the unknowns and some values of the open fields."""
        found = packets.some()
        return found.apart_from(*self.open) if self.open else found

    def note(self, name: str, ways: Iterable[N]) -> None:
        """Note which fields have changed of the packets that come to rules of a policy."""
        original = self.sets.original
        for now in ways:
            if now != original:
                moved = HOOK_FIELDS if (now.hook, now.like) != (original.hook, original.like) else ()
                found = self.changed.get(name, frozenset())
                self.changed[name] = found.union(moved, (field for field, _ in now.changed))

    def seen(self, at: At, matched: S, surely: S) -> None:
        """Add what one way brings to a rule."""
        found = matched.some()
        sure = found if surely is found else surely.every()
        before = self.rules.get(at)
        if before is not None:
            found, sure = before.matched | found, before.surely | sure
        self.rules[at] = Passing(found, sure)


class _Walk(Generic[S, N]):
    """The way through one entry, the one with this *number*; *last*: no other follows for its packets."""

    def __init__(self, flow: Course[S, N], entry: Entry, number: int, last: bool) -> None:
        self.flow = flow
        self.number = number
        self.last = last
        self.sets = flow.sets
        self.entry = entry
        self.allows: dict[End, S] = {}
        self.blocks: dict[End, S] = {}
        self.passes: dict[End, S] = {}
        self.passing: Ways[N, S] = {}
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
                join(rest, now, packets - held)
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
        self.flow.note(name, ways)
        returned: Ways[N, S] = {}
        ended = self.sets.nothing
        if depth > DEEPEST:
            raise Exhausted(f"{DEEPEST} nested calls")
        order = range(len(policy.rules))
        waiting = deque(order[::-1] if policy.last_match else order)
        while ways and waiting:
            if self.sets.unites and self.flow.most is None and len(ways) == 1:
                ((now, packets),) = ways.items()
                together = self._together(policy, waiting, now, packets, sure)
                if together is not None:
                    rest, sure, gone = together
                    ways = {now: rest} if rest else {}
                    ended = ended | gone
                    continue
            number = waiting.popleft()
            rule, at = policy.rules[number], (name, number)
            self.sets.budget.spend(STEPS * len(ways))
            matched, unmatched = self._parted(rule.match, ways)
            surely = sure - self._all(unmatched).known()
            if self.flow.wants_passing:
                self.flow.seen(at, self._all(matched), surely)
            if not matched or all(harmless(action) for action in rule.actions):
                continue
            done = self._do(rule, at, matched, surely, depth)
            ways = unmatched
            self.flow.note(name, done.going)
            for now, packets in done.going.items():
                join(ways, now, packets)
            for now, packets in done.returned.items():
                join(returned, now, packets)
            ended = ended | done.ended if self.flow.wants_passing else ended
            sure = sure - (done.ended | self._all(done.returned)).known()
            if depth == 0 and self._suffices():
                self.flow.left = self.flow.possible(self._all(ways))
                return _Going({}, returned, ended)
            if len(ways) > self.sets.budget.ways:
                raise Exhausted(f"{self.sets.budget.ways} ways that change packets differently")
        if policy.default is not None:
            ended = ended | self._end(ways, policy.default, name, None, "default")
        else:
            for now, packets in ways.items():
                join(returned, now, packets)
        return _Going({}, returned, ended)

    def _suffices(self) -> bool:
        """Have enough packets been decided?"""
        most = self.flow.most
        if most is None or not self.last or not (self.allows and self.blocks):
            return False
        return len(self.allows) + len(self.blocks) >= most

    def _together(self, policy: Policy, waiting: deque[int], now: N, packets: S, sure: S) -> tuple[S, S, S] | None:
        """Take the next rules that only decide together; return what is left, what of it is sure, and what is gone."""
        verdicts = [*takewhile(bool, (decision(policy.rules[number]) for number in waiting))]
        count = len(verdicts)
        if count < 2:
            return None
        flow = self.flow
        numbers = [waiting.popleft() for _ in range(count)]
        self.sets.budget.spend(STEPS * count)
        truths = []
        for number in numbers:
            may, must = self.sets.truth(policy.rules[number].match, now, flow.assume)
            flow.forked |= may is not must
            mine = packets & may
            truths.append(Truth(mine, mine if may is must else packets & must))

        def got(place: int, come: S, surely: S) -> None:
            at, verdict, must = (policy.name, numbers[place]), verdicts[place], truths[place].must
            if flow.wants_passing:
                same = surely is come and must is truths[place].may
                flow.seen(at, come, surely if same else surely - (come - must))
            if not isinstance(verdict, bool):
                self._end({now: come}, verdict, policy.name, at)

        half = halves(truths, [not isinstance(verdict, bool) for verdict in verdicts], self.sets.nothing)
        deal(half, packets, packets if sure == packets else sure, got)
        return *after(half, packets, sure), packets & half.may

    def _parted(self, match: Match, ways: Ways[N, S]) -> tuple[Ways[N, S], Ways[N, S]]:
        """Return the packets that may match and those that may not."""
        matched: Ways[N, S] = {}
        unmatched: Ways[N, S] = {}
        for now, packets in ways.items():
            held = self.sets.truth(match, now, self.flow.assume)
            self.flow.forked |= held.may is not held.must
            join(matched, now, packets & held.may)
            join(unmatched, now, packets - held.must)
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
                case Set() | Copy() | Rewrite():
                    left = self.number + leaves(rule)
                    ways = self._changed(ways, reduced(action, self.flow.looked_at[-left]))
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

    def _changed(self, ways: Ways[N, S], action: Change) -> Ways[N, S]:
        if action == NO_CHANGE:
            return ways
        found: Ways[N, S] = {}
        for now, packets in ways.items():
            after, known = self.sets.changed(now, action)
            self.flow.forked |= not self.sets.everything <= known
            join(found, after, packets & known)
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
            add(self.passes, {end: packets})
            for now, each in ways.items():
                join(self.passing, now, each)
            return packets
        return self._end(ways, Allow() if outcome == "allow" else Block(), at[0], at)

    def _end(
        self, ways: Ways[N, S], action: Verdict, policy: str, at: At | None, implicit: Implicit | None = None
    ) -> S:
        """Come to a verdict in this entry: a block is the end, an allow goes on to the next entry."""
        packets = self._all(ways)
        end = End(action, at, None if at is None else self._rule(at), implicit, policy, self.entry.main)
        if packets:
            add(self.allows if end.allows else self.blocks, {end: packets})
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


def add(to: dict[End, S], found: Mapping[End, S]) -> None:
    """Add packets to the ends that they come to."""
    for end, packets in found.items():
        to[end] = to[end] | packets if end in to else packets
