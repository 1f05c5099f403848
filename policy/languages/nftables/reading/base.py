"""What all callbacks share: where the text stands, spans of what was read, and what they cannot take."""

from __future__ import annotations

import re
from typing import Any

from lark import Token

from policy.diagnostic import Diagnostic
from policy.languages.nftables.ast.expression import Word
from policy.source import Source, Span

Parts = list[Any]
"""What a callback is given: tokens, and what other callbacks have made (None where nothing is written)."""

Part = tuple[str, Any, Span]
"""A clause of a statement: its name, its value, its place."""

_TIME = re.compile(r"([0-9]+)(ms|[dhms])")
_MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_HUGE = 1 << 130


class Refused(Exception):
    """What fits the grammar and is still not said like that; `.diagnostic` says what is wrong."""

    def __init__(self, message: str, span: Span, help: str | None = None, code: str = "FW001") -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, help)


class Base:
    """The callbacks' common ground; `at` says where the text that is being parsed stands."""

    source: Source
    base: int
    place: Span

    def at(self, place: Span) -> None:
        """Read the text of *place* next."""
        self.place = place
        self.source = place.source
        self.base = place.start

    def span(self, parts: Parts) -> Span:
        """Return where *parts* stand, from the first to the last that is there."""
        start = end = -1
        for part in parts:
            if part is not None:
                start = self._start(part)
                break
        for part in reversed(parts):
            if part is not None:
                end = self._end(part)
                break
        return self.place if start < 0 else Span(self.source, start, end)

    def _start(self, part: Any) -> int:
        if isinstance(part, Token):
            return self.base + part.start_pos  # type: ignore[operator] # tokens of a text have places
        span: Span = part[2] if isinstance(part, tuple) else part.span
        return span.start

    def _end(self, part: Any) -> int:
        if isinstance(part, Token):
            return self.base + part.end_pos  # type: ignore[operator]
        span: Span = part[2] if isinstance(part, tuple) else part.span
        return span.end

    def name_of(self, token: Token) -> Word:
        """Return a word, of which a quoted one loses its marks."""
        text = str(token)
        quoted = text[0] == '"'
        start = self.base + token.start_pos  # type: ignore[operator]
        span = Span(self.source, start, start + len(text))
        return Word(text[1:-1] if quoted else text, quoted, span=span)

    def number_of(self, token: Token) -> int:
        """Return a number; one that is too long to be any value is a large one."""
        text = str(token)
        if len(text) > 40:
            return _HUGE
        if text[:2] in ("0x", "0X"):
            return int(text, 16)
        return int(text, 8) if len(text) > 1 and text[0] == "0" and text.strip("01234567") == "" else int(text)

    def text_of(self, parts: Parts) -> str:
        """Return what is written in the place of *parts*, with one space between words."""
        return " ".join(self.span(parts).text.split())


def milliseconds(text: str) -> int | None:
    """Return `1d2h`, or a number of seconds, in milliseconds; None where it is no time."""
    if text.isdecimal():
        return int(text[:15]) * 1000
    found = _TIME.findall(text)
    if not found or "".join(number + unit for number, unit in found) != text:
        return None
    return sum(int(number[:15]) * _MILLISECONDS[unit] for number, unit in found)


def unescaped(token: Token) -> str:
    """Return a text without its quotation marks."""
    return token[1:-1] if token.startswith('"') else str(token)
