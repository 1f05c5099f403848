"""Cuts a script into statements before anything is parsed, so that a mistake in one hides none in another.

A statement ends at the end of its line, at a semicolon, or at the brace that closes the block it stands in. Braces of sets are
part of their statement, which goes on in the next lines until they are closed; those of tables, chains, sets and objects
open blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from policy._record import dataclass

Kind = Literal["open", "close", "statement", "comment"]
Block = Literal["top", "table", "chain", "set", "object", "unknown"]

_TOKEN = re.compile(r'\n|\\\r?\n|\\|"[^"\n]*"?|#[^\n]*|[{};]|[^\s"#{};\\][^\n"#{};\\]*')
_IN_TABLE = (
    r"(?:(?P<table>table)|(?P<chain>chain)|(?P<set>set|map)"
    r"|(?P<object>counter|quota|limit|secmark|synproxy|flowtable|ct[ \t]+(?:helper|timeout|expectation)))[ \t\\]"
)
_HEAD = {
    "top": re.compile(r"(?:(?:add|create)[ \t]+)?" + _IN_TABLE),
    "table": re.compile(_IN_TABLE),
}
_BEGINS = re.compile(r"[ \t]*(?:(?:add|create)[ \t]+)?(?:table|chain|set|map)[ \t]+[\w\"./ \t-]+\{[ \t\r]*(?:#[^\n]*)?$", re.MULTILINE)
"""What a line looks like that begins a block, even inside of a set that is not closed."""


@dataclass(slots=True)
class Piece:
    """One statement or comment, the head or the end of a block: the characters [start, end) of the text.

    *block* is what it stands in, for the head of a block the one that it opens.
    """

    kind: Kind
    start: int
    end: int
    block: Block


def split(text: str, comments: bool = False) -> Iterator[Piece]:
    """Yield the statements of a script, heads and ends of blocks, and the comments that speak to fwpolicy, or all *comments*.

    They come in order, but for a comment inside a statement, which comes before it. The brace is no part of a head.
    """
    start = end = -1  # of the statement that has begun
    depth = 0
    blocks: list[Block] = []
    block: Block = "top"
    for token in _TOKEN.finditer(text, 1 if text.startswith("\ufeff") else 0):
        word = token[0]
        sign = word[0]
        if sign == "\n" or sign == ";":
            if start >= 0 and (not depth or sign == ";" or _BEGINS.match(text, token.end())):
                yield Piece("statement", start, end, block)
                start, depth = -1, 0
        elif sign == "#":
            if comments or "fwpolicy:" in word:
                if start >= 0 and not depth:
                    yield Piece("statement", start, end, block)
                    start = -1
                yield Piece("comment", token.start(), token.start() + len(word.rstrip()), block)
        elif sign == "{":
            if not depth and (opened := _opened(text, start, end, block)):
                yield Piece("open", start if start >= 0 else token.start(), end if start >= 0 else token.end(), opened)
                blocks.append(block)
                block, start = opened, -1
            else:
                depth += 1
                start = token.start() if start < 0 else start
                end = token.end()
        elif sign == "}":
            if depth:
                depth, end = depth - 1, token.end()
                continue
            if start >= 0:
                yield Piece("statement", start, end, block)
                start = -1
            yield Piece("close", token.start(), token.end(), block)
            block = blocks.pop() if blocks else "top"
        elif sign == "\\" and len(word) > 1:
            continue
        else:
            start = token.start() if start < 0 else start
            end = token.start() + len(word.rstrip())
    if start >= 0:
        yield Piece("statement", start, end, block)


def _opened(text: str, start: int, end: int, block: Block) -> Block | None:
    """Return what the brace behind a statement opens; None where it is that of a set."""
    if start < 0:
        return "unknown" if block in ("top", "table") else None
    pattern = _HEAD.get(block)
    found = pattern.match(text, start, end + 1) if pattern else None
    return found.lastgroup if found else None  # type: ignore[return-value] # the groups are called as blocks are
