"""How `lint` says what it found: in a format on standard output, in others to files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from policy._record import dataclass
from policy.cli.options import Command, Stop, formats
from policy.cli.output import Output
from policy.cli.reports import COUNTED, REPORTS, Wanted, report

if TYPE_CHECKING:
    from policy.app.linted import Linted

_FORMAT = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Destination:
    """A file, and the format of what goes there; None: that of `--format`, instead of standard output."""

    kind: str | None
    path: str


class _Destination(click.ParamType):  # type: ignore[type-arg] # generic only in newer versions of click
    name = "destination"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Destination:
        said = _FORMAT.fullmatch(value)
        kind, path = said.groups() if said else (None, value)
        if kind is not None and kind not in REPORTS:
            from policy.diagnostic import did_you_mean

            hint = did_you_mean(kind, REPORTS) or f"there are {', '.join(REPORTS)}"
            self.fail(f"there is no format `{kind}`: {hint}; a file of that name is `./{value}`", param, ctx)
        if path in ("", "-"):
            self.fail(f"`{value}` names no file", param, ctx)
        return Destination(kind, path)


@dataclass(frozen=True, slots=True)
class Telling:
    """What the options say of the answer: *out*, whether findings are counted, and the files that it goes to."""

    out: Output
    statistics: bool
    files: tuple[Destination, ...]

    @property
    def elsewhere(self) -> bool:
        """Does a file get what standard output would?"""
        return any(file.kind is None for file in self.files)

    def check(self) -> None:
        """Raise a usage error for options that do not go together, before anything is done."""
        context = click.get_current_context()
        kinds = [file.kind or self.out.kind for file in self.files]
        if self.statistics and not {self.out.kind, *kinds} & set(COUNTED):
            raise click.UsageError(f"`--statistics` has no place in `--format {self.out.kind}`", context)
        if sum(file.kind is None for file in self.files) > 1:
            raise click.UsageError("several files for one answer: write `--output FORMAT=FILE`", context)
        paths = [file.path for file in self.files]
        if twice := next((path for path in paths if paths.count(path) > 1), None):
            raise click.UsageError(f"two answers go to `{twice}`", context)

    def tell(self, linted: Linted, fail_on: str) -> None:
        """Say what was found, and as messages what was not read or decided, where the format has no place for that."""
        out = self.out
        if out.kind == "text":
            from policy.report.lint_text import errors_text, undecided_text

            if linted.errors:
                out.message(errors_text(linted, out.style(err=True)))
            if linted.undecided:
                out.message(undecided_text(linted.undecided, out.style(err=True)))
        try:
            self._write(linted, fail_on)
        finally:
            if not self.elsewhere:
                out.text(report(out.kind, linted, Wanted(fail_on, self.statistics, out.style())), end="")

    def _write(self, linted: Linted, fail_on: str) -> None:
        """Write the files, before anything is shown: who reads that may have had enough."""
        from policy.app.problem import CannotAnswer
        from policy.app.whole import write_whole
        from policy.report.diagnostics_text import problem_text
        from policy.source import real

        rules = {real(name) for name in (*linted.files, *(error.span.source.name for error in linted.errors))}
        for file in self.files:
            try:
                if real(file.path) in rules:
                    raise CannotAnswer(f"cannot write `{file.path}`: it is one of the files that are linted")
                write_whole(file.path, report(file.kind or self.out.kind, linted, Wanted(fail_on, self.statistics)))
            except CannotAnswer as error:
                self.out.message(problem_text(str(error), error.help, self.out.style(err=True)))
                raise Stop from None


def telling(command: Command) -> Command:
    """Add `--statistics`, `--output`, `--format` and `--color`: the command gets `telling`."""

    @click.option(
        "--statistics", is_flag=True, help="Count the findings of each check; as text, instead of showing them."
    )
    @click.option(
        "--output",
        "files",
        multiple=True,
        type=_Destination(),
        metavar="[FORMAT=]FILE",
        help="Write the answer to FILE, in a FORMAT beside what is shown, several times; without one, instead of it.",
    )
    @formats(*REPORTS)
    @wraps(command)
    def wrapper(*args: Any, statistics: bool, files: Sequence[Destination], out: Output, **others: Any) -> int:
        wanted = Telling(out, statistics, tuple(files))
        wanted.check()
        return command(*args, telling=wanted, **others)

    return wrapper
