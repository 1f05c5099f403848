"""Which checks `lint` runs, how long, and what makes it fail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from policy._record import dataclass
from policy.cli.options import Command, Reading, reading_options

if TYPE_CHECKING:
    from policy.app.config.plan import Plan
    from policy.app.config.read import Given


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options ask for; *given* has those that were said, by the attributes of `app.config.keys`."""

    reading: Reading
    given: Given
    today: date

    def plan(self, paths: Sequence[str]) -> Plan:
        """Return how to lint *paths*, with what the configuration says."""
        from policy.app.config.plan import plan

        configured = self.reading.configuration(paths[0] if paths else ".", whole=True)
        how = self.reading
        reading = {"language": how.language, "local": how.host, "ipset": how.ipset}
        said = {name: value for name, value in {**self.given, **reading}.items() if value not in (None, ())}
        return plan(paths, configured, said, self.today)


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
        type=click.Choice(("never", "error", "warning", "info")),
        help="The least severity of a finding that makes the exit status 1 (warning).",
    ),
    click.option(
        "--budget",
        type=_Seconds(),
        metavar="SECONDS",
        help="How long the checks may take for one file (60), and how much they may work; the rest stays undecided.",
    ),
    click.option("--baseline", metavar="FILE", help="Hide the findings that this file knows (see --write-baseline)."),
)


def wishes(command: Command) -> Command:
    """Add the options of `Wishes`, and those of reading: the command gets `wishes`."""

    @reading_options
    @click.option(
        "--today", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The date, by default that of the clock."
    )
    @wraps(command)
    def wrapper(*args: Any, reading: Reading, today: datetime | None, **others: Any) -> int:
        given = {name: others.pop(name) for name in ("select", "ignore", "fail_on", "budget", "baseline")}
        date = (today or datetime.now().astimezone()).date()
        return command(*args, wishes=Wishes(reading, given, date), **others)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper
