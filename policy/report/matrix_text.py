"""Who may reach whom, as tables of text."""

from __future__ import annotations

from policy.app.matrix import Matrix
from policy.report.panels import NO_PACKETS, Panel, Tile, page
from policy.report.style import PLAIN, Style, clean
from policy.report.table import tabulated


def matrix_text(matrix: Matrix, style: Style = PLAIN, width: int = 160) -> str:
    """Return who may reach whom as tables, at most *width* columns wide, and notes on what is allowed in part."""
    found = page(matrix)
    blocks = [f"{style('who may reach whom', 'name')}: {found.subject}"]
    blocks += [_panel(panel, style, width) for panel in found.panels]
    if found.notes:
        blocks.append("\n".join(f"[{number}] {clean(note)}" for number, note in enumerate(found.notes, 1)))
    blocks += [f"note: {remark}" for remark in found.remarks]
    return "\n\n".join(blocks)


def _panel(panel: Panel, style: Style, width: int) -> str:
    rows = [[name, *map(_cell, tiles)] for name, tiles in panel.rows]
    return f"{style(clean(panel.title), 'name')}\n" + tabulated([panel.corner, *panel.columns], rows, style, width)


def _cell(tile: Tile) -> str:
    if tile.answer == NO_PACKETS:
        return "–"
    return tile.answer if tile.note is None else f"part [{tile.note}]"
