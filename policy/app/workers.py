"""Lint many texts at once, in processes of their own where that saves time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from threading import Thread

from policy.app.linted import Linted
from policy.app.unit import Unit, Watch, lint_unit
from policy.diagnostic import unreadable
from policy.source import Unreadable, replaced, replacements

WORTH = 200_000
"""Fewer characters than these take less time than starting processes does."""


def lint_units(units: Sequence[Unit], seconds: float, watch: Watch | None = None) -> Iterator[Linted]:
    """Yield what the checks find in each of some units, in no particular order."""
    count = min(len(units), _processors())
    if count < 2 or sum(unit.size for unit in units) < WORTH:
        yield from (lint_unit(unit, seconds, watch) for unit in units)
        return
    broken = []
    with _pool(count) as pool:
        largest_first = sorted(units, key=lambda unit: unit.size, reverse=True)
        waiting = {pool.submit(_lint, unit, seconds, replacements()): unit for unit in largest_first}
        for number, done in enumerate(as_completed(waiting), 1):
            unit = waiting[done]
            if watch:
                watch(unit.texts[0][0].name, f"{number} of {len(units)} done")
            try:
                yield done.result()
            except BrokenProcessPool:
                broken.append(unit)
    # Where one process has been ended, the others' work is lost too; alone, there may be memory enough.
    yield from (_alone(unit, seconds) for unit in broken)


def _pool(count: int) -> ProcessPoolExecutor:
    # Not forked: the command may have a thread that shows what is being done, and libraries have threads of their own.
    return ProcessPoolExecutor(count, get_context("spawn"), _begin)


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


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    """Have a process end with the one that started it, and silently when it is interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Thread(target=_watch_over, daemon=True).start()


def _watch_over() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
