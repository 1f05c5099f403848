"""At which fields of packets rules look at all."""

from __future__ import annotations

from collections.abc import Iterable

from policy.ir import Copy, Field, Rule, Ruleset, Set, walk
from policy.packet import HOOK_FIELDS, Intervals, Masked
from policy.packet.fields import ACK, ASSURED, SYN


def looks_at(ruleset: Ruleset, *names: str) -> bool:
    """Does any rule ask for one of the fields *names*, or copy it?"""
    return any(looked_at_by(policy.rules) & {*names} for policy in ruleset.policies.values())


def changes(ruleset: Ruleset, name: str) -> bool:
    """Does any rule change a field, other than by rewriting?"""
    actions = (action for policy in ruleset.policies.values() for rule in policy.rules for action in rule.actions)
    return any(isinstance(action, Set | Copy) and action.field == name for action in actions)


def looked_at_by(rules: Iterable[Rule]) -> frozenset[str]:
    """Return the fields that rules ask for, or copy to others."""
    rules = tuple(rules)
    asked = (part.name for rule in rules for part in walk(rule.match) if isinstance(part, Field))
    copied = (action.source for rule in rules for action in rule.actions if isinstance(action, Copy))
    return frozenset((*asked, *copied))


def tells_replies_apart(ruleset: Ruleset) -> bool:
    """May a rule decide otherwise about later replies of TCP than about that of the handshake?

    They differ in their flags, and in that the connection is assured by then.
    """
    for policy in ruleset.policies.values():
        for part in (part for rule in policy.rules for part in walk(rule.match)):
            if isinstance(part, Field) and part.name in ("flags", "ctstatus"):
                values = part.values
                assert isinstance(values, Intervals | Masked)
                if part.name == "flags" and (ACK in values) is not (SYN | ACK in values):
                    return True
                if part.name == "ctstatus" and (isinstance(values, Intervals) or values.mask & ASSURED):
                    return True
    return False


def looks_at_hook(ruleset: Ruleset) -> bool:
    """Does any rule ask for the hook, or for a field that a packet has at some hooks only?"""
    return looks_at(ruleset, *HOOK_FIELDS)
