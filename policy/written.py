"""What a text says beside its rules: comments that speak to fwpolicy, and what it takes back itself."""

from __future__ import annotations

from dataclasses import field

from policy._record import dataclass
from policy.source import Span

Place = tuple[str, int]
"""The name of a text and an offset in it: the same in every process."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment that silences *checks*, their codes and names (`FW205`, `shadowed-conflict`); none: all.

    It does so for the statement that it belongs to, or for the *whole_file* in which it stands.
    """

    checks: tuple[str, ...]
    reason: str | None
    whole_file: bool = False
    span: Span = field(compare=False, repr=False, kw_only=True)

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.span.source.name, self.span.start

    def names(self, code: str, name: str | None) -> bool:
        """Does it name a check?"""
        return code in self.checks or name in self.checks


@dataclass(frozen=True, slots=True)
class Stray:
    """A comment that speaks to fwpolicy and silences nothing; *reason* says why."""

    reason: str
    span: Span = field(compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a text says and, at *span*, takes back by naming it anew: *what* (`the chain web`), with its *rules*."""

    what: str
    rules: tuple[Span, ...]
    first: Span = field(compare=False, repr=False, kw_only=True)
    span: Span = field(compare=False, repr=False, kw_only=True)
