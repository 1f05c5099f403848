"""The standing of rules by exact sets of packets, where calls, changes or earlier entries matter.

A rule is dead if no packet at any hook comes to it and matches it, whatever the unknowns are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Generic

from policy.ir import Allow, Block, Reject, Return, Rule, Ruleset
from policy.reach.covers import Covers, Search
from policy.reach.effects import End, effect, telling, verdict
from policy.reach.ends import At
from policy.reach.entered import Entered
from policy.reach.flow import Flow
from policy.reach.products import ALL_STATES
from policy.reach.standing import Kind, Standing
from policy.reach.way import calls
from policy.sets import Exhausted
from policy.sets.truth import N, S, Sets, Truth

BY_STATE = "the implicit rule for connection states takes all packets that match it"
BY_CALLERS = "none of the packets that are sent to `{}` match it"
BY_OTHERS = "none of the packets that come to `{}` match it"


class Dead(Generic[S, N]):
    """The rules of a ruleset in the *flows* of all its hooks. *known* is what was found out without them."""

    def __init__(
        self,
        ruleset: Ruleset,
        entered: Entered,
        flows: Mapping[int | None, Flow[S, N]],
        known: Mapping[At, Standing[At]],
    ) -> None:
        self.ruleset = ruleset
        self.entered = entered
        self.flows = flows
        self.known = known
        self.covers = Covers(ruleset, (flow.sets for flow in flows.values()))
        self._truths: dict[At, tuple[Truth[S], ...]] = {}
        self._catch_alls: dict[str, int | None] = {}

    @cached_property
    def policies(self) -> frozenset[str]:
        """The policies that packets come to, and those that nobody wrote a call of."""
        found = {entry.policy for hook in self.flows for entry in self.ruleset.at(hook)}
        for name, callers in self.entered.callers.items():
            for at in callers:
                if self.rule(at).span == self.ruleset.policies[name].span or self.is_alive(at):
                    found.add(name)
        return frozenset(found)

    def rule(self, at: At) -> Rule:
        """Return the rule at a place."""
        return self.ruleset.policies[at[0]].rules[at[1]]

    def is_alive(self, at: At) -> bool:
        """Does some packet come to a rule and match it?"""
        return any(flow.passing(at).matched for flow in self.flows.values())

    def wanted(self, at: At) -> list[tuple[Sets[S, N], S]]:
        """Return the packets that come to a rule, at each hook, if other rules decide nothing."""
        return [(each.sets, each.packets) for each in self.covers.wanted(at)]

    def taken(self, at: At, by: Sequence[At]) -> list[S]:
        """Return those of the wanted packets that come to one of the rules *by* and match it for sure."""
        found = []
        for each in self.covers.wanted(at):
            flow = self.flows[each.sets.hook]
            found += [each.packets & flow.passing(other).surely for other in by]
        return found

    def standing(self, at: At) -> Standing[At]:
        """Return what there is to say of a rule."""
        if at[0] not in self.policies:
            return Standing(Kind.NOT_ENTERED)
        if self.is_alive(at):
            return Standing(Kind.ALIVE)
        try:
            return self._because(at)
        except Exhausted as limit:
            known = self.known.get(at)
            unsettled: Standing[At] = Standing(Kind.COVERED_TOGETHER, settled=False, reason=f"more than {limit}")
            return known if known is not None and known.dead else unsettled

    def _because(self, at: At) -> Standing[At]:
        if not any(truth.may for truth in self._truth(at)):
            return Standing(Kind.UNMATCHABLE)
        wanted = self.covers.wanted(at)
        if not wanted:
            return self._not_sent(at)
        if (catch_all := self._catch_all(at[0])) is not None and self._is_before(at[0], catch_all, at[1]):
            return self._by(Kind.AFTER_CATCH_ALL, at, [(at[0], catch_all)])
        known = self.known.get(at)
        if known is not None and known.kind in (Kind.DUPLICATE, Kind.COVERED):
            return known
        search = Search(self.ruleset, at, wanted, self.covers.near(wanted))
        if (twin := self._twin(at, search)) is not None:
            return self._by(Kind.DUPLICATE, at, [twin])
        if (one := search.one()) is not None:
            return self._by(Kind.COVERED, at, [one])
        return self._by(Kind.COVERED_TOGETHER, at, search.several())

    def _by(self, kind: Kind, at: At, by: Collection[At]) -> Standing[At]:
        return Standing(kind, tuple(by), same(self.ruleset, self.entered, at, by))

    def _not_sent(self, at: At) -> Standing[At]:
        callers = tuple(caller for caller in self.entered.callers.get(at[0], ()) if self.is_alive(caller))
        if not any((truth.may & self._universe(flow, at)) for flow, truth in self._at_hooks(at)):
            return Standing(Kind.NOT_SENT, callers, reason=BY_STATE)
        return Standing(Kind.NOT_SENT, callers, reason=(BY_CALLERS if callers else BY_OTHERS).format(at[0]))

    # Matches as they are written

    def _truth(self, at: At) -> tuple[Truth[S], ...]:
        """Return the match of a rule at each hook where packets may come to its policy."""
        if at not in self._truths:
            hooks = self.entered.scopes[at[0]].hooks
            self._truths[at] = tuple(
                flow.sets.truth(self.rule(at).match, flow.sets.original, {})
                for hook, flow in self.flows.items()
                if hook is None or hook in hooks
            )
        return self._truths[at]

    def _at_hooks(self, at: At) -> list[tuple[Flow[S, N], Truth[S]]]:
        hooks = self.entered.scopes[at[0]].hooks
        flows = [flow for hook, flow in self.flows.items() if hook is None or hook in hooks]
        return [*zip(flows, self._truth(at), strict=True)]

    def _universe(self, flow: Flow[S, N], at: At) -> S:
        """Return all packets in the scope of a policy: those that the implicit rule for states leaves."""
        states = self.entered.scopes[at[0]].states
        return flow.sets.field("state", states, flow.sets.original) if states != ALL_STATES else flow.sets.everything

    def _is_before(self, name: str, one: int, other: int) -> bool:
        return one > other if self.ruleset.policies[name].last_match else one < other

    def _catch_all(self, name: str) -> int | None:
        """Return the first rule of a policy that ends it for every packet."""
        if name not in self._catch_alls:
            policy = self.ruleset.policies[name]
            numbers = range(len(policy.rules))
            self._catch_alls[name] = next(
                (n for n in (numbers[::-1] if policy.last_match else numbers) if self._takes_all((name, n))), None
            )
        return self._catch_alls[name]

    def _takes_all(self, at: At) -> bool:
        if effect(self.rule(at), self.ruleset.policies).end is not End.SURE:
            return False
        return all(self._universe(flow, at) <= truth.must for flow, truth in self._at_hooks(at))

    def _twin(self, at: At, search: Search[S, N]) -> At | None:
        """Return the first rule of the same policy that takes the packets of a rule, has its match and its actions."""
        for other in search.every:
            if other[0] != at[0] or not self._is_before(at[0], other[1], at[1]):
                continue
            if telling(self.rule(other)) != telling(self.rule(at)):
                continue
            if self._is_same_match(other, at) and search.is_cover([other]):
                return other
        return None

    def _is_same_match(self, one: At, two: At) -> bool:
        for (flow, mine), theirs in zip(self._at_hooks(one), self._truth(two), strict=True):
            universe = self._universe(flow, one)
            if mine.may & universe != theirs.may & universe or mine.must & universe != theirs.must & universe:
                return False
        return True


def same(ruleset: Ruleset, entered: Entered, at: At, by: Collection[At]) -> bool:
    """Do packets get the same in the end by all rules of *by* as by the rule at a place?"""
    return all(_outcome(ruleset, entered, other) == _outcome(ruleset, entered, at) for other in by)


def _outcome(ruleset: Ruleset, entered: Entered, at: At) -> object:
    """Return what packets get by a rule: a kind of verdict, or what else it does."""
    action: object = verdict(ruleset.policies[at[0]].rules[at[1]])
    if isinstance(action, Return) and at[0] not in entered.callers:
        defaults = {e.default for entries in ruleset.entries.values() for e in entries if e.policy == at[0]}
        default = ruleset.policies[at[0]].default
        action = default or (defaults.pop() if len(defaults) == 1 else action)
    return type(action) if isinstance(action, Allow | Block | Reject) else action


def not_entered(ruleset: Ruleset, policies: Collection[str]) -> tuple[str, ...]:
    """Return the policies that no packet comes to, where *policies* are those that packets come to.

    Built-in ones, which stand in a file without being used or written, are not among them.
    """
    called = {name for policy in ruleset.policies.values() for rule in policy.rules for name in calls(rule)}
    entries = {entry.policy for found in ruleset.entries.values() for entry in found}
    return tuple(
        name
        for name, policy in ruleset.policies.items()
        if name not in policies and name not in entries and (name in called or policy.rules or policy.default is None)
    )
