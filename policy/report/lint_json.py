"""What linting gave, as JSON."""

from __future__ import annotations

from typing import Any

from policy.app.linted import Linted
from policy.report.diagnostics_json import VERSION, diagnostic_json
from policy.report.statistics import statistics


def lint_json(linted: Linted) -> dict[str, Any]:
    """Return the findings, the mistakes, and what stayed undecided."""
    return {
        "version": VERSION,
        "findings": [diagnostic_json(finding) for finding in linted.findings],
        "errors": [diagnostic_json(error) for error in linted.errors],
        "undecided": [
            {
                "code": each.check.code,
                "file": each.span.source.name,
                "line": each.span.line,
                "reason": each.reason,
            }
            for each in linted.undecided
        ],
    }


def statistics_json(linted: Linted) -> dict[str, Any]:
    """Return how often each check has found something, to stand beside the findings."""
    return {
        "statistics": [
            {
                "code": row.code,
                "name": row.name,
                "severity": row.severity,
                "count": row.count,
                "silenced": row.silenced,
            }
            for row in statistics(linted)
        ]
    }
