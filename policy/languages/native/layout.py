"""The one layout that is right, which `fwpolicy fmt` gives to a file.

Four spaces inside a policy, one element a line, no more than one blank line, and columns within a
group of lines that no blank line parts. Comments stay where they are. A statement of several lines
keeps its lines.
"""

from __future__ import annotations

import re

from policy._record import dataclass
from policy.diagnostic import Collector
from policy.languages.native import ast
from policy.languages.native.parse import parse_file
from policy.languages.native.printer import Cells, cells
from policy.languages.native.split import LONGEST_LINE, Piece, split
from policy.source import Source

_WIDEST = 40
"""A part of a line that is longer than this does not widen its column."""
_INDENT = "    "
_SPACES = re.compile(r'("[^"]*"|#.*)|\s+')


@dataclass(slots=True)
class _Line:
    """A line of the result: its parts, or a text that is kept."""

    indent: int
    parts: Cells
    first: int  # the lines of the source that it comes from
    last: int
    comment: str = ""
    columns: bool = False


def format_text(source: Source) -> str:
    """Return the text in its canonical layout; raises `Mistakes` if it cannot be read."""
    collector = Collector()
    file = parse_file(source, collector)
    collector.check()
    lines = _lines(source, _nodes(file))
    _align(lines)
    result: list[str] = []
    before: _Line | None = None
    for line in lines:
        if before is not None and _blank_between(before, line):
            result.append("")
        result.append(_text(line))
        before = line
    return "".join(f"{text}\n" for text in result)


def _nodes(file: ast.File) -> dict[int, ast.Statement | ast.Default | ast.Rule]:
    """Return everything that has a line of its own by the offset at which it begins."""
    found: dict[int, ast.Statement | ast.Default | ast.Rule] = {}
    for statement in file.statements:
        found[statement.span.start] = statement
        if isinstance(statement, ast.Policy):
            found.update((each.span.start, each) for each in statement.body)
    return found


def _lines(source: Source, nodes: dict[int, ast.Statement | ast.Default | ast.Rule]) -> list[_Line]:
    """Return the lines of the result, not yet in columns."""
    lines: list[_Line] = []
    depth = 0
    inside = -1  # the end of the last statement, in which comments are part of its text
    for piece in sorted(split(source.text, comments=True), key=lambda piece: piece.start):
        first, last = (source.position(at)[0] for at in (piece.start, piece.end))
        text = source.text[piece.start : piece.end]
        if piece.kind == "comment":
            if piece.start < inside:
                continue
            if lines and lines[-1].last == first:
                lines[-1].comment = text
            else:
                lines.append(_Line(depth, (text,), first, last))
            continue
        inside = piece.end
        if piece.kind == "close":
            depth = 0
            lines.append(_Line(0, ("}",), first, last))
        else:
            lines.append(_statement(piece, text, nodes, depth, first, last))
        if piece.kind == "open":
            depth = 1
    return lines


def _statement(
    piece: Piece, text: str, nodes: dict[int, ast.Statement | ast.Default | ast.Rule], depth: int, first: int, last: int
) -> _Line:
    if first != last:
        return _Line(depth, (_kept(text, depth),), first, last)
    node = nodes[piece.start]
    line = _Line(depth, cells(node), first, last, columns=isinstance(node, ast.Rule | ast.Definition))
    if sum(map(len, line.parts)) > LONGEST_LINE // 2:
        return _Line(depth, (text,), first, last)
    return line


def _kept(text: str, depth: int) -> str:
    """Return a statement of several lines in its lines, with the right indentation."""
    rows = [_SPACES.sub(lambda found: found[1] or " ", row.strip()) for row in text.split("\n")]
    return f"\n{_INDENT * (depth + 1)}".join(row for row in rows if row)


def _align(lines: list[_Line]) -> None:
    """Put the parts of neighbouring lines in columns."""
    group: list[_Line] = []
    before: _Line | None = None
    for line in [*lines, None]:
        parted = line is None or before is None or _blank_between(before, line) or line.indent != before.indent
        if parted:
            _widen(group)
            group = []
        if line is not None and line.columns:
            group.append(line)
        before = line


def _widen(group: list[_Line]) -> None:
    for count in {len(line.parts) for line in group}:
        same = [line for line in group if len(line.parts) == count]
        columns = zip(*(line.parts for line in same), strict=True)
        widths = [max((len(part) for part in column if len(part) <= _WIDEST), default=0) for column in columns]
        for line in same:
            line.parts = tuple(
                part.ljust(width) for part, width in zip(line.parts, widths, strict=True) if width or part
            )


def _blank_between(before: _Line, line: _Line) -> bool:
    """Is there a blank line between two lines? None stands directly inside of braces."""
    opened = line.indent > before.indent
    closed = line.parts == ("}",) and before.indent > line.indent
    return line.first - before.last > 1 and not opened and not closed


def _text(line: _Line) -> str:
    text = f"{_INDENT * line.indent}{' '.join(line.parts)}".rstrip()
    return f"{text}  {line.comment}" if line.comment else text
