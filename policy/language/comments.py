"""Comments that speak to fwpolicy, in the texts of every language: `fwpolicy: ignore FW205, FW206: REASON`."""

from __future__ import annotations

import re
from dataclasses import field

from policy._record import dataclass
from policy.source import Span
from policy.written import Stray, Suppression

HELP = "write `# fwpolicy: ignore FW205: why`"

_BEGINS = re.compile(r"#\s*(fwpolicy:)")
_ANYWHERE = re.compile(r"(?<![\w-])(fwpolicy:)")
_WORD = "[A-Za-z][A-Za-z0-9-]*"
_IGNORE = re.compile(
    rf"fwpolicy:\s*(?P<what>ignore(?:-file)?)(?:\s+(?P<checks>{_WORD}(?:\s*,\s*{_WORD})*))?\s*(?::\s*(?P<reason>.*\S)?)?\s*"
)
_CODE = re.compile(r"FW\d+", re.IGNORECASE)


def spoken(comment: str, *, begins: bool = True) -> str | None:
    """Return the part of a comment that speaks to fwpolicy, or None where none does.

    A comment of a text *begins* with it, behind its `#`; in one that a rule carries it may stand behind other words.
    """
    found = _BEGINS.match(comment) if begins else _ANYWHERE.search(comment)
    return None if found is None else comment[found.start(1) :]


def read(said: str, place: Span) -> Suppression | None:
    """Return what the *spoken* part of a comment at a *place* says; None where it cannot be read."""
    found = _IGNORE.fullmatch(said)
    if found is None:
        return None
    words = [word.strip() for word in (found["checks"] or "").split(",") if word.strip()]
    checks = tuple(word.upper() if _CODE.fullmatch(word) else word.lower() for word in words)
    return Suppression(checks, found["reason"], found["what"] == "ignore-file", span=place)


@dataclass(slots=True)
class Comments:
    """Which of the comments that speak to fwpolicy belong to which statement, while a file is read.

    *whole* hold for the file, *stray* are those that belong to nothing.
    """

    whole: list[Suppression] = field(default_factory=list)
    stray: list[Stray] = field(default_factory=list)
    _above: list[Suppression] = field(default_factory=list)

    def alone(self, suppression: Suppression) -> None:
        """Take a comment that is alone in its line, or inside of a statement that is still to be taken."""
        (self.whole if suppression.whole_file else self._above).append(suppression)

    def lost(self, suppression: Suppression) -> None:
        """Take a comment where nothing stands that it could belong to."""
        if suppression.whole_file:
            self.whole.append(suppression)
        else:
            self.stray.append(Stray("it belongs to no rule, definition or policy", span=suppression.span))

    def taken(self, statement: Span) -> tuple[Suppression, ...]:
        """Return those that belong to a statement: in its lines and, with other comments alone between, above it."""
        if not self._above:
            return ()
        first = statement.line
        found: list[Suppression] = []
        while self._above and _joined(self._above[-1].span, first):
            found.append(self._above.pop())
            first = min(first, found[-1].span.line)
        self.forget()
        return tuple(reversed(found))

    def forget(self) -> None:
        """Take something that no comment belongs to, such as the end of a block."""
        for each in self._above:
            self.lost(each)
        self._above.clear()


def _joined(comment: Span, line: int) -> bool:
    """Is there nothing but comments between a comment and a line below it?"""
    return all(comment.source.line(each).lstrip().startswith("#") for each in range(comment.line + 1, line))
