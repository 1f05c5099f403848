"""Files as they are and as they should be: what would change, and writing it, all files or none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path

from policy._record import dataclass
from policy.app.problem import CannotAnswer
from policy.app.whole import draft
from policy.source import Source


@dataclass(frozen=True, slots=True)
class Draft:
    """A file as it is, and as it should be."""

    source: Source
    text: str

    @property
    def changed(self) -> bool:
        return self.text != self.source.text

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff."""
        name = self.source.name
        before, after = (text.removesuffix("\n").split("\n") for text in (self.source.text, self.text))
        return unified_diff(before, after, name, name, lineterm="")


def write(files: Iterable[Draft]) -> None:
    """Write the files that change: each is replaced as a whole, and all of them or none.

    Raises `CannotAnswer` where that is not possible, or a file is no more what it was when it was read, with every
    file as it was.
    """
    drafts: list[tuple[Draft, Path, Path]] = []
    done: list[tuple[Draft, Path]] = []
    name = ""
    try:
        for file in files:
            name = file.source.name
            target = Path(os.path.realpath(name))
            drafts.append((file, draft(file.text.encode(), target), target))
        for file, _, target in drafts:
            name = file.source.name
            if target.read_bytes() != file.source.text.encode():
                _withdraw(drafts)
                raise CannotAnswer(f"`{file.source.name}` has changed since it was read", "nothing was changed")
        for file, made, target in drafts:
            name = file.source.name
            made.replace(target)
            done.append((file, target))
    except OSError as error:
        _withdraw(drafts)
        for file, target in done:
            with suppress(OSError):
                draft(file.source.text.encode(), target).replace(target)
        reason = error.strerror or str(error)
        raise CannotAnswer(
            f"could not write `{name}`: {reason[:1].lower()}{reason[1:]}", "nothing was changed"
        ) from None


def _withdraw(drafts: Iterable[tuple[Draft, Path, Path]]) -> None:
    for _, made, _ in drafts:
        made.unlink(missing_ok=True)
