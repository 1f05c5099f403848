"""Texts and places in them: the lowest layer of every diagnostic.

A `Span` holds the text that it points into, so that whoever has a span can show it. Columns are
counted in code points from 1, lines are ended by LF (a CR before it is not part of the line).
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field
from pathlib import Path
from typing import BinaryIO

from policy._record import dataclass

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is read, in bytes: a rule file of 64 MiB has about a million rules."""


class Unreadable(Exception):
    """A file that cannot be read as text; `str()` says what is wrong, `.help` what to do."""

    def __init__(self, name: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.help = help


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A named text, as its author wrote it.

    *said* is what people are to see for a place, by its start and end, where that is not what stands there (a rule
    that is written in JSON).
    """

    name: str
    text: str = field(repr=False)
    _starts: list[int] = field(default_factory=list, repr=False)
    said: dict[tuple[int, int], Callable[[], str]] = field(default_factory=dict, repr=False)

    def starts(self) -> list[int]:
        """Return the offset at which each line starts."""
        if not self._starts:
            self._starts.append(0)
            find = self.text.find
            at = find("\n")
            while at >= 0:
                self._starts.append(at + 1)
                at = find("\n", at + 1)
        return self._starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and column of *offset*, both from 1."""
        starts = self.starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of line *number* (from 1), without its ending."""
        starts = self.starts()
        start = starts[number - 1]
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[start:end].removesuffix("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open range of code points [start, end) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """What stands here, or what its source says for it."""
        said = self.source.said and self.source.said.get((self.start, self.end))
        return said() if said else self.source.text[self.start : self.end]

    @property
    def is_said(self) -> bool:
        """Does the source say what people are to see here?"""
        return (self.start, self.end) in self.source.said

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def end_line(self) -> int:
        return self.source.position(self.end)[0]

    @property
    def end_column(self) -> int:
        return self.source.position(self.end)[1]

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of *other*."""
        return Span(self.source, self.start, other.end)


_REPLACED: ContextVar[Mapping[str, str] | None] = ContextVar("replaced", default=None)


def real(name: str) -> str:
    """Return what a file is called by no other path; a name in angle brackets is that of no file."""
    return name if name.startswith("<") else os.path.realpath(name)


@contextmanager
def replaced(texts: Mapping[str, str]) -> Iterator[None]:
    """Let these texts be read, here, instead of the files at the paths (`real`) that are their keys."""
    token = _REPLACED.set(texts)
    try:
        yield
    finally:
        _REPLACED.reset(token)


def replacements() -> Mapping[str, str]:
    """Return the texts that are read instead of files."""
    return _REPLACED.get() or {}


def replacement(name: str) -> Source | None:
    """Return the text that is read instead of a file, None where it is the file's own."""
    texts = replacements()
    text = texts.get(real(name)) if texts else None
    return None if text is None else Source(name, text)


def opened(path: str) -> BinaryIO:
    """Open the file at *path* for its bytes; raises `Unreadable` when it is missing, a directory or not permitted."""
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise Unreadable(path, "no such file", "check the path") from None
    except IsADirectoryError:
        raise Unreadable(path, "is a directory", "name a file in it") from None
    except PermissionError:
        raise Unreadable(path, "may not be read", "check the permissions of the file") from None
    except (OSError, ValueError) as error:
        raise _failed(path, error) from None


def _failed(path: str, error: Exception) -> Unreadable:
    return Unreadable(path, f"could not be read: {getattr(error, 'strerror', None) or error}")


def read(path: str) -> Source:
    """Read the file at *path* as UTF-8 (a byte order mark is kept in the text for the language to judge).

    Raises `Unreadable` when it cannot be opened, is larger than `MAX_BYTES`, binary, or not UTF-8.
    """
    if (found := replacement(path)) is not None:
        return found
    with opened(path) as stream:
        try:
            data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise _failed(path, error) from None
    return decode(path, data)


def decode(name: str, data: bytes) -> Source:
    """Return *data* as a `Source`; raises `Unreadable` when it is not a text of at most `MAX_BYTES`."""
    if len(data) > MAX_BYTES:
        raise Unreadable(name, f"is larger than {MAX_BYTES // 2**20} MiB", "split it into several files")
    if (nul := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise Unreadable(name, f"is a binary file: line {line} has a NUL byte", "name a text file of rules")
    try:
        return Source(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise Unreadable(
            name,
            f"is not UTF-8: line {line} has the byte 0x{byte:02x}",
            "convert it to UTF-8, with `iconv` for example",
        ) from None
