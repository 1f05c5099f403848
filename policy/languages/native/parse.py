"""Reads one file into its tree, with every mistake in its syntax."""

from __future__ import annotations

import re
from dataclasses import field, replace
from functools import cache
from typing import Any, Literal

from lark import Lark

from policy._record import dataclass
from policy.diagnostic import Collector, Diagnostic, Related
from policy.language.comments import HELP, Comments, read, spoken
from policy.language.grammar import open_grammar
from policy.languages.native import ast
from policy.languages.native.reader import NativeReader
from policy.languages.native.split import ACTIONS, LONGEST_LINE, LONGEST_STATEMENT, STARTS, Piece, long_lines, split
from policy.question.ast import Word
from policy.question.parse import WORDS, parse_piece
from policy.source import Source, Span
from policy.written import Suppression

_WORDS = {**WORDS, "STRING": 'a text in `"…"`', "DATE": "a date"}
_NAMED = re.compile(r"(?P<kind>network|host|service|policy)\s+(?P<name>[A-Za-z_][\w-]*)", re.ASCII)
_FIRST = re.compile(r"[^\s{=]*")

_COMMANDS = {"iptables": "iptables-save", "ip6tables": "ip6tables-save", "nft": "nft list ruleset"}
"""Programs whose rules we read in another form than that of a script that calls them."""


@cache
def reserved() -> frozenset[str]:
    """Return the words of the language, which cannot be names."""
    parser = _parser()
    patterns = (terminal.pattern for terminal in parser.terminals)
    return frozenset(pattern.value for pattern in patterns if pattern.type == "str" and pattern.value[0].isalpha())


def _parser() -> Lark:
    return open_grammar("native", _reader())


@cache
def _reader() -> NativeReader:
    return NativeReader()


def parse_file(source: Source, collector: Collector) -> ast.File:
    """Return the tree of a file; what cannot be read is left out and noted in *collector*."""
    if long := long_lines(source.text):
        for start, _ in long:
            span = Span(source, start, start + 1)
            collector.add(
                "FW001", f"the line is longer than {LONGEST_LINE} characters", span, "write it in several lines"
            )
            if collector.full:
                break
        return ast.File(())
    parser = _Parser(source, collector)
    for piece in split(source.text):
        if piece.end - piece.start > LONGEST_STATEMENT:
            span = Span(source, piece.start, piece.start + 1)
            message = f"the statement is longer than {LONGEST_STATEMENT} characters"
            collector.add("FW001", message, span, "make several definitions, and one that names them all")
            break
        parser.add(piece)
        if collector.full:
            break
    else:
        parser.end()
    comments = parser.comments
    return ast.File(tuple(parser.statements), tuple(parser.broken), tuple(comments.whole), tuple(comments.stray))


def parse_rule(place: Span) -> ast.Rule | None:
    """Return the tree of one rule; None where its text is no rule, or has a comment inside."""
    if any(piece.kind == "comment" for piece in split(place.text, comments=True)):
        return None
    tree = parse_piece(_parser(), _reader(), "body", place, _WORDS)
    return tree if isinstance(tree, ast.Rule) else None


@dataclass(slots=True)
class _Parser:
    """Puts the statements of a file together."""

    source: Source
    collector: Collector
    statements: list[ast.Statement] = field(default_factory=list)
    policy: ast.Policy | None = None
    body: list[ast.Default | ast.Rule] = field(default_factory=list)
    comments: Comments = field(default_factory=Comments)
    broken: list[tuple[str, str]] = field(default_factory=list)
    last: Literal["line", "policy", "definition", "other"] = "other"  # what the last statement was, and where it ends
    last_end: int = -1

    def add(self, piece: Piece) -> None:
        """Take the next statement or comment."""
        place = Span(self.source, piece.start, piece.end)
        if piece.kind != "comment":
            self.last, self.last_end = "other", piece.end
        match piece.kind:
            case "comment":
                self.comment(place)
            case "open":
                self.unclosed(place)
                self.open(place)
            case "close":
                self.close(place)
            case "statement":
                word = _first(place)
                if self.policy is not None and word in STARTS and word not in ACTIONS:
                    self.unclosed(place)
                if self.policy is None:
                    self.top(place)
                else:
                    self.rule(place)

    def end(self) -> None:
        """Take the end of the file."""
        if self.policy is not None:
            self.collector.add("FW001", "the policy is not closed", self.policy.span, "end it with a line `}`")
        self.comments.forget()

    def top(self, place: Span) -> None:
        suppressions = self.comments.taken(place)
        tree = self.parse("top", place)
        if isinstance(tree, ast.Policy):
            self.collector.add("FW001", "`{` is missing here", Span(self.source, place.end, place.end))
        elif isinstance(tree, ast.Definition):
            self.statements.append(replace(tree, suppressions=suppressions) if suppressions else tree)
            self.last = "definition"
        elif tree is not None:
            self.statements.append(tree)
            for each in suppressions:
                self.comments.lost(each)

    def open(self, place: Span) -> None:
        suppressions = self.comments.taken(place)
        tree = self.parse("top", place)
        self.policy = replace(tree or ast.Policy(Word("", place), span=place), span=place, suppressions=suppressions)
        self.last = "policy"

    def close(self, place: Span) -> None:
        if self.policy is None:
            self.collector.add("FW001", "`}` closes nothing", place)
            return
        if self.policy.name.text:
            self.statements.append(replace(self.policy, body=tuple(self.body)))
        self.policy = None
        self.body = []
        self.comments.forget()

    def unclosed(self, place: Span) -> None:
        """Close a policy that is open where something begins that may not stand in it."""
        if self.policy is not None:
            related = (Related(self.policy.span, "this policy is open"),)
            span = Span(self.source, place.start, place.start + len(_first(place)))
            help = "close the policy with a line `}` before it"
            self.collector.add("FW001", f"`{span.text}` does not stand inside a policy", span, help, related)
            self.close(place)

    def rule(self, place: Span) -> None:
        suppressions = self.comments.taken(place)
        tree = self.parse("body", place)
        if tree is not None:
            self.body.append(replace(tree, suppressions=suppressions) if suppressions else tree)
            self.last = "line"

    def parse(self, start: str, place: Span) -> Any:
        """Return the tree of one statement, or None after noting what is wrong."""
        tree = parse_piece(_parser(), _reader(), start, place, _WORDS)
        if isinstance(tree, Diagnostic):
            self.collector.found.append(_explained(tree, start, place))
            if start == "top" and (named := _NAMED.match(place.source.text, place.start, place.end)):
                self.broken.append((named["kind"], named["name"]))
            return None
        return tree

    def comment(self, place: Span) -> None:
        said = spoken(place.text)
        if said is None:
            return
        suppression = read(said, place)
        if suppression is None:
            self.collector.add("FW001", "this comment speaks to fwpolicy, but cannot be read", place, HELP)
        elif self.source.position(self.last_end)[0] != place.line:
            self.comments.alone(suppression)
        elif suppression.whole_file or self.last == "other":
            self.comments.lost(suppression)
        elif self.last == "line":
            self.body[-1] = _with(self.body[-1], suppression)
        elif self.last == "definition":
            self.statements[-1] = _with(self.statements[-1], suppression)
        elif self.policy is not None:
            self.policy = _with(self.policy, suppression)


def _with(node: Any, suppression: Suppression) -> Any:
    return replace(node, suppressions=(*node.suppressions, suppression))


def _first(place: Span) -> str:
    """Return the first word of a statement."""
    found = _FIRST.match(place.source.text, place.start, place.end)
    return found[0] if found else ""


def _explained(mistake: Diagnostic, start: str, place: Span) -> Diagnostic:
    """Say more about a statement that does not fit where it stands."""
    word = _first(place)
    if start == "top" and word in ACTIONS:
        span = Span(place.source, place.start, place.start + len(word))
        return Diagnostic(
            "FW001", "a rule stands outside of a policy", span, "write it between `policy NAME {` and `}`"
        )
    if start == "top" and word in _COMMANDS:
        return replace(mistake, help=f"commands are not read: give what `{_COMMANDS[word]}` prints")
    if start == "body" and mistake.span.start == mistake.span.end and word == place.text not in ("call", "default"):
        return replace(mistake, message="which packets is this for?", help=f"`{word} any` is for all")
    return mistake
