"""How much work an analysis may do before it says that it is undecided."""

from __future__ import annotations

import time

STEPS = 30_000_000
"""The steps of one analysis; a step compares one rule with a part of another, in half a microsecond at most."""


class Exhausted(Exception):
    """The work that was allowed is done, and the answer is not known."""


class Budget:
    """Counts steps down. Steps alone give the same answers on every machine; *seconds* bound the time as well."""

    def __init__(self, steps: int = STEPS, seconds: float | None = None, parent: Budget | None = None) -> None:
        self.left = steps
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.parent = parent

    def spend(self, steps: int) -> None:
        """Note work, before it is done; raises `Exhausted` when that is more than what is left."""
        self.left -= steps
        if self.parent is not None:
            self.parent.spend(steps)
        if self.left < 0 or (self.deadline is not None and time.monotonic() > self.deadline):
            self.left = -1
            raise Exhausted

    def share(self, steps: int) -> Budget:
        """Return a budget of *steps* for one of many questions; what it spends is spent here too."""
        return Budget(steps, parent=self)
