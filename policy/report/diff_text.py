"""A unified diff as text."""

from __future__ import annotations

from collections.abc import Iterable

from policy.report.style import Style, clean

_LOOKS = {"+++": "name", "---": "name", "@@ ": "mark", "+": "good", "-": "bad"}


def diff_text(lines: Iterable[str], style: Style) -> str:
    """Return the lines of a diff in colour; without colour they are as they were, fit for `patch`."""
    if not style.color:
        return "\n".join(lines)
    return "\n".join(_painted(clean(line), style) for line in lines)


def _painted(line: str, style: Style) -> str:
    look = next((look for start, look in _LOOKS.items() if line.startswith(start)), None)
    return style(line, look) if look else line
