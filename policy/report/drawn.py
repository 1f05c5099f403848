"""What rich draws, as text."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from policy.report.style import Style

if TYPE_CHECKING:
    from rich.console import RenderableType


def drawn(picture: RenderableType, style: Style, width: int) -> str:
    """Return the lines of a picture that is at most *width* columns wide, without spaces at their ends."""
    from rich.console import Console
    from rich.theme import Theme

    stream = StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=style.color,
        color_system="standard" if style.color else None,
        legacy_windows=False,
        theme=Theme({"markdown.code": "bold cyan", "markdown.h1": "bold", "markdown.h2": "bold cyan"}),
        _environ={},
    )
    console.print(picture)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
