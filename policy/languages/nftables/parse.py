"""Reads a script into its tree, with every mistake in its syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from functools import cache
from typing import Any, cast

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
    Family,
    Hook,
    Include,
    NamedObject,
    NamedSet,
    Place,
    Remove,
    Rule,
    Script,
    Table,
)
from policy.languages.nftables.ast.expression import Element, SetLiteral, Variable
from policy.languages.nftables.ast.statement import Statement
from policy.languages.nftables.reader import Head, Option, Reader
from policy.languages.nftables.split import Piece, blanked, split
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
            made = _command(tree, suppressions, place)
            if made is not None:
                yield made
        self.last_end = place.end

    def block(self, piece: Piece, place: Span) -> Iterator[Command]:
        suppressions = self.comments.taken(place)
        head = self.parsed("head", place)
        body = self.body(piece, head if isinstance(head, Head) else None, place, suppressions)
        if isinstance(head, Head) and body is not None and head.names:
            where = Place(_family(head), None if isinstance(body, Table) else head.names[0].text, span=place)
            yield Add(
                "create" if head.verb == "create" else "add",
                body,
                where,
                span=Span(self.source, place.start, self.last_end),
            )

    # Blocks

    def body(
        self, piece: Piece, head: Head | None, place: Span, suppressions: tuple[Suppression, ...]
    ) -> Table | Definition | None:
        """Read a block to its end."""
        found: list[Any] = []
        texts: list[str] = []
        self.last_end = piece.end
        for each in self.pieces:
            inner = self.place(each)
            match each.kind:
                case "comment":
                    self.comment(inner, found)
                    continue
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
            self.mistakes.add("FW001", "the block is not closed", place, "end it with a `}`")
        if head is None or not head.names:
            return None
        whole = Span(self.source, place.start, self.last_end)
        return _made(piece.block or "", head, found, "; ".join(texts), suppressions, whole)

    def named(self, place: Span) -> Head | None:
        found = self.parsed("inner", place)
        return found if isinstance(found, Head) else None

    def inside(self, block: str, place: Span) -> list[Any]:
        """Return what one statement of a block says."""
        text = place.text
        silent = self.comments.taken(place)
        if _COMMAND.match(text):
            tree = self.parsed("head", place)
            if block == "set" and isinstance(tree, Include):
                message = "what another file holds of a set is not read"
                self.mistakes.add(
                    "FW820", message, place, "write the elements here, or add them behind: `add element …`"
                )
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
        reader, parser = _reader(), _parser()
        reader.at(place)
        try:
            return parser.parse(blanked(place.text) + more, start)
        except UnexpectedInput as error:
            from policy.language.syntax import syntax_mistake

            self.mistakes.found.append(syntax_mistake(error, parser, place, WORDS))
            return None

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


def _family(head: Head) -> Family:
    return cast(Family, head.family or "ip")


def _command(head: Head, suppressions: tuple[Suppression, ...], span: Span) -> Command | None:
    names = [word.text for word in head.names]
    family = _family(head)
    if head.verb in ("", "add", "create", "insert", "replace"):
        verb = cast(Any, head.verb or "add")
        if head.kind == "rule":
            rule = replace(head.body, suppressions=suppressions)
            return Add(verb, rule, Place(family, names[0], names[1], span=span), head.handle, head.index, span=span)
        if head.kind == "element":
            return Add(verb, head.body, Place(family, names[0], names[1], span=span), span=span)
        block = {"table": "table", "chain": "chain", "set": "set", "map": "set"}.get(head.kind, "object")
        made = _made(block, head, [], "", suppressions, span)
        return Add(verb, made, Place(family, None if head.kind == "table" else names[0], span=span), span=span)
    table = names[0] if names else None
    name = names[1] if len(names) > 1 else None
    place = Place(cast(Any, head.family) if head.kind == "ruleset" else family, table, name, head.handle, span=span)
    to = names[2] if len(names) > 2 else None
    return Remove(cast(Any, head.verb), head.kind, place, cast(Any, head.body), to, span=span)


def _made(
    block: str, head: Head, found: list[Any], text: str, suppressions: tuple[Suppression, ...], span: Span
) -> Table | Definition:
    """Return what a block makes of what stands in it."""
    word = head.names[-1]
    options = {each.name: each for each in found if isinstance(each, Option)}
    said = {name: option.value for name, option in options.items()}
    said |= dict(each for each in found if isinstance(each, tuple))
    common: dict[str, Any] = {"comment": said.get("comment"), "name_span": word.span, "span": span}
    if block == "table":
        body = tuple(each for each in found if isinstance(each, Chain | NamedSet | NamedObject | Define | Include))
        flags = said.get("flags", ())
        return Table(_family(head), word.text, body, flags, suppressions=suppressions, **common)
    if block == "chain":
        rules = tuple(each for each in found if isinstance(each, Rule | Define | Include))
        policy = options.get("policy")
        return Chain(
            word.text,
            _hook(options, said.get("devices", ())),
            said.get("policy"),
            rules,
            said.get("flags", ()),
            suppressions=suppressions,
            policy_span=None if policy is None else policy.span,
            **common,
        )
    if block == "set":
        kind, value = said.get("type", (None, None))
        return NamedSet(
            word.text,
            kind,
            value,
            head.kind == "map",
            said.get("flags", ()),
            said.get("timeout"),
            said.get("gc"),
            said.get("size"),
            said.get("policy"),
            "auto-merge" in said,
            elements=cast("SetLiteral | Variable | None", said.get("elements")),
            statements=tuple(each for each in found if not isinstance(each, Option | tuple | Define | Include)),
            suppressions=suppressions,
            **common,
        )
    statement: Statement | None = None
    return NamedObject(head.kind, word.text, text, statement, **common)


def _hook(options: dict[str, Option], devices: Any) -> Hook | None:
    option = options.get("hook")
    if option is None:
        return None
    kind, hook, own, (name, number, variable) = option.value
    return Hook(kind, hook, (name, number), (*own, *devices), variable, span=option.span)
