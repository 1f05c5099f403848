"""What linting gave, as a Code Quality report of GitLab: the part of the Code Climate format that it reads.

See https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

from __future__ import annotations

from typing import Any

from policy.app.fingerprint import fingerprints, words
from policy.app.linted import Linted, Unsettled
from policy.diagnostic import CODES, Diagnostic, Severity
from policy.report.relative import relative
from policy.report.style import clean

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def gitlab(linted: Linted) -> list[dict[str, Any]]:
    """Return an entry for every mistake (`blocker`), every finding, and what stayed undecided (`minor`)."""
    found: list[Diagnostic | Unsettled] = [*linted.errors, *linted.findings, *linted.undecided]
    names = fingerprints([_known(each) for each in found])
    return [_entry(each, name) for each, name in zip(found, names, strict=True)]


def _known(each: Diagnostic | Unsettled) -> tuple[str, ...]:
    """Return what an entry is known by, however lines move."""
    path = relative(each.span.source.name).as_posix()
    if isinstance(each, Diagnostic):
        return each.code, path, words(each)
    return each.check.code, "undecided", path, each.span.text


def _entry(each: Diagnostic | Unsettled, fingerprint: str) -> dict[str, Any]:
    if isinstance(each, Diagnostic):
        code, name = each.code, each.name or CODES.get(each.code, "")
        severity = _SEVERITIES[each.severity] if each.name else "blocker"
        text = f"{each.message}; {each.help}" if each.help else each.message
    else:
        code, name, severity, text = each.check.code, each.check.name, "minor", f"undecided: {each.reason}"
    return {
        "description": clean(f"{code} {name}: {text}"),
        "check_name": name,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": relative(each.span.source.name).as_posix(), "lines": {"begin": each.span.line}},
    }
