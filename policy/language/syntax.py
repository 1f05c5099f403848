"""Says what is wrong with a text that does not fit its grammar, in words of the language."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lexer import PatternStr

from policy.diagnostic import Diagnostic, did_you_mean
from policy.source import Span

_FEW = 6  # of more words that would fit none is listed
_WORD = re.compile(r"[\w.+-]+|\S", re.ASCII)
_LONGEST = 40


def syntax_mistake(error: UnexpectedInput, parser: Lark, place: Span, words: Mapping[str, str]) -> Diagnostic:
    """Return *error*, raised when *parser* read the text of *place*, as a diagnostic that underlines what does not fit.

    *words* says to people what a terminal with a pattern is ("an address"); keywords and signs speak for
    themselves. A terminal without an entry is not mentioned.
    """
    span = _where(error, place)
    expected = _expected(error, parser)
    phrases = list(dict.fromkeys(_phrases(expected, parser, words)))
    missing = _list(phrases) if 0 < len(phrases) <= _FEW else None
    if span.start == span.end:
        return Diagnostic("FW001", f"{missing or 'more'} is missing here", span)
    found = span.text
    shown = found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…"
    keywords = [phrase.strip("`") for phrase in _phrases(expected, parser, {}) if len(phrase) > 3]
    hint = did_you_mean(found, keywords) if len(found) <= _LONGEST else None
    if missing is None:
        return Diagnostic("FW001", f"`{shown}` does not fit here", span, hint)
    return Diagnostic("FW001", f"`{shown}` stands where {missing} is expected", span, hint)


def _where(error: UnexpectedInput, place: Span) -> Span:
    """Return the word that does not fit; an empty span at the end of the text if one is missing."""
    source = place.source
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return Span(source, place.end, place.end)
    at: int = getattr(error, "pos_in_stream", 0)  # lark declares it as None
    start = place.start + at
    found = _WORD.match(source.text, start, place.end)
    end = found.end() if found else min(start + 1, place.end)
    if isinstance(error, UnexpectedToken):
        end = max(end, start + len(error.token))
    return Span(source, start, end)


def _expected(error: UnexpectedInput, parser: Lark) -> list[str]:
    """Return the names of the terminals that would fit, in the order of the grammar."""
    names: set[str] = set()
    if isinstance(error, UnexpectedToken):
        names = set(error.interactive_parser.choices())  # type: ignore[no-untyped-call] # `expected` lacks those that another grammar has imported
    elif isinstance(error, UnexpectedCharacters):
        names = set(error.allowed or ())
    names -= set(parser.lexer_conf.ignore)
    return [terminal.name for terminal in parser.terminals if terminal.name in names]


def _phrases(names: list[str], parser: Lark, words: Mapping[str, str]) -> list[str]:
    phrases = []
    for name in names:
        pattern = parser.get_terminal(name).pattern
        plain = name.rpartition("__")[2]
        if isinstance(pattern, PatternStr):
            phrases.append(f"`{pattern.value}`")
        elif plain in words:
            phrases.append(words[plain])
    return phrases


def _list(phrases: list[str]) -> str:
    return " or ".join((", ".join(phrases[:-1]), phrases[-1])) if len(phrases) > 1 else phrases[0]
