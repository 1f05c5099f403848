"""The native language as it is written. The match part of a rule is `policy.question.ast`."""

from __future__ import annotations

from dataclasses import field

from policy._record import dataclass
from policy.question import ast as question
from policy.question.ast import Word
from policy.source import Span
from policy.written import Stray, Suppression


@dataclass(frozen=True, slots=True)
class Definition:
    """`network`, `host` (with addresses) or `service` (with services): a name for a list."""

    kind: str
    name: Word
    value: question.Addresses | tuple[question.Service, ...]
    span: Span = field(compare=False, repr=False)
    suppressions: tuple[Suppression, ...] = field(default=(), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Include:
    """`include "PATH"`; *path* is without the quotation marks."""

    path: Word
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Default:
    """`default ACTION`."""

    action: Word
    span: Span = field(compare=False, repr=False)
    suppressions: tuple[Suppression, ...] = field(default=(), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Rule:
    """An action (with *target*, the policy that it calls), what it is for, and what else is said of it."""

    action: Word
    match: question.Match
    target: Word | None = None
    label: Word | None = None
    note: str | None = None
    owner: str | None = None
    until: Word | None = None
    log: bool = False
    span: Span = field(compare=False, repr=False, kw_only=True)
    suppressions: tuple[Suppression, ...] = field(default=(), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Policy:
    """`policy NAME [at HOOKS] [stateless] [last-match] { … }`."""

    name: Word
    hooks: tuple[Word, ...] = ()
    stateless: bool = False
    last_match: bool = False
    body: tuple[Default | Rule, ...] = ()
    span: Span = field(compare=False, repr=False, kw_only=True)
    suppressions: tuple[Suppression, ...] = field(default=(), compare=False, repr=False, kw_only=True)


Statement = Definition | Include | Policy


@dataclass(frozen=True, slots=True)
class File:
    """Everything that one file says, in order; *broken* are the names (and kinds) of what could not be read.

    *suppressions* hold for the whole file, *stray* are comments for fwpolicy that belong to nothing.
    """

    statements: tuple[Statement, ...]
    broken: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    suppressions: tuple[Suppression, ...] = field(default=(), compare=False, repr=False)
    stray: tuple[Stray, ...] = field(default=(), compare=False, repr=False)
