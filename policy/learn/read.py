"""Read lessons and courses: all that is wrong with them in one run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, get_args

from policy import source
from policy._data import data_dir
from policy.app.config.kinds import At
from policy.app.config.places import Notes, Places
from policy.app.problem import CannotAnswer
from policy.app.scenario.kinds import Said
from policy.app.scenario.yaml import CODE, Genre, YamlNotation, read_yaml
from policy.diagnostic import MOST, Diagnostic, Mistakes, unreadable
from policy.host import UNKNOWN_HOST, Host
from policy.learn.keys import ANSWERED, lesson_table
from policy.learn.lesson import Asked, Course, Exercise, Fact, Kind, Lesson, Played, Promise, Proof, Question
from policy.learn.within import read_within
from policy.question.parse import parse_question
from policy.source import Source, Span, Unreadable

FILE = "lesson.yaml"
PAGE = "page.md"
PLAY = "play.scenario.yaml"
SCENARIOS = "*.scenario.yaml"
WIDEST = 80
"""So many columns a page has at most, so that every terminal shows it as it is."""

_LESSON = Genre("a lesson", ("title", "minutes", "questions"), "docs/lessons.md")
_LANGUAGE = re.compile(r"[A-Za-z0-9]+([-_][A-Za-z0-9]+)*")
_NAME = re.compile(r"[0-9]{2}(-[a-z0-9]+)+")


def shipped_course() -> str:
    """Return the folder of the course that comes with fwpolicy."""
    return str(data_dir("rules") / "lessons")


def read_course(folder: str, language: str | None = None) -> Course:
    """Return the lessons in a folder, in their order, those that are translated into a *language* in that.

    Raises `CannotAnswer` without any lesson, or any translation, and as `read_lesson`.
    """
    other = None if language is None else translated(folder, language)
    names = _names(folder)
    found: list[Lesson] = []
    wrong = list(_misnamed(folder, names))
    for name in names:
        try:
            there = other if other is not None and is_lesson(str(Path(other, name))) else folder
            found.append(read_lesson(str(Path(there, name))))
        except Unreadable as error:
            wrong.append(unreadable(error))
        except Mistakes as mistakes:
            wrong += mistakes.diagnostics
    if wrong:
        raise Mistakes(wrong[:MOST])
    return Course(folder, tuple(found))


def translated(folder: str, language: str) -> str:
    """Return the folder of a course in another language, `lessons.de`; raises `CannotAnswer` where there is none."""
    base = Path(folder)
    base = base.resolve() if base.name in ("", "..") else base
    if _LANGUAGE.fullmatch(language) and _there(Path(f"{base}.{language}"), folder=True):
        return f"{base}.{language}"
    there = sorted(each.name.removeprefix(f"{base.name}.") for each in base.parent.glob(f"{base.name}.*"))
    help = f"there are {', '.join(f'`{each}`' for each in there)}" if there else "this course has no translations"
    raise CannotAnswer(f"there is no translation `{language}` of this course", help)


def original(folder: str) -> str | None:
    """Return the folder of the course that another one is a translation of, `lessons` of `lessons.de`."""
    path = Path(folder)
    path = path.resolve() if path.name in ("", "..") else path
    base = path.with_suffix("")
    return str(base) if _LANGUAGE.fullmatch(path.suffix[1:]) and _there(base, folder=True) else None


def is_lesson(folder: str) -> bool:
    """Is a folder that of one lesson, not of a course?"""
    return _there(Path(folder, FILE))


def _there(path: Path, folder: bool = False) -> bool:
    """Is there a file, or a *folder*, at a path, whatever that is?"""
    try:
        return path.is_dir() if folder else path.is_file()
    except OSError:  # a name that is too long, for example
        return False


def _names(folder: str) -> list[str]:
    """Return the folders in a course that are lessons, or are meant to be."""
    try:
        there = sorted(each for each in Path(folder).iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError as error:
        help = "name the folder of a course" if not _there(Path(folder), folder=True) else None
        raise CannotAnswer(f"`{folder}` cannot be read: {(error.strerror or str(error)).lower()}", help) from None
    names = [each.name for each in there if _NAME.fullmatch(each.name) or _there(each / FILE)]
    if not names:
        raise CannotAnswer(f"there are no lessons in `{folder}`", "a lesson is a folder `01-name` with `lesson.yaml`")
    return names


def _misnamed(folder: str, names: list[str]) -> Iterator[Diagnostic]:
    numbers: dict[str, str] = {}
    for name in names:
        span = Span(Source(str(Path(folder, name, FILE)), ""), 0, 0)
        if not _NAME.fullmatch(name):
            help = "two digits for its place, then small letters, digits and `-`: `03-first-match`"
            yield Diagnostic(CODE, f"`{name}` is no name of a lesson", span, help)
        elif (other := numbers.setdefault(name[:2], name)) != name:
            yield Diagnostic("FW703", f"`{name}` and `{other}` have one number", span, "give one of them another")


def read_lesson(folder: str) -> Lesson:
    """Return the lesson in a folder.

    Raises `source.Unreadable` if its `lesson.yaml` cannot be read, and `diagnostic.Mistakes` with everything that is
    wrong with it and its page.
    """
    text = source.read(str(Path(folder, FILE)))
    places, collected = read_yaml(text, _LESSON)
    notes = Notes(places, CODE, collected)
    start = At((), notes, YamlNotation(places))
    reading = _Reading(folder, places, notes.collected.found)
    given = lesson_table().read(places.value, start)
    questions = [reading.question(each) for each in given.get("questions", ())]
    exercise = reading.exercise(given["exercise"], start.below("exercise")) if "exercise" in given else None
    page = reading.page()
    scenarios = reading.scenarios(given, start)
    notes.collected.check()
    span = Span(text, 0, len(text.text.rstrip()))
    name = Path(folder).name
    if name in ("", ".."):
        name = Path(folder).resolve().name
    return Lesson(
        name,
        folder,
        given["title"].strip(),
        given["minutes"],
        page,
        scenarios,
        bool(given.get("watch")),
        tuple(each for each in questions if each),
        exercise,
        span=span,
    )


class _Reading:
    """Reads the parts of a lesson; what is wrong with them is noted, or among *found*."""

    def __init__(self, folder: str, places: Places, found: list[Diagnostic]) -> None:
        self._folder = Path(folder)
        self._places = places
        self._found = found

    def page(self) -> Source:
        """Return the page, after noting what is wrong with it."""
        path = str(self._folder / PAGE)
        try:
            page = source.read(path)
        except Unreadable as error:
            self._found.append(unreadable(error))
            return Source(path, "")
        if not page.text.strip():
            self._found.append(Diagnostic(CODE, "the page is empty", Span(page, 0, 0), "write what is to be learned"))
        for number, start in enumerate(page.starts(), 1):
            if len(line := page.line(number)) > WIDEST:
                span = Span(page, start + WIDEST, start + len(line))
                message = f"this line has {len(line)} columns, and a page has {WIDEST} at most"
                self._found.append(Diagnostic(CODE, message, span, "break the line"))
        return page

    def scenarios(self, given: Mapping[str, Any], start: At) -> tuple[str, ...]:
        """Return the paths of the scenarios, the one that is played first."""
        there = sorted(str(each) for each in self._folder.glob(SCENARIOS))
        first = self._file(given["scenario"], start.below("scenario")) if "scenario" in given else None
        if first is None and str(self._folder / PLAY) in there:
            first = str(self._folder / PLAY)
        return tuple(there if first is None else (first, *(each for each in there if each != first)))

    def question(self, said: Said) -> Question | None:
        given, at = said.value, said.at
        choices = [each.value for each in given.get("choices", ())]
        written = self._written(at).get("choices")
        count = len(written) if isinstance(written, list) else 0
        if count and not 2 <= count <= 5:
            at.below("choices").wrong(f"a question has two to five choices, not {count}")
        for number, each in enumerate(given.get("choices", ())):
            if each.value in choices[:number]:
                each.at.wrong(f"the choice `{each.value}` stands here twice", "leave one of them out", "FW703")
        answer = given.get("answer")
        if count and answer is not None and answer > count:
            at.below("answer").wrong(f"there is no choice {answer}: they are 1 to {count}")
        proof = self._proof(given, at)
        if proof is None or answer is None or not {"ask", "because"} <= given.keys():
            return None
        return Question(given["ask"], tuple(choices), answer, given["because"], proof, span=self._places.span(at))

    def _written(self, at: At) -> Mapping[str, Any]:
        """Return a mapping as it is written, with what means nothing."""
        found = self._places.value
        for step in at.path:
            found = found[step]
        return found  # type: ignore[no-any-return]

    def _proof(self, given: Mapping[str, Any], at: At) -> Proof | None:
        kind = next((each for each in ANSWERED if each in given), None)
        if kind is None:  # which was noted, or is a mistake of its own
            return None
        for other, keys in ANSWERED.items():
            for key in keys:
                if other != kind and key in given:
                    at.below(key, key=True).wrong(f"`{key}` belongs to `{other}`, not to `{kind}`", "leave it out")
        for key in ANSWERED[kind]:
            if key != "local" and key not in self._written(at):
                at.wrong(f"`{key}` is missing here: it belongs to `{kind}`")
        if kind == "fact":
            return Fact(given["fact"])
        path = self._file(given[kind], at.below(kind))
        if path is None or not all(key in given for key in ANSWERED[kind] if key != "local"):
            return None
        if kind == "scenario":
            return Played(path, given["step"], given["result"], span=self._places.span(at.below("result")))
        place, span = (self._places.span(at.below(key)) for key in ("question", "verdict"))
        self._check_question(given["question"], at.below("question"))
        return Asked(path, given["question"], given["verdict"], _host(given), place=place, span=span)

    def exercise(self, given: Mapping[str, Any], at: At) -> Exercise | None:
        start, solution = (
            self._file(given[key], at.below(key)) if key in given else None for key in ("start", "solution")
        )
        wrong = {}
        for name, text in given.get("wrong", {}).items():
            path = self._file(name, at.below("wrong").below(name, key=True))
            if path is not None:
                wrong[path] = text
        several = (*given.get("promises", ()), *given.get("connections", ()))
        promises = [promise for each in several if (promise := self._promise(each))]
        if start is None or solution is None or "task" not in given:
            return None
        return Exercise(given["task"], start, solution, tuple(promises), wrong, span=self._places.span(at))

    def _promise(self, said: Said) -> Promise | None:
        given = said.value
        for kind in get_args(Kind):
            if kind in given:
                at = said.at.below(kind)
                tree = self._check_question(given[kind], at)
                if kind == "open" and tree is not None and tree.states:
                    at.wrong("a question about connections names no state", "write `allow` among the `promises`")
                return Promise(
                    kind, given[kind], given.get("says"), given.get("hint"), _host(given), span=self._places.span(at)
                )
        return None

    def _check_question(self, text: str, at: At) -> Any:
        """Return the tree of a question; None, after noting why, where it is none."""
        try:
            return read_within(self._places.span(at), text, lambda: parse_question(Source("<question>", text)))
        except Mistakes as mistakes:
            self._found += mistakes.diagnostics
            return None

    def _file(self, name: str, at: At) -> str | None:
        """Return the path of a file of the lesson; None, after noting that, where it is not there."""
        path = self._folder / name
        if _there(path):
            return str(path)
        at.wrong(f"there is no file `{name}` in the folder of the lesson", "check the name", "FW002")
        return None


def _host(given: Mapping[str, Any]) -> Host:
    return reduce(or_, given.get("local", ()), UNKNOWN_HOST)
