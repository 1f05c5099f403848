"""Reads a script into its tree, with every mistake in its syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from functools import cache
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedInput

from policy._record import dataclass
from policy.diagnostic import Collector
from policy.language.comments import HELP, Comments, read, spoken
from policy.language.grammar import open_grammar
from policy.languages.nftables import elements
from policy.languages.nftables.ast.command import (
    Add,
    Chain,
    Command,
    Define,
    Definition,
    Include,
    NamedSet,
    Part,
    Place,
    Rule,
    Script,
    Table,
)
from policy.languages.nftables.ast.expression import Element, SetLiteral
from policy.languages.nftables.built import command_of, family_of, head_of, made_of
from policy.languages.nftables.reader import Head, Option, Reader
from policy.languages.nftables.split import Block, Piece, blanked, carriage_return, split, too_deep
from policy.source import Source, Span
from policy.written import Suppression

WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": 'a text in `"…"`',
    "VARIABLE": "a variable (`$name`)",
    "REFERENCE": "a set (`@name`)",
    "TIME": "a time",
    "ADDRESS4": "an IPv4 address",
    "ADDRESS6": "an IPv6 address",
    "OPERATOR": "an operator",
}
"""What terminals are called in messages."""

LONGEST_STATEMENT = 1 << 24
"""In characters; a rule has some hundred, a set of a million elements some ten million."""

_INCLUDING = (Table, Chain, NamedSet)
_CHAIN_OPTION = re.compile(r"(?:type|policy|devices?|flags|comment)\b(?!\s*-)")
_COMMAND = re.compile(r"(?:define|redefine|undefine|include)\b")
_ELEMENTS = re.compile(r"elements\s*=\s*(?=\{)")
_ADD_ELEMENTS = re.compile(r"(?:(?:add|create|delete|destroy)\s+)?element\s+[^{]*(?=\{)")


@cache
def _reader() -> Reader:
    return Reader()


def _parser() -> Lark:
    return open_grammar("nftables", _reader())


def parse(source: Source, mistakes: Collector) -> Script:
    """Return the tree of a script; what cannot be read is left out and noted in *mistakes*."""
    parser = _Parser(source, mistakes)
    commands = tuple(parser.top())
    parser.comments.forget()
    comments = parser.comments
    return Script(commands, suppressions=tuple(comments.whole), stray=tuple(comments.stray))


def parse_part(source: Source, of: Table | Chain | NamedSet, mistakes: Collector) -> Part | None:
    """Return the tree of a text that a block includes: what the text alone says of a table, chain or set."""
    parser = _Parser(source, mistakes)
    head, block = head_of(of)
    found = parser.part(block, head)
    comments = parser.comments
    whole, stray = tuple(comments.whole), tuple(comments.stray)
    return Part(found, suppressions=whole, stray=stray) if isinstance(found, _INCLUDING) else None


def parse_rule(place: Span) -> Rule | None:
    """Return the tree of one rule; None where its text is none."""
    mistakes = Collector()
    found = _Parser(place.source, mistakes).parsed("rule", place)
    return found if isinstance(found, Rule) and not mistakes.found else None


@dataclass(slots=True)
class _Parser:
    source: Source
    mistakes: Collector
    comments: Comments = field(default_factory=Comments)
    pieces: Iterator[Piece] = field(default_factory=lambda: iter(()))
    last_end: int = -1

    def top(self) -> Iterator[Command]:
        """Yield the commands of the script."""
        self.foreign()
        self.pieces = split(self.source.text)
        for piece in self.pieces:
            place = self.place(piece)
            match piece.kind:
                case "comment":
                    self.comment(place)
                case "close":
                    self.mistakes.add("FW001", "`}` closes nothing", place)
                case "open":
                    yield from self.block(piece, place)
                case "statement":
                    yield from self.command(place)
            if self.mistakes.full:
                return

    def place(self, piece: Piece) -> Span:
        return Span(self.source, piece.start, piece.end)

    def foreign(self) -> None:
        """Note what other systems put into texts, and nft does not read."""
        text = self.source.text
        if text.startswith("\ufeff"):
            message = "the file begins with a byte order mark, which nft does not read"
            self.mistakes.add("FW001", message, Span(self.source, 0, 1), "save it as UTF-8 without a mark")
        if (at := carriage_return(text)) is not None:
            message = "nft does not read carriage returns: lines end in LF alone, not in CR LF"
            self.mistakes.add("FW001", message, Span(self.source, at, at + 1), "save the file with LF line ends")

    # Commands

    def command(self, place: Span) -> Iterator[Command]:
        suppressions = self.comments.taken(place)
        if (found := self.long(_ADD_ELEMENTS, place)) is not None:
            head, literal = found
            tree = self.parsed("head", head, " { 0 }")
            tree = replace(tree, body=literal) if isinstance(tree, Head) else None
        else:
            tree = self.parsed("head", place)
        if isinstance(tree, Define):
            yield replace(tree, suppressions=suppressions)
        elif isinstance(tree, Include):
            yield tree
        elif isinstance(tree, Head):
            made = command_of(tree, suppressions, place)
            if made is not None:
                yield made
        self.last_end = place.end

    def block(self, piece: Piece, place: Span) -> Iterator[Command]:
        suppressions = self.comments.taken(place)
        head = self.parsed("head", place)
        body = self.body(piece, head if isinstance(head, Head) else None, place, suppressions)
        if isinstance(head, Head) and body is not None and head.names:
            where = Place(family_of(head), None if isinstance(body, Table) else head.names[0].text, span=place)
            yield Add(
                "create" if head.verb == "create" else "add",
                body,
                where,
                span=Span(self.source, place.start, self.last_end),
            )

    # Blocks

    def part(self, block: Block, head: Head) -> Table | Definition | None:
        """Read what stands inside of a block, up to the end of the text."""
        self.pieces = split(self.source.text, block)
        whole = Span(self.source, 0, len(self.source.text))
        made = self.body(Piece("open", 0, 0, block), head, whole, (), is_part=True)
        self.comments.forget()
        return made

    def body(
        self,
        piece: Piece,
        head: Head | None,
        place: Span,
        suppressions: tuple[Suppression, ...],
        *,
        is_part: bool = False,
    ) -> Table | Definition | None:
        """Read a block to its end; one *is part* of a block if it ends with its text."""
        found: list[Any] = []
        texts: list[str] = []
        self.last_end = piece.end
        for each in self.pieces:
            inner = self.place(each)
            match each.kind:
                case "comment":
                    self.comment(inner, found)
                    continue
                case "close" if is_part:
                    self.mistakes.add("FW001", "`}` closes nothing", inner)
                case "close":
                    self.last_end = each.end
                    break
                case "open":
                    silent = self.comments.taken(inner)
                    inside = self.body(each, self.named(inner), inner, silent)
                    if inside is not None:
                        found.append(inside)
                case "statement":
                    if piece.block == "object":
                        texts.append(inner.text)
                    else:
                        found += self.inside(piece.block or "", inner)
                    self.last_end = each.end
            if self.mistakes.full:
                break
        else:
            if not is_part:
                self.mistakes.add("FW001", "the block is not closed", place, "end it with a `}`")
        if head is None or not head.names:
            return None
        whole = Span(self.source, place.start, self.last_end)
        return made_of(piece.block or "", head, found, "; ".join(texts), suppressions, whole)

    def named(self, place: Span) -> Head | None:
        found = self.parsed("inner", place)
        return found if isinstance(found, Head) else None

    def inside(self, block: str, place: Span) -> list[Any]:
        """Return what one statement of a block says."""
        text = place.text
        silent = self.comments.taken(place)
        if _COMMAND.match(text):
            tree = self.parsed("head", place)
            return [] if tree is None else [replace(tree, suppressions=silent) if isinstance(tree, Define) else tree]
        if block == "set":
            if (found := self.long(_ELEMENTS, place)) is not None:
                return [Option("elements", found[1], place)]
            tree = self.parsed("kind", place)
        elif block == "table" or _CHAIN_OPTION.match(text):
            tree = self.parsed("hook", place)
        else:
            tree = self.parsed("rule", place)
            if isinstance(tree, Rule):
                tree = replace(tree, suppressions=silent)
                silent = ()
        for each in silent:
            self.comments.lost(each)
        return [] if tree is None else [tree]

    # Texts

    def parsed(self, start: str, place: Span, more: str = "") -> Any:
        """Return the tree of one statement, None after noting what is wrong with it."""
        if place.end - place.start > LONGEST_STATEMENT:
            message = f"the statement is longer than {LONGEST_STATEMENT} characters"
            self.mistakes.add("FW001", message, Span(self.source, place.start, place.start + 1), "make it shorter")
            return None
        text = blanked(place.text)
        if (deep := too_deep(text)) is not None:
            where = Span(self.source, place.start + deep, place.start + deep + 1)
            self.mistakes.add("FW001", "the statement is nested too deeply", where, "write it with fewer levels")
            return None
        reader, parser = _reader(), _parser()
        reader.at(place)
        try:
            tree = parser.parse(text + more, start)
        except UnexpectedInput as error:
            from policy.language.syntax import syntax_mistake
            from policy.languages.nftables.missing import missing_value

            found = missing_value(error, place) or syntax_mistake(error, parser, place, WORDS)
            self.mistakes.found.append(found)
            return None
        for each in reader.reserved:
            message = f"`{each.text}` is a word of the language"
            self.mistakes.add("FW001", message, each, "use another name; a value may stand in quotes")
        return tree

    def long(self, head: re.Pattern[str], place: Span) -> tuple[Span, SetLiteral] | None:
        """Return a long list of elements, and what stands before it; None where the grammar reads the statement."""
        if place.end - place.start < elements.SHORTEST:
            return None
        text = blanked(place.text)
        found = head.match(text)
        if found is None or not text.endswith("}"):
            return None
        inner = text[found.end() :]
        literal = elements.read(self.source, place.start + found.end(), inner, self.element)
        return None if literal is None else (Span(self.source, place.start, place.start + found.end()), literal)

    def element(self, start: int, end: int) -> Element | None:
        text = blanked(self.source.text[start:end])
        place = Span(self.source, start + len(text) - len(text.lstrip()), start + len(text.rstrip()))
        found = self.parsed("element", place)
        return found if isinstance(found, Element) else None

    def comment(self, place: Span, body: list[Any] | None = None) -> None:
        """Take a comment; one behind a rule belongs to that."""
        said = spoken(place.text)
        if said is None:
            return
        suppression = read(said, place)
        if suppression is None:
            self.mistakes.add("FW001", "this comment speaks to fwpolicy, but cannot be read", place, HELP)
        elif not place.source.line(place.line)[: place.column - 1].strip():
            self.comments.alone(suppression)
        elif (
            body and isinstance(body[-1], Rule) and body[-1].span.end_line == place.line and not suppression.whole_file
        ):
            body[-1] = replace(body[-1], suppressions=(*body[-1].suppressions, suppression))
        else:
            self.comments.alone(suppression)
