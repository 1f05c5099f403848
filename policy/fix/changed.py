"""Which rules of two rulesets differ: only packets that one of them matches can meet something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from policy.ir import NOTHING, Field, Match, Policy, Rule, Ruleset, Verdict, walk
from policy.packet import HOOKS
from policy.reach.nearby import Nearby
from policy.reach.way import changed_before, way
from policy.source import Span

_Said = tuple[Match, object]


@dataclass(frozen=True, slots=True)
class Changed:
    """The matches of the rules that are in one of two rulesets only; None where more than rules differs."""

    matches: tuple[Match, ...] | None


def changed(old: Ruleset, new: Ruleset) -> Changed:
    """Return what differs between two rulesets.

    Packets that none of the matches may match meet the same rules in the same order, and end in the same way.
    """
    if old.entries != new.entries or old.families != new.families:
        return Changed(None)
    found: list[Match] = []
    rewritten = [_changed(each) for each in (old, new)]
    for name in {**old.policies, **new.policies}:
        one, two = (each.policies.get(name) for each in (old, new))
        if one is not None and two is not None:
            if (one.default, one.last_match) != (two.default, two.last_match):
                return Changed(None)
            here = _different([_said(rule) for rule in one.rules], [_said(rule) for rule in two.rules])
        else:
            # What calls it differs, too, or nothing does.
            here = [rule.match for rule in (one or two or Policy(name, ())).rules]
        if any(_looks_at(match, each.get(name, ())) for match in here for each in rewritten):
            return Changed(None)  # the rules may see other packets than those that arrived
        found += here
    return Changed(tuple(dict.fromkeys(found)))


def _changed(ruleset: Ruleset) -> dict[str, frozenset[str]]:
    """Return of each policy the fields that may not be what they were when packets arrived."""
    hooks = (None, *range(len(HOOKS)))
    return changed_before(ruleset, (stage for hook in hooks for stage in way(ruleset, hook)))


def _said(rule: Rule) -> _Said:
    return rule.match, rule.actions


def _different(one: Sequence[_Said], two: Sequence[_Said]) -> list[Match]:
    """Return the matches of what is in one of two lists only; what has moved is in each of them once."""
    ours, theirs = Counter(one), Counter(two)
    found: list[Match] = []
    i = j = 0
    while i < len(one) or j < len(two):
        if i < len(one) and j < len(two) and one[i] == two[j]:
            ours[one[i]] -= 1
            theirs[two[j]] -= 1
            i, j = i + 1, j + 1
        elif j == len(two) or (i < len(one) and not theirs[one[i]]):
            ours[one[i]] -= 1
            found.append(one[i][0])
            i += 1
        else:
            theirs[two[j]] -= 1
            found.append(two[j][0])
            j += 1
    return found


def _looks_at(match: Match, names: Iterable[str]) -> bool:
    return any(isinstance(part, Field) and part.name in names for part in walk(match))


class Part:
    """The rules of a ruleset that may match packets of some matches: for few packets, few of many are needed."""

    def __init__(self, ruleset: Ruleset, matches: Sequence[Match]) -> None:
        self.ruleset = ruleset
        self._rewritten = _changed(ruleset)
        others = tuple(Rule(match, ()) for match in matches)
        self._near = {
            name: Nearby(replace(policy, rules=(*policy.rules, *others), last_match=False))
            for name, policy in ruleset.policies.items()
        }

    def near(self, numbers: Iterable[int]) -> Ruleset:
        """Return the ruleset without rules that match no packet of the matches with these *numbers*."""
        numbers = tuple(numbers)
        policies = {}
        for name, policy in self.ruleset.policies.items():
            count = len(policy.rules)
            kept = {n for each in numbers for n in self._near[name].before(count + each, among=(1 << count) - 1)}
            changes = self._rewritten.get(name, frozenset())
            rules = [rule for n, rule in enumerate(policy.rules) if n in kept or _looks_at(rule.match, changes)]
            policies[name] = replace(policy, rules=tuple(rules))
        return replace(self.ruleset, policies=policies)


def with_verdict(ruleset: Ruleset, places: Iterable[Span], verdict: Verdict | None) -> Ruleset:
    """Return a ruleset whose rules at some places have another verdict; None: match nothing."""
    wanted = {_place(each) for each in places}

    def instead(rule: Rule) -> Rule:
        if _place(rule.span) not in wanted:
            return rule
        if verdict is None:
            return replace(rule, match=NOTHING)
        return replace(rule, actions=tuple(verdict if isinstance(a, Verdict) else a for a in rule.actions))

    policies = {
        name: replace(policy, rules=tuple(map(instead, policy.rules))) for name, policy in ruleset.policies.items()
    }
    return replace(ruleset, policies=policies)


def _place(span: Span) -> tuple[str, int, int]:
    return span.source.name, span.start, span.end
