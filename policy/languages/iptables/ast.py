"""What a file for iptables-restore says, in the shape of its language: tables, and in them lines in their order.

A word keeps its place; equality of words is of their texts.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.source import Source, Span
from policy.written import Stray, Suppression


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line as getopt sees it, without its quotes, and where it stands."""

    text: str
    start: int = field(compare=False)
    end: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Option:
    """An option with its *values*; *name* is its full name, without dashes, whatever was written."""

    name: str
    values: tuple[Word, ...] = ()
    negated: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Extension:
    """A match (`-m NAME`, or what `-p` loads by itself) or a target (`-j NAME`) with its options."""

    name: str
    options: tuple[Option, ...] = ()
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def first(self, *names: str) -> Option | None:
        """Return the first option with one of *names*."""
        return next((option for option in self.options if option.name in names), None)


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What a rule matches and does: the general options, the matches in order, and the target.

    The target is None for a rule that only counts; *goto* tells `-g` from `-j`.
    """

    general: tuple[Option, ...] = ()
    matches: tuple[Extension, ...] = ()
    target: Extension | None = None
    target_word: Word | None = None
    goto: bool = False

    def option(self, name: str) -> Option | None:
        """Return a general option by its full name."""
        return next((option for option in self.general if option.name == name), None)


Verb = Literal["-A", "-C", "-D", "-F", "-I", "-L", "-N", "-P", "-S", "-X", "-Z"]


@dataclass(frozen=True, slots=True)
class Command:
    """A line that changes a table: `-A CHAIN …`, `-P CHAIN POLICY`, `-F [CHAIN]` …"""

    verb: Verb
    chain: Word | None
    rule: RuleSpec = RuleSpec()
    number: int | None = None
    policy: Word | None = None
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    suppressions: tuple[Suppression, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A line `:CHAIN POLICY [packets:bytes]`."""

    chain: Word
    policy: Word
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    suppressions: tuple[Suppression, ...] = field(default=(), compare=False, repr=False)


Statement = Command | Declaration


@dataclass(frozen=True, slots=True)
class Table:
    """A block from `*TABLE` to `COMMIT`."""

    name: Word
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A whole file; of several blocks for one table the last counts.

    *suppressions* hold for the whole file, *stray* are comments for fwpolicy that do nothing.
    """

    source: Source = field(compare=False, repr=False)
    family: int
    tables: tuple[Table, ...]
    suppressions: tuple[Suppression, ...] = field(default=(), compare=False, repr=False)
    stray: tuple[Stray, ...] = field(default=(), compare=False, repr=False)

    def span(self, part: Word | Option | Extension | Command | Declaration) -> Span:
        """Return where a part of the file stands."""
        return Span(self.source, part.start, part.end)
