"""Files that a script includes: beside the file that names them, or below its folder, with wildcards (nft(8))."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

from policy import source
from policy._record import dataclass
from policy.diagnostic import Collector
from policy.languages.nftables.ast.command import Include
from policy.source import Source, Unreadable, real

DEEPEST = 16
"""So deep may includes be nested in nft (`MAX_INCLUDE_DEPTH`)."""

MOST_FILES = 1000
_WILD = re.compile(r"[*?\[]")


@dataclass(slots=True)
class Includes:
    """Reads what is included; never from outside of the folder of the first text."""

    first: Source
    mistakes: Collector
    open: list[str] = field(default_factory=list)
    files: int = 0

    def texts(self, command: Include) -> Iterator[Source]:
        """Yield the texts that a command includes; whoever takes one calls `leave` behind it."""
        for path in self._paths(command):
            try:
                text = source.read(path)
            except Unreadable as error:
                self._refuse(command, f"`{path}` {error}", error.help)
                continue
            self.files += 1
            self.open.append(real(path))
            yield text

    def leave(self) -> None:
        """Go back to the text that includes the last one."""
        self.open.pop()

    def _paths(self, command: Include) -> list[str]:
        words = command.path.text
        above = Path(command.path.span.source.name)
        if self.first.name.startswith("<"):
            self._refuse(command, "a text without a folder cannot include files", "name a file, not standard input")
            return []
        root = Path(self.first.name).parent
        plain = _WILD.split(words)[0]
        folder = above.parent / plain[: plain.rfind("/") + 1]
        if not Path(real(str(folder))).is_relative_to(Path(real(str(root)))):
            self._refuse(command, f"`{words}` is outside of the folder of the first file", "include what is in it")
            return []
        wild = plain != words
        names = sorted(glob.glob(words, root_dir=above.parent)) if wild else [words]  # noqa: PTH207 (no hidden files)
        found = [str(above.parent / name) for name in names]
        inside = []
        for path in found:
            if not Path(real(path)).is_relative_to(Path(real(str(root)))):
                self._refuse(command, f"`{path}` is outside of the folder of the first file", "include what is in it")
            elif real(path) in self.open or real(path) == real(self.first.name):
                self.mistakes.add("FW116", "this goes round in a circle", command.span, "take one include out")
            elif len(self.open) >= DEEPEST or self.files >= MOST_FILES:
                self._refuse(command, "too many files are included", f"nested no deeper than {DEEPEST}")
            else:
                inside.append(path)
        return inside

    def _refuse(self, command: Include, message: str, help: str | None) -> None:
        self.mistakes.add("FW004", message, command.path.span, help)
