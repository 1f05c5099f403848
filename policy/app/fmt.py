"""Format files."""

from __future__ import annotations

from collections.abc import Iterable

from policy.app.files import NATIVE, files_of
from policy.app.load import read_source
from policy.app.problem import CannotAnswer
from policy.app.written import Draft
from policy.diagnostic import Diagnostic, Mistakes, unreadable
from policy.languages import formatter, sniff
from policy.source import Source, Unreadable


def formatted(paths: Iterable[str], language: str | None = None) -> list[Draft]:
    """Return every file formatted.

    Raises `Mistakes` with all that is wrong in any of them, and `CannotAnswer` for a directory without one.
    """
    results: list[Draft] = []
    mistakes: list[Diagnostic] = []
    files, barren = files_of(paths, NATIVE)
    if barren:
        raise CannotAnswer(f"there is no `*{NATIVE[0]}` file in `{barren[0]}`", "name files, or another directory")
    for file in files:
        try:
            source = read_source(file.path)
            results.append(Draft(source, _format(source, language)))
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
