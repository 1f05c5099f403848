"""What a lesson needs of a terminal: to say, to ask, to show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from policy.app.play import Playing
from policy.diagnostic import Diagnostic
from policy.learn.grade import Grade
from policy.simulate.play import Done
from policy.simulate.scenario import Scenario
from policy.source import Source

Tone = Literal["plain", "title", "page", "good", "bad", "faint"]


class Screen(Protocol):
    """Where a lesson is shown, and where its reader answers."""

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Show something; a *page* is Markdown."""

    def ask(self, question: str, keys: Sequence[str], default: str | None = None) -> str:
        """Return one of the *keys*, the *default* where nothing is typed; raises `Left` where nobody answers."""

    def edit(self, path: Path) -> str | None:
        """Let the reader change a file; return what is in the way of that."""

    def rules(self, text: Source) -> None:
        """Show rules, with the numbers of their lines."""

    def heading(self, scenario: Scenario) -> None:
        """Show what stands above a timeline."""

    def step(self, number: int, done: Done) -> None:
        """Show a step of a scenario."""

    def watched(self, playing: Playing) -> None:
        """Show what was watched while a scenario was played."""

    def grade(self, found: Grade) -> None:
        """Show what became of each promise, and the first packet that shows that one is broken."""

    def mistakes(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Show what is wrong with a text."""


class Left(Exception):
    """The reader has left the lesson."""


def ask(screen: Screen, question: str, *keys: str, default: str | None = None) -> str:
    """Return a key, or the *default*; raises `Left` for `q`, which is there at every question."""
    answer = screen.ask(f"{question}, q: leave", (*keys, "q"), default)
    if answer == "q":
        raise Left
    return answer
