"""How files are linted: what the configuration says, and what the command says before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from policy._record import dataclass
from policy.app.config.keys import Running
from policy.app.config.read import Configuration, Given, Globs, together
from policy.app.linted import Linting, Treatment
from policy.app.load import load_sets
from policy.app.problem import CannotAnswer
from policy.app.selection import checks_of, selected
from policy.check import Check, Settings
from policy.diagnostic import Severity
from policy.host import UNKNOWN_HOST, Host

Choose = Callable[[tuple[str, ...], tuple[str, ...]], tuple[Check, ...]]
"""Says which checks are selected and not ignored."""

Sets = Callable[[tuple[str, ...]], Host]
"""Reads the sets of some files."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is linted, how, and what makes it fail; *baseline* is the path of the file of known findings."""

    paths: tuple[str, ...]
    linting: Linting
    fail_on: str
    baseline: str | None


def plan(paths: Sequence[str], configured: Configuration | None, wishes: Given, today: date | None) -> Plan:
    """Return how to lint *paths*, or those of the configuration: *wishes* win.

    Raises `CannotAnswer` where there is nothing to lint, or a wish is for a check that is none.
    """
    configured = configured or Configuration(Path(), {})
    usual = _wished(configured.usual, wishes)
    running = Running(**_of(Running, usual))
    named = tuple(paths) or running.paths
    if not named:
        raise CannotAnswer("there is nothing to lint", "name files or directories, or write `paths` in a configuration")
    choose, sets = cache(selected), cache(load_sets)

    def special(path: str) -> Treatment:
        return _treatment(_wished(configured.given(path), wishes), today, choose, sets)

    linting = Linting(
        _treatment(usual, today, choose, sets),
        running.budget,
        special if configured.special else None,
        Globs(configured.folder, running.exclude).match if running.exclude else None,
    )
    return Plan(named, linting, running.fail_on, running.baseline)


def _wished(given: Given, wishes: Given) -> Given:
    """Return what holds with the wishes: checks that are selected there are those that are run."""
    if "select" in wishes:
        given = {name: value for name, value in given.items() if name not in ("select", "ignore")}
    return together(given, wishes)


def _treatment(given: Given, today: date | None, choose: Choose, sets: Sets) -> Treatment:
    said = [(checks_of(word), severity) for word, severity in given.get("severity", {}).items()]
    severities: dict[str, Severity] = {}
    for checks, severity in sorted(said, key=lambda each: -len(each[0])):  # the narrowest last
        severities |= {check.code: severity for check in checks}
    return Treatment(
        choose(tuple(given.get("select", ())), tuple(given.get("ignore", ()))),
        given.get("language"),
        given.get("local", UNKNOWN_HOST) | sets(tuple(given.get("ipset", ()))),
        Settings(**_of(Settings, given), today=today),
        severities,
    )


def _of(owner: type, given: Given) -> dict[str, Any]:
    """Return what is given of the fields of a class; of what has names the values, which know them."""
    found = {each.name: given[each.name] for each in fields(owner) if each.name in given}
    if "zones" in found:
        found["zones"] = tuple(found["zones"].values())
    return found
