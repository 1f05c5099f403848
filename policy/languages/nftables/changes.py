"""Changes of the rules as edits of the text, which leave its layout as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
from policy.ir import Allow, Block, Definition, Policy, Verdict
from policy.language.edits import lines_of, merged, removed, without_item
from policy.languages.nftables.blocks import pieces, stands_in, whole
from policy.languages.nftables.split import split
from policy.packet.address import format_range
from policy.source import Span
from policy.written import Suppression

_CHAIN = (
    r"\bchain\b[^{{]*\s\"?{0}(?![\w.-])|\brule\s+(?:\w+\s+)?\S+\s+\"?{0}(?![\w.-])|\b(?:jump|goto)\s+\"?{0}(?![\w.-])"
)
_SET = r"\b(?:set|map|element)\b[^{{]*\s\"?{0}(?![\w.-])|@{0}(?![\w.-])"
_VARIABLE = r"(?:\$|\b(?:re|un)?define\s+){0}(?![\w-])"
_BLANK_BEFORE = re.compile(r"(?:^|(?<=\n))[ \t]*\r?\n$")
_BLANK_AFTER = re.compile(r"[ \t]*\r?\n")
_CLOSES = re.compile(r"[ \t]*\}|$")


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
        case RemovePolicy(policy):
            return _without_chain(policy)
        case RemoveDefinition(definition):
            return _without_name(definition)
        case _:
            assert_never(change)


def _without_chain(policy: Policy) -> tuple[Edit, ...] | None:
    """Take out a chain, and the commands that add rules to it; nothing else may name it."""
    place = None if policy.span is None else whole(policy.span)
    if policy.span is None or place is None:
        return None
    beside = [rule.span for rule in policy.rules if not _inside(rule.span, place)]
    name = policy.span.text.strip('"')
    if any(each.source is not place.source for each in beside) or _is_named(name, _CHAIN, [place, *beside]):
        return None
    found = [_block(place, policy.suppressions), *(removed(_ended(each), (), _comments) for each in beside)]
    return None if None in found else tuple(edit for edits in found for edit in edits or ())


def _without_name(definition: Definition) -> tuple[Edit, ...] | None:
    """Take out a set, a map or a variable; nothing else may name it."""
    place = whole(definition.span)
    if place is None:
        return None
    pattern = _VARIABLE if definition.kind == "variable" else _SET
    if _is_named(definition.span.text.strip('"'), pattern, [place]):
        return None
    if definition.kind == "variable":
        return removed(_ended(place), definition.suppressions, _comments)
    return _block(place, definition.suppressions)


def _inside(one: Span, other: Span) -> bool:
    return one.source is other.source and other.start <= one.start and one.end <= other.end


def _is_named(name: str, pattern: str, places: Sequence[Span]) -> bool:
    """Is there, outside of some places, a statement or the beginning of a block with a name where a pattern has it?"""
    source, fits = places[0].source, re.compile(pattern.format(re.escape(name)))
    for found in re.finditer(re.escape(name), source.text):
        if not any(place.start <= found.start() < place.end for place in places):
            piece = stands_in(Span(source, *found.span()))
            if piece is not None and fits.search(piece.text):
                return True
    return False


def _block(span: Span, suppressions: Sequence[Suppression]) -> tuple[Edit, ...] | None:
    """Take out a block with the comments in it, and those of its *suppressions* that stand right above it."""
    span = _ended(span)
    lines = lines_of(span)
    above = max((each.end for each in pieces(span.source.text) if each.end <= span.start), default=0)
    own = [each for each in suppressions if each.span.source is span.source and above <= each.span.start < span.start]

    def behind(text: str) -> Iterator[tuple[int, int]]:
        return (each for each in _comments(text) if each[0] >= span.end - lines.start)

    edits = removed(span, own, behind)
    if edits is None or edits[-1] != Edit(lines, ""):
        return edits
    rest: list[Edit] = []
    for edit in reversed(edits[:-1]):
        if edit.span.end == lines.start:
            lines = edit.span.to(lines)
        else:
            rest.append(edit)
    return (*rest, Edit(_with_blank(lines), ""))


def _with_blank(lines: Span) -> Span:
    """Return lines with one of the blank lines around them, where without them it would stand beside another one, or
    at the beginning or the end of a block."""
    text = lines.source.text
    before, after = _BLANK_BEFORE.search(text, 0, lines.start), _BLANK_AFTER.match(text, lines.end)
    if before is not None and (after is not None or _CLOSES.match(text, lines.end)):
        return Span(lines.source, before.start(), lines.end)
    if after is not None and text[: lines.start].rstrip().endswith("{"):
        return Span(lines.source, lines.start, after.end())
    return lines


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
