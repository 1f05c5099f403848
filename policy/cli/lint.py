"""`fwpolicy lint`: is anything wrong with these rules?"""

from __future__ import annotations

import gc
import math
from typing import TYPE_CHECKING, Any

import click

from policy.cli.options import CANNOT, Reading, formats, reading_options
from policy.cli.output import Output
from policy.cli.progress import progress

if TYPE_CHECKING:
    from policy.app.lint import Linted

FAIL_ON = ("never", "error", "warning", "info")


class _Seconds(click.ParamType):  # type: ignore[type-arg] # generic only in newer versions of click
    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            self.fail(f"`{value}` is no number of seconds", param, ctx)
        return seconds


@click.command("lint")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option(
    "--select", multiple=True, metavar="CODES", help="Run these checks alone: `FW101,FW11` or names; several times."
)
@click.option(
    "--ignore", multiple=True, metavar="CODES", help="Do not run these checks, selected or not; several times."
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="warning",
    show_default=True,
    help="The least severity of a finding that makes the exit status 1.",
)
@click.option("--statistics", is_flag=True, help="Count the findings of each check; as text, instead of showing them.")
@click.option(
    "--budget",
    type=_Seconds(),
    default=60.0,
    metavar="SECONDS",
    help="How long the checks may take for one file (60), and how much they may work; the rest stays undecided.",
)
@reading_options
@formats("text", "json", "sarif", "github")
def command(
    paths: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str,
    statistics: bool,
    budget: float,
    reading: Reading,
    out: Output,
) -> int:
    """Is anything wrong with these rules?

    PATH is a file, `-` for standard input, or a directory: all files of rules below it, by their endings. CODES are
    codes (FW101), beginnings of codes (FW1) and names (jump-cycle). `fwpolicy explain CODE` is the page of a check.

    Exit status: 0 clean, 1 findings at or above --fail-on, 2 something could not be read.
    """
    if statistics and out.kind not in ("text", "json"):
        raise click.UsageError(f"`--statistics` has no place in `--format {out.kind}`", click.get_current_context())
    from policy.app.lint import Linting, lint
    from policy.app.selection import selected

    how = Linting(selected(select, ignore), reading.language, reading.local, budget)
    gc.enable()
    with progress(out.style(err=True).color) as watch:
        linted = lint(paths, how, watch)
    _REPORTS[out.kind](linted, statistics, out)
    if linted.errors:
        return CANNOT
    return int(any(FAIL_ON.index(finding.severity) <= FAIL_ON.index(fail_on) for finding in linted.findings))


def _text(linted: Linted, statistics: bool, out: Output) -> None:
    from policy.report.lint_text import errors_text, findings_text, statistics_text, summary_text, undecided_text

    style = out.style()
    if linted.errors:
        out.message(errors_text(linted, out.style(err=True)))
    if statistics and (table := statistics_text(linted, style)):
        out.text(table + "\n")
    elif linted.findings and not statistics:
        out.text("\n".join(findings_text(linted, style)))
    if linted.undecided:
        out.message(undecided_text(linted.undecided, out.style(err=True)))
    out.text(summary_text(linted, style))


def _json(linted: Linted, statistics: bool, out: Output) -> None:
    from policy.report.lint_json import lint_json, statistics_json

    out.document({**lint_json(linted), **(statistics_json(linted) if statistics else {})})


def _sarif(linted: Linted, statistics: bool, out: Output) -> None:  # noqa: ARG001 (it has no place there)
    from policy.report.sarif import sarif

    out.compact = True  # nobody reads it, and it may be long
    out.document(sarif(linted))


def _github(linted: Linted, statistics: bool, out: Output) -> None:  # noqa: ARG001 (it has no place there)
    from policy.report.github import github_lines

    out.text("".join(f"{line}\n" for line in github_lines(linted)), end="")


_REPORTS = {"text": _text, "json": _json, "sarif": _sarif, "github": _github}
