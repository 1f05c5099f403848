"""How checks offer fixes."""

from __future__ import annotations

from collections.abc import Iterable

from policy.change import Announced, Change, Edit, Fix, RemoveRule
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
    return Fix(description, _apart(edit for each in edits for edit in each), safe, announced, tuple(rests))


def _apart(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return edits that do not meet: what is taken out with the same space around it is taken out as one."""
    found: list[Edit] = []
    for edit in sorted(edits, key=lambda each: (each.span.source.name, each.span.start)):
        last = found[-1] if found and not found[-1].text and not edit.text else None
        if last is not None and last.span.source is edit.span.source and edit.span.start < last.span.end:
            found[-1] = Edit(Span(last.span.source, last.span.start, max(last.span.end, edit.span.end)), "")
        else:
            found.append(edit)
    return tuple(found)


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
