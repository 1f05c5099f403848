"""From the text of a file to its AST, line by line, with all mistakes of the file.

Source: iptables 1.8.9, iptables/xtables-restore.c: what a line is depends on its first column and on whether a table
is open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any as Anything

import lark

from policy.diagnostic import Collector, did_you_mean
from policy.language.comments import Comments, read, spoken
from policy.language.grammar import open_grammar
from policy.languages.iptables.ast import Command, Declaration, File, Statement, Table, Word
from policy.languages.iptables.getopt import End, RuleParser, Stop
from policy.netfilter import BUILT_IN
from policy.source import Source, Span
from policy.written import Stray, Suppression

LONGEST = 10_238
"""iptables-restore reads lines into a buffer of 10 KiB, and takes what is left for a line of its own."""

_WORD = re.compile(r"[^ \t]+")
_QUOTED = re.compile(r'([^ \t"]*)"((?:[^"\\]|\\.)*)')
_ESCAPE = re.compile(r"\\(.)")

Line = tuple[str, Anything]
_Place = tuple[str, int, int]
"""A word and where it stands in its line."""


class _Lines:
    """Turns a parsed line into its kind and its words; places are those in the line."""

    def nothing(self, _: list[lark.Token]) -> Line:
        return "nothing", None

    def comment(self, _: list[lark.Token]) -> Line:
        return "comment", None

    def blank(self, _: list[lark.Token]) -> Line:
        return "blank", None

    def commit(self, _: list[lark.Token]) -> Line:
        return "commit", None

    def table(self, children: list[lark.Token]) -> Line:
        return "table", _plain(children[1], 1)

    def chain(self, children: list[lark.Token]) -> Line:
        return "chain", _plain(children[1], 1)

    def rule(self, children: list[lark.Token | None]) -> Line:
        words: list[_Place] = []
        for token in children[3:]:
            assert token is not None
            start = token.start_pos or 0
            words += _plain(token, start) if token.type == "PLAIN" else [_quoted(token, start)]
        return "rule", words


def _plain(text: str, start: int) -> list[_Place]:
    return [(m.group(), start + m.start(), start + m.end()) for m in _WORD.finditer(text)]


def _quoted(token: str, start: int) -> _Place:
    found = _QUOTED.match(token)
    assert found is not None
    closed = token[found.end() : found.end() + 1] == '"'
    inside = found.group(2)
    text = _ESCAPE.sub(r"\1", inside) if "\\" in inside else inside
    return found.group(1) + text + ("" if closed else "\n"), start, start + found.end() + closed


_LINES = _Lines()


class FileParser:
    """Reads a file; mistakes go to *mistakes*, and what can be read is kept."""

    def __init__(self, source: Source, family: int, mistakes: Collector) -> None:
        self.source = source
        self.family = family
        self.mistakes = mistakes
        self.parser = open_grammar("iptables", _LINES)
        self.tables: list[Table] = []
        self.open: Word | None = None
        self.statements: list[Statement] = []
        self.comments = Comments()

    def parse(self) -> File:
        """Return the file."""
        text = self.source.text
        start, length = 0, len(text)
        if self._foreign(text):
            return File(self.source, self.family, ())
        while start < length and not self.mistakes.full:
            end = text.find("\n", start)
            end = length if end < 0 else end
            if end - start > LONGEST:
                message = f"the line has {end - start} characters, more than iptables-restore reads at once"
                self.mistakes.add("FW001", message, Span(self.source, start, start + 60), "split the rule")
            else:
                try:
                    self.line(text[start:end], start)
                except End:
                    self.open = None
                    break
            start = end + 1
        if self.open is not None and not self.mistakes.full:
            help = "iptables-restore does nothing with a table before its `COMMIT`: add the line"
            self.mistakes.add(
                "FW001", f"COMMIT expected: `*{self.open.text}` is not ended", self._span(self.open), help
            )
            self._close()
        self.comments.forget()
        comments = self.comments
        return File(self.source, self.family, tuple(self.tables), tuple(comments.whole), tuple(comments.stray))

    def _foreign(self, text: str) -> bool:
        """Note what makes iptables-restore refuse the whole file."""
        if text.startswith("\ufeff"):
            message = "the file begins with a byte order mark, which iptables-restore does not read"
            self.mistakes.add("FW001", message, Span(self.source, 0, 1), "save it as UTF-8 without a mark")
            return True
        at = text.find("\r\n")
        if at >= 0:
            message = "the line ends in CR LF, which iptables-restore takes as part of the last word"
            self.mistakes.add("FW001", message, Span(self.source, at, at + 1), "save the file with LF line ends")
            return True
        return False

    def _span(self, word: Word) -> Span:
        return Span(self.source, word.start, word.end)

    def line(self, line: str, offset: int) -> None:
        """Read one line; raises `End` where iptables-restore stops."""
        try:
            read: Line = self.parser.parse(line, start="start")  # type: ignore[assignment]
        except lark.exceptions.UnexpectedInput:
            span = Span(self.source, offset, offset + max(1, len(line)))
            what = {"*": "a table: `*filter`", ":": "a chain and its policy: `:INPUT ACCEPT`"}.get(line[:1])
            self.mistakes.add(
                "FW001", f"`{line.strip()}` is not a line for iptables-restore", span, what and f"name {what}"
            )
            return
        kind, places = read
        words = [Word(text, start + offset, end + offset) for text, start, end in places or ()]
        whole = Span(self.source, offset, offset + len(line))
        if kind == "nothing":
            return
        if kind == "comment":
            self._comment(whole)
            return
        if self.open is None:
            self._outside(kind, words, whole)
        elif kind == "commit":
            self._close()
        elif kind == "chain":
            self._chain(words, whole)
        elif kind == "blank":
            self.mistakes.add("FW001", "the line has only spaces: no command specified", whole, "leave it empty")
        elif kind == "table":
            help = f"end the table `{self.open.text}` before it, with `COMMIT`"
            self.mistakes.add("FW001", f"bad argument `*{words[0].text}`: a table is open here", whole, help)
            self._close()
            self._outside(kind, words, whole)
        else:
            self._rule(words, whole)

    def _outside(self, kind: str, words: list[Word], whole: Span) -> None:
        if kind != "table":
            help = "a table begins with a line like `*filter`"
            if words and words[0].text in ("iptables", "ip6tables", "sudo"):
                help = "rules are read as `iptables-save` writes them: without the command, in a table like `*filter`"
            self.mistakes.add("FW001", "no table is open here", whole, help)
            return
        self.comments.forget()
        self.open = words[0]
        self.statements = []
        if self.open.text not in BUILT_IN:
            help = did_you_mean(self.open.text, BUILT_IN) or "one of " + ", ".join(BUILT_IN)
            self.mistakes.add("FW701", f"unknown table `{self.open.text}`", self._span(self.open), help)

    def _close(self) -> None:
        assert self.open is not None
        self.comments.forget()
        if self.open.text in BUILT_IN:
            self.tables.append(Table(self.open, tuple(self.statements)))
        self.open = None

    def _chain(self, words: list[Word], whole: Span) -> None:
        if len(words) < 2:
            help = f"write `:{words[0].text} ACCEPT`, or `:{words[0].text} -` for a chain of your own"
            self.mistakes.add("FW001", f"chain `{words[0].text}` has no policy", whole, help)
            return
        above = self.comments.taken(whole)
        self.statements.append(Declaration(words[0], words[1], whole.start, whole.end, above))

    def _rule(self, words: list[Word], whole: Span) -> None:
        if whole.text[:1] == "[" and words[0].start == whole.start and not words[0].text.startswith("[]"):
            self.mistakes.add("FW001", "bad counters: need `[packets:bytes]`", self._span(words[0]))
            return
        try:
            command = RuleParser(self.source, words, self.family, self.mistakes).parse()
        except Stop:
            return
        suppressions = (*self.comments.taken(whole), *self._carried(command))
        self.statements.append(replace(command, suppressions=suppressions) if suppressions else command)

    def _comment(self, place: Span) -> None:
        said = spoken(place.text)
        suppression = None if said is None else self._read(said, place)
        if suppression is not None:
            self.comments.alone(suppression)

    def _carried(self, command: Command) -> Iterator[Suppression]:
        """Yield what the comments say that the rule itself carries (`--comment`)."""
        for extension in command.rule.matches:
            if extension.name == "comment":
                for option in extension.options:
                    place = self._span(option.values[0])
                    said = spoken(option.values[0].text, begins=False)
                    suppression = None if said is None else self._read(said, place)
                    if suppression is not None and suppression.whole_file:
                        self.comments.whole.append(suppression)
                    elif suppression is not None:
                        yield suppression

    def _read(self, said: str, place: Span) -> Suppression | None:
        """Return what a comment says; one that cannot be read is no mistake, since iptables-restore loads it."""
        suppression = read(said, place)
        if suppression is None:
            self.comments.stray.append(Stray("it cannot be read", span=place))
        return suppression


def parse(source: Source, family: int, mistakes: Collector) -> File:
    """Return the AST of *source*; what is wrong goes to *mistakes*."""
    return FileParser(source, family, mistakes).parse()


def parse_rule(source: Source, family: int) -> Command | None:
    """Return the command that a text of one line is, or None if it is none."""
    mistakes = Collector()
    parser = FileParser(source, family, mistakes)
    parser.open = Word("filter", 0, 0)
    parser.line(source.text, 0)
    found = parser.statements[0] if parser.statements and not mistakes.found else None
    return found if isinstance(found, Command) else None
