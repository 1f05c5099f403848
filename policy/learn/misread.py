"""Rules as somebody reads them who has one thing wrong: each misreading is a set of rules of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from policy.ir import All, Either, Field, Match, Not, Policy, Ruleset, all_of, walk
from policy.packet import Intervals
from policy.packet.address import V4
from policy.packet.fields import ICMP, ICMP6

Misconception = Literal[
    "last match", "sides swapped", "only v4", "reply forgotten", "default forgotten", "drop refused"
]

_OTHER_SIDE = {"src": "dst", "dst": "src"}
_ICMP = Intervals.of(ICMP, ICMP6)
_SAYS_FAMILY = frozenset({"src", "dst", "icmp_type", "icmp_code"})


def misreadings(ruleset: Ruleset) -> Mapping[Misconception, Ruleset]:
    """Return the rules misread: the last match for the first (or the other way), `to` for `from`, any for v4 only."""
    found: dict[Misconception, Ruleset] = {
        "last match": _each(ruleset, lambda policy: replace(policy, last_match=not policy.last_match)),
        "sides swapped": _each(ruleset, lambda policy: _matching(policy, _swapped)),
    }
    if ruleset.families == {4, 6}:
        found["only v4"] = _each(ruleset, lambda policy: _matching(policy, _only_v4))
    return found


def _each(ruleset: Ruleset, change: Callable[[Policy], Policy]) -> Ruleset:
    policies = {name: policy if policy.implied else change(policy) for name, policy in ruleset.policies.items()}
    return replace(ruleset, policies=policies)


def _matching(policy: Policy, change: Callable[[Match], Match]) -> Policy:
    return replace(policy, rules=tuple(replace(rule, match=change(rule.match)) for rule in policy.rules))


def _swapped(match: Match) -> Match:
    match match:
        case Field(name) if name in _OTHER_SIDE:
            return replace(match, name=_OTHER_SIDE[name])
        case All(parts):
            return replace(match, parts=tuple(map(_swapped, parts)))
        case Either(parts):
            return replace(match, parts=tuple(map(_swapped, parts)))
        case Not(part):
            return Not(_swapped(part))
    return match


def _only_v4(match: Match) -> Match:
    return match if any(map(_says_family, walk(match))) else all_of(Field("src", V4), match)


def _says_family(part: Match) -> bool:
    """Does it name addresses, or ICMP, which each IP version has its own of?"""
    if not isinstance(part, Field):
        return False
    return part.name in _SAYS_FAMILY or (
        part.name == "proto" and isinstance(part.values, Intervals) and _ICMP.covers(part.values)
    )
