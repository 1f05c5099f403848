"""A text with the numbers of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from policy.report.style import clean
from policy.source import Source


def numbered(source: Source, columns: int) -> Iterator[str]:
    """Yield the lines of a text, each behind its number, from 1; what is longer than *columns* goes on further in."""
    lines = source.text.splitlines()
    digits = len(str(len(lines)))
    for number, line in enumerate(lines, 1):
        shown = clean(line.expandtabs(4)).rstrip()
        indent = len(shown) - len(shown.lstrip()) + digits + 6
        yield from wrap(
            f"{number:>{digits}}  {shown}",
            columns,
            subsequent_indent=" " * min(indent, columns // 2),
            break_on_hyphens=False,
        )
