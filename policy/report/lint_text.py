"""What linting gave, as text: every finding with its frame, a table of counts, what stayed undecided, a last line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policy.app.lint import Linted, Unsettled
from policy.diagnostic import Severity
from policy.report.diagnostics_text import diagnostic_text
from policy.report.frame import place
from policy.report.statistics import Count, statistics
from policy.report.style import PLAIN, Style, clean


def findings_text(linted: Linted, style: Style = PLAIN) -> Iterator[str]:
    """Yield the findings, each with an empty line behind it."""
    for finding in linted.findings:
        yield diagnostic_text(finding, style) + "\n"


def undecided_text(undecided: Iterable[Unsettled], style: Style = PLAIN) -> str:
    """Return a line for everything that stayed undecided."""
    return "\n".join(
        f"{place(each.span)}: {style(f'undecided[{each.check.code}]', 'open')}: "
        f"{each.check.name}: not decided within {clean(each.reason)}"
        for each in undecided
    )


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
    parts = [_found(linted, style)]
    if linted.unread:
        parts.append(style(f"{_many(linted.unread, 'file')} could not be read", "bad"))
    if linted.undecided:
        parts.append(style(f"{_many(len(linted.undecided), 'answer')} undecided", "open"))
    if linted.silenced:
        parts.append(f"{_many(len(linted.silenced), 'finding')} silenced by comments")
    if linted.passed_over:
        parts.append(f"{_many(linted.passed_over, 'file')} without rules passed over")
    return "; ".join(parts)


def _found(linted: Linted, style: Style) -> str:
    if not linted.findings:
        looked = f"in {_many(len(linted.files), 'file')}"
        sure = not linted.unread and not linted.undecided
        return style(f"all clear: no findings {looked}", "good") if sure else f"no findings {looked}"
    files = len({finding.span.source.name for finding in linted.findings})
    severities = [finding.severity for finding in linted.findings]
    kinds = [(severity, severities.count(severity)) for severity in Severity]
    said = ", ".join(f"{n:,} info" if s is Severity.INFO else _many(n, s) for s, n in kinds if n)
    return style(f"{_many(len(linted.findings), 'finding')} in {_many(files, 'file')}: {said}", "name")


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
