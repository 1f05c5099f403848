"""Which rules make another one dead, in all the rules of a hook: with calls, changes, several entries and unknowns.

A *cover* of a dead rule is a set of rules that suffices whatever the others decide: each verdict, return and goto of
a rule outside of it may be done or not. Calls are always followed, changes made and defaults taken. So a larger set
is a cover too, and a rule that can be missed in none of them is a cause. A packet that comes to a rule whatever the
others decide is *wanted* by it; only rules that want some of the packets of a dead rule can have to do with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic

from policy.evaluate.state import harmless
from policy.ir import Allow, Block, Goto, Reject, Return, Rule, Ruleset, Unknown, UnknownAction, all_of
from policy.reach.ends import At
from policy.reach.flow import Flow
from policy.sets.truth import N, S, Sets

_PERHAPS = Unknown("what other rules decide", "", pure=False)


def decides(rule: Rule) -> bool:
    """Does a rule say where the packets that match it go next (other than by a call)?"""
    return any(isinstance(a, Allow | Block | Reject | Return | Goto | UnknownAction) for a in rule.actions)


def undone(rule: Rule) -> Rule:
    """Return the rule as one that may do what it says or not."""
    if all(isinstance(action, Block | Reject) or harmless(action) for action in rule.actions):
        return replace(rule, actions=())
    return replace(rule, match=all_of(rule.match, _PERHAPS)) if decides(rule) else rule


@dataclass(frozen=True, slots=True)
class Wanted(Generic[S, N]):
    """The packets at one hook that come to a dead rule and match it, unless other rules decide otherwise."""

    sets: Sets[S, N]
    packets: S
    flow: Flow[S, N]
    """All packets, where every rule may be done or not."""


@dataclass(frozen=True, slots=True)
class Near:
    """The rules that want some of certain packets (*some*), and those of them that decide and want all (*every*).

    Both in the order in which packets may meet them, and without rules that only remark.
    """

    some: tuple[At, ...]
    every: tuple[At, ...]


class Covers(Generic[S, N]):
    """Looks for the causes of dead rules in the *spaces* of all hooks. Everything may raise `Exhausted`."""

    def __init__(self, ruleset: Ruleset, spaces: Iterable[Sets[S, N]]) -> None:
        self.ruleset = ruleset
        self.spaces = tuple(spaces)
        self._near: dict[tuple[S, ...], Near] = {}

    @cached_property
    def _open(self) -> tuple[Flow[S, N], ...]:
        policies = {
            name: replace(policy, rules=tuple(undone(rule) for rule in policy.rules))
            for name, policy in self.ruleset.policies.items()
        }
        return tuple(Flow(replace(self.ruleset, policies=policies), sets) for sets in self.spaces)

    def wanted(self, at: At) -> list[Wanted[S, N]]:
        """Return the packets that a rule wants, at the hooks where there are any."""
        found = ((flow, flow.passing(at).matched) for flow in self._open)
        return [Wanted(flow.sets, packets, flow) for flow, packets in found if packets]

    def near(self, wanted: Sequence[Wanted[S, N]]) -> Near:
        """Return what may have to do with the packets that a rule wants."""
        key = tuple(each.packets for each in wanted)
        if key not in self._near:
            found: dict[At, None] = {}
            for each in wanted:
                passing = {at: p.matched for at, p in each.flow.rules.items() if self._matters(at)}
                found.update((at, None) for at, packets in passing.items() if packets & each.packets)
            every = (at for at in found if decides(self._rule(at)) and self._takes(at, wanted))
            self._near[key] = Near(tuple(found), tuple(every))
        return self._near[key]

    def _matters(self, at: At) -> bool:
        return not all(harmless(action) for action in self._rule(at).actions)

    def _takes(self, at: At, wanted: Sequence[Wanted[S, N]]) -> bool:
        return all(each.packets <= each.flow.passing(at).matched for each in wanted)

    def _rule(self, at: At) -> Rule:
        return self.ruleset.policies[at[0]].rules[at[1]]


class Search(Generic[S, N]):
    """The search for the causes of one dead rule *at*, which wants the packets *wanted*."""

    def __init__(self, ruleset: Ruleset, at: At, wanted: Sequence[Wanted[S, N]], near: Near) -> None:
        self.ruleset = ruleset
        self.at = at
        self.wanted = wanted
        self.bare = {name: replace(policy, rules=()) for name, policy in ruleset.policies.items()}
        self.near: dict[str, list[int]] = {}
        for name, number in sorted({*near.some, at}):
            self.near.setdefault(name, []).append(number)
        self.every = [other for other in near.every if other != at]
        self.candidates = [other for other in near.some if other != at and decides(self._rule(other))]

    def _rule(self, at: At) -> Rule:
        return self.ruleset.policies[at[0]].rules[at[1]]

    def one(self) -> At | None:
        """Return the first rule that is a cover alone."""
        return next((other for other in self.every if self.is_cover([other])), None)

    def several(self) -> list[At]:
        """Return a cover of which no rule can be missed (QuickXplain, Junker 2004); the first rules are preferred."""
        return sorted(self._needed([], [], self.candidates), key=self.candidates.index)

    def _needed(self, given: list[At], new: list[At], left: list[At]) -> list[At]:
        if new and self.is_cover(given):
            return []
        if len(left) == 1:
            return left
        first, second = left[: len(left) // 2], left[len(left) // 2 :]
        behind = self._needed([*given, *first], first, second)
        return [*self._needed([*given, *behind], behind, first), *behind]

    def is_cover(self, by: Collection[At]) -> bool:
        """Is the rule dead by the rules *by* whatever the others decide?"""
        ruleset, place = self._reduced(frozenset(by))
        return not any(Flow(ruleset, each.sets, each.packets).passing(place).matched for each in self.wanted)

    def _reduced(self, by: frozenset[At]) -> tuple[Ruleset, At]:
        """Return the rules that matter to the wanted packets, only *by* as they are, and where the rule is then."""
        policies = dict(self.bare)
        place = self.at
        for name, numbers in self.near.items():
            kept: list[Rule] = []
            for number in numbers:
                at = (name, number)
                rule = self._rule(at) if at in by else undone(self._rule(at))
                if at == self.at:
                    place = (name, len(kept))
                    kept.append(replace(rule, actions=()))
                elif not all(harmless(action) for action in rule.actions):
                    kept.append(rule)
            policies[name] = replace(self.bare[name], rules=tuple(kept))
        return replace(self.ruleset, policies=policies), place
