"""What linting gave, in the formats in which it can be told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from policy._record import dataclass
from policy.report.style import PLAIN, Style

if TYPE_CHECKING:
    from policy.app.linted import Linted

COUNTED = ("text", "json")
"""The formats that have a place for statistics."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told, and how: *fail_on* is the least severity that is a failure."""

    fail_on: str
    statistics: bool = False
    style: Style = PLAIN


def report(kind: str, linted: Linted, wanted: Wanted) -> str:
    """Return what linting gave in a format, a key of `REPORTS`."""
    text = REPORTS[kind](linted, wanted)
    return f"{text}\n" if text else ""


def _text(linted: Linted, wanted: Wanted) -> str:
    from policy.report.lint_text import findings_text, statistics_text, summary_text

    style = wanted.style
    if wanted.statistics:
        table = statistics_text(linted, style)
        shown = [f"{table}\n"] if table else []
    else:
        shown = list(findings_text(linted, style))
    return "\n".join([*shown, summary_text(linted, style)])


def _json(linted: Linted, wanted: Wanted) -> str:
    from policy.report.lint_json import lint_json, statistics_json

    return json.dumps({**lint_json(linted), **(statistics_json(linted) if wanted.statistics else {})}, indent=2)


def _sarif(linted: Linted, _: Wanted) -> str:
    from policy.report.sarif import sarif

    return json.dumps(sarif(linted))  # on one line: nobody reads it, and it may be long


def _github(linted: Linted, _: Wanted) -> str:
    from policy.report.github import github_lines

    return "\n".join(github_lines(linted))


def _gitlab(linted: Linted, _: Wanted) -> str:
    from policy.report.gitlab import gitlab

    return json.dumps(gitlab(linted), indent=2)


def _junit(linted: Linted, wanted: Wanted) -> str:
    from policy.app.linted import fails
    from policy.report.junit import junit

    return junit(linted, lambda finding: fails(finding, wanted.fail_on))


REPORTS: dict[str, Callable[[Linted, Wanted], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
}
