"""The terminal of a lesson: pages, questions that are answered by a line, an editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from policy.cli.output import Output
from policy.diagnostic import Diagnostic
from policy.learn.grade import Grade
from policy.learn.lesson import Course, Lesson
from policy.learn.progress import Progress
from policy.learn.walk import Left, Tone, Walk
from policy.report.lesson_text import grade_text
from policy.report.timeline_text import heading, step_text
from policy.simulate.play import Done
from policy.simulate.scenario import Scenario

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
            self._out.text(self._page(text))
        elif tone == "title":
            self._out.text(f"{self._style(text, 'name')}\n")
        else:
            look = _LOOKS.get(tone)
            lines = "\n".join(_folded(line) for line in text.split("\n"))
            self._out.text(self._style(lines, look) if look else lines)

    def ask(self, question: str, keys: Sequence[str]) -> str:
        """Return one of the keys."""
        while True:
            self._out.text(f"{self._style(f'[{question}]', 'mark')} ", end="")
            sys.stdout.flush()
            line = sys.stdin.readline()
            if not line:
                self._out.text("")
                raise Left
            answer = line.strip().lower()
            if not sys.stdin.isatty():
                self._out.text(answer)
            if answer in keys:
                return answer
            if not answer:
                return keys[0]
            known = ", ".join(f"`{key}`" if key else "Enter" for key in keys)
            self._out.text(f"There is no `{answer[:20]}` here: type {known}.")

    def edit(self, path: Path) -> bool:
        """Open the editor of the user."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not editor or not sys.stdin.isatty():
            return False
        try:
            subprocess.run([*shlex.split(editor), str(path)], check=False)
        except (OSError, ValueError):
            return False
        return True

    def heading(self, scenario: Scenario) -> None:
        """Show what stands above a timeline."""
        self._out.text(f"{heading(scenario, self._style)}\n")

    def step(self, number: int, done: Done) -> None:
        """Show a step of a scenario."""
        self._out.text(step_text(number, done, self._style))

    def grade(self, found: Grade) -> None:
        """Show what became of each promise."""
        self._out.text(grade_text(found, self._style))

    def mistakes(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Show what is wrong with a text."""
        from policy.report.diagnostics_text import diagnostics_text

        self._out.text(diagnostics_text(diagnostics, self._style))

    def _page(self, text: str) -> str:
        if self._plain or not self._style.color:
            return text.rstrip("\n") + "\n"
        from rich.markdown import Markdown

        from policy.report.drawn import drawn

        return drawn(Markdown(text, code_theme="ansi_dark"), self._style, min(self._out.width(), WIDEST))


def _folded(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    return fill(line, WIDEST, initial_indent="", subsequent_indent=indent + "   ") if len(line) > WIDEST else line


def walk(lesson: Lesson, course: Course, progress: Progress, folder: str | None, out: Output, *, plain: bool) -> None:
    """Go through a lesson with whoever sits at the terminal; their file is in a folder, or in this one."""
    screen = Terminal(out, plain=plain)
    ended = Walk(lesson, len(course.lessons), screen, progress, Path(folder or ".")).run()
    following = next((each for each in course.lessons if each.number > lesson.number), None)
    if ended and following is not None:
        screen.say(f"\nNext: `fwpolicy learn {following.number}`, {following.title}.", "faint")
    elif ended:
        screen.say("\nThat was the last lesson.", "faint")
