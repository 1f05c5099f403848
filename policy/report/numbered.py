"""A text with the numbers of its lines."""

from __future__ import annotations

from collections.abc import Iterator

from policy.report.style import clean
from policy.source import Source


def numbered(source: Source) -> Iterator[str]:
    """Yield the lines of a text, each behind its number, from 1."""
    lines = source.text.splitlines()
    digits = len(str(len(lines)))
    yield from (f"{number:>{digits}}  {clean(line.expandtabs(4))}".rstrip() for number, line in enumerate(lines, 1))
