"""Long lists of plain elements, without the grammar: a pattern takes them apart, which is several times as fast.

What it does not know in full it leaves to the grammar, so the two never differ (a test holds it).
"""

from __future__ import annotations

import re

from policy.languages.nftables.ast.expression import Concat, Element, Expression, Prefix, Range, SetLiteral, Word
from policy.source import Source, Span

_HEX = "[0-9a-fA-F]{1,4}"
_VALUE = (
    rf"(?:[0-9]+(?:\.[0-9]+)+|(?:{_HEX}:){{7}}{_HEX}|{_HEX}(?::{_HEX})*::(?:{_HEX}(?::{_HEX})*)?(?![.:\w])"
    rf"|::{_HEX}(?::{_HEX})*(?![.:\w])|(?:[0-9a-fA-F]{{1,2}}:){{5}}[0-9a-fA-F]{{1,2}}(?![\w:])|[0-9]+(?![\w:])"
    r'|"[^"\n]*")'
)
_SPACE = r"(?:[ \t\r\n]|#(?!\s*fwpolicy:)[^\n]*\n|\\\r?\n)*"
_PART = rf"({_VALUE})(?:/([0-9]+)|[ \t]*-[ \t]*({_VALUE}))?"
_ONE = re.compile(rf"{_SPACE}{_PART}(?:{_SPACE}(,)|{_SPACE}(?=\}})|([ \t]+\.[ \t]+))")
_END = re.compile(rf"{_SPACE}\}}$")
_HEAD = re.compile(r"(?:elements[ \t]*=|define[ \t]+[\w.-]+[ \t]*=|(?:add|create|delete)[ \t]+element[ \t][^{}#\"]*)[ \t]*\{")


def long_set(place: Span) -> tuple[str, SetLiteral] | None:
    """Return the text of a statement without the elements at its end, and these; None where the grammar has to read it."""
    source = place.source
    head = _HEAD.match(source.text, place.start, place.end)
    if head is None:
        return None
    elements = _elements(source, head.end(), place.end)
    if elements is None:
        return None
    short = source.text[place.start : head.end()] + "}"
    return short, SetLiteral(elements, span=Span(source, head.end() - 1, place.end))


def _elements(source: Source, start: int, end: int) -> tuple[Element, ...] | None:
    text = source.text
    found: list[Element] = []
    parts: list[Expression] = []
    first = at = start
    match = _ONE.match
    while one := match(text, at, end):
        value, length, high, comma, dot = one.groups()
        low = one.start(1)
        part: Expression = _word(source, value, low)
        if length is not None:
            part = Prefix(part, int(length), span=Span(source, low, one.end(2)))
        elif high is not None:
            part = Range(part, _word(source, high, one.start(3)), span=Span(source, low, one.end(3)))
        at = one.end()
        if dot is not None:
            first = first if parts else low
            parts.append(part)
            continue
        if parts:
            parts.append(part)
            part = Concat(tuple(parts), span=Span(source, first, part.span.end))
            parts = []
        found.append(Element(part, span=part.span))
        if comma is None:
            break
    return tuple(found) if found and not parts and _END.match(text, at, end) else None


def _word(source: Source, text: str, start: int) -> Word:
    span = Span(source, start, start + len(text))
    return Word(text[1:-1], True, span=span) if text[0] == '"' else Word(text, span=span)
