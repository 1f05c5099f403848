"""Changes of the rules as edits of the text: lines are taken out, words replaced; comments are lines of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from policy.change import (
    Change,
    Edit,
    MergeRules,
    RemoveDefinition,
    RemoveItem,
    RemovePolicy,
    RemoveRule,
    WriteAction,
    WriteAddresses,
)
from policy.ir import Allow, Block, Policy, Verdict
from policy.language.edits import lines_of, merged, without_item
from policy.packet.address import format_range
from policy.source import Span

_DECIDES = re.compile(r"(?:ACCEPT|DROP|REJECT(?:[ \t]+--reject-with[ \t]+\S+)?)(?!\S)")


def edits(change: Change) -> tuple[Edit, ...] | None:
    """Return the edits that make a change, None where the text cannot say it."""
    match change:
        case RemoveRule(rule):
            above = [each.span for each in rule.suppressions if each.span.end <= lines_of(rule.span).start]
            return tuple(_line(span) for span in (*above, rule.span))
        case MergeRules(rules, text):
            return merged([_spec(rule.span) for rule in rules], text, _comments)
        case RemoveItem(of, item):
            return without_item(of, item, _comments)
        case WriteAddresses(place, values):
            return (Edit(place, format_range(*values.ranges[0])),) if len(values.ranges) == 1 else None
        case WriteAction(place, action):
            said, where = _word(action), _target(place)
            return None if said is None or where is None else (Edit(where, said),)
        case RemovePolicy(policy):
            return _chain(policy)
        case RemoveDefinition():
            return None
        case _:
            assert_never(change)


def _line(span: Span) -> Edit:
    return Edit(lines_of(span), "")


def _spec(span: Span) -> Span:
    """Return a rule with the counters before it, which one rule for several cannot keep."""
    return Span(span.source, lines_of(span).start, span.end)


def _chain(policy: Policy) -> tuple[Edit, ...] | None:
    """Take out the line that declares a chain and those of its rules."""
    return (
        None if policy.span is None else tuple(_line(each) for each in (policy.span, *(r.span for r in policy.rules)))
    )


def _comments(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for row in text.split("\n"):
        if row.startswith("#"):
            yield start, start + len(row)
        start += len(row) + 1


def _target(place: Span) -> Span | None:
    """Return the place of a target with its options, None where it is none that only decides."""
    found = _DECIDES.match(place.source.text, place.start)
    return None if found is None else Span(place.source, *found.span())


def _word(action: Verdict) -> str | None:
    match action:
        case Allow():
            return "ACCEPT"
        case Block():
            return "DROP"
    return None
