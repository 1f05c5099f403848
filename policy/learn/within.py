"""A question that stands in a lesson: what is said of places in it is said of the places in the lesson."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from policy.diagnostic import Diagnostic, Mistakes
from policy.source import Span

_Read = TypeVar("_Read")


def read_within(span: Span, text: str, read: Callable[[], _Read]) -> _Read:
    """Return what *read* makes of a *text* that stands at *span*; raises `Mistakes` with places there."""
    try:
        return read()
    except Mistakes as mistakes:
        raise Mistakes([_moved(each, span, text) for each in mistakes.diagnostics]) from None


def _moved(found: Diagnostic, span: Span, text: str) -> Diagnostic:
    """Return what was said of the text, at its place in *span*, or all of that where the text is written otherwise."""
    written = span.text
    quoted = written[:1] in ("'", '"') and written[1:-1] == text
    if not quoted and written != text:
        return replace(found, span=span)
    start = span.start + quoted
    return replace(found, span=Span(span.source, start + found.span.start, start + found.span.end))
