"""The one type for everything that is said about a place in a file: mistakes and findings.

Style of messages (held by a test): they begin in lower case unless with a name or a quotation, have no
final period, put the user's text in backticks, name no Python type, and keep what to do apart, in `help`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from enum import StrEnum

from policy._record import dataclass
from policy.change import Fix
from policy.packet import Packet
from policy.source import Source, Span, Unreadable

CODES: dict[str, str] = {
    "FW001": "syntax",
    "FW002": "unreadable",
    "FW003": "bad-address",
    "FW004": "bad-include",
    "FW005": "bad-configuration",
    "FW006": "impossible-step",
    "FW007": "unproved-lesson",
    "FW116": "jump-cycle",
    "FW501": "port-out-of-range",
    "FW502": "reversed-range",
    "FW504": "port-without-protocol",
    "FW603": "family-mixed-rule",
    "FW701": "undefined-name",
    "FW703": "duplicate-definition",
    "FW820": "unsupported-construct",
}
"""The codes of mistakes that make a file unreadable, and their names; checks have theirs in their files."""

MOST = 1000
"""After so many mistakes in a file no more are collected."""


class Severity(StrEnum):
    """How much a diagnostic matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that has to do with a diagnostic, and what."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something said about a place: `code` (a key of `CODES`, or a check's), the place, what is wrong, what to do.

    A finding also has the *name* of its check, and may have a *region*, the packets that it is about in words, and an
    *example*, one of them that was sent through the evaluator, and a *fix*. *statement* is the text of the rule or
    definition that it belongs to, None where it belongs to none.
    """

    code: str
    message: str
    span: Span
    help: str | None = None
    severity: Severity = Severity.ERROR
    related: tuple[Related, ...] = ()
    name: str | None = None
    region: str | None = None
    example: Packet | None = None
    fix: Fix | None = None
    statement: str | None = None


class Mistakes(Exception):
    """A file could not be read; `.diagnostics` says everything that is wrong with it."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = sorted(diagnostics, key=lambda d: (d.span.source.name, d.span.start))
        super().__init__(f"{len(self.diagnostics)} mistakes")


@dataclass(slots=True)
class Collector:
    """Collects diagnostics while a file is read; `full` says when to stop looking for more."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(
        self, code: str, message: str, span: Span, help: str | None = None, related: tuple[Related, ...] = ()
    ) -> None:
        """Note a mistake."""
        self.found.append(Diagnostic(code, message, span, help, related=related))

    @property
    def full(self) -> bool:
        return len(self.found) >= MOST

    def check(self) -> None:
        """Raise `Mistakes` if there was any."""
        if self.found:
            raise Mistakes(self.found)


def unreadable(error: Unreadable) -> Diagnostic:
    """Return a failure to read a file as a diagnostic at its start."""
    return Diagnostic("FW002", str(error), Span(Source(error.name, ""), 0, 0), error.help)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return "did you mean `postgres`?", or None when nothing known is close to *word*."""
    from difflib import get_close_matches

    lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    return f"did you mean `{lower[close[0]]}`?" if close else None
