"""Changes of the rules as edits of the text."""

from __future__ import annotations

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
from policy.ir import Allow, Block, Reject, Verdict
from policy.language.edits import merged, removed, without_item
from policy.languages.native.split import LONGEST_STATEMENT, split
from policy.packet.address import format_range
from policy.source import Span


def edits(change: Change) -> tuple[Edit, ...] | None:
    """Return the edits that make a change, None where the text cannot say it without losing a comment."""
    match change:
        case RemoveRule(rule):
            return removed(rule.span, rule.suppressions, _comments)
        case RemoveDefinition(definition):
            return removed(_statement(definition.span), definition.suppressions, _comments)
        case MergeRules(rules, text):
            return merged([rule.span for rule in rules], text, _comments)
        case RemoveItem(of, item):
            return without_item(of, item, _comments)
        case WriteAddresses(place, values):
            return (Edit(place, format_range(*values.ranges[0])),) if len(values.ranges) == 1 else None
        case WriteAction(place, action):
            said = _word(action)
            return None if said is None else (Edit(place, said),)
        case RemovePolicy():
            return None
        case _:
            assert_never(change)


def _statement(name: Span) -> Span:
    """Return the whole of the definition of a name."""
    source, start = name.source, name.start - name.column + 1
    pieces = split(source.text[start : start + LONGEST_STATEMENT])
    found = next(piece for piece in pieces if start + piece.start <= name.start < start + piece.end)
    return Span(source, start + found.start, start + found.end)


def _comments(text: str) -> Iterator[tuple[int, int]]:
    return ((piece.start, piece.end) for piece in split(text, comments=True) if piece.kind == "comment")


def _word(action: Verdict) -> str | None:
    match action:
        case Allow():
            return "allow"
        case Block():
            return "block"
        case Reject(how):
            return "reject" if how is None else None
