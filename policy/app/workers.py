"""Lint texts in processes of their own where that saves time: many of them, or the checks of a long one."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

from policy.app.checking import Found
from policy.app.linted import Linted
from policy.app.unit import Reading, Unit, Watch, lint_unit, read
from policy.check import Check
from policy.diagnostic import unreadable
from policy.source import Unreadable, replaced, replacements
from policy.written import Place

WORTH = 200_000
"""Fewer characters than these take less time than starting processes does."""

MANY = 20
"""Fewer checks than these take less time on one text than reading it twice does."""

TOGETHER = ("FW107", "FW110")
"""These two checks take longest on long lists, and what one finds out about every rule the other needs, too."""


def lint_units(units: Sequence[Unit], seconds: float, watch: Watch | None = None) -> Iterator[Linted]:
    """Yield what the checks find in each of some units, in no particular order."""
    worth = _processors() > 1 and sum(unit.size for unit in units) >= WORTH
    if worth and len(units) > 1:
        yield from _apart(units, seconds, watch)
    elif worth and max(len(how.checks) for unit in units for _, how in unit.texts) >= MANY:
        yield _shared(units[0], seconds, watch)
    else:
        yield from (lint_unit(unit, seconds, watch) for unit in units)


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Many units


def _apart(units: Sequence[Unit], seconds: float, watch: Watch | None) -> Iterator[Linted]:
    """Yield what is found in each unit by the process that looks at it."""
    broken = []
    with _pool(min(len(units), _processors())) as pool:
        largest_first = sorted(units, key=lambda unit: unit.size, reverse=True)
        waiting = {pool.submit(_lint, unit, seconds, replacements()): unit for unit in largest_first}
        for number, done in enumerate(as_completed(waiting), 1):
            unit = waiting[done]
            if watch:
                watch(unit.name, f"{number} of {len(units)} done")
            try:
                yield done.result()
            except BrokenProcessPool:
                broken.append(unit)
    # Where one process has been ended, the others' work is lost too; alone, there may be memory enough.
    yield from (_alone(unit, seconds) for unit in broken)


def _alone(unit: Unit, seconds: float) -> Linted:
    """Return what the checks find in one unit, or that its process has been ended from outside."""
    try:
        with _pool(1) as pool:
            return pool.submit(_lint, unit, seconds, replacements()).result()
    except BrokenProcessPool:
        what = "could not be linted: the process that did it was ended, perhaps for want of memory"
        return Linted((), errors=[unreadable(Unreadable(text.name, what, "split it")) for text, _ in unit.texts])


def _lint(unit: Unit, seconds: float, texts: Mapping[str, str]) -> Linted:
    with replaced(texts):
        return lint_unit(unit, seconds)


# The checks of one unit

_readings: list[Reading] = []
"""In a process that shares in a unit: what comes of reading it."""


def _shared(unit: Unit, seconds: float, watch: Watch | None) -> Linted:
    """Return what is found in a unit by two processes that share its checks; both read it."""
    try:
        with _pool(2, unit, seconds, replacements()) as pool:
            if watch:
                watch(unit.name, "reading")
            reading = pool.submit(_linted)
            finding = {
                pool.submit(_find, number, checks): (number, checks[0])
                for number, (_, how) in enumerate(unit.texts)
                for checks in _parts(how.checks)
            }
            found = [Found() for _ in unit.texts]
            for done in as_completed(finding):
                number, check = finding[done]
                if watch:
                    watch(unit.texts[number][0].name, f"{check.code} {check.name}")
                found[number].add(done.result())
            reviewing: list[Future[Linted]] = [
                pool.submit(_review, number, check, found[number].ran, found[number].used)
                for number, (_, how) in enumerate(unit.texts)
                for check in how.checks
                if check.review
            ]
            result = reading.result()
            for linted in (*(each.linted for each in found), *(done.result() for done in reviewing)):
                result.add(linted)
            return result
    except BrokenProcessPool:
        return _alone(unit, seconds)


def _read(unit: Unit, seconds: float, texts: Mapping[str, str]) -> None:
    with replaced(texts):
        _readings.append(read(unit, seconds))
    gc.freeze()


def _linted() -> Linted:
    """Return the files and errors of the unit."""
    return _readings[0].linted


def _parts(checks: Sequence[Check]) -> list[list[Check]]:
    """Return checks as they are handed out: what takes longest first, so that nobody waits for it at the end."""
    together = [check for check in checks if check.code in TOGETHER]
    return [*([together] if together else []), *([check] for check in checks if check.code not in TOGETHER)]


def _find(number: int, checks: Sequence[Check]) -> Found:
    """Return what some checks find in one of the texts."""
    checking = _readings[0].checkings.get(number)
    found = Found()
    if checking:
        for check in checks:
            found.add(checking.find(check))
    return found


def _review(number: int, check: Check, ran: set[str], used: set[tuple[Place, str]]) -> Linted:
    """Return what a check says about what was found in one of the texts."""
    checking = _readings[0].checkings.get(number)
    return checking.review(check, Found(ran=ran, used=used)) if checking else Linted(())


# Processes


def _pool(count: int, *unit: object) -> ProcessPoolExecutor:
    """Return so many processes; each begins with reading the unit to be shared, if there is one."""
    # Not forked: the command may have a thread that shows what is being done, and libraries have threads of their own.
    return ProcessPoolExecutor(count, get_context("spawn"), _begin, unit)


def _begin(*unit: Any) -> None:
    """Have a process end with the one that started it, and silently when it is interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Thread(target=_watch_over, daemon=True).start()
    if unit:
        _read(*unit)


def _watch_over() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
