"""The files that a script includes, never from outside of the folder of the first one.

nft looks beside the working directory and in /etc; here a path begins in the folder of the file that names it, so that an answer does
not depend on where it is asked.
"""

from __future__ import annotations

import glob
from dataclasses import field
from pathlib import Path

from policy import source
from policy._record import dataclass
from policy.diagnostic import Collector, Related
from policy.languages.nftables.ast.command import Include
from policy.source import Source, Span, Unreadable

DEEPEST = 16
"""So deep nft follows includes (src/scanner.l: `MAX_INCLUDE_DEPTH`)."""

MOST_FILES = 1000

_WILD = frozenset("*?[")


@dataclass(slots=True)
class Files:
    """Opens what is included, in the order of the text; *first* is the path of the script, None for a text without one."""

    mistakes: Collector
    first: Path | None
    open: list[tuple[Path, Span]] = field(default_factory=list)
    read: int = 0

    def opened(self, include: Include) -> list[tuple[Path, Source]]:
        """Return the real paths and the texts of what is included; what is wrong is noted."""
        span = include.path.span
        found: list[tuple[Path, Source]] = []
        for shown in self._paths(include):
            real = Path(source.real(str(shown)))
            if self._circle(real, span):
                continue
            if len(self.open) >= DEEPEST:
                self._refuse(span, f"includes are nested deeper than {DEEPEST}")
                break
            self.read += 1
            if self.read > MOST_FILES:
                self._refuse(span, f"there are more than {MOST_FILES} included files")
                break
            try:
                text = source.read(str(shown))
            except Unreadable as error:
                self._refuse(span, f"`{include.path.text}` {error}", error.help)
                continue
            found.append((real, text))
        return found

    def _paths(self, include: Include) -> list[Path]:
        words, span = include.path.text, include.path.span
        if self.first is None:
            self._refuse(span, "a text without a folder cannot include files", "name a file instead of standard input")
            return []
        if not words.strip():
            self._refuse(span, "an include names a file", 'write its path, as in `include "./sets.nft"`')
            return []
        wild = not _WILD.isdisjoint(words)
        shown = Path(span.source.name).parent / words
        try:
            paths = [Path(each) for each in sorted(glob.glob(str(shown)))] if wild else [shown]
            root = self.first.parent.resolve()
            inside = [each for each in paths if each.resolve().is_relative_to(root)]
        except (OSError, RuntimeError, ValueError):
            self._refuse(span, f"there is no file `{words}`", "check the path, which begins in the folder of this file")
            return []
        if len(inside) < len(paths) or (wild and not shown.parent.resolve().is_relative_to(root)):
            help = "include only what is in it or below"
            self._refuse(span, f"`{words}` is outside of the folder of the first file", help)
            return []
        if not wild and not shown.exists():
            self._refuse(span, f"there is no file `{words}`", "check the path, which begins in the folder of this file")
            return []
        return [each for each in inside if each.is_file()]

    def _circle(self, real: Path, span: Span) -> bool:
        above = [path for path, _ in self.open]
        if real not in above and (self.first is None or real != self.first.resolve()):
            return False
        inner = self.open[above.index(real) + 1 :] if real in above else self.open
        way = " includes ".join(f"`{path.name}`" for path in (real, *(path for path, _ in inner), real))
        related = tuple(Related(place, "included here") for _, place in inner)
        self.mistakes.add("FW116", f"this goes round in a circle: {way}", span, "take one of them out", related)
        return True

    def _refuse(self, span: Span, message: str, help: str | None = None) -> None:
        self.mistakes.add("FW004", message, span, help)
