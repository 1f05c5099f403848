"""A mistake in an expression, on its way to the place where it is noted."""

from __future__ import annotations

from policy.diagnostic import Collector
from policy.languages.nftables.ast.expression import SetLiteral
from policy.languages.nftables.context import Context
from policy.source import Span


class Bad(Exception):
    """An expression that nft refuses: its code, what is wrong, where, and what to do."""

    def __init__(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.help = code, message, span, help


def note(context: Context, bad: Bad) -> None:
    """Note a mistake, once for each place."""
    said = (bad.code, bad.span.start, bad.span.source.name)
    if all((each.code, each.span.start, each.span.source.name) != said for each in context.mistakes.found[-20:]):
        context.mistakes.add(bad.code, bad.message, bad.span, bad.help)


def note_empty(said: object, mistakes: Collector) -> None:
    """Note a set in braces that has no elements; only `define` takes those."""
    if isinstance(said, SetLiteral) and not said.elements:
        mistakes.add("FW001", "the set is empty", said.span, "write an element between the braces, or leave it out")
