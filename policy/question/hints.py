"""What to do about names that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable

from policy.diagnostic import Collector, did_you_mean

_ENOUGH = 30


def hint(word: str, known: Iterable[str], collector: Collector) -> str | None:
    """Return `did_you_mean`, or None once there are so many mistakes that looking for more would take long."""
    return did_you_mean(word, known) if len(collector.found) < _ENOUGH and len(word) < 64 else None
