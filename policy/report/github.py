"""What linting gave, as workflow commands of GitHub Actions, which puts them beside the lines of a change.

A command has its marks for columns only where it begins and ends in one line; GitHub refuses others.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.app.linted import Linted, Unsettled
from policy.app.packets_text import packets_text
from policy.diagnostic import CODES, Diagnostic, Severity
from policy.report.style import clean
from policy.source import Span

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = str.maketrans({**_DATA, ":": "%3A", ",": "%2C"})


def github_lines(linted: Linted) -> Iterator[str]:
    """Yield a command for every mistake, every finding, and everything that stayed undecided."""
    for diagnostic in (*linted.errors, *linted.findings):
        yield _diagnostic(diagnostic)
    for each in linted.undecided:
        yield _undecided(each)


def _diagnostic(diagnostic: Diagnostic) -> str:
    lines = [diagnostic.message]
    lines += [f"{each.span.source.name}:{each.span.line}: {each.message}" for each in diagnostic.related]
    lines += [f"packets: {diagnostic.region}"] if diagnostic.region else []
    lines += [f"for example: {packets_text(diagnostic.example)}"] if diagnostic.example else []
    lines += [f"help: {diagnostic.help}"] if diagnostic.help else []
    name = diagnostic.name or CODES.get(diagnostic.code, "")
    return _command(_COMMANDS[diagnostic.severity], diagnostic.span, f"{diagnostic.code} {name}", lines)


def _undecided(each: Unsettled) -> str:
    title = f"{each.check.code} {each.check.name}"
    return _command("warning", each.span, title, [f"undecided: {each.reason}"])


def _command(command: str, span: Span, title: str, lines: list[str]) -> str:
    line, end_line = span.line, span.end_line
    places: dict[str, str | int] = {"file": span.source.name, "line": line}
    if line == end_line:
        places |= {"col": span.column, "endLine": end_line, "endColumn": span.end_column}
    else:
        places |= {"endLine": end_line}
    places["title"] = title
    properties = ",".join(f"{name}={str(value).translate(_PROPERTY)}" for name, value in places.items())
    return f"::{command} {properties}::{'%0A'.join(clean(text).replace('%', '%25') for text in lines)}"
