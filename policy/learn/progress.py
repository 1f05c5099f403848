"""How far somebody has come in courses: kept in a file of the user that nobody else can read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from policy._record import dataclass
from policy.app.problem import CannotAnswer
from policy.app.whole import write_whole
from policy.learn.read import shipped_course

VERSION: Final = 1
LARGEST = 4 * 1024 * 1024
"""A longer file is none that was written here."""

_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Reached:
    """What was done of a lesson: the page *read*, *answers* to its questions (the choice by the number), *solved*."""

    read: bool = False
    answers: Mapping[int, int] = field(default_factory=dict, hash=False)
    solved: bool = False


NOTHING = Reached()


def progress_path() -> Path | None:
    """Return where progress is kept: in $XDG_STATE_HOME, else in ~/.local/state; None where there is no home."""
    root = Path(os.environ.get("XDG_STATE_HOME") or "")
    try:
        folder = root if root.is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return folder / "fwpolicy" / "lessons.json" if folder.is_absolute() else None


def course_key(folder: str) -> str:
    """Return what a course is called in the file: `lessons` that which comes with fwpolicy, others by their path."""
    path = os.path.realpath(folder)
    return "lessons" if path == os.path.realpath(shipped_course()) else path


class Progress:
    """What was done of the lessons of one course, by their names.

    *damaged* says that the file could not be read, and why: then nothing was done yet, and the file is kept beside the
    new one, `lessons.json~`. Each change is written at once.
    """

    def __init__(self, course: str) -> None:
        self._course = course
        self._path = progress_path()
        self._courses: dict[str, dict[str, Reached]] = {}
        self.damaged: str | None = None
        self._read()

    def of(self, lesson: str) -> Reached:
        """Return what was done of a lesson."""
        return self._courses.get(self._course, {}).get(lesson, NOTHING)

    def note(self, lesson: str, reached: Reached) -> None:
        """Keep what was done of a lesson; raises `CannotAnswer` where that cannot be written."""
        with self._alone():
            self._read()  # another terminal may have written meanwhile
            self._courses.setdefault(self._course, {})[lesson] = reached
            self._write()

    def reset(self) -> None:
        """Forget what was done of this course; raises `CannotAnswer` where that cannot be written."""
        with self._alone():
            self._read()
            if self._courses.pop(self._course, None) is not None or self.damaged:
                self._write()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes waiting that want to write, where the system can do that."""
        with ExitStack() as stack:
            if self._path is not None:
                with suppress(ImportError, OSError):
                    from fcntl import LOCK_EX, flock

                    self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    stream = stack.enter_context(self._path.with_name(f"{self._path.name}.lock").open("wb"))
                    flock(stream, LOCK_EX)
            yield

    def _read(self) -> None:
        self._courses, self.damaged = {}, None
        if self._path is None:
            return
        try:
            with self._path.open("rb") as stream:
                data = stream.read(LARGEST + 1)
        except FileNotFoundError:
            return
        except OSError as error:
            self.damaged = f"`{self._path}` cannot be read: {(error.strerror or str(error)).lower()}"
            return
        try:
            self._courses = _courses(json.loads(data) if len(data) <= LARGEST else None)
        except _Newer:
            self.damaged = f"`{self._path}` is of a newer fwpolicy"
        except (ValueError, RecursionError):
            self.damaged = f"`{self._path}` is damaged"

    def _write(self) -> None:
        if self._path is None:
            raise CannotAnswer("progress cannot be kept: there is no home", "set XDG_STATE_HOME")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CannotAnswer(
                f"progress cannot be kept: `{self._path.parent}`: {reason}", "set XDG_STATE_HOME"
            ) from None
        if self.damaged is not None:
            with suppress(OSError):
                self._path.replace(self._path.with_name(f"{self._path.name}~"))
        courses = {
            course: {
                name: {"read": one.read, "answers": {str(n): a for n, a in one.answers.items()}, "solved": one.solved}
                for name, one in sorted(lessons.items())
            }
            for course, lessons in sorted(self._courses.items())
        }
        write_whole(str(self._path), json.dumps({"version": VERSION, "courses": courses}, indent=2) + "\n", _MODE)
        self.damaged = None


class _Newer(ValueError):
    """The file has a version that is not known yet."""


def _courses(said: Any) -> dict[str, dict[str, Reached]]:
    """Return what a file says; raises ValueError where it is not as it is written here."""
    match said:
        case {"version": version, "courses": dict(courses)} if version == VERSION and len(said) == 2:
            return {
                course: {name: _reached(one) for name, one in _mapping(some).items()}
                for course, some in courses.items()
            }
        case {"version": int(version)} if version > VERSION:
            raise _Newer
    raise ValueError("no progress")


def _mapping(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise ValueError("no mapping")
    return said


def _reached(said: Any) -> Reached:
    match said:
        case {"read": bool(read), "answers": dict(answers), "solved": bool(solved)}:
            if not all(type(each) is int for each in answers.values()):
                raise ValueError("an answer is a number")
            return Reached(read, {int(number): answer for number, answer in answers.items()}, solved)
    raise ValueError("no lesson")
