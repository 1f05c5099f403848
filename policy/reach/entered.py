"""Which policies packets may come to at all, and which packets: by what is written, not by what rules decide."""

from __future__ import annotations

from dataclasses import dataclass

from policy.ir import Ruleset
from policy.packet import HOOKS, Intervals
from policy.reach.ends import At
from policy.reach.products import ALL_STATES, BEFORE_RULES, Scope
from policy.reach.way import below, calls, way


@dataclass(frozen=True, slots=True)
class Entered:
    """How packets come to the policies of a ruleset.

    *scopes*: what comes to each policy that an entry leads to, by the hooks where it is then and by the implicit rule
    for connection states. *callers*: the rules that call each policy. *first*: the policies that packets meet before
    all others at every hook where they meet them, and that no rule calls: exactly the packets of their scope come to
    them.
    """

    scopes: dict[str, Scope]
    callers: dict[str, tuple[At, ...]]
    first: frozenset[str]


def entered(ruleset: Ruleset) -> Entered:
    """Return how packets come to the policies of *ruleset*."""
    callers: dict[str, list[At]] = {}
    for name, policy in ruleset.policies.items():
        for number, rule in enumerate(policy.rules):
            for target in calls(rule):
                callers.setdefault(target, []).append((name, number))
    scopes: dict[str, Scope] = {}
    first, others, states_of = set[str](), set(callers), dict[str, Intervals]()
    for hook in range(len(HOOKS)):
        worked = False
        for stage in way(ruleset, hook):
            entry = stage.entry
            states = ALL_STATES - BEFORE_RULES if entry.stateful else ALL_STATES
            alone = not worked and states_of.setdefault(entry.policy, states) == states
            (first if alone else others).add(entry.policy)
            worked = worked or not stage.idle
            for name in () if ruleset.policies[entry.policy].implied else below(ruleset.policies, entry.policy):
                old = scopes.get(name, Scope(frozenset(), Intervals(), Intervals()))
                families = ruleset.families if entry.family is None else frozenset({entry.family})
                scopes[name] = Scope(old.families | families, old.hooks | stage.known_hooks, old.states | states)
    return Entered(scopes, {name: tuple(found) for name, found in callers.items()}, frozenset(first - others))
