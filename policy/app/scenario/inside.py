"""Rules that stand in a scenario itself: what is said of places in them is said of the places in the scenario."""

from __future__ import annotations

import re
from dataclasses import replace

from policy._record import dataclass
from policy.diagnostic import Diagnostic
from policy.source import Source, Span

_HEAD = re.compile(r"\|[-+]?[ \t]*(#.*)?")
"""What a text of lines begins with, where its indentation is not said but seen."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A text of lines in a scenario; *head* is the place of its `|`, *text* what it says."""

    head: Span
    text: Source

    def moved(self, found: Diagnostic) -> Diagnostic:
        """Return what is said of the text with places in the scenario, as far as these are known."""
        if not _HEAD.fullmatch(self.head.text.rstrip()):
            return found
        related = tuple(replace(each, span=self._place(each.span)) for each in found.related)
        return replace(found, span=self._place(found.span), related=related)

    def _place(self, span: Span) -> Span:
        if span.source is not self.text:
            return span
        return Span(self.head.source, self._offset(span.start), self._offset(span.end))

    def _offset(self, offset: int) -> int:
        """Return where in the scenario a place of the text is: so many lines below its head, and indented."""
        line, column = self.text.position(offset)
        starts = self.head.source.starts()
        below = self.head.line + line
        if below > len(starts):
            return len(self.head.source.text)
        there = self.head.source.line(below)
        return starts[below - 1] + min(self._indent() + column - 1, len(there))

    def _indent(self) -> int:
        """Return the indentation of the text: that of its first line with something in it."""
        for number in range(self.head.line + 1, len(self.head.source.starts()) + 1):
            line = self.head.source.line(number)
            if line.strip(" "):
                return len(line) - len(line.lstrip(" "))
        return 0
