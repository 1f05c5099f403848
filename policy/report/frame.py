"""A place in a file as people see it: the line, and a mark under what is meant.

rules.fw:4:11: port 70000 is out of range
  |
4 | allow tcp/70000 from any to db
  |           ^^^^^
"""

from __future__ import annotations

from policy.report.style import PLAIN, Style, clean, columns
from policy.source import Span

LONGEST = 160
"""Lines with more columns are cut around what is marked."""

_TAB = 4
_BEFORE = 60
_CUT = "…"


def place(span: Span) -> str:
    """Return `FILE:LINE:COLUMN` of where *span* begins."""
    return f"{clean(span.source.name)}:{span.line}:{span.column}"


def frame(span: Span, style: Style = PLAIN, look: str = "bad", digits: int = 0) -> list[str]:
    """Return the lines of *span* with a mark under what is meant; nothing for a file without text.

    Of a span over several lines the first and the last are shown; where the source says what people are to see for it,
    that. *digits* is the least width of the
    line numbers, so that several frames can stand in one column.
    """
    if not span.source.text:
        return []
    marked = _marked(span)
    digits = max(digits, len(str(marked[-1][0])))
    gutter = " " * digits + style(" |", "mark")
    shown = [gutter]
    before = marked[0][0]
    for number, start, end in marked:
        if number > before + 1:
            shown.append(" " * digits + style(" …", "mark"))
        before = number
        text, underline = _line(span.text if span.is_said else span.source.line(number), start, end)
        shown.append(style(f"{number:>{digits}} |", "mark") + f" {text}".rstrip())
        shown.append(f"{gutter} {' ' * underline[0]}{style('^' * underline[1], look)}")
    return shown


def _marked(span: Span) -> list[tuple[int, int, int]]:
    """Return the lines to show and which of their characters, counted from 0, to mark."""
    if span.is_said:
        return [(span.line, 0, len(span.text))]
    line, column, end_line, end_column = span.line, span.column, span.end_line, span.end_column
    if end_line > line and end_column == 1:
        end_line -= 1
        end_column = len(span.source.line(end_line)) + 1
    if end_line == line:
        return [(line, column - 1, max(end_column - 1, column))]
    first, last = span.source.line(line), span.source.line(end_line)
    indent = len(last) - len(last.lstrip())
    return [(line, column - 1, max(len(first), column)), (end_line, min(indent, end_column - 2), end_column - 1)]


def _line(text: str, start: int, end: int) -> tuple[str, tuple[int, int]]:
    """Return a line as it is shown, and the column and width of the mark under its characters [start, end)."""
    if len(text) <= LONGEST and text.isascii() and text.isprintable():
        return text, (min(start, len(text)), max(1, min(end, len(text)) - start))
    left, right = (0, len(text)) if len(text) <= LONGEST else _window(len(text), start, end)
    shown = [_CUT] if left else []
    at = len(shown)
    begin: int | None = None
    finish = at
    for i in range(left, right):
        if i == start:
            begin = at
        cell = " " * (_TAB - at % _TAB) if text[i] == "\t" else clean(text[i])
        shown.append(cell)
        at += len(cell) if text[i] == "\t" else columns(cell)
        if i < end:
            finish = at
    if right < len(text):
        shown.append(_CUT)
    begin = at if begin is None else begin
    return "".join(shown), (begin, max(1, finish - begin))


def _window(length: int, start: int, end: int) -> tuple[int, int]:
    """Return the part of a long line to show: what is marked (or its beginning) with something around it."""
    left = max(0, min(start - _BEFORE, length - LONGEST)) if end > LONGEST - 20 else 0
    return left, min(length, left + LONGEST)
