"""A line on the terminal that says what is being done, once that takes long, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

PATIENCE = 1.0
"""Seconds before the line appears."""


@contextmanager
def progress(color: bool) -> Iterator[Callable[[str, str], None] | None]:
    """Give a function that is told on which file one is at work, and what one does; None off a terminal."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    line = _Line(color)
    try:
        yield line.say
    finally:
        line.end()


class _Line:
    """The line, drawn by a thread of its own, so that it also turns while one step takes long."""

    def __init__(self, color: bool) -> None:
        self._color = color
        self._text = ""
        self._over = Event()
        self._thread = Thread(target=self._draw, daemon=True)
        self._thread.start()

    def say(self, file: str, what: str) -> None:
        """Say what is being done now."""
        self._text = f"{file}: {what}"

    def end(self) -> None:
        """Take the line away."""
        self._over.set()
        self._thread.join()

    def _draw(self) -> None:
        if self._over.wait(PATIENCE):
            return
        from rich.console import Console
        from rich.text import Text

        from policy.report.style import shortened

        console = Console(stderr=True, no_color=not self._color, highlight=False)
        with console.status("") as status:
            while not self._over.wait(0.1):
                status.update(Text(shortened(self._text, max(20, console.width - 4))))
