"""At which fields of packets rules look at all."""

from __future__ import annotations

from policy.ir import Field, Ruleset, walk
from policy.packet import HOOK_FIELDS


def looks_at(ruleset: Ruleset, *names: str) -> bool:
    """Does any rule ask for one of the fields *names*?"""
    return any(
        isinstance(part, Field) and part.name in names
        for policy in ruleset.policies.values()
        for rule in policy.rules
        for part in walk(rule.match)
    )


def looks_at_hook(ruleset: Ruleset) -> bool:
    """Does any rule ask for the hook, or for a field that a packet has at some hooks only?"""
    return looks_at(ruleset, *HOOK_FIELDS)
