"""Cuts a script into statements, the beginnings and ends of blocks, and comments (nft(8), LEXICAL CONVENTIONS).

A statement ends with its line or a `;`, or with the block that it stands in; braces that are no block hold the elements
of a set, and there lines go on. A `\\` at the end of a line goes on with the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Literal

from policy._record import dataclass

Kind = Literal["statement", "open", "close", "comment"]
Block = Literal["table", "chain", "set", "object"]

DEEPEST = 100
"""How many brackets of a statement are open at once: far more than rules have."""

_BRACKET = re.compile(r'"[^"\n]*"|[{}()]')
_PART = re.compile(r'#[^\n]*|"[^"\n]*"|\\\r?\n|[{};\n]|[^#"{};\n\\]+|.', re.DOTALL)
_VERB = r"(?:(?:add|create|insert)\s+)?"
_OBJECTS = r"counter|quota|limit|secmark|synproxy|flowtable|ct\s+(?:helper|timeout|expectation)"
_IN_TABLE = re.compile(rf"(?P<kind>chain|set|map|{_OBJECTS})\s+(?!name\b|rate\b)\S+\s*$")
_AT_TOP = re.compile(rf"{_VERB}(?P<kind>table|chain|set|map|{_OBJECTS})\s+(?!name\b|rate\b)[^@{{]*$")
_BLOCKS: dict[str, Block] = {"table": "table", "chain": "chain", "set": "set", "map": "set"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, without white space around it; what *open*s is the text before the brace, of a *block*."""

    kind: Kind
    start: int
    end: int
    block: Block | None = None


def split(text: str, block: Block | None = None) -> Iterator[Piece]:
    """Yield the pieces of a script, or of what stands inside of a *block*, in order.

    A comment inside of a statement comes before that.
    """
    cutter = _Cutter(text, [] if block is None else [block])
    for found in _PART.finditer(text, 1 if text.startswith("\ufeff") else 0):
        yield from cutter.take(found[0], found.start())
    yield from cutter.statement()


@dataclass(slots=True)
class _Cutter:
    text: str
    blocks: list[Block] = field(default_factory=list)
    start: int | None = None
    end: int = 0
    depth: int = 0

    def take(self, part: str, at: int) -> Iterator[Piece]:
        """Take the next part of the text."""
        if part[0] == "#":
            yield Piece("comment", at, at + len(part))
        elif part == "{" and (block := self.block()) is not None and self.start is not None:
            yield Piece("open", self.start, self.end, block)
            self.blocks.append(block)
            self.start = None
        elif part == "}" and not self.depth:
            yield from self.statement()
            yield Piece("close", at, at + 1)
            del self.blocks[-1:]
        elif part in ";\n":
            if not self.depth:
                yield from self.statement()
        elif part[0] != "\\" and not part.isspace():
            self.depth += (part == "{") - (part == "}")
            if self.start is None:
                self.start = at + len(part) - len(part.lstrip())
            self.end = at + len(part.rstrip())

    def statement(self) -> Iterator[Piece]:
        """Yield the statement that ends here."""
        if self.start is not None:
            yield Piece("statement", self.start, self.end)
            self.start = None
            self.depth = 0

    def block(self) -> Block | None:
        """Return what a brace begins here: a block, or (None) a set."""
        if self.depth or self.start is None or (self.blocks and self.blocks[-1] != "table"):
            return None
        head = self.text[self.start : self.end]
        found = (_IN_TABLE if self.blocks else _AT_TOP).match(head)
        return None if found is None else _BLOCKS.get(found["kind"], "object")


def carriage_return(text: str) -> int | None:
    """Return where a carriage return stands that is in no comment or text; None without one."""
    if "\r" not in text:
        return None
    outside = (found for found in _PART.finditer(text) if found[0][0] not in '#"' and "\r" in found[0])
    return next((found.start() + found[0].index("\r") for found in outside), None)


def too_deep(text: str) -> int | None:
    """Return where more than `DEEPEST` brackets of a statement are open; None where there are not so many."""
    if text.count("{") + text.count("(") <= DEEPEST:
        return None
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += (found[0] in "{(") - (found[0] in ")}")
        if depth > DEEPEST:
            return found.start()
    return None


def blanked(text: str) -> str:
    """Return a statement with white space in the place of its comments."""
    if "#" not in text:
        return text
    return _PART.sub(lambda found: " " * len(found[0]) if found[0][0] == "#" else found[0], text)
