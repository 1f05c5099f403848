"""Which checks `lint` runs, how long, and what makes it fail."""

from __future__ import annotations

import math
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from policy._record import dataclass
from policy.cli.options import Command, Reading, reading_options

if TYPE_CHECKING:
    from policy.app.linted import Linted, Linting

FAIL_ON = ("never", "error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options ask for."""

    reading: Reading
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    fail_on: str
    budget: float

    def linting(self) -> Linting:
        """Return how to lint; raises `CannotAnswer` for a check that is none."""
        from policy.app.linted import Linting, Treatment
        from policy.app.selection import selected

        checks = selected(self.select, self.ignore)
        return Linting(Treatment(checks, self.reading.language, self.reading.local), self.budget)

    def failed(self, linted: Linted) -> bool:
        """Is there a finding at or above `--fail-on`?"""
        return any(FAIL_ON.index(finding.severity) <= FAIL_ON.index(self.fail_on) for finding in linted.findings)


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


_OPTIONS = (
    click.option(
        "--select", multiple=True, metavar="CODES", help="Run these checks alone: `FW101,FW11` or names; several times."
    ),
    click.option(
        "--ignore", multiple=True, metavar="CODES", help="Do not run these checks, selected or not; several times."
    ),
    click.option(
        "--fail-on",
        type=click.Choice(FAIL_ON),
        default="warning",
        show_default=True,
        help="The least severity of a finding that makes the exit status 1.",
    ),
    click.option(
        "--budget",
        type=_Seconds(),
        default=60.0,
        metavar="SECONDS",
        help="How long the checks may take for one file (60), and how much they may work; the rest stays undecided.",
    ),
)


def wishes(command: Command) -> Command:
    """Add the options of `Wishes`, and those of reading: the command gets `wishes`."""

    @reading_options
    @wraps(command)
    def wrapper(
        *args: Any,
        reading: Reading,
        select: tuple[str, ...],
        ignore: tuple[str, ...],
        fail_on: str,
        budget: float,
        **others: Any,
    ) -> int:
        return command(*args, wishes=Wishes(reading, select, ignore, fail_on, budget), **others)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper
