"""What a text says, where each key and each value of it stands, and what is wrong with them."""

from __future__ import annotations

import re
from typing import Any

from policy._record import dataclass
from policy.app.config.kinds import At
from policy.diagnostic import Collector, Related
from policy.source import Source, Span

Path = tuple[str | int, ...]
"""The way to a value: keys, and numbers in lists."""


@dataclass(frozen=True, slots=True)
class Places:
    """What a text says; *keys* and *values* are the places of both, by the way to them."""

    source: Source
    value: Any
    keys: dict[Path, Span]
    values: dict[Path, Span]

    def span(self, at: At) -> Span:
        """Return the place of a value or key, or of what it is in."""
        places = self.keys if at.key else self.values
        path = at.path
        while path:
            found = places.get(path) or self.values.get(path) or self.keys.get(path)
            if found is not None:
                return found
            path = path[:-1]
        return Span(self.source, 0, 0)


_MOST_SHOWN = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _shown(text: str) -> str:
    """Return a message as one line that is not too long, whatever was written that it repeats."""
    text = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Notes:
    """A `Note` that collects what it is told, under a usual code; with `diagnostic.MOST` it raises `Mistakes`.

    Where something was *collected* before, nothing is to be added: what stands there was not read.
    """

    def __init__(self, places: Places, code: str, collected: Collector | None = None) -> None:
        self.collected = collected or Collector()
        self._unread = {each.span.start for each in self.collected.found}
        self._places = places
        self._code = code

    def __call__(
        self, at: At, message: str, help: str | None = None, code: str | None = None, related: tuple[Related, ...] = ()
    ) -> None:
        span = self._places.span(at)
        message, help = _shown(message), help and _shown(help)
        if span.start not in self._unread:
            self.collected.add(code or self._code, message, span, help, related)
        if self.collected.full:
            self.collected.check()
