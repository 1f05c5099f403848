"""How files are linted, and what linting gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import field

from policy._record import dataclass
from policy.app.load import STDIN
from policy.check import Check, Settings
from policy.diagnostic import Diagnostic, Severity
from policy.host import UNKNOWN_HOST, Host
from policy.source import Span

SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one file is linted, with what it includes: by which checks, what they are told, and how it is read.

    *severities* are those of findings, by code, where they are not to be those of the checks.
    """

    checks: tuple[Check, ...]
    language: str | None = None
    host: Host = UNKNOWN_HOST
    settings: Settings = Settings()
    severities: Mapping[str, Severity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Linting:
    """How to lint: how files are treated, *special* ones by their paths; for each, checks may take so many *seconds*.

    Files that are *excluded*, by their paths, are left out where they are found in a directory.
    """

    usual: Treatment
    seconds: float = SECONDS
    special: Callable[[str], Treatment] | None = None
    excluded: Callable[[str], bool] | None = None

    def treatment(self, path: str) -> Treatment:
        """Return how the file at *path* is treated."""
        return self.special(path) if self.special and path != STDIN else self.usual


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What a check could not decide: where, and why not."""

    check: Check
    span: Span
    reason: str


FAIL_ON = ("never", "error", "warning", "info")
"""From which severity on findings are failures."""


def fails(finding: Diagnostic, fail_on: str) -> bool:
    """Is a finding at or above the severity *fail_on*, one of `FAIL_ON`?"""
    return FAIL_ON.index(finding.severity) <= FAIL_ON.index(fail_on)


@dataclass(slots=True)
class Linted:
    """What linting gave, all lists sorted by place and each thing in them once.

    *checks* are those that are run, each on some file; *files* are those that were read, with what they include, and
    how often; *roots* those of them that no other one includes; *passed_over* counts those in directories that are no
    rules; *silenced* are the findings that comments in the text have silenced; *reviewed* are those about what was
    found, until it is known whether they hold; *known* are those that the *baseline* hides, and *gone* counts those in
    it that are found no more.
    """

    checks: tuple[Check, ...]
    findings: list[Diagnostic] = field(default_factory=list)
    errors: list[Diagnostic] = field(default_factory=list)
    undecided: list[Unsettled] = field(default_factory=list)
    files: Counter[str] = field(default_factory=Counter)
    roots: tuple[str, ...] = ()
    passed_over: int = 0
    silenced: list[Diagnostic] = field(default_factory=list)
    reviewed: list[Diagnostic] = field(default_factory=list)
    known: list[Diagnostic] = field(default_factory=list)
    gone: int = 0
    baseline: str = ""
    seconds: float = 0.0
    checked: Mapping[str, tuple[Check, ...]] = field(default_factory=dict)
    """The checks that hold for each file that was read."""

    @property
    def unread(self) -> int:
        """How many files have mistakes or could not be read."""
        return len({error.span.source.name for error in self.errors})

    def failed(self, fail_on: str) -> bool:
        """Is there a finding at or above the severity *fail_on*?"""
        return any(fails(finding, fail_on) for finding in self.findings)

    def add(self, other: Linted) -> None:
        """Add what linting other files gave."""
        self.findings += other.findings
        self.errors += other.errors
        self.undecided += other.undecided
        self.files += other.files
        self.silenced += other.silenced
        self.reviewed += other.reviewed
