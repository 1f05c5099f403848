"""What linting gave, in the formats in which it can be told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from policy.report.style import PLAIN, Style

if TYPE_CHECKING:
    from policy.app.linted import Linted

COUNTED = ("text", "json")
"""The formats that have a place for statistics."""


def _text(linted: Linted, statistics: bool, style: Style) -> str:
    from policy.report.lint_text import findings_text, statistics_text, summary_text

    shown = [statistics_text(linted, style)] if statistics else list(findings_text(linted, style))
    if statistics and shown[0]:
        shown.append("")
    return "\n".join([*(shown if any(shown) else ()), summary_text(linted, style)])


def _json(linted: Linted, statistics: bool, style: Style) -> str:  # noqa: ARG001 (it has no colours)
    from policy.report.lint_json import lint_json, statistics_json

    return json.dumps({**lint_json(linted), **(statistics_json(linted) if statistics else {})}, indent=2)


def _sarif(linted: Linted, statistics: bool, style: Style) -> str:  # noqa: ARG001 (they have no place there)
    from policy.report.sarif import sarif

    return json.dumps(sarif(linted))  # on one line: nobody reads it, and it may be long


def _github(linted: Linted, statistics: bool, style: Style) -> str:  # noqa: ARG001 (they have no place there)
    from policy.report.github import github_lines

    return "\n".join(github_lines(linted))


REPORTS: dict[str, Callable[[Linted, bool, Style], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}


def report(linted: Linted, kind: str, statistics: bool = False, style: Style = PLAIN) -> str:
    """Return what linting gave in a format, a key of `REPORTS`; with *statistics* where that is one of `COUNTED`."""
    text = REPORTS[kind](linted, statistics, style)
    return f"{text}\n" if text else ""
