"""Rules that could as well be missing: what comes behind them decides their packets in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from policy.evaluate import Index, decide
from policy.evaluate.state import harmless
from policy.ir import NOTHING, Action, Rule, Ruleset
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

    Without a redundant rule every packet has the same verdict, by the same kind of action, and none is logged or noted
    that was not. Rules that do more than decide are never redundant, nor are those whose packets only a dead rule would
    get: that is then the needless one.
    *index* serves the rule set. Raises `Exhausted`.
    """
    if len(grounds[0].rule(at).actions) != 1 or deciding(grounds[0].rule(at)) is None:
        return None
    if not all(_is_candidate(each, at) for each in grounds):
        return None
    packets = {each.sets.hook: (each, each.matched(at)) for each in grounds}
    packets = {hook: pair for hook, pair in packets.items() if pair[1]}
    deciders: dict[At, None] = {}
    default = False
    for ground, matched in packets.values():
        found = _ends(ground, at, matched, index)
        if found is None:
            return None
        deciders.update(dict.fromkeys(found[0]))
        default = default or found[1]
    if not packets or not all(any(ground.matched(other) for ground in grounds) for other in deciders):
        return None
    return Redundant({hook: pair[1] for hook, pair in packets.items()}, tuple(deciders), default)


def _is_candidate(ground: Ground[Any, Any], at: At) -> bool:
    """Is there anything behind a rule of a list that does the same?"""
    policy = ground.listed
    if policy is None or policy.name != at[0]:
        return True
    verdict = deciding(policy.rules[at[1]])
    behind = ground.nearby(at[0]).behind(at[1])
    return ground.default == verdict or any(deciding(policy.rules[n]) == verdict for n in behind)


def _ends(ground: Ground[S, Any], at: At, matched: S, index: Index) -> tuple[list[At], bool] | None:
    """Return which rules decide the packets of a rule without it, and whether a default does; None where otherwise."""
    verdict = deciding(ground.rule(at))
    if not ground.is_settled(at):
        return _followed(ground, at, matched, index)
    name, number = at
    left = matched if ground.listed is None else ground.left(at)
    deciders: list[At] = []
    for other in ((name, n) for n in ground.nearby(name).behind(number)):
        rule = ground.rule(other)
        if not left or not rule.actions:
            continue
        theirs = ground.truth(other)
        if ground.is_settled(other) and not left & theirs.may:
            continue
        if _remarks(rule):
            return None
        opposed = deciding(rule) not in (verdict, None)
        if opposed and ground.is_settled(other) and len(ground.working) == 1:
            return None
        if opposed or deciding(rule) is None or not ground.is_settled(other):
            return _followed(ground, at, matched, index)
        deciders.append(other)
        left = left - theirs.must
    if left and ground.listed is None:
        return _followed(ground, at, matched, index)
    return None if left and ground.default != verdict else (deciders, bool(left))


def _followed(ground: Ground[S, Any], at: At, matched: S, index: Index) -> tuple[list[At], bool] | None:
    """Return the same, found out by following the packets to the end of all rules."""
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
    for other, passing in after.rules.items():
        if _remarks(ground.rule(other)) and not passing.matched <= before.passing(other).matched:
            return None
    ends = [end for end, packets in after.by_end.items() if packets]
    return [end.at for end in ends if end.at is not None], any(end.at is None for end in ends)


def _remarks(rule: Rule) -> bool:
    """Does a rule log or note the packets that match it?"""
    return any(map(harmless, rule.actions))


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
