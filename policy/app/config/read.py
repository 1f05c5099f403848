"""Find a configuration, and read it: all that is wrong with it in one run. Without one, next to nothing is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from policy import source
from policy._record import dataclass
from policy.app.load import STANDARD_INPUT
from policy.source import Source, Unreadable

FILE = "fwpolicy.toml"
PROJECT = "pyproject.toml"
TABLE = ("tool", "fwpolicy")
"""Where a configuration stands in `PROJECT`."""

Given = Mapping[str, Any]
"""What is said: values by the attributes of the classes in `keys` and of `Settings`."""


class Globs:
    """Patterns as in `.gitignore`, which paths below *folder* may match."""

    def __init__(self, folder: Path, patterns: Sequence[str]) -> None:
        from pathspec import GitIgnoreSpec

        self._folder = folder
        self._spec = GitIgnoreSpec.from_lines(patterns)

    def match(self, path: str) -> bool:
        """Does a path, or a folder above it, match?"""
        real = Path(os.path.realpath(path))
        return real.is_relative_to(self._folder) and self._spec.match_file(real.relative_to(self._folder).as_posix())


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file in *folder* says: *usual* for every file, *special* for those that match, in its order."""

    folder: Path
    usual: Given
    special: tuple[tuple[Globs, Given], ...] = ()

    def given(self, path: str) -> Given:
        """Return what is said for the file at *path*: what later entries say holds before what earlier ones do."""
        given = self.usual
        if path != STANDARD_INPUT:
            for globs, more in self.special:
                if globs.match(path):
                    given = together(given, more)
        return given


def together(given: Given, more: Given) -> Given:
    """Return what is said together: *more* wins, key by key in tables; what is ignored adds up."""
    both = {**given, **more}
    for name in given.keys() & more.keys():
        if name == "ignore":
            both[name] = (*given[name], *more[name])
        elif isinstance(given[name], dict):
            both[name] = {**given[name], **more[name]}
    return both


def configuration(start: str, file: str | None = None, whole: bool = True) -> Configuration | None:
    """Return what *file* says, else the nearest configuration in the folder of *start* or above it, None without one.

    Not *whole*: only what says how files are read is looked at. Raises `Mistakes` with all that is wrong, and
    `Unreadable` if it cannot be read.
    """
    if file is not None:
        return _read(source.read(file), whole, wanted=True)
    place = Path(os.path.realpath(start))  # `resolve` refuses links that go in a circle
    for folder in (place, *place.parents) if place.is_dir() and start != STANDARD_INPUT else place.parents:
        for name in (FILE, PROJECT):
            path = folder / name
            if os.path.isfile(path):  # noqa: PTH113 (which is also false where one may not look)
                text = source.read(_short(path))
                found = _read(text, whole) if name == FILE or TABLE[1] in text.text else None
                if found is not None:
                    return found
    return None


def _short(path: Path) -> str:
    """Return a path from the folder that one is in, where it lies below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _read(text: Source, whole: bool, wanted: bool = False) -> Configuration | None:
    """Return what a text says; None where it says nothing of us, or `Unreadable` where that is *wanted*."""
    from policy.app.config.keys import reading_table, whole_table
    from policy.app.config.kinds import At
    from policy.app.config.places import Notes
    from policy.app.config.toml import CODE, TomlNotation, read_toml

    toml = read_toml(text)
    value: Any = toml.value
    start: tuple[str, ...] = ()
    if Path(text.name).name == PROJECT:
        start = TABLE
        for step in start:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            if wanted:
                raise Unreadable(text.name, "has no table `[tool.fwpolicy]`", f"write it, or name a `{FILE}`")
            return None
    notes = Notes(toml, CODE)
    table = whole_table() if whole else reading_table()
    given = table.read(value, At(start, notes, TomlNotation()))
    notes.collected.check()
    folder = Path(text.name).parent.resolve()
    several = given.pop("per_file", ())
    special = tuple((Globs(folder, each["files"]), _from_here(each, folder)) for each in several)
    return Configuration(folder, _from_here(given, folder), special)


def _from_here(given: dict[str, Any], folder: Path) -> Given:
    """Return what is said, with paths that begin where one is instead of in *folder*."""
    paths = {name: given[name] for name in ("paths", "baseline", "ipset") if name in given}
    return given | {
        name: os.path.relpath(folder / said)
        if isinstance(said, str)
        else tuple(os.path.relpath(folder / path) for path in said)
        for name, said in paths.items()
    }
