"""What a file of rules says, as tables of text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from policy.app.show import Overview, Row, Table
from policy.report.style import PLAIN, Style, clean
from policy.report.table import tabulated

_COLUMNS = ("service", "source", "destination", "interfaces", "state", "other", "label", "owner", "until", "note")


def rules_text(overview: Overview, style: Style = PLAIN, width: int = 160) -> str:
    """Return the names of a file and a table for each of its policies, at most *width* columns wide."""
    blocks = [_names(overview, style, width)] if overview.names else []
    blocks += [_policy(table, style, width) for table in overview.tables]
    return "\n\n".join(blocks) or "there are no rules"


def _names(overview: Overview, style: Style, width: int) -> str:
    rows = [[kind, each.name, each.text] for kind, group in groupby(overview.names, lambda d: d.kind) for each in group]
    return f"{style('names', 'name')}\n" + tabulated(["kind", "name", "value"], rows, style, width)


def _policy(table: Table, style: Style, width: int) -> str:
    facts = [f"at {', '.join(table.hooks)}" if table.hooks else "called by others"]
    facts += [f"default {table.default}"] if table.default else []
    facts += ["stateful"] if table.stateful else []
    facts += ["last match wins"] if table.last_match else []
    head = f"{style(f'policy {clean(table.name)}', 'name')}: {', '.join(facts)}"
    if not table.rows:
        return f"{head}\n  no rules"
    used = [name for name in _COLUMNS if any(getattr(row, name) for row in table.rows)]
    rows = [[str(row.number), str(row.span.line), row.action, *_cells(row, used)] for row in table.rows]
    return f"{head}\n" + tabulated(["#", "line", "action", *used], rows, style, width)


def _cells(row: Row, used: Sequence[str]) -> list[str]:
    return [getattr(row, name) or ("any" if name in ("service", "source", "destination") else "") for name in used]
