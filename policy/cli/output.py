"""Where words go: answers to standard output, messages to standard error, and all to the first as JSON when asked."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from policy.diagnostic import Diagnostic
    from policy.report.style import Style


WIDE = 160
"""The columns of an answer that goes to a file or another program."""


class ReaderGone(Exception):
    """Nobody reads the output any more."""


class NotWritten(Exception):
    """The answer could not be written; `str()` says why."""


class Output:
    """How to say things: in which format, and whether in colour (`auto`, `always`, `never`)."""

    def __init__(self, kind: str = "text", color: str = "auto") -> None:
        self.kind = kind
        self.as_json = kind == "json"
        self.compact = False
        """JSON without indentation: one answer a line."""
        self.question: str | None = None
        """The question that is being answered: errors as JSON name it."""
        self._color = color

    def style(self, err: bool = False) -> Style:
        """Return the colours for one of the two streams, and how wide answers may be."""
        from policy.report.style import Style

        return Style(self._wants_color(err), None if err else _columns())

    def _wants_color(self, err: bool) -> bool:
        if self._color == "auto":
            stream = sys.stderr if err else sys.stdout
            return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()
        return self._color == "always"

    def width(self) -> int:
        """Return how many columns an answer may have: those of the terminal, else enough for a wide table."""
        columns = _columns()
        return WIDE if columns is None else max(80, columns)

    def text(self, text: str, end: str = "\n") -> None:
        """Say an answer."""
        _echo(text + end, err=False)

    def message(self, text: str) -> None:
        """Say something that is no answer."""
        _echo(f"{text}\n", err=True)

    def warning(self, message: str) -> None:
        """Say something that the user should know, whatever the answer is."""
        self.message(f"{self.style(err=True)('warning', 'open')}: {message}")

    def document(self, document: dict[str, Any]) -> None:
        """Say an answer as JSON: on one line where several answers follow one another."""
        import json

        self.text(json.dumps(document, indent=None if self.compact else 2))

    def _about(self, errors: dict[str, Any]) -> dict[str, Any]:
        return errors if self.question is None else {**errors, "question": self.question}

    def mistakes(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Say what is wrong with files or questions."""
        if self.as_json:
            from policy.report.diagnostics_json import errors_json

            self.document(self._about(errors_json(diagnostics)))
        else:
            from policy.report.diagnostics_text import diagnostics_text

            self.message(diagnostics_text(diagnostics, self.style(err=True)))

    def problem(self, message: str, help: str | None = None) -> None:
        """Say what is wrong with something that has no place in a file."""
        if self.as_json:
            from policy.report.diagnostics_json import problem_json

            self.document(self._about(problem_json(message, help)))
        else:
            from policy.report.diagnostics_text import problem_text

            self.message(problem_text(message, help, self.style(err=True)))


def _columns() -> int | None:
    """Return how many columns the terminal has that answers go to, if they go to one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _echo(text: str, err: bool) -> None:
    try:
        click.echo(text, nl=False, err=err, color=True)
    except BrokenPipeError:
        raise ReaderGone from None  # click would end the process with status 1, which means "not allowed"
    except OSError as error:
        if not err:  # else there is nobody to tell
            raise NotWritten(error.strerror) from None


def wants_json(arguments: Iterable[str]) -> bool:
    """Do *arguments* ask for JSON? For mistakes in the arguments themselves, which click finds first."""
    before = ""
    for argument in arguments:
        if argument == "--format=json" or (before == "--format" and argument == "json"):
            return True
        before = argument
    return False
