"""Which policies packets may come to at all, and which packets: by what is written, not by what rules decide."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from policy.ir import Goto, Jump, Rule, Ruleset
from policy.packet import HOOKS, Intervals
from policy.reach.ends import At
from policy.reach.products import ALL_STATES, BEFORE_RULES, Scope


def calls(rule: Rule) -> Iterator[str]:
    """Yield the policies that a rule sends packets to."""
    for action in rule.actions:
        if isinstance(action, Jump | Goto):
            yield action.policy


@dataclass(frozen=True, slots=True)
class Entered:
    """How packets come to the policies of a ruleset.

    *scopes*: what comes to each policy that an entry leads to, by its hooks and by the implicit rule for connection
    states. *callers*: the rules that call each policy. *first*: the policies that packets meet before all others at
    every hook where they meet them, and that no rule calls: exactly the packets of their scope come to them.
    """

    scopes: dict[str, Scope]
    callers: dict[str, tuple[At, ...]]
    first: frozenset[str]


def entered(ruleset: Ruleset) -> Entered:
    """Return how packets come to the policies of *ruleset*."""
    callers: dict[str, list[At]] = {}
    called: dict[str, set[str]] = {name: set() for name in ruleset.policies}
    for name, policy in ruleset.policies.items():
        for number, rule in enumerate(policy.rules):
            for target in calls(rule):
                called[name].add(target)
                callers.setdefault(target, []).append((name, number))
    scopes: dict[str, Scope] = {}
    first, others, states_of = set[str](), set(callers), dict[str, Intervals]()
    for hook in range(len(HOOKS)):
        for place, entry in enumerate(ruleset.at(hook)):
            states = ALL_STATES - BEFORE_RULES if entry.stateful else ALL_STATES
            alone = place == 0 and states_of.setdefault(entry.policy, states) == states
            (first if alone else others).add(entry.policy)
            for name in _below(entry.policy, called):
                old = scopes.get(name, Scope(ruleset.families, Intervals(), Intervals()))
                scopes[name] = Scope(ruleset.families, old.hooks | Intervals.of(hook), old.states | states)
    return Entered(scopes, {name: tuple(found) for name, found in callers.items()}, frozenset(first - others))


def _below(name: str, called: dict[str, set[str]]) -> Collection[str]:
    found, waiting = {name}, [name]
    while waiting:
        for target in called[waiting.pop()] - found:
            found.add(target)
            waiting.append(target)
    return found


def below(ruleset: Ruleset, name: str) -> Collection[str]:
    """Return a policy and all that it calls, or that those call."""
    policies = ruleset.policies.items()
    return _below(
        name, {each: {called for rule in policy.rules for called in calls(rule)} for each, policy in policies}
    )
