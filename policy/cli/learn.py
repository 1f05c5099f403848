"""`fwpolicy learn`: lessons, and exercises that are graded for all packets."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from policy._record import dataclass
from policy.cli.options import Command, Reading, output_options
from policy.cli.output import Output
from policy.cli.quizzing import COUNT, MOST, quiz_command

if TYPE_CHECKING:
    from policy.learn.lesson import Course, Lesson
    from policy.learn.progress import Progress, Reached


@dataclass(frozen=True, slots=True)
class _Class:
    """A course, and how far one has come in it."""

    course: Course
    progress: Progress
    wishes: str
    """What stands behind `fwpolicy learn N` for a lesson of it."""


@dataclass(frozen=True, slots=True)
class _How:
    """Which course, in which *language*, and how to go through a lesson of it."""

    plain: bool
    reading: bool
    folder: str | None
    course: str | None
    language: str | None


def _walking_options(command: Command) -> Command:
    @click.option("--plain", is_flag=True, help="Go through LESSON as plain text: for a pipe, or a screen reader.")
    @click.option("--read", "reading", is_flag=True, help="Only show LESSON, and ask nothing.")
    @click.option(
        "--files", "folder", metavar="DIR", help="Where your files of exercises are; here, if it is not said."
    )
    @click.option("--course", metavar="DIR", help="The folder of another course.")
    @click.option(
        "--language",
        metavar="CODE",
        help="The language of a translation (`de`: the folder `lessons.de`), or of the rules of a quiz.",
    )
    @wraps(command)
    def wrapper(
        *args: Any,
        plain: bool,
        reading: bool,
        folder: str | None,
        course: str | None,
        language: str | None,
        **wishes: Any,
    ) -> int:
        return command(*args, how=_How(plain, reading, folder, course, language), **wishes)

    return wrapper


@dataclass(frozen=True, slots=True)
class _Quiz:
    """About which rules questions are asked, and how."""

    rules: str
    count: int
    seed: int
    sheet: bool


def _quiz_options(command: Command) -> Command:
    @click.option("--quiz", "asked", metavar="RULES", help="Ask about a file of rules, in any language.")
    @click.option("--count", type=click.IntRange(1, MOST), default=COUNT, help="How many questions a quiz has.")
    @click.option("--seed", type=int, default=0, help="Other questions for another number.")
    @click.option("--sheet", is_flag=True, help="The quiz as a sheet to print, in Markdown, with its solutions.")
    @wraps(command)
    def wrapper(*args: Any, asked: str | None, count: int, seed: int, sheet: bool, **wishes: Any) -> int:
        quiz = None if asked is None else _Quiz(asked, count, seed, sheet)
        return command(*args, quiz=quiz, **wishes)

    return wrapper


@click.command("learn")
@click.argument("lesson", required=False)
@click.option("--list", "listing", is_flag=True, help="The lessons, and how far you have come; so does no LESSON.")
@click.option("--grade", "rules", metavar="FILE", help="Grade FILE as the solution of LESSON's exercise.")
@_walking_options
@_quiz_options
@click.option("--reset", is_flag=True, help="Forget how far you have come in this course.")
@click.option("--check", "checked", metavar="DIR", help="Prove a course, or a lesson: for teachers, and for CI.")
@output_options
def command(
    lesson: str | None,
    listing: bool,
    rules: str | None,
    how: _How,
    quiz: _Quiz | None,
    reset: bool,
    checked: str | None,
    out: Output,
) -> int:
    """Learn how firewalls work: a LESSON, by its number or its name.

    A lesson has a page, a scenario that runs, questions, and an exercise that is graded for all packets
    (docs/lessons.md). Progress is kept in $XDG_STATE_HOME/fwpolicy.

    A quiz asks what becomes of packets, and has an answer for each misconception.

    Exit status: 0 done, 1 the lesson was left or its exercise is not solved, an answer of a quiz was wrong, or
    (--check) something is not as a lesson says, 2 it could not be read.
    """
    _go_together(out.as_json)
    if quiz is not None:
        reading = Reading(how.language, None)
        return quiz_command(quiz.rules, reading, out, quiz.count, quiz.seed, quiz.sheet, how.plain)
    if checked is not None:
        return _prove(checked, out)
    taken = _class(how.course, how.language, out)
    if reset:
        taken.progress.reset()
        out.message("progress in this course is forgotten")
        return 0
    if lesson is None or listing:
        return _list(taken, out)
    chosen = _chosen(taken.course, lesson)
    if rules is not None:
        return _grade(taken, chosen, rules, out)
    if out.as_json or how.reading:
        return _read(taken, chosen, out)
    from policy.cli.walking import walk

    done = walk(chosen, taken.course, taken.progress, how.folder, out, taken.wishes, plain=how.plain)
    return int(not done)


_BESIDE: dict[str, tuple[str, ...]] = {
    "--quiz": ("--count", "--seed", "--sheet", "--language", "--plain"),
    "--check": (),
    "--reset": ("--course",),
    "--list": ("--course", "--language"),
    "--grade": ("LESSON", "--course", "--language"),
    "--read": ("LESSON", "--course", "--language"),
    "LESSON": ("--plain", "--files", "--course", "--language"),
}
"""What is wished for, the first of these that is there, and what else may be said then."""

_NEEDS = {"--grade": "LESSON", "--read": "LESSON", "--plain": "LESSON", "--files": "LESSON"}


def _go_together(as_json: bool) -> None:
    """Raise a usage error for wishes that do not go together."""
    context = click.get_current_context()
    given = [
        "LESSON" if isinstance(each, click.Argument) else each.opts[0]
        for each in context.command.params
        if each.name and context.get_parameter_source(each.name) is ParameterSource.COMMANDLINE
    ]
    main = next((each for each in _BESIDE if each in given), None)
    for each in given:
        needed = _NEEDS.get(each)
        if needed is not None and needed not in given and main != "--quiz":
            raise click.UsageError(f"`{each}` needs a {needed}", context)
        if each in ("--count", "--seed", "--sheet") and main != "--quiz":
            raise click.UsageError(f"`{each}` belongs to `--quiz`", context)
        if main is not None and each != main and each not in (*_BESIDE[main], "--format", "--color"):
            raise click.UsageError(f"`{main}` and `{each}` do not go together", context)
    if as_json and "--sheet" in given:
        raise click.UsageError("a sheet is Markdown: leave out `--sheet`, or `--format json`", context)


def _class(course: str | None, language: str | None, out: Output) -> _Class:
    from policy.learn.progress import Progress, course_key
    from policy.learn.read import read_course, shipped_course

    folder = (course.rstrip("/") or course) if course else shipped_course()
    wishes = {"course": course, "language": language}
    words = "".join(f" --{name} {quote(value)}" for name, value in wishes.items() if value)
    found = _Class(read_course(folder, language), Progress(course_key(folder)), words)
    if found.progress.damaged:
        out.warning(f"{found.progress.damaged}: progress begins anew")
    return found


def _list(taken: _Class, out: Output) -> int:
    if out.as_json:
        from policy.report.lesson_json import course_json

        out.document(course_json(taken.course, taken.progress))
    else:
        from policy.report.lesson_text import course_text

        out.text(course_text(taken.course, taken.progress, out.style(), taken.wishes))
    return 0


def _chosen(course: Course, said: str) -> Lesson:
    """Return the lesson of a number (`3`, `03`) or a name (`first-match`, `03-first-match`)."""
    from policy.app.problem import CannotAnswer
    from policy.diagnostic import did_you_mean

    for lesson in course.lessons:
        if said in (lesson.name, lesson.name[3:]) or (said.isascii() and said.isdigit() and int(said) == lesson.number):
            return lesson
    hint = did_you_mean(said, [each.name[3:] for each in course.lessons])
    raise CannotAnswer(f"there is no lesson `{said}`", hint or "`fwpolicy learn --list` shows them")


def _read(taken: _Class, lesson: Lesson, out: Output) -> int:
    """Show a lesson, and keep that it was read."""
    from dataclasses import replace

    if out.as_json:
        from policy.report.lesson_json import lesson_json

        out.document(lesson_json(lesson))
    else:
        from policy.report.lesson_text import lesson_text

        out.text(lesson_text(lesson, out.style(), taken.wishes))
    _keep(taken, lesson, replace(taken.progress.of(lesson.name), read=True), out)
    return 0


def _grade(taken: _Class, lesson: Lesson, rules: str, out: Output) -> int:
    """Grade a file by the exercise of a lesson, and keep that it was solved."""
    from dataclasses import replace

    from policy.app.load import read_source
    from policy.app.problem import CannotAnswer
    from policy.learn.grade import grade

    if lesson.exercise is None:
        raise CannotAnswer(f"the lesson `{lesson.name}` has no exercise")
    found = grade(lesson.exercise, read_source(rules))
    if out.as_json:
        from policy.report.lesson_json import grade_json

        out.document(grade_json(found))
    else:
        from policy.report.lesson_text import grade_text

        out.text(grade_text(found, out.style()))
    if found.passed:
        _keep(taken, lesson, replace(taken.progress.of(lesson.name), solved=True), out)
    return int(not found.passed)


def _keep(taken: _Class, lesson: Lesson, reached: Reached, out: Output) -> None:
    """Keep how far one has come, where that is possible: nothing else depends on it."""
    from policy.app.problem import CannotAnswer

    try:
        taken.progress.note(lesson.name, reached)
    except CannotAnswer as error:
        out.warning(f"{error}: {error.help}" if error.help else str(error))


def _prove(folder: str, out: Output) -> int:
    """Prove a course or a lesson; say what is not as it says."""
    from policy.learn.check import check_course
    from policy.learn.lesson import Course
    from policy.learn.read import is_lesson, read_course, read_lesson

    folder = folder.rstrip("/") or folder
    alone = is_lesson(folder)
    course = Course(str(Path(folder).parent), (read_lesson(folder),)) if alone else read_course(folder)
    proved, found = check_course(course)
    if out.as_json:
        from policy.report.lesson_json import checked_json

        out.document(checked_json(proved, found))
    else:
        from policy.report.lesson_text import checked_text

        out.text(checked_text(proved, out.style()))
        if found:
            out.mistakes(found)
    return int(bool(found))
