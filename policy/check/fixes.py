"""How checks offer fixes."""

from __future__ import annotations

from collections.abc import Iterable

from policy.change import Announced, Change, Fix, RemoveRule
from policy.check.facts import Facts
from policy.reach import At
from policy.source import Span


def offer(
    facts: Facts,
    description: str,
    *changes: Change,
    safe: bool = True,
    announced: Announced | None = None,
    rests: Iterable[Span] = (),
) -> Fix | None:
    """Return a fix that makes all of some changes (`change.Fix` says the rest); None where the text cannot."""
    found = [None if facts.language is None else facts.language.edits(change) for change in changes]
    edits = [each for each in found if each is not None]
    if len(edits) < len(found):
        return None
    return Fix(description, tuple(edit for each in edits for edit in each), safe, announced, tuple(rests))


def removal(facts: Facts, at: At, safe: bool, rests: Iterable[At] = ()) -> Fix | None:
    """Return the fix that removes a rule without which nothing changes, as long as the rules *rests* stay.

    A rule with a label is never removed safely: expectations may use it.
    """
    rule = facts.rule(at)
    places = (facts.rule(other).span for other in rests)
    return offer(facts, "remove the rule", RemoveRule(rule), safe=safe and rule.label is None, rests=places)


def removals(facts: Facts, places: Iterable[At], safe: bool) -> Fix | None:
    """Return the fix that removes rules without which, all together, nothing changes; first those without a label."""
    rules = [facts.rule(at) for at in places]
    plain = [rule for rule in rules if rule.label is None]
    changes = (RemoveRule(rule) for rule in plain or rules)
    return offer(facts, "remove the rules", *changes, safe=safe and bool(plain))
