"""Reads a file and all that it includes, never from outside of the folder of the first one."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path, PurePosixPath

from policy import source
from policy._record import dataclass
from policy.diagnostic import Collector, Related
from policy.languages.native import ast
from policy.languages.native.parse import parse_file
from policy.source import Source, Span, Unreadable
from policy.written import Stray, Suppression

DEEPEST = 64
MOST_FILES = 1000


class _Refused(Exception):
    """An include that is not followed; `str()` says why, `.help` what to do."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


@dataclass(slots=True)
class Loaded:
    """The statements of a file, those of its includes in their places, all the texts, and what is broken in them.

    *suppressions* hold for a whole file, *stray* are comments for fwpolicy that belong to nothing.
    """

    statements: list[ast.Definition | ast.Policy] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)
    stray: list[Stray] = field(default_factory=list)


def load(text: Source, collector: Collector) -> Loaded:
    """Return what *text* and its includes say; mistakes are noted in *collector*."""
    loader = _Loader(collector, None if text.name.startswith("<") else Path(text.name))
    loader.take(text)
    return loader.loaded


@dataclass(slots=True)
class _Loader:
    collector: Collector
    first: Path | None
    loaded: Loaded = field(default_factory=Loaded)
    seen: set[Path] = field(default_factory=set)
    open: list[tuple[Path, Span]] = field(
        default_factory=list
    )  # the includes that are being read, and where they stand

    def take(self, text: Source) -> None:
        """Add the statements of a text."""
        self.loaded.sources.append(text)
        file = parse_file(text, self.collector)
        self.loaded.broken += file.broken
        self.loaded.suppressions += file.suppressions
        self.loaded.stray += file.stray
        for statement in file.statements:
            if isinstance(statement, ast.Include):
                try:
                    self.include(statement.path.text, statement.path.span)
                except _Refused as error:
                    self.collector.add("FW004", str(error), statement.path.span, error.help)
            else:
                self.loaded.statements.append(statement)

    def include(self, words: str, span: Span) -> None:
        """Add the statements of an included file, unless they are there already."""
        shown, real = self._find(words, Path(span.source.name))
        circle = [at for at, (path, _) in enumerate(self.open) if path == real]
        if circle or (self.first is not None and real == self.first.resolve()):
            inner = self.open[circle[0] + 1 :] if circle else self.open
            way = " includes ".join(f"`{path.name}`" for path in (real, *(path for path, _ in inner), real))
            related = tuple(Related(place, "included here") for _, place in inner)
            self.collector.add("FW116", f"this goes round in a circle: {way}", span, "take one of them out", related)
            return
        if real in self.seen:
            return
        if len(self.open) >= DEEPEST:
            raise _Refused(f"includes are nested deeper than {DEEPEST}")
        if len(self.seen) >= MOST_FILES:
            raise _Refused(f"there are more than {MOST_FILES} included files")
        try:
            text = source.read(str(real))
        except Unreadable as error:
            raise _Refused(f"`{words}` {error}", error.help) from None
        self.seen.add(real)
        self.open.append((real, span))
        self.take(Source(str(shown), text.text))
        self.open.pop()

    def _find(self, words: str, above: Path) -> tuple[Path, Path]:
        """Return the path of an included file as it is shown and as it really is."""
        if self.first is None:
            raise _Refused("a text without a folder cannot include files", "name a file instead of standard input")
        if "\\" in words or PurePosixPath(words).is_absolute() or not words.strip():
            raise _Refused("an include names a file by its path from this one, with `/` between folders")
        root = self.first.parent
        inside = _normal((*above.parent.parts[len(root.parts) :], *PurePosixPath(words).parts))
        if inside is None:
            raise _Refused(
                f"`{words}` is outside of the folder of the first file", "include only what is in it or below"
            )
        shown = root.joinpath(*inside)
        try:
            real = shown.resolve(strict=True)
            outside = not real.is_relative_to(root.resolve())
            ordinary = real.is_file()
        except (OSError, RuntimeError, ValueError):
            raise _Refused(
                f"there is no file `{words}`", "check the path, which begins in the folder of this file"
            ) from None
        if outside:
            raise _Refused(f"`{words}` leads outside of the folder of the first file, by a link")
        if not ordinary:
            raise _Refused(f"`{words}` is not a file")
        return shown, real


def _normal(parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return a path without `..`, or None when it leads above its beginning."""
    found: list[str] = []
    for part in parts:
        if part != "..":
            found.append(part)
        elif not found:
            return None
        else:
            found.pop()
    return tuple(found)
