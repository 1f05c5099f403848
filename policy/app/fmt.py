"""Format files: what would change, and writing it, all files or none."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path

from policy._record import dataclass
from policy.app.files import NATIVE, files_of
from policy.app.load import read_source
from policy.app.problem import CannotAnswer
from policy.diagnostic import Diagnostic, Mistakes, unreadable
from policy.languages import formatter, sniff
from policy.source import Source, Unreadable


@dataclass(frozen=True, slots=True)
class Formatted:
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


def formatted(paths: Iterable[str], language: str | None = None) -> list[Formatted]:
    """Return every file formatted.

    Raises `Mistakes` with all that is wrong in any of them, and `CannotAnswer` for a directory without one.
    """
    results: list[Formatted] = []
    mistakes: list[Diagnostic] = []
    files, barren = files_of(paths, NATIVE)
    if barren:
        raise CannotAnswer(f"there is no `*{NATIVE[0]}` file in `{barren[0]}`", "name files, or another directory")
    for file in files:
        try:
            source = read_source(file.path)
            results.append(Formatted(source, _format(source, language)))
        except Unreadable as error:
            mistakes.append(unreadable(error))
        except Mistakes as error:
            mistakes += error.diagnostics
    if mistakes:
        raise Mistakes(mistakes)
    return results


def _format(source: Source, language: str | None) -> str:
    language = language or sniff(source.text)
    found = formatter(language)
    if found is None:
        raise CannotAnswer(f"there is no layout for {language}: `{source.name}`", "`fmt` is for the native language")
    return found.format(source)


def write(files: Iterable[Formatted]) -> None:
    """Write the files that change: each is replaced as a whole, and all of them or none.

    Raises `CannotAnswer` where that is not possible, with every file as it was.
    """
    drafts: list[tuple[Formatted, Path, Path]] = []
    done: list[tuple[Formatted, Path]] = []
    try:
        for file in files:
            target = Path(os.path.realpath(file.source.name))
            drafts.append((file, _draft(file.text, target), target))
        for file, draft, target in drafts:
            draft.replace(target)
            done.append((file, target))
    except OSError as error:
        for _, draft, _ in drafts:
            draft.unlink(missing_ok=True)
        for file, target in done:
            with suppress(OSError):
                _draft(file.source.text, target).replace(target)
        raise CannotAnswer(f"could not write `{error.filename}`: {error.strerror}", "nothing was changed") from None


def _draft(text: str, target: Path) -> Path:
    """Return a new file beside *target* with its permissions."""
    status = target.stat()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
        with suppress(OSError):
            os.chown(draft, status.st_uid, status.st_gid)
        draft.chmod(stat.S_IMODE(status.st_mode))
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft
