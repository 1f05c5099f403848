"""The proof that two rulesets mean the same, but for what is announced.

The same: every packet, for every outcome of what cannot be known, ends with the same verdict, which the sender is told
in the same way, and the same is logged, noted and changed on its way. Pure unknowns of one key have one truth in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.change import Announced
from policy.evaluate import decide
from policy.evaluate.looks import looks_at_hook
from policy.fix.changed import Part, changed, with_verdict
from policy.ir import Action, Goto, Jump, Match, Return, Ruleset, Verdict
from policy.packet import HOOKS, Packet
from policy.reach import Flow
from policy.sets import BoxSpace, Budget, Missing, Space
from policy.sets.truth import Sets

TOGETHER = 64
"""Packets of so many changed rules are followed at once."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Packets mean something else: *example* is one of them, which gets *before* from the old rules, *after* from the
    new ones, as the evaluator says. Without an example it is known that there are some."""

    example: Packet | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What becomes of packets: those that may end with each verdict, and those that each other action is done with."""

    ends: Mapping[Action, Any]
    effects: Mapping[Action, Any]


def prove(
    old: Ruleset, new: Ruleset, announced: Sequence[Announced], budget: Budget, exactly: bool = True
) -> Difference | None:
    """Return None where *new* is proved to mean what *old* does, but for what is *announced*; else a difference.

    Not *exactly*: of the packets that are announced nothing is proved (where fixes were made one after another, and
    each was). Raises `Exhausted` where the budget does not suffice to know.
    """
    found = changed(old, new).matches
    hooks = _hooks(old, new)
    if found is None:
        return _differ(old, new, None, announced, hooks, budget, exactly)
    asked = tuple(dict.fromkeys((*found, *(each.packets for each in announced))))
    parts = Part(old, asked), Part(new, asked)
    for first in range(0, len(asked), TOGETHER):
        numbers = range(first, min(first + TOGETHER, len(asked)))
        before, after = (part.near(numbers) for part in parts)
        difference = _differ(before, after, [asked[n] for n in numbers], announced, hooks, budget, exactly)
        if difference is not None:
            return _replayed(old, new, difference.example)
    return None


def _hooks(*rulesets: Ruleset) -> tuple[int | None, ...]:
    """Return the hooks at which any of some rulesets may tell packets apart; None alone: they are all the same."""
    if any(looks_at_hook(each) or any(hook is not None for hook in each.entries) for each in rulesets):
        return tuple(range(len(HOOKS)))
    return (None,)


def _differ(
    old: Ruleset,
    new: Ruleset,
    matches: Sequence[Match] | None,
    announced: Sequence[Announced],
    hooks: Sequence[int | None],
    budget: Budget,
    exactly: bool,
) -> Difference | None:
    """Return a difference for packets of *matches* (all, where those are None) at any hook."""
    for hook in hooks:
        here = [each for each in announced if each.hooks is None or hook in each.hooks]
        packets = _unlike(_space((old, new), matches, here, hook, budget), old, new, matches, here, exactly)
        if packets is not None:
            return _replayed(old, new, packets.example())
    return None


def _space(
    rulesets: Sequence[Ruleset],
    matches: Sequence[Match] | None,
    announced: Sequence[Announced],
    hook: int | None,
    budget: Budget,
) -> Sets[Any, Any]:
    asked = (*(matches or ()), *(each.packets for each in announced))
    # Every space may fill tables of its own, but all of them take from the seconds and steps of one proof.
    try:
        return Space(rulesets, asked, hook, budget)
    except Missing:
        return BoxSpace(rulesets, asked, hook, budget)


def _unlike(
    sets: Sets[Any, Any],
    old: Ruleset,
    new: Ruleset,
    matches: Sequence[Match] | None,
    announced: Sequence[Announced],
    exactly: bool,
) -> Any | None:
    """Return packets that do not get from *new* what they should get, None where there are none."""
    within = sets.everything
    if matches is not None:
        within = sets.union(sets.of_match(match).some() for match in matches)
    before, after = _meaning(sets, old, within), _meaning(sets, new, within)
    for each in announced:
        region = sets.of_match(each.packets).some() & within
        instead = _announced(sets, old, each, region) if exactly else {}
        before = _Meaning(_exchanged(before.ends, region, instead), _exchanged(before.effects, region, {}))
        ends = after.ends if exactly else _exchanged(after.ends, region, {})
        after = _Meaning(ends, _exchanged(after.effects, region, {}))
    for one, two in ((before.ends, after.ends), (before.effects, after.effects)):
        for action in {**one, **two}:
            left, right = (each.get(action, sets.nothing) for each in (one, two))
            for packets in (left - right, right - left):
                if packets:
                    return packets
    return None


def _announced(sets: Sets[Any, Any], old: Ruleset, announced: Announced, region: Any) -> Mapping[Action, Any]:
    """Return the ends that packets of a *region* are to have."""
    if announced.verdict is not None and not announced.rules:
        return {announced.verdict: region}
    return _meaning(sets, with_verdict(old, announced.rules, announced.verdict), region).ends


def _exchanged(ends: Mapping[Action, Any], region: Any, instead: Mapping[Action, Any]) -> dict[Action, Any]:
    found = {action: packets - region for action, packets in ends.items()}
    for action, packets in instead.items():
        found[action] = found[action] | packets if action in found else packets
    return found


def _meaning(sets: Sets[Any, Any], ruleset: Ruleset, within: Any) -> _Meaning:
    flow: Flow[Any, Any] = Flow(ruleset, sets, within)
    ends: dict[Action, Any] = {}
    for end, packets in flow.by_end.items():
        known = packets.known()
        ends[end.action] = ends[end.action] | known if end.action in ends else known
    effects: dict[Action, Any] = {}
    for (name, number), passing in flow.rules.items():
        for action in _effects(ruleset.policies[name].rules[number].actions):
            before = effects.get(action)
            effects[action] = passing.matched if before is None else before | passing.matched
    return _Meaning(ends, effects)


def _effects(actions: Sequence[Action]) -> Iterator[Action]:
    return (action for action in actions if not isinstance(action, Verdict | Jump | Goto | Return))


def _replayed(old: Ruleset, new: Ruleset, packet: Packet | None) -> Difference:
    """Return a difference in a packet, as the evaluator tells it."""
    if packet is None:
        return Difference(None, "one thing", "another")
    before, after = (_said(ruleset, packet) for ruleset in (old, new))
    return Difference(packet, before, after)


def _said(ruleset: Ruleset, packet: Packet) -> str:
    decision = decide(ruleset, packet)
    how = getattr(decision.action, "how", None)
    told = {"allow": "allowed", "block": "blocked", "depends": "decided by what is not known"}.get(decision.verdict, "")
    return f"rejected{f' with {how}' if how else ''}" if type(decision.action).__name__ == "Reject" else told
