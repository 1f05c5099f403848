"""What was tried lately: different keys (ports, or targets) within some time."""

from __future__ import annotations

from collections import OrderedDict

from policy._record import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """When something was tried for the *first* time and the last, and how that ended."""

    first: float
    last: float
    allowed: bool
    found: bool


class Window:
    """Keys that were tried within some seconds; *missed* counts those where nothing was found the last time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.missed = 0
        self.marks: OrderedDict[int, Mark] = OrderedDict()  # whose first key is found at once

    def put(self, key: int, at: float, *, allowed: bool, found: bool) -> None:
        """Note an attempt, and forget what is too long ago; times never go back."""
        while self.marks:
            oldest = next(iter(self.marks))
            if at - self.marks[oldest].last <= self.seconds:
                break
            self.drop(oldest)
        old = self.drop(key)
        self.marks[key] = Mark(at if old is None else old.first, at, allowed, found)
        self.missed += not found

    def drop(self, key: int) -> Mark | None:
        """Forget a key."""
        old = self.marks.pop(key, None)
        if old is not None:
            self.missed -= not old.found
        return old
