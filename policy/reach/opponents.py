"""Rules of one policy that would treat the same packets differently: where their order matters, and where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from policy.ir import Allow, Rule, Unknown, Verdict, walk
from policy.reach.effects import deciding
from policy.reach.ends import At
from policy.reach.ground import Ground
from policy.sets.truth import S


@dataclass(frozen=True, slots=True)
class Opponent(Generic[S]):
    """A rule that decides packets for sure that a rule behind it matches for sure, and would treat differently.

    *packets* are those, by hook, whatever the unknowns are. *opposite*: one of the two allows, the other does not.
    *inside*: whatever it matches, the rule behind it matches too.
    """

    at: At
    verdict: Verdict
    opposite: bool
    inside: bool
    packets: Mapping[int | None, S]


def opponents(grounds: Sequence[Ground[Any, Any]], at: At) -> list[Opponent[Any]]:
    """Return the opponents of a rule that come before it in its policy, in the order in which packets meet them.

    Only rules that decide by themselves have opponents, and are some. Where a rule looks at fields that other rules
    have changed it has none: what it matches is not what arrives. Raises `Exhausted`.
    """
    ground = grounds[0]
    verdict = deciding(ground.rule(at))
    grounds = [each for each in grounds if each.is_settled(at)]
    if verdict is None or not grounds:
        return []
    name, number = at
    found = []
    for other in ground.nearby(name).before(number):
        theirs = deciding(ground.rule((name, other)))
        if theirs is None or theirs == verdict:
            continue
        packets = {each.sets.hook: _shared(each, (name, other), at) for each in grounds}
        packets = {hook: some for hook, some in packets.items() if some}
        if packets:
            inside = all(each.truth((name, other)).may <= each.truth(at).must for each in grounds)
            opposite = isinstance(theirs, Allow) is not isinstance(verdict, Allow)
            found.append(Opponent((name, other), theirs, opposite, inside, packets))
    return found


def _shared(ground: Ground[S, Any], earlier: At, at: At) -> S:
    """Return the packets that a rule before a rule surely decides, and that the rule surely matches."""
    mine = ground.truth(at).must
    if not ground.truth(earlier).must & mine and ground.is_settled(earlier):
        return ground.sets.nothing
    return (ground.surely(earlier) & mine).every()


def room(grounds: Sequence[Ground[Any, Any]], at: At) -> int | None:
    """Return the number of the nearest rule before a rule that it may not be moved past, or None without any.

    It may be moved past rules that, for all packets that may come to them, do the same or do not match what it may
    match. Past itself (the answer is then its own number) where nothing is certain: a rule that does more than decide,
    looks at fields that others change, or counts. Raises `Exhausted`.
    """
    ground = grounds[0]
    rule = ground.rule(at)
    name, number = at
    if not _is_plain(rule) or not all(each.is_settled(at) for each in grounds):
        return number
    for other in reversed(ground.nearby(name).before(number)):
        there = ground.rule((name, other))
        if there.actions == rule.actions and _is_plain(there):
            continue
        if any(each.matched((name, other)) & each.truth(at).may for each in grounds):
            return other
    return None


def _is_plain(rule: Rule) -> bool:
    """Does a rule nothing but decide, and look at nothing that counts?"""
    counts = any(isinstance(part, Unknown) and not part.pure for part in walk(rule.match))
    return len(rule.actions) == 1 and deciding(rule) is not None and not counts
