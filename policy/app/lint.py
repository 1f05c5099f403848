"""Lint files: what the checks find in them, what is wrong with them, and what stayed undecided."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from policy._record import dataclass
from policy.app.checking import Found, Unsettled, check
from policy.app.files import NATIVE, RULES, File, files_of
from policy.app.load import facts, load, read_source
from policy.app.roots import roots
from policy.check import Check, Settings
from policy.checks import checks
from policy.diagnostic import Diagnostic, Mistakes, unreadable
from policy.ir import Ruleset
from policy.languages import claimed
from policy.packet import Intervals
from policy.sets import Budget
from policy.source import Source, Unreadable

SECONDS = 60.0

Watch = Callable[[str, str], None]
"""Is told which file is being looked at, and what is being done with it."""


@dataclass(frozen=True, slots=True)
class Linting:
    """How to lint: the checks and what they are told, how the files are read, and how many seconds one may take."""

    checks: tuple[Check, ...]
    language: str | None = None
    local: Intervals | None = None
    seconds: float = SECONDS
    settings: Settings = Settings()


@dataclass(slots=True)
class Linted:
    """What linting gave, all lists sorted by place and each thing in them once.

    *files* are those that were read, with what they include; *passed_over* counts those in directories that are no
    rules; *silenced* are the findings that comments in the text have silenced.
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


def lint(paths: Iterable[str], how: Linting, watch: Watch | None = None) -> Linted:
    """Return what the checks find in files and directories, `-` for standard input.

    What cannot be read is among the errors, and the rest is linted. A file that another one includes is linted with it,
    and not alone.
    """
    started = time.monotonic()
    result = Linted(how.checks)
    read: Counter[str] = Counter()
    reviewed: list[Diagnostic] = []
    for text in roots(_texts(paths, how, result), how.language):
        ruleset = _loaded(text, how, result, watch)
        if ruleset is not None:
            read.update({source.name for source in ruleset.sources} | {text.name})
            found = _checked(text, ruleset, how, watch)
            result.findings += found.findings
            result.silenced += found.silenced
            result.undecided += found.undecided
            reviewed += found.reviewed
    result.findings += _agreed(reviewed, read)
    result.files |= read.keys()
    for some in (result.findings, result.errors, result.silenced):
        some[:] = sorted(_once(some), key=_place)
    unsettled = {(each.span.source.name, each.span.start, each.check.code): each for each in result.undecided}
    result.undecided = [unsettled[place] for place in sorted(unsettled)]
    result.seconds = time.monotonic() - started
    return result


def _agreed(reviewed: Sequence[Diagnostic], read: Mapping[str, int]) -> Iterator[Diagnostic]:
    """Yield what was said about findings as often as the file was *read*.

    What silences nothing in a file that is included by one file may do so where another one includes it.
    """
    said = Counter(map(_identity, reviewed))
    return (each for each in reviewed if said[_identity(each)] == read[each.span.source.name])


def _texts(paths: Iterable[str], how: Linting, result: Linted) -> Iterator[Source]:
    files, barren = files_of(paths, RULES)
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
        if _is_rules(file, text, how.language):
            yield text
        else:
            result.passed_over += 1


def _is_rules(file: File, text: Source, language: str | None) -> bool:
    """Is a file one of rules? Those that are named are, and those of our language."""
    return file.named or file.path.endswith(NATIVE) or language is not None or claimed(text.text) is not None


def _checked(text: Source, ruleset: Ruleset, how: Linting, watch: Watch | None) -> Found:
    """Return what the checks find in one text and what it includes."""

    def tell(each: Check) -> None:
        if watch:
            watch(text.name, f"{each.code} {each.name}")

    return check(text, facts(ruleset, _budget(how.seconds), how.local, how.settings), how.checks, checks(), tell)


def _loaded(text: Source, how: Linting, result: Linted, watch: Watch | None) -> Ruleset | None:
    """Return the rules of a text; None, with what is wrong with it among the errors, where it cannot be read."""
    if watch:
        watch(text.name, "reading")
    try:
        return _read(text, how)
    except Unreadable as error:
        result.errors.append(unreadable(error))
    except Mistakes as mistakes:
        result.errors += mistakes.diagnostics
    return None


def _read(text: Source, how: Linting) -> Ruleset:
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


def _once(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    return list({_identity(each): each for each in diagnostics}.values())


def _identity(diagnostic: Diagnostic) -> tuple[str, str, int, int, str]:
    span = diagnostic.span
    return diagnostic.code, span.source.name, span.start, span.end, diagnostic.message


def _place(diagnostic: Diagnostic) -> tuple[str, int, str, str]:
    return diagnostic.span.source.name, diagnostic.span.start, diagnostic.code, diagnostic.message
