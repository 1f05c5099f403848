"""Changes of the rules as edits of the text, which leave its layout as it is."""

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
from policy.ir import Allow, Block, Verdict
from policy.language.edits import merged, removed, without_item
from policy.languages.nftables.split import split
from policy.packet.address import format_range
from policy.source import Span


def edits(change: Change) -> tuple[Edit, ...] | None:
    """Return the edits that make a change, None where the text cannot say it without losing a comment."""
    match change:
        case RemoveRule(rule):
            return removed(_ended(rule.span), rule.suppressions, _comments)
        case MergeRules(rules, text):
            return merged([rule.span for rule in rules], text, _comments, _ended)
        case RemoveItem(of, item):
            return without_item(of, item, _comments)
        case WriteAddresses(place, values):
            return (Edit(place, format_range(*values.ranges[0])),) if len(values.ranges) == 1 else None
        case WriteAction(place, action):
            said = _word(action)
            return None if said is None else (Edit(place, said),)
        case RemovePolicy() | RemoveDefinition():
            return None
        case _:
            assert_never(change)


def _ended(span: Span) -> Span:
    """Return a statement with the `;` behind it, if there is one."""
    text = span.source.text
    end = span.end
    while end < len(text) and text[end] in " \t":
        end += 1
    return Span(span.source, span.start, end + 1) if text[end : end + 1] == ";" else span


def _comments(text: str) -> Iterator[tuple[int, int]]:
    return ((piece.start, piece.end) for piece in split(text) if piece.kind == "comment")


def _word(action: Verdict) -> str | None:
    match action:
        case Allow():
            return "accept"
        case Block():
            return "drop"
    return None
