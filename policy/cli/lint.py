"""`fwpolicy lint`: is anything wrong with these rules?"""

from __future__ import annotations

import gc

import click

from policy.cli.options import CANNOT
from policy.cli.progress import progress
from policy.cli.telling import Telling, telling
from policy.cli.wishes import Wishes, wishes


@click.command("lint")
@click.argument("paths", nargs=-1, metavar="PATH…")
@wishes
@telling
def command(paths: tuple[str, ...], wishes: Wishes, telling: Telling) -> int:
    """Is anything wrong with these rules?

    PATH is a file, `-` for standard input, or a directory: all files of rules below it, by their endings; without any,
    the `paths` of the configuration. CODES are codes (FW101), beginnings of codes (FW1) and names (jump-cycle).
    `fwpolicy explain CODE` is the page of a check.

    Exit status: 0 clean, 1 findings at or above --fail-on, 2 something could not be read, or the answer not written.
    """
    from policy.app.lint import lint

    plan = wishes.plan(paths)
    gc.enable()
    with progress(telling.out.style(err=True).color) as watch:
        linted = lint(plan.paths, plan.linting, watch)
    telling.tell(linted, plan.fail_on)
    return CANNOT if linted.errors else int(linted.failed(plan.fail_on))
