"""The files that paths mean: of a directory, all below it with the right endings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from policy._record import dataclass
from policy.app.load import STANDARD_INPUT

NATIVE = (".fw",)
RULES = (*NATIVE, ".rules", ".save", ".save6", ".v4", ".v6", ".iptables", ".ip6tables", ".nft", "nftables.conf")
"""The endings of files of rules in any language; `.fw` is of the native one, others may also be of something else."""


@dataclass(frozen=True, slots=True)
class File:
    """A file, and whether it was *named* or found in a directory."""

    path: str
    named: bool

    @property
    def real(self) -> str:
        """What it is called by no other path."""
        return self.path if self.path == STANDARD_INPUT else os.path.realpath(self.path)


def files_of(
    paths: Iterable[str], endings: tuple[str, ...], excluded: Callable[[str], bool] | None = None
) -> tuple[list[File], list[str]]:
    """Return the files that *paths* mean, each once, and the directories in which there are none.

    Of a directory these are all below it with one of the *endings*, but for hidden ones, those behind links to
    directories, and those that are *excluded*, in the order of their paths. What is no ordinary file (a pipe, a device)
    must be named. A directory of which all files are excluded has some. One that cannot be looked into is among them:
    who reads it is told why not.
    """
    found: dict[str, File] = {}
    barren: list[str] = []
    for path in paths:
        files = [File(path, True)]
        if path != STANDARD_INPUT and Path(path).is_dir():
            below = sorted(_below(path, endings))
            if not below:
                barren.append(path)
            files = [File(each, False) for each in below if not (excluded and excluded(each))]
        for file in files:
            before = found.setdefault(file.real, file)
            if file.named and not before.named:
                found[file.real] = file
    return list(found.values()), barren


def _below(folder: str, endings: tuple[str, ...]) -> Iterator[str]:
    unreadable: list[str] = []
    for place, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(error.filename)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if name.endswith(endings) and not name.startswith(".") and (path.is_file() or not path.exists()):
                yield str(path)
    yield from unreadable
