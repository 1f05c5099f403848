"""The evaluator: one packet (or box) through the rules of a hook, step by step.

It is the only meaning of the IR; every other engine is tested against it. Sources: netfilter's
traversal as in iptables(8) and the kernel's ip_tables.c (jump, goto, return, policies), nft(8) for
several entries on one hook, and pf.conf(5) for last match.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from policy.evaluate.index import Index
from policy.evaluate.state import End, Frame, State, changed, difference, harmless, shared_keys
from policy.evaluate.trace import Decision, Final, Implicit, Step, Translation
from policy.evaluate.truth import Case, Key, settle, truth
from policy.ir import (
    Allow,
    Block,
    Copy,
    Entry,
    Field,
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
from policy.packet import ESTABLISHED, FIELDS, INVALID, RELATED, Intervals, Packet, varies

MOST_STEPS = 200_000
"""After so many rules the walk ends undecided: only formulas in disguise need more."""

STEPS_OF_A_FORK = 8
"""Following one more way takes about as long as examining so many rules."""

DEEPEST = 512
"""Deeper calls end the walk undecided; no firewall allows them."""

IMPLICIT: tuple[tuple[Match, Verdict], ...] = (
    (Field("state", Intervals.of(ESTABLISHED, RELATED)), Allow()),
    (Field("state", Intervals.of(INVALID)), Block()),
)


def evaluate(
    ruleset: Ruleset,
    packet: Packet,
    *,
    assume: Mapping[str, bool] | None = None,
    index: Index | None = None,
    translation: Translation | None = None,
    every: bool = False,
) -> Iterator[Step | Decision]:
    """Yield a `Step` for each rule that is examined for *packet* at its hook, and a `Decision` at the end.

    Where an unknown condition decides whether a rule matches, both ways are followed, one after the
    other, until they meet again or their verdicts differ. *assume* settles unknowns by their key. With
    an *index* only rules that can match are examined; the decision is the same. *translation* is what connection
    tracking does to the packet, if it belongs to a connection that was rewritten. *every* way is followed to its end,
    where all that may become of the packet is wanted.
    """
    hook = packet.values.get("hook")
    entries = ruleset.at(hook if isinstance(hook, int) else None)
    return _Walk(ruleset, entries, index, assume or {}, translation or Translation(), every).run(packet)


def decide(
    ruleset: Ruleset,
    packet: Packet,
    *,
    assume: Mapping[str, bool] | None = None,
    index: Index | None = None,
    translation: Translation | None = None,
    every: bool = False,
) -> Decision:
    """Return the last step of `evaluate`."""
    *_, last = evaluate(ruleset, packet, assume=assume, index=index, translation=translation, every=every)
    assert isinstance(last, Decision)
    return last


_Going = Generator[Step, None, "State | None"]


class _Walk:
    def __init__(
        self,
        ruleset: Ruleset,
        entries: tuple[Entry, ...],
        index: Index | None,
        assume: Mapping[str, bool],
        translation: Translation,
        every: bool,
    ) -> None:
        self.every = every
        self.translation = translation
        self.ruleset = ruleset
        self.entries = entries
        self.index = index
        self.assume: dict[Key, bool] = dict(assume.items())
        self.todo: list[State] = []
        self.seen: set[object] = set()
        self.forked = False
        self.shared: frozenset[str] = frozenset()
        self.ends: list[tuple[State, End]] = []
        self.differ = False
        self.left = MOST_STEPS

    def run(self, packet: Packet) -> Iterator[Step | Decision]:
        came = packet.with_values({name: FIELDS[name].domain for name in self.translation.open})  # type: ignore[misc] # no masks
        self.todo.append(State(0, (), Case(True, came, self.assume, ())))
        while self.todo:
            state = self.todo.pop()
            if not self._is_new(state):
                continue
            yield from self._follow(state)
            if self.left <= 0 or (self.differ and not self.every):
                break
        yield self._decision(packet)

    def _is_new(self, state: State) -> bool:
        if not self.forked:
            return True
        key = state.key()
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def _finish(self, state: State, end: End) -> None:
        self.ends.append((state, end))
        self.differ = self.differ or end.allows is not self.ends[0][1].allows

    def _follow(self, state: State) -> Iterator[Step]:
        """Go on from *state* to the end of the hook, or to where the ways part (they go to `todo`)."""
        current: State | None = state
        while current is not None:
            if current.frames:
                depth = len(current.frames)
                current = yield from self._policy(current)
                if current is not None and len(current.frames) < depth and not self._is_new(current):
                    return
            elif current.entry == len(self.entries):
                self._finish(current, current.allowed or End(True, Allow(), None, "default", None))
                return
            elif (away := self._passed_by(current)) is not None:
                current = away
            elif current.returned:
                entry = self.entries[current.entry]
                yield Step(entry, entry.policy, None, True, current.case.packet, 0, "default")
                default = self.ruleset.policies[entry.policy].default or entry.default
                current = self._end(current, default, entry.policy, None, "default")
            else:
                current = yield from self._enter(current)

    def _passed_by(self, state: State) -> State | None:
        """Return *state* before the next entry, where this one is for other packets (`Entry.hook`, `Entry.family`)."""
        entry, packet = self.entries[state.entry], state.case.packet
        if state.returned:
            return None
        if entry.hook in (None, packet.get("hook")) and entry.family in (None, packet.family):
            return None
        return replace(state, entry=state.entry + 1)

    def _enter(self, state: State) -> _Going:
        """Begin the next entry: the implicit rule for connection state, then its policy."""
        entry = self.entries[state.entry]
        packet = state.case.packet
        for match, action in IMPLICIT if entry.stateful else ():
            matched = truth(match, packet, state.case.known)
            if matched is None:
                self._fork(state, match)
                return None
            if matched:
                yield Step(entry, entry.policy, None, True, packet, implicit="state")
                return self._end(state, action, entry.policy, None, "state")
        return replace(state, frames=(self._frame(entry.policy, state),))

    def _frame(self, name: str, state: State) -> Frame:
        policy = self.ruleset.policies[name]
        if self.index is not None:
            order: tuple[int, ...] | range = tuple(self.index.candidates(policy, state.case.packet))
        else:
            order = range(len(policy.rules))
        return Frame(policy, order[::-1] if policy.last_match else order)

    def _policy(self, state: State) -> _Going:
        """Go on in the innermost policy up to the first rule that leads elsewhere, or to its end."""
        frame, entry = state.frames[-1], self.entries[state.entry]
        rules, packet, known, depth = frame.policy.rules, state.case.packet, state.case.known, len(state.frames) - 1
        for at in range(frame.at, len(frame.order)):
            rule = rules[frame.order[at]]
            matched = truth(rule.match, packet, known)
            yield Step(entry, frame.policy.name, rule, matched, packet, depth, known=known)
            self.left -= 1
            if self.left <= 0 or depth > DEEPEST:
                self.left = 0
                return None
            if matched is False or (matched is None and all(harmless(action) for action in rule.actions)):
                continue
            here = replace(state, frames=(*state.frames[:-1], replace(frame, at=at + 1)))
            if matched:
                return self._do(here, rule)
            self._fork(here, rule.match, rule)
            return None
        if frame.policy.default is not None:
            yield Step(entry, frame.policy.name, None, True, packet, depth, "default")
            return self._end(state, frame.policy.default, frame.policy.name, None, "default")
        return self._leave(state)

    def _leave(self, state: State) -> State:
        """Return to the caller of the innermost policy, or to the end of the entry."""
        frames = state.frames[:-1]
        return replace(state, frames=frames, returned=not frames)

    def _fork(self, state: State, match: Match, rule: Rule | None = None) -> None:
        """Follow every way in which *match* can turn out; where it is true, do what *rule* says."""
        if not self.forked:
            self.forked, self.shared = True, shared_keys(self.ruleset, self.entries)
        ways: dict[object, State] = {}
        for case in settle(match, replace(state.case, decided=()), self.shared):
            way = replace(state, case=case, done=(*state.done, *case.decided))
            ways.setdefault((case.truth, way.key()), way)
            self.left -= STEPS_OF_A_FORK
            if self.left <= 0:
                return
        for way in reversed(ways.values()):
            going = self._do(way, rule) if rule and way.case.truth else way
            if going is not None:
                self.todo.append(going)

    def _do(self, state: State, rule: Rule) -> State | None:
        """Do the actions of a rule that matches; None where this way has ended."""
        policy = state.frames[-1].policy.name
        for action in rule.actions:
            match action:
                case Allow() | Block() | Reject():
                    return self._end(state, action, policy, rule)
                case Jump(name):
                    return replace(state, frames=(*state.frames, self._frame(name, state)))
                case Goto(name):
                    return replace(state, frames=(*state.frames[:-1], self._frame(name, state)))
                case Return():
                    return self._leave(state)
                case Set() | Copy() | Rewrite():
                    state = changed(state, action)
                case Log() | Note():
                    continue
                case UnknownAction():
                    answer = self._unknown(state, action, rule)
                    if answer is None:
                        return None
                    state = answer
                case _:
                    assert_never(action)
        return state

    def _end(
        self, state: State, action: Verdict, policy: str, rule: Rule | None, implicit: Implicit | None = None
    ) -> State | None:
        """Come to a verdict in this entry: a block is the end, an allow goes on to the next entry."""
        allows = isinstance(action, Allow)
        end = End(allows, action, rule, implicit, policy, self.entries[state.entry].main)
        if not allows:
            self._finish(state, end)
            return None
        if state.allowed is not None and state.allowed.weight > end.weight:
            end = state.allowed
        changes = self.translation.at(self.entries[state.entry].translates, state.case.packet)
        state = changed(state, Rewrite(changes)) if changes else state
        return replace(state, entry=state.entry + 1, frames=(), returned=False, allowed=end)

    def _unknown(self, state: State, action: UnknownAction, rule: Rule) -> State | None:
        """Follow every outcome of an action that is not modelled; return the way on which it does nothing.

        When its key is settled, yes means that the packet goes on as far as the action can let it.
        """
        policy = state.frames[-1].policy.name
        outcomes = action.outcomes
        settled = self.assume.get(action.key)
        if settled is not None:
            passing = outcomes - {"block"}
            outcomes = (passing or outcomes) if settled else (outcomes & {"block"} or outcomes)
            outcomes = frozenset({"continue"}) if settled and "continue" in outcomes else outcomes
        if len(outcomes) > 1:
            self.forked = True
            self.shared = self.shared or shared_keys(self.ruleset, self.entries)
        going: State | None = None
        for outcome in sorted(outcomes):
            way = replace(state, done=(*state.done, (action, outcome))) if len(outcomes) > 1 else state
            if outcome == "continue":
                going = way
            elif outcome == "pass":
                self._finish(way, End(True, Allow(), rule, None, policy, last=action))
            elif (ended := self._end(way, Allow() if outcome == "allow" else Block(), policy, rule)) is not None:
                self.todo.append(ended)
        return going

    def _decision(self, packet: Packet) -> Decision:
        if self.left <= 0 or not self.ends:
            return Decision("depends", packet, undecided=True)
        first_state, first = self.ends[0]
        passing = (Final(state.case.packet, state.rewritten, end.last) for state, end in self.ends if end.allows)
        finals = tuple({(each.packet.key(), each.rewritten, each.last): each for each in passing}.values())
        if not self.differ:
            ends = [end for _, end in self.ends]
            same = all(
                end.rule is first.rule and (end.implicit, end.policy) == (first.implicit, first.policy) for end in ends
            )
            return Decision(
                "allow" if first.allows else "block",
                first_state.case.packet,
                first.action if all(end.action == first.action for end in ends) else None,
                first.rule if same else None,
                first.implicit if same else None,
                first.policy if same else None,
                finals=finals,
            )
        other = next(state for state, end in self.ends if end.allows is not first.allows)
        open_ = difference(first_state.done, other.done)
        mixed = any(isinstance(atom, Field) and varies(atom.name, packet.values.get(atom.name, 0)) for atom in open_)
        return Decision("mixed" if mixed else "depends", packet, open=open_, finals=finals)
