"""Cuts a file into statements before anything is parsed, so that a mistake in one hides none in another.

A statement is a line; it goes on in the next one behind a comma or inside braces, unless that line
begins with a word that only a new statement begins with. `policy … {` and `}` are statements too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from policy._record import dataclass

LONGEST_LINE = 1 << 16
"""So many characters a line may have."""

LONGEST_STATEMENT = 1 << 20
"""So many characters a statement may have, in all its lines."""

Kind = Literal["open", "close", "statement", "comment"]

_LONG = re.compile(rf"^[^\n]{{{LONGEST_LINE + 1},}}", re.MULTILINE)
_NEWLINE = r"\n\s*+"
_DULL = r"(?:#(?!\s*fwpolicy:)[^\n]*+\n\s*+){0,1000}+"  # comments alone in their lines that nobody reads
_REST = r'|#[^\n]*(?<!\s)|"[^"\n]*"?|\{+|,+|\}|[^\s"#{},\ufeff]+'
_TOKEN = re.compile(_NEWLINE + _DULL + _REST)
_TOKEN_OR_COMMENT = re.compile(_NEWLINE + _REST)
ACTIONS = frozenset({"allow", "block", "reject", "call", "return", "default"})
STARTS = ACTIONS | {"network", "host", "service", "include", "policy"}


@dataclass(slots=True)
class Piece:
    """One statement or comment: the characters [start, end) of the text."""

    kind: Kind
    start: int
    end: int


def long_lines(text: str) -> list[tuple[int, int]]:
    """Return where the lines are that are too long to be read."""
    return [found.span() for found in _LONG.finditer(text)]


def split(text: str, comments: bool = False) -> Iterator[Piece]:
    """Yield the statements of a file and the comments that speak to fwpolicy, or all *comments*.

    They come in order, but for a comment inside a statement, which comes before it. A statement that is
    longer than `LONGEST_STATEMENT` may be cut.
    """
    start = end = -1  # of the statement that has begun
    braces = 0
    last = ""
    policy = fresh = False
    for token in (_TOKEN_OR_COMMENT if comments else _TOKEN).finditer(text):
        word = token[0]
        sign = word[0]
        if sign == "\n":
            fresh = True
            goes_on = braces == 1 or last == ","
            if start >= 0 and (not goes_on or end - start > LONGEST_STATEMENT):
                yield Piece("statement", start, end)
                start, braces = -1, 0
            continue
        if sign == "#":
            if start >= 0 and not braces and last != ",":
                yield Piece("statement", start, end)
                start = -1
            yield Piece("comment", token.start(), token.end())
            continue
        closes = sign == "}" and not braces
        if start >= 0 and (closes or (fresh and word in STARTS)):
            yield Piece("statement", start, end)
            start, braces = -1, 0
        fresh = False
        if closes:
            yield Piece("close", token.start(), token.end())
            continue
        if start < 0:
            start, policy = token.start(), word == "policy"
        if word == "{" and policy:
            yield Piece("open", start, token.end())
            start = -1
            continue
        if sign == "{":
            braces += len(word)
        elif sign == "}":
            braces -= 1
        end, last = token.end(), word
    if start >= 0:
        yield Piece("statement", start, end)
