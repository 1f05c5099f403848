"""The rules of one hook as sets: what each matches by itself, and which packets come to it.

Where the hook has one entry whose rules do nothing but decide, each rule is looked at alone, among those that it can
have packets in common with; so long lists cost little, and a set is only made when it is asked for. All other rules
are followed with `Flow`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, Generic

from policy.evaluate.state import harmless
from policy.evaluate.walk import IMPLICIT
from policy.ir import (
    Allow,
    Block,
    Entry,
    Field,
    Log,
    Note,
    Policy,
    Reject,
    Rule,
    Ruleset,
    Unknown,
    Verdict,
    either_of,
    walk,
)
from policy.packet import ESTABLISHED, INVALID, RELATED, Intervals, Names
from policy.reach.effects import touches
from policy.reach.ends import At
from policy.reach.flow import Flow
from policy.reach.nearby import Nearby
from policy.reach.way import changed_before, way
from policy.sets.truth import N, S, Sets, Truth

_LO = Names.of("lo")
PREAMBLE = either_of(Field("state", Intervals.of(ESTABLISHED, RELATED, INVALID)), Field("in", _LO), Field("out", _LO))
"""What the first rules of many policies are about: known connections, invalid packets, the host with itself."""


class Ground(Generic[S, N]):
    """The rules at the hook of *sets*; *flow* gives all packets through them, *nearby* the neighbours in a policy.

    Every method may raise `Exhausted`.
    """

    def __init__(
        self, ruleset: Ruleset, sets: Sets[S, N], nearby: Callable[[str], Nearby], flow: Callable[[], Flow[Any, Any]]
    ) -> None:
        self.ruleset = ruleset
        self.sets = sets
        self.nearby = nearby
        self.way = way(ruleset, sets.hook)
        entries = tuple(stage.entry for stage in self.way)
        self.working = tuple(stage.entry for stage in self.way if not stage.idle) or entries
        """The entries at the hook that do anything; all, where none does."""
        self.listed = _listed(ruleset, self.working)
        """The only policy at the hook, where its rules do nothing but decide."""
        self._flow = flow
        self._truths: dict[At, Truth[S]] = {}
        self._left: dict[At, S] = {}
        self._sure: dict[At, S] = {}
        self._settled: dict[At, bool] = {}

    @property
    def default(self) -> Verdict | None:
        """What becomes of packets at the end of a `listed` policy."""
        return None if self.listed is None else self.listed.default or self.working[0].default

    def rule(self, at: At) -> Rule:
        """Return the rule at a place."""
        return self.ruleset.policies[at[0]].rules[at[1]]

    def is_settled(self, at: At) -> bool:
        """Is what a rule looks at as it was when packets arrived, so that `truth` holds where it stands?"""
        if not self._changes.get(at[0]):
            return True
        if at not in self._settled:
            fields = {part.name for part in walk(self.rule(at).match) if isinstance(part, Field)}
            self._settled[at] = not self.changed(at[0], fields)
        return self._settled[at]

    def changed(self, name: str, fields: Collection[str]) -> bool:
        """Has one of *fields* changed of any packets that come to a policy?"""
        if not touches(self._changes.get(name, ()), fields):
            return False
        return touches(self._flow().changed.get(name, ()), fields)

    @cached_property
    def _changes(self) -> dict[str, frozenset[str]]:
        """The fields that may have changed when packets come to a policy, by what is written."""
        return changed_before(self.ruleset, self.way)

    def truth(self, at: At) -> Truth[S]:
        """Return the packets that may and must match a rule, as they arrive."""
        if at not in self._truths:
            self._truths[at] = self.sets.truth(self.rule(at).match, self.sets.original, {})
        return self._truths[at]

    def matched(self, at: At) -> S:
        """Return the packets that may come to a rule and match it, for some truth of the unknowns."""
        if self.listed is None:
            matched: S = self._flow().passing(at).matched
            return matched
        return self.left(at).some()

    def surely(self, at: At) -> S:
        """Return the packets that come to a rule and match it, whatever the unknowns are; perhaps not all of them."""
        if self.listed is None:
            surely: S = self._flow().passing(at).surely
            return surely
        if self._is_known:
            return self.left(at)
        if at not in self._sure:
            self._sure[at] = self._rest(at, sure=True).every()
        return self._sure[at]

    def left(self, at: At) -> S:
        """Return the packets that may come to a rule of a `listed` policy and match it, with the pure unknowns."""
        if at not in self._left:
            self._left[at] = self._rest(at, sure=False)
        return self._left[at]

    @cached_property
    def preamble(self) -> S:
        """The packets that the first rules of many policies are about (`PREAMBLE`)."""
        return self.sets.of_match(PREAMBLE)

    @cached_property
    def _is_known(self) -> bool:
        """Has no rule of the `listed` policy an unknown condition?"""
        return self.listed is not None and not any(
            isinstance(part, Unknown) for rule in self.listed.rules for part in walk(rule.match)
        )

    @cached_property
    def _before_rules(self) -> S | None:
        """The packets that the table of connections decides."""
        if not self.working[0].stateful:
            return None
        return self.sets.union(self.sets.of_match(match) for match, _ in IMPLICIT)

    def _rest(self, at: At, sure: bool) -> S:
        """Return what the rules before a rule leave of its packets."""
        name, number = at
        if self.listed is None or name != self.listed.name:
            return self.sets.nothing
        mine = self.truth(at)
        rest = mine.must if sure else mine.may
        if rest and self._before_rules is not None:
            rest = rest - self._before_rules
        for other in self.nearby(name).before(number):
            if not rest:
                break
            if not all(harmless(action) for action in self.listed.rules[other].actions):
                theirs = self.truth((name, other))
                rest = rest - (theirs.may if sure else theirs.must)
        return rest


def _listed(ruleset: Ruleset, entries: Sequence[Entry]) -> Policy | None:
    if len(entries) != 1 or entries[0].family is not None:
        return None
    policy = ruleset.policies[entries[0].policy]
    plain = (Allow, Block, Reject, Log, Note)
    return policy if all(isinstance(action, plain) for rule in policy.rules for action in rule.actions) else None
