"""The terminal of a lesson: pages, questions that are answered by a line, an editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from policy.app.play import Playing
from policy.cli.asking import answered
from policy.cli.output import Output
from policy.diagnostic import Diagnostic
from policy.learn.grade import Grade
from policy.learn.lesson import Course, Lesson
from policy.learn.progress import Progress
from policy.learn.screen import Left, Tone
from policy.learn.walk import Walk
from policy.report.lesson_text import grade_text
from policy.report.numbered import numbered
from policy.report.style import clean, folded
from policy.report.timeline_text import heading, step_text
from policy.report.watched_text import watched_text
from policy.simulate.play import Done
from policy.simulate.scenario import Scenario
from policy.source import Source

_LOOKS: dict[Tone, str] = {"title": "name", "good": "good", "bad": "bad", "faint": "faint"}
WIDEST = 80


class Terminal:
    """A screen that is a terminal, or (*plain*) a stream of text: then pages are as they were written.

    Answers are lines, so that it works over any connection, in a pipe and with a screen reader.
    """

    def __init__(self, out: Output, *, plain: bool) -> None:
        self._out = out
        self._plain = plain
        self._style = out.style()

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Show something."""
        if tone == "page":
            self._out.text(self._page(text).rstrip("\n") + "\n")
        elif tone == "title":
            self._out.text(f"{self._style(self._folded(text, 0), 'name')}\n")
        else:
            look = _LOOKS.get(tone)
            lines = "\n".join(self._folded(line, 3 if line.startswith(" ") else 0) for line in text.split("\n"))
            self._out.text(self._style(lines, look) if look else lines)

    def ask(self, question: str, keys: Sequence[str], default: str | None = None) -> str:
        """Return one of the keys, or the default."""
        given = answered(self._out, question, keys, default)
        if given is None:
            raise Left
        return given

    def edit(self, path: Path) -> str | None:
        """Open the editor of the user; return what is in the way."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not sys.stdin.isatty():
            return "An editor needs a terminal"
        if not editor:
            return "No editor is named: set EDITOR"
        try:
            words = shlex.split(editor)
            if not words:
                return "No editor is named: set EDITOR"
            status = subprocess.run([*words, str(path)], check=False).returncode
        except (OSError, ValueError) as error:
            return f"The editor `{editor}` cannot be started ({error})"
        return f"The editor `{editor}` ended with status {status}" if status else None

    def rules(self, text: Source) -> None:
        """Show rules, with the numbers of their lines."""
        self._out.text("\n".join(numbered(text, self._columns)) + "\n")

    def heading(self, scenario: Scenario) -> None:
        """Show what stands above a timeline."""
        title, *hosts = heading(scenario, self._style).split("\n")
        about = [self._folded(clean(scenario.about), 0)] if scenario.about else []
        self._out.text("\n".join([title, *about, *(self._folded(host) for host in hosts)]))

    def step(self, number: int, done: Done) -> None:
        """Show a step of a scenario."""
        self._out.text(self._folded(step_text(number, done, self._style)))

    def watched(self, playing: Playing) -> None:
        """Show what was watched."""
        if text := watched_text(playing, self._style, everything=True):
            self._out.text(f"\n{self._folded(text)}")

    def grade(self, found: Grade) -> None:
        """Show what became of each promise."""
        self._out.text(grade_text(found, self._style))

    def mistakes(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Show what is wrong with a text."""
        from policy.report.diagnostics_text import diagnostics_text

        self._out.text(diagnostics_text(diagnostics, self._style))

    @property
    def _columns(self) -> int:
        return min(self._style.columns or WIDEST, WIDEST)

    def _folded(self, text: str, hanging: int = 4) -> str:
        return folded(text, self._columns, hanging)

    def _page(self, text: str) -> str:
        if self._plain or not self._style.color:
            return text
        from rich.markdown import Markdown

        from policy.report.drawn import drawn

        return drawn(Markdown(text, code_theme="ansi_dark"), self._style, self._columns)


def walk(
    lesson: Lesson, course: Course, progress: Progress, folder: str | None, out: Output, wishes: str, *, plain: bool
) -> bool:
    """Go through a lesson with whoever sits at the terminal; their file is in a folder, or in this one.

    *wishes* stand behind `fwpolicy learn N`. Return whether they came to the end, and solved the exercise.
    """
    screen = Terminal(out, plain=plain)
    going = Walk(lesson, len(course.lessons), screen, progress, Path(folder or "."), wishes)
    ended = going.run()
    following = next((each for each in course.lessons if each.number > lesson.number), None)
    if ended and following is not None:
        screen.say(f"\nNext: `fwpolicy learn {following.number}{clean(wishes)}`, {following.title}.", "faint")
    elif ended:
        screen.say("\nThat was the last lesson.", "faint")
    return ended and going.solved
