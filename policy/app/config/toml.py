"""TOML with places: what a text says, as `tomllib` reads it, and where each key and each value stands.

`tomllib` alone decides what is TOML and what it means; it only does not say where things are. So a text that it has
accepted is walked once more, and there little can go wrong: strings, brackets and commas are all there is to know.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from policy.app.config.kinds import At
from policy.app.config.places import Path, Places
from policy.diagnostic import Diagnostic, Mistakes
from policy.source import Source, Span

CODE = "FW005"
"""The code of everything that is wrong with a configuration."""

_CALLED: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    str: "a text",
    list: "a list",
    dict: "a table",
    dt.date: "a date",
    dt.datetime: "a date",
    dt.time: "a time",
}

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r"""
    "{3} (?:[^\\]|\\.)*? "{3,5}  # of several lines: two quotes may stand before those that end it
    | '{3} .*? '{3,5}
    | " (?:[^"\\]|\\.)* "
    | ' [^']* '
    """,
    re.DOTALL | re.VERBOSE,
)
_SCALAR = re.compile(r"[^,\]}#\r\n]*[^,\]}#\s]")
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class TomlNotation:
    """How TOML writes values."""

    def called(self, at: At, value: Any) -> str:  # noqa: ARG002 (its types say it all)
        return _CALLED[type(value)]

    def hint(self, at: At, wanted: type, value: Any) -> str | None:
        return f"write `{at.path[-1]} = [{_shown(value)}]`" if wanted is list and isinstance(value, str) else None


def _shown(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_toml(source: Source) -> Places:
    """Return what a text says, and where; raises `Mistakes` if it is no TOML."""
    try:
        value = tomllib.loads(_without_mark(source.text))
    except tomllib.TOMLDecodeError as error:
        raise Mistakes([_no_toml(source, str(error))]) from None
    except RecursionError:
        message = "the file is nested too deeply"
        raise Mistakes([Diagnostic(CODE, message, Span(source, 0, 0), "write it with fewer levels")]) from None
    except ValueError:  # of `int`, which has a limit
        message = "a number has too many digits"
        raise Mistakes([Diagnostic(CODE, message, Span(source, 0, 0), "write it with fewer digits")]) from None
    walk = _Walk(source)
    walk.document()
    return Places(source, value, walk.keys, walk.values)


def _without_mark(text: str) -> str:
    """Return a text with a blank for the byte order mark that some editors write, so that places stay."""
    return " " + text[1:] if text.startswith("\ufeff") else text


def _no_toml(source: Source, text: str) -> Diagnostic:
    where = _WHERE.search(text)
    message = text[: where.start()] if where else text
    start = len(source.text)
    if where and where[1]:
        start = source.starts()[int(where[1]) - 1] + int(where[2]) - 1
    span = Span(source, start, min(start + 1, len(source.text)))
    return Diagnostic(CODE, f"this is no TOML: {message[:1].lower()}{message[1:]}", span, "see https://toml.io")


class _Walk:
    """Walks through a text that is TOML, and notes where keys and values are."""

    def __init__(self, source: Source) -> None:
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self._source = source
        self._text = _without_mark(source.text)
        self._at = 0
        self._tables: Counter[Path] = Counter()
        """How many tables each array of tables has so far."""

    def document(self) -> None:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        assert found, f"not in a text that is TOML: {self._text[self._at : self._at + 20]!r}"
        self._at = found.end()

    def _header(self) -> Path:
        """Walk through `[table]` or `[[array of tables]]`, and return the way to the table."""
        start = self._at
        many = self._text.startswith("[[", start)
        self._at += 1 + many
        path = self._key((), through_tables=True)
        self._at += 1 + many
        if many:
            self._tables[path] += 1
            path = self._now(path)
        self.values.setdefault(path, Span(self._source, start, self._at))
        return path

    def _now(self, path: Path) -> Path:
        """Return the way to the last table of an array of tables, or to what is no such array."""
        return (*path, self._tables[path] - 1) if path in self._tables else path

    def _key(self, path: Path, through_tables: bool = False) -> Path:
        """Walk through `a.b."c"`, and return the way to it from *path*."""
        while True:
            self._skip(_SPACE)
            start = self._at
            quoted = self._text[start] in "\"'"
            self._skip(_STRING if quoted else _BARE)
            word = self._text[start : self._at]
            path = (*path, tomllib.loads(f"key = {word}")["key"] if quoted else word)
            self.keys.setdefault(path, Span(self._source, start, self._at))
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return path
            self._at += 1
            if through_tables:
                path = self._now(path)

    def _pair(self, table: Path) -> None:
        path = self._key(table)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self._at
        match self._text[start]:
            case "[":
                self._items(path, "]")
            case "{":
                self._items(path, "}")
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_SCALAR)
        self.values[path] = Span(self._source, start, self._at)

    def _items(self, path: Path, end: str) -> None:
        """Walk through an array or an inline table."""
        self._at += 1
        number = 0
        self._skip(_BLANK)
        while self._text[self._at] != end:
            if end == "]":
                self._value((*path, number))
            else:
                self._pair(path)
            number += 1
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1
