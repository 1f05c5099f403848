"""How much an exact answer may cost, and what is raised when it costs more."""

from __future__ import annotations

import time


class Exhausted(Exception):
    """The budget is spent: the question is undecided. The text is the limit that was met."""


class Budget:
    """Limits that all engines share, and what is left of them.

    *seconds* count from when the budget is made (None: no limit). *nodes* of a diagram are about 40 bytes each;
    *boxes* are those of one list. A *step* compares one rule with a part of another, in half a microsecond at most.
    *ways* through the rules, which change packets differently, are followed side by side.
    All but the seconds give the same answers on every machine.
    """

    def __init__(
        self,
        seconds: float | None = 60.0,
        nodes: int = 1 << 24,
        boxes: int = 20_000,
        steps: int = 30_000_000,
        ways: int = 200,
        parent: Budget | None = None,
    ) -> None:
        self.seconds = seconds
        self.nodes = nodes
        self.boxes = boxes
        self.steps = steps
        self.ways = ways
        self.left = steps
        self._parent = parent
        self._ends = None if seconds is None else time.monotonic() + seconds

    def check(self) -> None:
        """Raise `Exhausted` when the time is over."""
        if self._parent is not None:
            self._parent.check()
        if self._ends is not None and time.monotonic() > self._ends:
            raise Exhausted(f"{self.seconds:g} seconds")

    @property
    def remaining(self) -> float | None:
        """How many seconds are left, None: there is no limit."""
        return None if self._ends is None else self._ends - time.monotonic()

    def spend(self, steps: int) -> None:
        """Note work, before it is done; raises `Exhausted` when that is more than what is left."""
        self.left -= steps
        if self._parent is not None:
            self._parent.spend(steps)
        if self.left < 0:
            raise Exhausted(f"{self.steps:,} steps")
        self.check()

    def part(self, share: float) -> Budget:
        """Return a budget of a share of the seconds, from now on; what it spends is spent here too."""
        seconds = None if self.seconds is None else self.seconds * share
        return Budget(seconds, self.nodes, self.boxes, self.steps, self.ways, self)

    def lift(self) -> None:
        """Let this budget have no seconds of its own any more; those of the one that it is a part of still hold."""
        self._ends = None

    def share(self, steps: int) -> Budget:
        """Return a budget of *steps* for one of many questions; what it spends is spent here too."""
        return Budget(None, self.nodes, self.boxes, steps, self.ways, self)

    def __str__(self) -> str:
        limits = [f"{self.nodes:,} nodes", f"{self.boxes:,} boxes", f"{self.steps:,} steps"]
        return ", ".join(limits if self.seconds is None else [f"{self.seconds:g} seconds", *limits])
