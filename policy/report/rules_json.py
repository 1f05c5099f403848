"""What a file of rules says, as JSON."""

from __future__ import annotations

from typing import Any

from policy.app.show import Overview, Row, Table
from policy.report.diagnostics_json import VERSION


def rules_json(overview: Overview) -> dict[str, Any]:
    """Return the names, the policies and the rules of a file; a column that asks for nothing is null."""
    return {
        "version": VERSION,
        "language": overview.language,
        "families": list(overview.families),
        "definitions": [
            {"name": d.name, "kind": d.kind, "text": d.text, "file": d.span.source.name, "line": d.span.line}
            for d in overview.names
        ],
        "policies": [_policy(table) for table in overview.tables],
    }


def _policy(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "hooks": list(table.hooks),
        "default": table.default,
        "stateful": table.stateful,
        "last_match": table.last_match,
        "rules": [_rule(row) for row in table.rows],
    }


def _rule(row: Row) -> dict[str, Any]:
    return {
        "number": row.number,
        "file": row.span.source.name,
        "line": row.span.line,
        "action": row.action,
        "service": row.service or None,
        "source": row.source or None,
        "destination": row.destination or None,
        "interfaces": row.interfaces or None,
        "state": row.state or None,
        "other": row.other or None,
        "label": row.label or None,
        "owner": row.owner or None,
        "until": row.until or None,
        "note": row.note or None,
    }
