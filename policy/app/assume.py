"""What unknowns a rule set has, and what the user says about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.app.problem import CannotAnswer
from policy.diagnostic import did_you_mean
from policy.ir import Ruleset, Unknown, UnknownAction, walk

_ANSWERS = {"yes": True, "no": False}


def assumptions(rulesets: Sequence[Ruleset], said: Iterable[str]) -> dict[str, bool]:
    """Return what `KEY=yes|no` texts settle; raises `CannotAnswer` for a key that none of their rules has."""
    settled: dict[str, bool] = {}
    keys = tuple(key for rules in rulesets for key in unknown_keys(rules)) if (said := tuple(said)) else ()
    for text in said:
        key, _, word = text.rpartition("=")
        if not key or word not in _ANSWERS:
            raise CannotAnswer(f"`{text}` does not settle anything", "write `KEY=yes` or `KEY=no`")
        if key not in keys:
            help = did_you_mean(key, keys) or (
                "the keys are " + ", ".join(f"`{k}`" for k in keys[:5]) if keys else None
            )
            raise CannotAnswer(f"nothing in these rules depends on `{key}`", help or "they have nothing unknown")
        if settled.setdefault(key, _ANSWERS[word]) is not _ANSWERS[word]:
            raise CannotAnswer(f"`{key}` is both yes and no", "say one of them")
    return settled


def unknown_keys(ruleset: Ruleset) -> tuple[str, ...]:
    """Return the keys of all unknowns, in the order of the rules."""
    keys: dict[str, None] = {}
    for policy in ruleset.policies.values():
        for rule in policy.rules:
            keys.update((part.key, None) for part in walk(rule.match) if isinstance(part, Unknown))
            keys.update((action.key, None) for action in rule.actions if isinstance(action, UnknownAction))
    return tuple(keys)
