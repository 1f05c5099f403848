"""What linting gave, as text: every finding with its frame, a table of counts, what stayed undecided, a last line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from policy.app.linted import Linted, Unsettled
from policy.diagnostic import Severity
from policy.report.diagnostics_text import diagnostic_text, diagnostics_text
from policy.report.frame import place
from policy.report.statistics import Count, statistics
from policy.report.style import PLAIN, Style, clean

MOST_SHOWN = 1000
"""So many findings are shown; nobody reads more."""


def errors_text(linted: Linted, style: Style = PLAIN) -> str:
    """Return what is wrong with the files, of each the first mistakes."""
    files = groupby(linted.errors, key=lambda error: error.span.source.name)
    return "\n\n".join(diagnostics_text(list(errors), style) for _, errors in files)


def findings_text(linted: Linted, style: Style = PLAIN) -> Iterator[str]:
    """Yield the first `MOST_SHOWN` findings, each with an empty line behind it, and how many more there are."""
    for finding in linted.findings[:MOST_SHOWN]:
        yield diagnostic_text(finding, style) + "\n"
    if (more := len(linted.findings) - MOST_SHOWN) > 0:
        yield f"… and {more:,} more, which `--statistics` counts and `--format json` shows\n"


def undecided_text(undecided: Iterable[Unsettled], style: Style = PLAIN) -> str:
    """Return a line for every check and file in which it left something undecided."""
    groups: dict[tuple[str, str], list[Unsettled]] = {}
    for each in undecided:
        groups.setdefault((each.span.source.name, each.check.code), []).append(each)
    return "\n".join(_undecided(group, style) for group in groups.values())


def _undecided(group: list[Unsettled], style: Style) -> str:
    first, more = group[0], len(group) - 1
    head = f"{place(first.span)}: {style(f'undecided[{first.check.code}]', 'open')}: {first.check.name}"
    others = f" (and at {_many(more, 'more place')})" if more else ""
    return f"{head}: {clean(first.reason)}{others}"


def statistics_text(linted: Linted, style: Style = PLAIN) -> str:
    """Return a table of the codes that have findings, or silenced ones: how many, which, of what weight."""
    rows = statistics(linted)
    width = max((len(str(row.count)) for row in rows), default=0)
    names = max((len(row.name) for row in rows), default=0)
    return "\n".join(_row(row, width, names, style) for row in rows)


def _row(row: Count, width: int, names: int, style: Style) -> str:
    silenced = f", {row.silenced} silenced" if row.silenced else ""
    return f"{row.count:>{width}}  {style(row.code, 'name')}  {row.name:<{names}}  {row.severity}{silenced}"


def summary_text(linted: Linted, style: Style = PLAIN) -> str:
    """Return the last line: how much was found, in how many files, and what is not known."""
    parts = [_found(linted, style), *_fixable(linted)]
    if linted.unread:
        parts.append(style(f"{_many(linted.unread, 'file')} could not be read", "bad"))
    if linted.undecided:
        checks = len({each.check.code for each in linted.undecided})
        files = len({each.span.source.name for each in linted.undecided})
        parts.append(style(f"{_many(checks, 'check')} undecided in {_many(files, 'file')}", "open"))
    if linted.silenced:
        parts.append(f"{_many(len(linted.silenced), 'finding')} silenced by comments")
    if linted.known:
        parts.append(f"{_many(len(linted.known), 'finding')} hidden by {linted.baseline}")
    if linted.gone:
        parts.append(f"{_many(linted.gone, 'finding')} of {linted.baseline} gone: write it anew")
    if linted.passed_over:
        parts.append(f"{_many(linted.passed_over, 'file')} without rules passed over")
    return "; ".join(parts)


def _fixable(linted: Linted) -> Iterator[str]:
    """Yield how many findings each option fixes."""
    fixes = [finding.fix for finding in linted.findings if finding.fix]
    safe = sum(fix.safe for fix in fixes)
    if safe:
        yield f"{safe:,} fixable with `--fix`"
    if safe < len(fixes):
        yield f"{len(fixes) - safe:,} {'more ' if safe else 'fixable '}with `--unsafe-fixes`"


def _found(linted: Linted, style: Style) -> str:
    if not linted.findings:
        looked = f"in {_many(len(linted.files), 'file')}"
        if not linted.checks:
            return f"no checks were run {looked}"
        sure = not linted.unread and not linted.undecided
        if linted.known:
            return style(f"no new findings {looked}", "good" if sure else "name")
        return style(f"all clear: no findings {looked}", "good") if sure else f"no findings {looked}"
    files = len({finding.span.source.name for finding in linted.findings})
    severities = [finding.severity for finding in linted.findings]
    kinds = [(severity, severities.count(severity)) for severity in Severity]
    said = ", ".join(f"{n:,} info" if s is Severity.INFO else _many(n, s) for s, n in kinds if n)
    return style(f"{_many(len(linted.findings), 'finding')} in {_many(files, 'file')}: {said}", "name")


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
