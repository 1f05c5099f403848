"""The line that says what is being done: on a terminal, once it takes long, and gone at the end."""

from __future__ import annotations

import io
import time

import pytest

from policy.cli import progress as module
from policy.cli.progress import progress


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(monkeypatch: pytest.MonkeyPatch, patience: float, color: bool = False) -> str:
    """Return what work writes to a terminal that goes on until the line is there, or for a moment."""
    stream = Stream(True)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(module, "PATIENCE", patience)
    ends = time.monotonic() + 0.2 + 20 * (patience < 1)
    with progress(color) as say:
        assert say
        say("rules.fw", "FW101 at\x1b[31m work")
        while time.monotonic() < ends and "rules.fw" not in stream.getvalue():
            time.sleep(0.02)
    return stream.getvalue()


def test_long_work_is_shown_and_the_line_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, 0.01)
    assert "rules.fw: FW101 at␛[31m work" in text
    assert text.endswith("\x1b[2K")  # the line is cleared


def test_colour_is_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[32m" not in shown(monkeypatch, 0.01)
    assert "\x1b[32m" in shown(monkeypatch, 0.01, color=True)


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, 60) == ""


def test_nothing_is_shown_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(False)
    monkeypatch.setattr("sys.stderr", stream)
    with progress(True) as say:
        assert say is None
    monkeypatch.setattr("sys.stderr", Stream(True))
    monkeypatch.setenv("TERM", "dumb")
    with progress(True) as say:
        assert say is None
