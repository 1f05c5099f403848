"""What linting gave, as SARIF 2.1.0 (OASIS): what code hosts and editors show beside the lines.

Mistakes and what stayed undecided are notifications of the tool about its run, findings are results.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from policy import __version__
from policy.app.linted import Linted, Unsettled
from policy.app.packets_text import packets_text
from policy.change import Edit, Fix
from policy.check import Check
from policy.diagnostic import CODES, Diagnostic, Severity
from policy.packet.codec import packet_to_json
from policy.report.relative import relative
from policy.source import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(linted: Linted) -> dict[str, Any]:
    """Return the log of one run."""
    numbers = {check.code: number for number, check in enumerate(linted.checks)}
    mistakes = sorted({error.code for error in linted.errors})
    driver = {
        "name": "fwpolicy",
        "semanticVersion": __version__,
        "rules": [_rule(check) for check in linted.checks],
        "notifications": [{"id": code, "name": CODES[code]} for code in mistakes],
    }
    places = _Places()
    notifications = [_mistake(error, mistakes.index(error.code), places) for error in linted.errors]
    notifications += [_undecided(each, numbers[each.check.code], places) for each in linted.undecided]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not linted.errors, "toolExecutionNotifications": notifications}],
        "columnKind": "unicodeCodePoints",
        "artifacts": [
            {"location": {"uri": places.uri(name)}, "roles": ["analysisTarget"]} for name in sorted(linted.files)
        ],
        "results": [_result(finding, numbers[finding.code], places) for finding in linted.findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(check: Check) -> dict[str, Any]:
    text = check.page.strip()
    return {
        "id": check.code,
        "name": check.name,
        "shortDescription": {"text": check.summary},
        "fullDescription": {"text": " ".join(text.split("\n\n")[0].split())},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[check.severity], "enabled": check.enabled},
    }


class _Places:
    """Where things are: relative to the folder in which the command was called, if they lie below it."""

    def __init__(self) -> None:
        self._uris: dict[str, str] = {}

    def location(self, span: Span) -> dict[str, Any]:
        """Return the location of a span."""
        place = {"artifactLocation": {"uri": self.uri(span.source.name)}, "region": self.region(span)}
        return {"physicalLocation": place}

    def region(self, span: Span) -> dict[str, int]:
        """Return the lines and columns of a span."""
        line, column = span.source.position(span.start)
        end_line, end_column = span.source.position(span.end)
        return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}

    def uri(self, name: str) -> str:
        """Return the URI of a file."""
        if name not in self._uris:
            path = relative(name)
            self._uris[name] = ("file://" if path.is_absolute() else "") + quote(os.fsencode(path))
        return self._uris[name]


def _result(finding: Diagnostic, number: int, places: _Places) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    sentences = [finding.message]
    if finding.region:
        properties["region"] = finding.region
    if finding.example is not None:
        properties["example"] = packet_to_json(finding.example)
        sentences.append(f"for example {packets_text(finding.example)}")
    if finding.help:
        sentences.append(finding.help)
    return {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": _LEVELS[finding.severity],
        "message": {"text": _sentences(sentences)},
        "locations": [places.location(finding.span)],
        "relatedLocations": [
            {"id": at, **places.location(related.span), "message": {"text": _sentences([related.message])}}
            for at, related in enumerate(finding.related, 1)
        ],
        **({"fixes": [_fix(finding.fix, places)]} if finding.fix else {}),
        "properties": properties,
    }


def _fix(fix: Fix, places: _Places) -> dict[str, Any]:
    by_file: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        by_file.setdefault(edit.span.source.name, []).append(edit)
    changes = [
        {
            "artifactLocation": {"uri": places.uri(name)},
            "replacements": [
                {"deletedRegion": places.region(edit.span), "insertedContent": {"text": edit.text}} for edit in edits
            ],
        }
        for name, edits in by_file.items()
    ]
    said = fix.description if fix.safe else f"{fix.description} (this may not be what was meant)"
    return {"description": {"text": _sentences([said])}, "artifactChanges": changes}


def _mistake(error: Diagnostic, number: int, places: _Places) -> dict[str, Any]:
    return {
        "descriptor": {"id": error.code, "index": number},
        "level": "error",
        "message": {"text": _sentences([error.message, *([error.help] if error.help else [])])},
        "locations": [places.location(error.span)],
    }


def _undecided(each: Unsettled, number: int, places: _Places) -> dict[str, Any]:
    return {
        "associatedRule": {"id": each.check.code, "index": number},
        "level": "warning",
        "message": {"text": _sentences(["undecided", each.reason])},
        "locations": [places.location(each.span)],
    }


def _sentences(texts: Iterable[str]) -> str:
    """Return messages as SARIF wants them: sentences, with capitals and full stops."""
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in texts)
