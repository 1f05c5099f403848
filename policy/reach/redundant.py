"""Rules that could as well be missing: what comes behind them decides their packets in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from policy.evaluate import Index, decide
from policy.evaluate.state import harmless
from policy.ir import NOTHING, Action, Ruleset
from policy.reach.effects import deciding
from policy.reach.ends import At
from policy.reach.flow import Flow
from policy.reach.ground import Ground
from policy.sets.truth import S


@dataclass(frozen=True, slots=True)
class Redundant(Generic[S]):
    """What becomes of the packets of a rule without it.

    *packets* are those that may come to it and match it, by hook; *deciders* the rules that decide them instead;
    *default*: does the end of a policy, or of the rules, decide any of them?
    """

    packets: Mapping[int | None, S]
    deciders: tuple[At, ...]
    default: bool


def redundant(grounds: Sequence[Ground[Any, Any]], at: At, index: Index) -> Redundant[Any] | None:
    """Return what makes a live rule redundant, or None: where it is not, is dead, or hangs on an unknown condition.

    Without a redundant rule every packet has the same verdict, by the same kind of action. Rules that do more than
    decide are never redundant, nor are those whose packets only a dead rule would get: that is then the needless one.
    *index* serves the rule set. Raises `Exhausted`.
    """
    if len(grounds[0].rule(at).actions) != 1 or deciding(grounds[0].rule(at)) is None:
        return None
    packets = {each.sets.hook: (each, each.matched(at)) for each in grounds}
    packets = {hook: pair for hook, pair in packets.items() if pair[1]}
    deciders: dict[At, None] = {}
    default = False
    for ground, matched in packets.values():
        found = _in_list(ground, at) if ground.listed is not None else _elsewhere(ground, at, matched, index)
        if found is None:
            return None
        deciders.update(dict.fromkeys(found[0]))
        default = default or found[1]
    if not packets or not all(any(each.matched(other) for each in grounds) for other in deciders):
        return None
    return Redundant({hook: pair[1] for hook, pair in packets.items()}, tuple(deciders), default)


def _in_list(ground: Ground[S, Any], at: At) -> tuple[list[At], bool] | None:
    """Return the rules that get the packets of a rule in a list, and whether the default gets any."""
    policy = ground.listed
    assert policy is not None
    name, number = at
    verdict = deciding(policy.rules[number])
    default = policy.default or ground.ruleset.at(ground.sets.hook)[0].default
    behind = [n for n in ground.nearby(name).behind(number) if not all(map(harmless, policy.rules[n].actions))]
    agree = {n: deciding(policy.rules[n]) == verdict for n in behind}
    if default != verdict and not any(agree.values()):
        return None
    left = ground.left(at)
    deciders: list[At] = []
    for other in behind:
        theirs = ground.truth((name, other))
        if not left & theirs.may:
            continue
        if not agree[other]:
            return None
        deciders.append((name, other))
        left = left - theirs.must
    return None if left and default != verdict else (deciders, bool(left))


def _elsewhere(ground: Ground[S, Any], at: At, matched: S, index: Index) -> tuple[list[At], bool] | None:
    """Return what decides the packets of any rule without it, and whether a default is among it."""
    packet = matched.example()
    less = without(ground.ruleset, at)
    if packet is None:
        return None
    # One packet tells most rules apart that are not redundant. The index is that of the whole rule set.
    with_it, without_it = decide(ground.ruleset, packet, index=index), decide(less, packet)
    if (with_it.verdict, with_it.action) != (without_it.verdict, without_it.action):
        return None
    before, after = (Flow(rules, ground.sets, matched) for rules in (ground.ruleset, less))
    if before.depends or after.depends:
        return None
    actions = _by_action(ground, before)
    if actions is None or actions != _by_action(ground, after):
        return None
    ends = [end for end, packets in after.by_end.items() if packets]
    return [end.at for end in ends if end.at is not None], any(end.at is None for end in ends)


def _by_action(ground: Ground[S, Any], flow: Flow[Any, Any]) -> dict[Action, S] | None:
    """Return the packets by what is done with them in the end, or None where several things may be done with one."""
    found: dict[Action, S] = {}
    for end, packets in flow.by_end.items():
        if packets:
            found[end.action] = packets.some() | found.get(end.action, ground.sets.nothing)
    once = ground.sets.nothing
    for some in found.values():
        if once & some:
            return None
        once = once | some
    return found


def without(ruleset: Ruleset, at: At) -> Ruleset:
    """Return the rule set with a rule that matches nothing any more, so that all others keep their numbers."""
    name, number = at
    policy = ruleset.policies[name]
    rules = (*policy.rules[:number], replace(policy.rules[number], match=NOTHING), *policy.rules[number + 1 :])
    return replace(ruleset, policies={**ruleset.policies, name: replace(policy, rules=rules)})
