"""`fwpolicy lint`: is anything wrong with these rules?"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import click

from policy.cli.options import CANNOT, formats
from policy.cli.output import Output
from policy.cli.progress import progress
from policy.cli.reports import COUNTED, REPORTS, report
from policy.cli.wishes import Wishes, wishes

if TYPE_CHECKING:
    from policy.app.baseline import Baseline
    from policy.app.linted import Linted


@click.command("lint")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@wishes
@click.option("--baseline", metavar="FILE", help="Hide the findings that this file knows.")
@click.option(
    "--write-baseline",
    is_flag=True,
    help="Make the file of `--baseline` (.fwpolicy-baseline.json) know all that is found now, and forget the rest.",
)
@click.option("--statistics", is_flag=True, help="Count the findings of each check; as text, instead of showing them.")
@formats(*REPORTS)
def command(
    paths: tuple[str, ...], wishes: Wishes, baseline: str | None, write_baseline: bool, statistics: bool, out: Output
) -> int:
    """Is anything wrong with these rules?

    PATH is a file, `-` for standard input, or a directory: all files of rules below it, by their endings. CODES are
    codes (FW101), beginnings of codes (FW1) and names (jump-cycle). `fwpolicy explain CODE` is the page of a check.

    Exit status: 0 clean, 1 findings at or above --fail-on, 2 something could not be read.
    """
    if statistics and out.kind not in COUNTED:
        raise click.UsageError(f"`--statistics` has no place in `--format {out.kind}`", click.get_current_context())
    from policy.app.lint import lint

    how = wishes.linting()
    known = _known(baseline, write_baseline)
    gc.enable()
    with progress(out.style(err=True).color) as watch:
        linted = lint(paths, how, watch)
    if known and write_baseline:
        _renew(known, linted, out)
    if known:
        known.hide(linted)
    _tell(linted, statistics, out)
    return CANNOT if linted.errors else int(wishes.failed(linted))


def _known(path: str | None, renewed: bool) -> Baseline | None:
    """Return the baseline at *path*, if any; one that is to be *renewed* need not be there yet."""
    if path is None and not renewed:
        return None
    from policy.app.baseline import NAME, Baseline, read

    path = path or NAME
    return Baseline(path) if renewed and not Path(path).exists() else read(path)


def _renew(known: Baseline, linted: Linted, out: Output) -> None:
    from policy.app.baseline import write

    known.renew(linted)
    write(known)
    out.message(f"findings that `{known.path}` knows now: {known.counts.total():,}")


def _tell(linted: Linted, statistics: bool, out: Output) -> None:
    """Say what was found, and as messages what could not be read or decided, where the format has no place for it."""
    from policy.report.lint_text import errors_text, undecided_text

    if out.kind == "text":
        if linted.errors:
            out.message(errors_text(linted, out.style(err=True)))
        if linted.undecided:
            out.message(undecided_text(linted.undecided, out.style(err=True)))
    out.text(report(linted, out.kind, statistics, out.style()), end="")
