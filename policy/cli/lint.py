"""`fwpolicy lint`: is anything wrong with these rules?"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, NamedTuple

import click

from policy.cli.options import CANNOT, formats
from policy.cli.output import Output
from policy.cli.progress import progress
from policy.cli.reports import COUNTED, REPORTS, report
from policy.cli.wishes import Wishes, wishes

if TYPE_CHECKING:
    from policy.app.linted import Linted, Linting


class Fixing(NamedTuple):
    """How to fix: *unsafe* fixes too, only to show a *diff*, with *statistics*."""

    unsafe: bool
    diff: bool
    statistics: bool


@click.command("lint")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@wishes
@click.option("--statistics", is_flag=True, help="Count the findings of each check; as text, instead of showing them.")
@click.option("--fix", is_flag=True, help="Write what can be fixed, if it is proved that the rules mean the same.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="Make fixes, too, that change what they say, or that may not be meant."
)
@click.option("--diff", is_flag=True, help="Write nothing; show what --fix would change.")
@formats(*REPORTS)
def command(
    paths: tuple[str, ...],
    wishes: Wishes,
    statistics: bool,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    out: Output,
) -> int:
    """Is anything wrong with these rules?

    PATH is a file, `-` for standard input, or a directory: all files of rules below it, by their endings. CODES are
    codes (FW101), beginnings of codes (FW1) and names (jump-cycle). `fwpolicy explain CODE` is the page of a check.

    Exit status: 0 clean, 1 findings at or above --fail-on (with --fix: those that are left), or with --diff a file
    would change, 2 something could not be read.
    """
    if statistics and out.kind not in COUNTED:
        raise click.UsageError(f"`--statistics` has no place in `--format {out.kind}`", click.get_current_context())
    _usable(paths, fix, diff, out)
    how = wishes.linting()
    gc.enable()
    if fix or diff:
        return _fix(paths, how, Fixing(unsafe_fixes, diff, statistics), wishes, out)
    from policy.app.lint import lint

    with progress(out.style(err=True).color) as watch:
        linted = lint(paths, how, watch)
    _tell(linted, statistics, out)
    return CANNOT if linted.errors else int(wishes.failed(linted))


def _usable(paths: tuple[str, ...], fix: bool, diff: bool, out: Output) -> None:
    context = click.get_current_context()
    if diff and out.kind != "text":
        raise click.UsageError(f"`--diff` has no place in `--format {out.kind}`", context)
    if fix and not diff and "-" in paths:
        raise click.UsageError("standard input (`-`) cannot be written: `--diff` shows what would change", context)


def _fix(paths: tuple[str, ...], how: Linting, wanted: Fixing, wishes: Wishes, out: Output) -> int:
    """Fix, and say what was done and what is left."""
    from policy.app.fixing import fix
    from policy.app.written import write
    from policy.report.fixes_text import fixed_text, refusals_text

    with progress(out.style(err=True).color) as watch:
        fixed = fix(paths, how, wanted.unsafe, watch)
    if wanted.diff:
        from policy.report.diff_text import diff_text

        for draft in fixed.drafts:
            out.text(diff_text(draft.diff(), out.style()))
    else:
        write(fixed.drafts)
        _tell(fixed.linted, wanted.statistics, out)
    if fixed.refused:
        out.message(refusals_text(fixed.refused, out.style(err=True)))
    out.message(fixed_text(fixed, written=not wanted.diff))
    if fixed.linted.errors:
        return CANNOT
    return int(wishes.failed(fixed.linted) or bool(wanted.diff and fixed.drafts))


def _tell(linted: Linted, statistics: bool, out: Output) -> None:
    """Say what was found, and as messages what could not be read or decided, where the format has no place for it."""
    from policy.report.lint_text import errors_text, undecided_text

    if out.kind == "text":
        if linted.errors:
            out.message(errors_text(linted, out.style(err=True)))
        if linted.undecided:
            out.message(undecided_text(linted.undecided, out.style(err=True)))
    out.text(report(linted, out.kind, statistics, out.style()), end="")
