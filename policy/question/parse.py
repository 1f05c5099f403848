"""Reads the match part of a rule, and questions, which are nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from policy.diagnostic import Diagnostic, Mistakes
from policy.language.grammar import open_grammar
from policy.question import ast
from policy.question.reader import Reader, Repeated
from policy.source import Source, Span

if TYPE_CHECKING:
    from lark import Lark

WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "IPV4": "an address",
    "IPV6": "an address",
    "MAC": "a MAC address",
    "INTERFACE": "an interface",
}
_ADDRESS = re.compile(r"[0-9]+\.|[0-9a-fA-F]*:[0-9a-fA-F:]*")


@cache
def _reader() -> Reader:
    return Reader()


def parse_question(source: Source) -> ast.Match:
    """Return the tree of a question; raises `Mistakes`."""
    text = source.text
    start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    place = Span(source, start, max(start, len(text.rstrip())))
    if place.start == place.end:
        raise Mistakes(
            [Diagnostic("FW001", "the question is empty", place, "ask for example `tcp/443 from any to 10.0.0.1`")]
        )
    reader = _reader()
    parser = open_grammar("question", reader)
    tree = parse_piece(parser, reader, "question", place, WORDS)
    if isinstance(tree, Diagnostic):
        raise Mistakes([tree])
    return tree  # type: ignore[no-any-return]


def parse_piece(parser: Lark, reader: Reader, start: str, place: Span, words: dict[str, str]) -> Any:
    """Return what *reader* makes of the text of *place*, or a diagnostic when it does not fit the grammar."""
    from lark.exceptions import UnexpectedInput

    text = place.text
    reader.at(place)
    try:
        return parser.parse(text, start)
    except UnexpectedInput as error:
        from policy.language.syntax import syntax_mistake

        return _with_help(syntax_mistake(error, parser, place, words))
    except Repeated as error:
        span = reader.span(error.keyword)
        return Diagnostic("FW001", f"`{error.keyword}` stands twice", span, "write one list, with commas")


def _with_help(mistake: Diagnostic) -> Diagnostic:
    """Add what to do about some usual mistakes."""
    span = mistake.span
    before = span.source.text[max(0, span.start - 80) : span.start].rstrip()
    if mistake.help or not span.text:
        return mistake
    if span.text == ":":
        return replace(mistake, help="an address with a port stands alone; for several, write `to A, B port 80`")
    if re.search(r"/\S+$", before) and span.source.text.startswith("/", span.end):
        return replace(mistake, help="a list has commas: `tcp/80, tcp/443`; in a shell, quote braces: 'tcp/{80,443}'")
    if span.text == "port":
        return replace(
            mistake, help="a port stands behind the protocol, `tcp/22`, or behind `from` or `to`: `to any port 22`"
        )
    if span.text.isdigit() and before.endswith(","):
        return replace(mistake, help="several ports stand in braces: `tcp/{80,443}`")
    if _ADDRESS.match(span.text):
        return replace(mistake, help="an address stands after `from` or `to`")
    if " a name" in mistake.message and span.text.isidentifier():
        return replace(mistake, help=f"`{span.text}` is a word of the language, and cannot be a name")
    return mistake
