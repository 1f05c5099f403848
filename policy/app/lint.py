"""Lint files: what the checks find in them, what is wrong with them, and what stayed undecided."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cache

from policy._record import dataclass
from policy.app.files import NATIVE, RULES, File, files_of
from policy.app.load import STDIN, facts, load, read_source
from policy.app.roots import roots
from policy.check import Check, Facts, Review, Settings, Undecided
from policy.check.silence import Silence
from policy.diagnostic import Diagnostic, Mistakes, Severity, unreadable
from policy.ir import Ruleset
from policy.languages import claimed
from policy.packet import Intervals
from policy.sets import Budget, Exhausted
from policy.source import Source, Span, Unreadable

SECONDS = 60.0

Watch = Callable[[str, str], None]
"""Is told which file is being looked at, and what is being done with it."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one file is linted, with what it includes: by which checks, what they are told, and how it is read.

    *severities* are those of findings, by code, where they are not to be those of the checks.
    """

    checks: tuple[Check, ...]
    language: str | None = None
    local: Intervals | None = None
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


@dataclass(slots=True)
class Linted:
    """What linting gave, all lists sorted by place and each thing in them once.

    *checks* are those that are run, each on some file; *files* are those that were read, with what they include;
    *passed_over* counts those in directories that are no rules; *silenced* are the findings that comments in the text
    have silenced.
    """

    checks: tuple[Check, ...]
    findings: list[Diagnostic] = field(default_factory=list)
    errors: list[Diagnostic] = field(default_factory=list)
    undecided: list[Unsettled] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    passed_over: int = 0
    silenced: list[Diagnostic] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def unread(self) -> int:
        """How many files have mistakes or could not be read."""
        return len({error.span.source.name for error in self.errors})


Treating = Callable[[str], Treatment]
"""Says how the file of a name is treated."""


def lint(paths: Iterable[str], how: Linting, watch: Watch | None = None) -> Linted:
    """Return what the checks find in files and directories, `-` for standard input.

    What cannot be read is among the errors, and the rest is linted. A file that another one includes is linted with it,
    and not alone.
    """
    started = time.monotonic()
    result = Linted(how.usual.checks)
    treatment = cache(how.treatment)
    texts = list(_texts(paths, how, result, treatment))
    for text in roots(texts, lambda name: treatment(name).language):
        _lint_text(text, treatment(text.name), how.seconds, result, watch)
    for found in (result.findings, result.silenced):
        found[:] = _told(found, treatment)
    for found in (result.findings, result.errors, result.silenced):
        found[:] = sorted(_once(found), key=_place)
    unsettled = {(each.span.source.name, each.span.start, each.check.code): each for each in result.undecided}
    result.undecided = [unsettled[place] for place in sorted(unsettled)]
    result.checks = _together(result.checks, *(treatment(text.name).checks for text in texts))
    result.seconds = time.monotonic() - started
    return result


def _texts(paths: Iterable[str], how: Linting, result: Linted, treatment: Treating) -> Iterator[Source]:
    files, barren = files_of(paths, RULES, how.excluded)
    for path in barren:
        result.errors.append(
            unreadable(Unreadable(path, "holds no file of rules", f"it has none of *{', *'.join(RULES)}"))
        )
    for file in files:
        try:
            text = read_source(file.path)
        except Unreadable as error:
            result.errors.append(unreadable(error))
            continue
        if _is_rules(file, text, treatment(text.name).language):
            yield text
        else:
            result.passed_over += 1


def _is_rules(file: File, text: Source, language: str | None) -> bool:
    """Is a file one of rules? Those that are named are, and those of our language."""
    return file.named or file.path.endswith(NATIVE) or language is not None or claimed(text.text) is not None


def _told(findings: Iterable[Diagnostic], treatment: Treating) -> Iterator[Diagnostic]:
    """Yield findings as the files want them that they are in: included ones are linted with others."""
    codes: dict[str, frozenset[str]] = {}
    for finding in findings:
        name = finding.span.source.name
        how = treatment(name)
        if name not in codes:
            codes[name] = frozenset(check.code for check in how.checks)
        if finding.code in codes[name]:
            severity = how.severities.get(finding.code, finding.severity)
            yield finding if severity is finding.severity else replace(finding, severity=severity)


def _together(*several: tuple[Check, ...]) -> tuple[Check, ...]:
    found = {check.code: check for checks in several for check in checks}
    return tuple(found[code] for code in sorted(found))


def _lint_text(text: Source, how: Treatment, seconds: float, result: Linted, watch: Watch | None) -> None:
    """Add what the checks find in one text and what it includes."""
    ruleset = _loaded(text, how, result, watch)
    if ruleset is not None:
        _run(text, facts(ruleset, _budget(seconds), how.local, how.settings), how, result, watch)


def _loaded(text: Source, how: Treatment, result: Linted, watch: Watch | None) -> Ruleset | None:
    """Return the rules of a text; None, with what is wrong with it among the errors, where it cannot be read."""
    if watch:
        watch(text.name, "reading")
    try:
        ruleset = _read(text, how)
    except Unreadable as error:
        result.errors.append(unreadable(error))
        return None
    except Mistakes as mistakes:
        result.errors += mistakes.diagnostics
        return None
    result.files |= {source.name for source in ruleset.sources} | {text.name}
    return ruleset


def _run(text: Source, known: Facts, how: Treatment, result: Linted, watch: Watch | None) -> None:
    """Add what the checks find in one set of rules: first each by itself, then those that look at what was found."""
    silence = Silence(known.ruleset)
    ran: set[str] = set()
    for check in how.checks:
        if watch:
            watch(text.name, f"{check.code} {check.name}")
        try:
            if check.find:
                _take(check, check.find(known), silence, result)
                ran.add(check.code)
        except Exhausted as limit:
            result.undecided.append(Unsettled(check, Span(text, 0, 0), f"it would take more than {limit}"))
        except RecursionError:
            result.undecided.append(Unsettled(check, Span(text, 0, 0), "it is nested too deeply"))
        except MemoryError:
            result.undecided.append(Unsettled(check, Span(text, 0, 0), "there is not enough memory"))
            # What had been found out takes the memory.
            known = facts(known.ruleset, known.budget, how.local, how.settings)
    for check in how.checks:
        if check.review:
            review = Review(frozenset(ran), frozenset(silence.used))
            _take(check, check.review(known, review), silence, result)


def _read(text: Source, how: Treatment) -> Ruleset:
    try:
        ruleset = load(text, how.language, how.local)
    except RecursionError:
        raise Unreadable(text.name, "is nested too deeply", "write it with fewer levels") from None
    except MemoryError:
        raise Unreadable(text.name, "is too large for the memory that there is", "split it") from None
    if not ruleset.policies and not ruleset.definitions:
        raise Unreadable(text.name, "has no rules", "say its `--language`, if it is not native")
    return ruleset


def _budget(seconds: float) -> Budget:
    """Return a budget of so many seconds; more of them than usual allow for more work too."""
    usual = Budget().steps
    return Budget(seconds, steps=max(usual, round(usual * seconds / SECONDS)))


def _take(check: Check, finds: Iterable[Diagnostic | Undecided], silence: Silence, result: Linted) -> None:
    """Add what one check finds."""
    for found in finds:
        if isinstance(found, Undecided):
            result.undecided.append(Unsettled(check, found.span, found.reason))
        elif silence.covers(found):
            result.silenced.append(found)
        else:
            result.findings.append(found)


def _once(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    return list({(d.code, d.span.source.name, d.span.start, d.span.end, d.message): d for d in diagnostics}.values())


def _place(diagnostic: Diagnostic) -> tuple[str, int, str, str]:
    return diagnostic.span.source.name, diagnostic.span.start, diagnostic.code, diagnostic.message
