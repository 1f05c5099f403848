"""Reads long lists of plain elements without the grammar, which reads the same (`tests/test_nftables_parse.py`)."""

from __future__ import annotations

import re
from collections.abc import Callable

from policy.languages.nftables.ast.expression import (
    Concat,
    Element,
    Expression,
    Prefix,
    Range,
    SetLiteral,
    Verdict,
    Word,
)
from policy.source import Source, Span

SHORTEST = 400
"""From so many characters on a list is read here: a short one takes no time anyway."""

_PROTOCOL = r"(?:tcp|udp|udplite|sctp|dccp|icmp|icmpv6|esp|ah|gre)(?![\w.-])"
_CONSTANT = rf"(?:0x[0-9a-fA-F]+|\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*|\d+|{_PROTOCOL})"
_PART = rf"{_CONSTANT}(?:/\d+|\s*-\s*{_CONSTANT})?"
_PLAIN = re.compile(
    rf"\s*(?P<key>{_PART}(?:\s+\.\s+{_PART})*)(?:\s+:\s+(?P<value>accept|drop|continue|return|{_CONSTANT}))?\s*"
)
_PIECES = re.compile(r"\s+\.\s+")
_ENDS = re.compile(r"\s*-\s*")
_ITEM = re.compile(r"[^,]+")


def read(source: Source, start: int, text: str, other: Callable[[int, int], Element | None]) -> SetLiteral | None:
    """Return the set whose `{ … }` is *text*, which begins at *start*; None where elements are nested.

    What is not plain is read by *other*, which gets its place.
    """
    inside = text[1:-1]
    if "{" in inside or '"' in inside:
        return None
    found = []
    for item in _ITEM.finditer(text, 1, len(text) - 1):
        if item[0].isspace():
            continue
        plain = _PLAIN.fullmatch(item[0])
        element = None if plain is None else _element(source, start + item.start(), plain)
        if element is None:
            element = other(start + item.start(), start + item.end())
            if element is None:
                continue
        found.append(element)
    return SetLiteral(tuple(found), span=Span(source, start, start + len(text)))


def _element(source: Source, base: int, plain: re.Match[str]) -> Element:
    at = base + plain.start("key")
    parts, last = [], 0
    key = plain["key"]
    for gap in _PIECES.finditer(key):
        parts.append(_part(source, at + last, key[last : gap.start()]))
        last = gap.end()
    parts.append(_part(source, at + last, key[last:]))
    whole = Span(source, at, base + plain.end("key"))
    found = parts[0] if len(parts) == 1 else Concat(tuple(parts), span=whole)
    value: Expression | Verdict | None = None
    if (said := plain["value"]) is not None:
        place = Span(source, base + plain.start("value"), base + plain.end("value"))
        value = Verdict(said, span=place) if said.isalpha() else Word(said, span=place)  # type: ignore[arg-type]
        whole = Span(source, at, place.end)
    return Element(found, value, span=whole)


def _part(source: Source, at: int, text: str) -> Expression:
    span = Span(source, at, at + len(text))
    base, slash, length = text.partition("/")
    if slash:
        return Prefix(Word(base, span=Span(source, at, at + len(base))), int(length), span=span)
    ends = _ENDS.search(text)
    if ends is None:
        return Word(text, span=span)
    low, high = text[: ends.start()], text[ends.end() :]
    behind = at + ends.end()
    return Range(
        Word(low, span=Span(source, at, at + len(low))),
        Word(high, span=Span(source, behind, behind + len(high))),
        span=span,
    )
