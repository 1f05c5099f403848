"""Lint files: what the checks find in them, what is wrong with them, and what stayed undecided."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from policy.app.files import NATIVE, RULES, File, files_of
from policy.app.linted import Linted, Linting, Treatment
from policy.app.load import read_source
from policy.app.pairs import pairs
from policy.app.roots import roots
from policy.app.unit import Unit, Watch
from policy.app.workers import lint_units
from policy.check import Check
from policy.diagnostic import Diagnostic, unreadable
from policy.languages import claimed, ipset
from policy.source import Source, Unreadable

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
    together = pairs(roots(texts, lambda name: treatment(name).language), lambda name: treatment(name).language)
    units = [Unit(tuple((text, treatment(text.name)) for text in some)) for some in together]
    for linted in lint_units(units, how.seconds, watch):
        result.add(linted)
    result.findings += _agreed(result)
    for found in (result.findings, result.silenced):
        found[:] = _told(found, treatment)
    for found in (result.findings, result.errors, result.silenced):
        found[:] = sorted(_once(found), key=_place)
    unsettled = {(each.span.source.name, each.span.start, each.check.code): each for each in result.undecided}
    result.undecided = [unsettled[place] for place in sorted(unsettled)]
    result.checked = {name: treatment(name).checks for name in result.files}
    result.checks = _together(result.checks, *result.checked.values())
    result.roots = tuple(text.name for unit in units for text, _ in unit.texts)
    result.seconds = time.monotonic() - started
    return result


def _agreed(result: Linted) -> Iterator[Diagnostic]:
    """Yield what was said about findings as often as the file was read.

    What silences nothing in a file that is included by one file may do so where another one includes it.
    """
    said = Counter(map(_identity, result.reviewed))
    return (each for each in result.reviewed if said[_identity(each)] == result.files[each.span.source.name])


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
    if file.named or file.path.endswith(NATIVE):
        return True
    return not ipset.looks_like(text.text) and (language is not None or claimed(text.text) is not None)


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


def _once(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    return list({_identity(each): each for each in diagnostics}.values())


def _identity(diagnostic: Diagnostic) -> tuple[str, str, int, int, str]:
    span = diagnostic.span
    return diagnostic.code, span.source.name, span.start, span.end, diagnostic.message


def _place(diagnostic: Diagnostic) -> tuple[str, int, str, str]:
    return diagnostic.span.source.name, diagnostic.span.start, diagnostic.code, diagnostic.message
