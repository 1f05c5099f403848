"""`fwpolicy lint`: is anything wrong with these rules?"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import click

from policy.cli.options import CANNOT
from policy.cli.progress import progress
from policy.cli.telling import Telling, telling
from policy.cli.wishes import Wishes, wishes

if TYPE_CHECKING:
    from policy.app.baseline import Hide
    from policy.app.config.plan import Plan


@click.command("lint")
@click.argument("paths", nargs=-1, metavar="PATH…")
@wishes
@click.option(
    "--write-baseline",
    is_flag=True,
    help="Make the file of --baseline (.fwpolicy-baseline.json) know all that is found, and forget what is not.",
)
@click.option("--fix", is_flag=True, help="Write what can be fixed, if it is proved that the rules mean the same.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="Make fixes, too, that change what they say, or that may not be meant."
)
@click.option("--diff", is_flag=True, help="Write nothing; show what --fix would change.")
@telling
def command(
    paths: tuple[str, ...],
    wishes: Wishes,
    write_baseline: bool,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    telling: Telling,
) -> int:
    """Is anything wrong with these rules?

    PATH is a file, `-` for standard input, or a directory: all files of rules below it, by their endings; without any,
    the `paths` of the configuration. CODES are codes (FW101), beginnings of codes (FW1) and names (jump-cycle).
    `fwpolicy explain CODE` is the page of a check.

    Exit status: 0 clean, 1 findings at or above --fail-on (with --fix: those that are left), or with --diff a file
    would change, 2 something could not be read, or the answer not written.
    """
    if diff and write_baseline:
        raise click.UsageError("with `--diff` nothing is written, no baseline either", click.get_current_context())
    from policy.app.baseline import hiding

    plan = wishes.plan(paths)
    hide = hiding(plan.baseline, write_baseline)
    gc.enable()
    if diff:
        return _show_fixes(plan, hide, unsafe_fixes, telling)
    if fix:
        return _fix(plan, hide, write_baseline, unsafe_fixes, telling)
    from policy.app.lint import lint

    with progress(telling.out.style(err=True).color) as watch:
        linted = lint(plan.paths, plan.linting, watch)
    hide(linted)
    telling.tell(linted, plan.fail_on)
    return CANNOT if linted.errors else int(linted.failed(plan.fail_on))


def _show_fixes(plan: Plan, hide: Hide, unsafe: bool, telling: Telling) -> int:
    """Show what fixing would change."""
    from policy.app.fixing import fix
    from policy.report.diff_text import diff_text
    from policy.report.fixes_text import fixed_text, refusals_text

    out = telling.out
    if out.kind != "text" or telling.files:
        raise click.UsageError("`--diff` is shown as text alone", click.get_current_context())
    with progress(out.style(err=True).color) as watch:
        fixed = fix(plan.paths, plan.linting, unsafe, watch, hide)
    for draft in fixed.drafts:
        out.text(diff_text(draft.diff(), out.style()))
    if fixed.refused:
        out.message(refusals_text(fixed.refused, out.style(err=True)))
    out.message(fixed_text(fixed, written=False))
    return CANNOT if fixed.linted.errors else int(bool(fixed.drafts) or fixed.linted.failed(plan.fail_on))


def _fix(plan: Plan, hide: Hide, write_baseline: bool, unsafe: bool, telling: Telling) -> int:
    """Fix, and say what was done and what is left; that is then what a new baseline knows."""
    from policy.app.fixing import fix
    from policy.app.written import write
    from policy.report.fixes_text import fixed_text, refusals_text

    out = telling.out
    if "-" in plan.paths:
        context = click.get_current_context()
        raise click.UsageError("standard input (`-`) cannot be written: `--diff` shows what would change", context)
    with progress(out.style(err=True).color) as watch:
        fixed = fix(plan.paths, plan.linting, unsafe, watch, None if write_baseline else hide)
    write(fixed.drafts)
    if write_baseline:
        hide(fixed.linted)
    telling.tell(fixed.linted, plan.fail_on)
    if fixed.refused:
        out.message(refusals_text(fixed.refused, out.style(err=True)))
    out.message(fixed_text(fixed, written=True))
    return CANNOT if fixed.linted.errors else int(fixed.linted.failed(plan.fail_on))
