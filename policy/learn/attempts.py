"""The exercise of a lesson: its reader changes a file, and has it graded, until it is solved or left for later."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from policy import source
from policy.app.problem import CannotAnswer
from policy.app.whole import write_whole
from policy.diagnostic import Mistakes, unreadable
from policy.learn.grade import Grading
from policy.learn.lesson import Exercise
from policy.learn.screen import Screen, ask
from policy.source import Unreadable


class Attempts:
    """What one reader does with an exercise; the file *own* is theirs, and the command *again* comes back to it."""

    def __init__(self, exercise: Exercise, screen: Screen, own: Path, again: str) -> None:
        self._exercise = exercise
        self._screen = screen
        self._start = Path(exercise.start)
        self._own = own
        self._again = again
        self._grading = Grading(exercise)

    def run(self) -> bool:
        """Show the task, and grade what is written until it is solved; is it?"""
        say = self._screen.say
        say("\nNow you", "title")
        say(self._exercise.task, "page")
        self._begin()
        say("What is looked at, for all packets:")
        for promise in self._exercise.promises:
            say(f" • {promise.words}")
        say(f"\nYour file is {self._own}: change it here (e) or in an editor beside, then let it be graded (g).")
        while True:
            answer = ask(self._screen, "g: grade it, e: edit, t: the task again, b: begin anew, l: later", *"getbl")
            if answer == "g":
                if self._graded():
                    return True
            elif answer == "e":
                if (hindrance := self._screen.edit(self._own)) is not None:
                    say(f"{hindrance}; you can change the file in another window.", "bad")
            elif answer == "t":
                say(self._exercise.task, "page")
            elif answer == "b":
                self._anew()
            else:
                say(f"The file stays where it is; `{self._again}` comes back to it.")
                return False

    def _begin(self) -> None:
        """Write what the exercise begins with, where the reader has no file yet; raises `CannotAnswer`."""
        try:
            self._own.parent.mkdir(parents=True, exist_ok=True)
            if self._own.exists():
                return
        except OSError as error:
            help = "say with `--files` where your files are"
            raise CannotAnswer(f"cannot write `{self._own}`: {_reason(error)}", help) from None
        write_whole(str(self._own), source.read(str(self._start)).text)

    def _anew(self) -> None:
        """Put what the exercise begins with in the place of the reader's file, which stays beside it."""
        words = "The file is as it was at the beginning"
        try:
            if self._own.exists() and self._own.read_bytes() != self._start.read_bytes():
                kept = self._aside()
                self._own.replace(kept)
                words += f"; what you had is {kept}"
            self._begin()
        except OSError as error:
            words = f"It cannot be begun anew, as `{self._own}` cannot be moved away: {_reason(error)}"
        except CannotAnswer as error:
            words = f"It cannot be begun anew: {error}"
        self._screen.say(f"{words}.")

    def _aside(self) -> Path:
        """Return a name beside the reader's file that nothing has."""
        names = (self._own.with_name(f"{self._own.name}~{number or ''}") for number in count())
        return next(each for each in names if not each.exists())

    def _graded(self) -> bool:
        try:
            found = self._grading.grade(source.read(str(self._own)))
        except Unreadable as error:
            self._screen.mistakes([unreadable(error)])
            return False
        except Mistakes as error:
            self._screen.mistakes(error.diagnostics)
            return False
        except CannotAnswer as error:
            self._screen.say(f"{error}" + (f": {error.help}" if error.help else ""), "bad")
            return False
        self._screen.grade(found)
        return found.passed


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
