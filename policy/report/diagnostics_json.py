"""Diagnostics as JSON: the shape of the entries of `findings` and `errors`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policy.change import Fix
from policy.diagnostic import CODES, Diagnostic
from policy.packet.codec import packet_to_json
from policy.source import Span

VERSION = 1


def errors_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """Return the document that stands for an answer when a file could not be read."""
    return {"version": VERSION, "errors": [diagnostic_json(diagnostic) for diagnostic in diagnostics]}


def problem_json(message: str, help: str | None = None) -> dict[str, Any]:
    """Return the document for an error that has no place in a file."""
    return {"version": VERSION, "errors": [_entry(None, None, "error", message, None, help)]}


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one finding or error."""
    name = diagnostic.name or CODES.get(diagnostic.code)
    entry = _entry(diagnostic.code, name, diagnostic.severity, diagnostic.message, diagnostic.span, diagnostic.help)
    entry["region"] = diagnostic.region
    entry["example"] = None if diagnostic.example is None else packet_to_json(diagnostic.example)
    entry["related"] = [
        {
            "file": related.span.source.name,
            "line": related.span.line,
            "text": related.span.text,
            "message": related.message,
        }
        for related in diagnostic.related
    ]
    entry["fix"] = None if diagnostic.fix is None else _fix(diagnostic.fix)
    return entry


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{**_place(edit.span), "text": edit.text} for edit in fix.edits]
    return {"safe": fix.safe, "description": fix.description, "edits": edits}


def _place(span: Span | None) -> dict[str, Any]:
    return {
        "file": span.source.name if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
    }


def _entry(
    code: str | None, name: str | None, severity: str, message: str, span: Span | None, help: str | None
) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "severity": str(severity),
        "message": message,
        **_place(span),
        "region": None,
        "related": [],
        "example": None,
        "help": help,
        "fix": None,
    }
