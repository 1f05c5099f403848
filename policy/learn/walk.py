"""A lesson, from its page to its exercise: what is said and asked, in which order, and what is kept of it.

Nothing here prints or reads a key: a `Screen` does. Whoever has enough leaves at any question, and goes on later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from policy import source
from policy.app.play import Playing
from policy.app.problem import CannotAnswer
from policy.app.scenario import load_scenario
from policy.learn.attempts import Attempts
from policy.learn.lesson import Asked, Exercise, Lesson, Played, Question
from policy.learn.progress import Progress
from policy.learn.screen import Left, Screen, ask
from policy.simulate.scenario import Firewall, Reload
from policy.source import Source


class Walk:
    """One lesson with one reader; files of the exercise are in a *folder* of theirs.

    *wishes* stand behind `fwpolicy learn N`.
    """

    def __init__(
        self, lesson: Lesson, of: int, screen: Screen, progress: Progress, folder: Path, wishes: str = ""
    ) -> None:
        self.lesson = lesson
        self._of = of
        self._screen = screen
        self._progress = progress
        self._folder = folder
        self._again = f"fwpolicy learn {lesson.number}{wishes}"
        self.solved = lesson.exercise is None
        self._keeps = True
        self._shown = {lesson.exercise.solution} if lesson.exercise else set[str]()
        self._right: dict[int, bool] = {}

    def run(self) -> bool:
        """Go through the lesson; has its reader come to the end?"""
        try:
            if not self._straight_on():
                self._page()
                for path in self.lesson.scenarios[:1]:
                    self._scenario(path)
                self._questions()
            exercise = self.lesson.exercise
            if exercise is not None and self._attempts(exercise).run():
                self.solved = True
                self._note(solved=True)
        except Left:
            self._screen.say(f"\nUntil next time{': what you have done is kept' if self._keeps else ''}.", "faint")
            return False
        return True

    def _note(self, **done: object) -> None:
        reached = self._progress.of(self.lesson.name)
        try:
            self._progress.note(self.lesson.name, replace(reached, **done))  # type: ignore[arg-type] # fields of `Reached`
        except CannotAnswer as error:
            if self._keeps:
                self._screen.say(f"{error}; what you do is not kept.", "bad")
            self._keeps = False

    def _attempts(self, exercise: Exercise) -> Attempts:
        own = self._folder / f"{self.lesson.name}{Path(exercise.start).suffix}"
        return Attempts(exercise, self._screen, own, self._again)

    # The page, and the scenario

    def _straight_on(self) -> bool:
        """Say which lesson it is; does somebody who has been here want the exercise at once?"""
        lesson = self.lesson
        self._screen.say(f"Lesson {lesson.number} of {self._of}: {lesson.title} ({lesson.minutes} minutes)", "title")
        if lesson.exercise is None or not self._progress.of(lesson.name).read:
            return False
        self._screen.say("You have been here before.")
        return ask(self._screen, "Enter: from the beginning, x: straight to the exercise", "x", default="") == "x"

    def _page(self) -> None:
        lesson, say = self.lesson, self._screen.say
        say(lesson.page.text, "page")
        ask(self._screen, "Enter: go on", default="")
        self._note(read=True)

    def _scenario(self, path: str) -> None:
        """Play a scenario; what a step proves is asked before that is shown."""
        playing = Playing(load_scenario(path))
        self._screen.say("\nPlayed for you, step by step", "title")
        self._screen.heading(playing.scenario)
        shown = len(self._shown)
        for host in playing.scenario.hosts:
            self._rules(host.firewall)
        if len(self._shown) == shown:
            self._screen.say("")
        stepwise = True
        for number, done in enumerate(playing, 1):
            if isinstance(done.step.deed, Reload):
                self._rules(done.step.deed.firewall)
            for at in self._asked_before(path, number):
                self._question(at)
            self._screen.step(number, done)
            if stepwise and number < len(playing.scenario.steps):
                answer = ask(self._screen, "Enter: the next step, a: all the rest, s: skip them", "a", "s", default="")
                if answer == "s":
                    return
                stepwise = answer != "a"
        if self.lesson.watch:
            self._screen.watched(playing)

    def _rules(self, firewall: Firewall | None) -> None:
        """Show the rules of a firewall."""
        for text in () if firewall is None else firewall.rules.sources:
            self._text(text)

    def _text(self, text: Source) -> None:
        """Show rules, once; the solution of the exercise is not shown."""
        path = str(Path(text.name))
        if path not in self._shown:
            self._shown.add(path)
            self._screen.say(f"\nThe rules in {Path(text.name).name}", "title")
            self._screen.rules(text)

    # Questions

    def _asked_before(self, path: str, step: int) -> Iterator[int]:
        """Yield the numbers of the questions that a step of a scenario proves."""
        for at, question in enumerate(self.lesson.questions, 1):
            proof = question.proof
            if isinstance(proof, Played) and (proof.scenario, proof.step) == (path, step):
                yield at

    def _questions(self) -> None:
        """Ask what was not asked yet."""
        questions = self.lesson.questions
        for at in range(1, len(questions) + 1):
            if at not in self._right:
                self._question(at)
        if questions:
            right = sum(self._right.values())
            all_right = right == len(questions)
            self._screen.say(f"{right} of {len(questions)} right.", "good" if all_right else "plain")

    def _question(self, at: int) -> None:
        question, say = self.lesson.questions[at - 1], self._screen.say
        if isinstance(question.proof, Asked):
            self._text(source.read(question.proof.rules))
        say(f"\nQuestion {len(self._right) + 1} of {len(self.lesson.questions)}. {question.ask.strip()}")
        for number, choice in enumerate(question.choices, 1):
            say(f"   {number}) {choice.strip()}")
        numbers = [str(number) for number in range(1, len(question.choices) + 1)]
        answer = int(ask(self._screen, f"Your answer, 1 to {len(numbers)}", *numbers))
        self._right[at] = self._answered(question, answer)
        self._note(answers={**self._progress.of(self.lesson.name).answers, at: answer})

    def _answered(self, question: Question, answer: int) -> bool:
        """Say whether an answer is right, and why; is it?"""
        right = answer == question.answer
        self._screen.say("Right." if right else "No.", "good" if right else "bad")
        if not right:
            self._screen.say(f"Right is {question.answer}) {question.choices[question.answer - 1].strip()}")
        self._screen.say(f"{question.because.strip()}\n")
        return right
