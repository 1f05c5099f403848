"""Tables of text."""

from __future__ import annotations

from collections.abc import Sequence

from policy.report.drawn import drawn
from policy.report.style import Style, clean


def tabulated(titles: Sequence[str], rows: Sequence[Sequence[str]], style: Style, width: int) -> str:
    """Return a table, at most *width* columns wide; a cell that is too long for its column is folded."""
    from rich import box
    from rich.table import Table as Drawing
    from rich.text import Text

    drawing = Drawing(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold" if style.color else "")
    for title in titles:
        drawing.add_column(title, justify="right" if title in ("#", "line") else "left", overflow="fold")
    for row in rows:
        drawing.add_row(*(Text(clean(cell)) for cell in row))
    return "\n".join(line for line in drawn(drawing, style, width).splitlines() if line)
