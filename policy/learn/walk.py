"""A lesson, from its page to its exercise: what is said and asked, in which order, and what is kept of it.

Nothing here prints or reads a key: a `Screen` does. Whoever has enough leaves at any question, and goes on later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

from policy import source
from policy.app.play import Playing
from policy.app.problem import CannotAnswer
from policy.app.scenario import load_scenario
from policy.app.whole import write_whole
from policy.diagnostic import Diagnostic, Mistakes, unreadable
from policy.learn.grade import Grade, Grading
from policy.learn.lesson import Exercise, Lesson, Question
from policy.learn.progress import Progress
from policy.simulate.play import Done
from policy.simulate.scenario import Scenario
from policy.source import Unreadable

Tone = Literal["plain", "title", "page", "good", "bad", "faint"]


class Screen(Protocol):
    """Where a lesson is shown, and where its reader answers."""

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Show something; a *page* is Markdown."""

    def ask(self, question: str, keys: Sequence[str]) -> str:
        """Return one of the *keys*, the first one where nothing is typed; raises `Left` where nobody answers."""

    def edit(self, path: Path) -> bool:
        """Let the reader change a file; False where there is no editor."""

    def heading(self, scenario: Scenario) -> None:
        """Show what stands above a timeline."""

    def step(self, number: int, done: Done) -> None:
        """Show a step of a scenario."""

    def grade(self, found: Grade) -> None:
        """Show what became of each promise, and the first packet that shows that one is broken."""

    def mistakes(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Show what is wrong with a text."""


class Left(Exception):
    """The reader has left the lesson."""


class Walk:
    """One lesson with one reader; files of the exercise are in a *folder* of theirs."""

    def __init__(self, lesson: Lesson, of: int, screen: Screen, progress: Progress, folder: Path) -> None:
        self.lesson = lesson
        self._of = of
        self._screen = screen
        self._progress = progress
        self._folder = folder

    def run(self) -> bool:
        """Go through the lesson; has its reader come to the end?"""
        try:
            self._page()
            for path in self.lesson.scenarios[:1]:
                self._scenario(path)
            self._questions()
            if self.lesson.exercise is not None:
                self._exercise(self.lesson.exercise)
        except Left:
            self._screen.say("\nUntil next time: what you have done is kept.", "faint")
            return False
        return True

    def _note(self, **done: object) -> None:
        reached = self._progress.of(self.lesson.name)
        try:
            self._progress.note(self.lesson.name, replace(reached, **done))  # type: ignore[arg-type] # fields of `Reached`
        except CannotAnswer as error:
            self._screen.say(f"{error}; what you do is not kept.", "bad")

    # The page, and the scenario

    def _page(self) -> None:
        lesson, say = self.lesson, self._screen.say
        say(f"Lesson {lesson.number} of {self._of}: {lesson.title} ({lesson.minutes} minutes)", "title")
        say(lesson.page.text, "page")
        self._ask("Enter: go on", "")
        self._note(read=True)

    def _scenario(self, path: str) -> None:
        playing = Playing(load_scenario(path))
        self._screen.say("\nPlayed for you, step by step", "title")
        self._screen.heading(playing.scenario)
        stepwise = True
        for number, done in enumerate(playing, 1):
            self._screen.step(number, done)
            if stepwise and number < len(playing.scenario.steps):
                answer = self._ask("Enter: the next step, a: all the rest, s: skip them", "", "a", "s")
                if answer == "s":
                    return
                stepwise = answer != "a"

    # Questions

    def _questions(self) -> None:
        questions = self.lesson.questions
        if not questions:
            return
        self._screen.say("\nWhat do you think?", "title")
        right = 0
        for number, question in enumerate(questions, 1):
            right += self._question(number, question)
        self._screen.say(
            f"\n{right} of {len(questions)} at the first try.", "good" if right == len(questions) else "plain"
        )

    def _question(self, number: int, question: Question) -> bool:
        say = self._screen.say
        say(f"{number}. {question.ask.strip()}")
        for at, choice in enumerate(question.choices, 1):
            say(f"   {at}) {choice.strip()}")
        numbers = [str(at) for at in range(1, len(question.choices) + 1)]
        answer = int(self._ask(f"Your answer, 1 to {len(numbers)}", *numbers, default=False))
        right = answer == question.answer
        verdict = "Right." if right else f"No: {question.answer}) {question.choices[question.answer - 1].strip()}"
        say(f"{verdict} {question.because.strip()}\n", "good" if right else "bad")
        answers = dict(self._progress.of(self.lesson.name).answers)
        answers.setdefault(number, answer)
        self._note(answers=answers)
        return right

    # The exercise

    def _exercise(self, exercise: Exercise) -> None:
        start = Path(exercise.start)
        own = self._folder / f"{self.lesson.name}{start.suffix}"
        say = self._screen.say
        say("\nNow you", "title")
        say(exercise.task, "page")
        if not own.exists():
            _copied(start, own)
        say("What is looked at, for all packets:")
        for promise in exercise.promises:
            say(f"   {promise.kind}: {promise.question}")
        say(f"\nYour file is {own}: change it here (e) or in an editor beside, then let it be graded (g).")
        grading = Grading(exercise)
        while True:
            answer = self._ask("g: grade it, e: edit it, t: the task again, b: begin anew, l: later", *"getbl")
            if answer == "e":
                if not self._screen.edit(own):
                    say("There is no editor: set EDITOR, or change the file in another window.", "bad")
            elif answer == "t":
                say(exercise.task, "page")
            elif answer == "b":
                _copied(start, own)
                say("The file is as it was at the beginning.")
            elif answer == "l":
                say(f"The file stays where it is; `fwpolicy learn {self.lesson.number}` comes back to it.")
                return
            elif self._graded(grading, own):
                self._note(solved=True)
                return

    def _graded(self, grading: Grading, own: Path) -> bool:
        say = self._screen.say
        try:
            found = grading.grade(source.read(str(own)))
        except Unreadable as error:
            self._screen.mistakes([unreadable(error)])
            return False
        except Mistakes as error:
            self._screen.mistakes(error.diagnostics)
            return False
        except CannotAnswer as error:
            say(f"{error}" + (f": {error.help}" if error.help else ""), "bad")
            return False
        self._screen.grade(found)
        return found.passed

    def _ask(self, question: str, *keys: str, default: bool = True) -> str:
        keys = (*keys, "q") if default else ("", *keys, "q")
        while True:
            answer = self._screen.ask(f"{question}, q: leave", keys)
            if answer == "q":
                raise Left
            if answer or default:
                return answer


def _copied(start: Path, own: Path) -> None:
    """Write what an exercise begins with to a file of the reader; raises `CannotAnswer`."""
    try:
        own.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CannotAnswer(f"cannot write `{own}`: {reason}", "say with `--files` where your files are") from None
    write_whole(str(own), source.read(str(start)).text)
