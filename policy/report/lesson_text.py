"""Courses, grades, and what was proved of lessons, as text."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Sequence
from textwrap import wrap

from policy.app.packets_text import packets_text
from policy.ir import Reject
from policy.learn.check import Proved
from policy.learn.grade import Counterexample, Grade, Graded
from policy.learn.lesson import Course, Lesson
from policy.learn.progress import Progress, Reached
from policy.report.answer_text import decided_text
from policy.report.regions_text import ROLES
from policy.report.rewriting import rewriting_text
from policy.report.style import PLAIN, Style, clean, folded, width

_FATES = {"allow": "it passes", "block": "it does not pass", "depends": "it depends", "mixed": "some of it passes"}
_TOLD = {
    True: "it does not pass, and its sender is told so",
    False: "it does not pass, and its sender is told nothing",
}
WIDEST = 80
"""So many columns a lesson takes at most."""


def course_text(course: Course, progress: Progress, style: Style = PLAIN, wishes: str = "") -> str:
    """Return a line for each lesson: its number, its title, how long it takes, and how far one has come.

    *wishes* stand behind `fwpolicy learn N`.
    """
    longest = max(width(clean(lesson.title)) for lesson in course.lessons)
    lines = []
    for lesson in course.lessons:
        title = clean(lesson.title)
        done = reached_words(lesson, progress.of(lesson.name))
        look = "good" if done == "done" else "open"
        line = f"  {lesson.name[:2]}  {style(title, 'name')}{' ' * (longest - width(title))}  {lesson.minutes:3} min"
        lines.append(f"{line}  {style(done, look)}" if done else line)
    minutes = sum(lesson.minutes for lesson in course.lessons)
    return "\n".join(
        [*lines, "", f"{_count(len(course.lessons), 'lesson')}, {minutes} minutes; {_on(course, progress, wishes)}"]
    )


def _on(course: Course, progress: Progress, wishes: str) -> str:
    """Say where to go on: at the first lesson that is not done."""
    reached = [reached_words(lesson, progress.of(lesson.name)) for lesson in course.lessons]
    left = [lesson for lesson, words in zip(course.lessons, reached, strict=True) if words != "done"]
    if not left:
        return "all are done"
    return f"`fwpolicy learn {left[0].number}{clean(wishes)}` {'goes on' if any(reached) else 'begins with the first'}"


def reached_words(lesson: Lesson, reached: Reached) -> str:
    """Return how far one has come in a lesson: `done`, what is left, or nothing where it was not begun."""
    right = sum(reached.answers.get(number) == each.answer for number, each in enumerate(lesson.questions, 1))
    exercise = lesson.exercise is not None
    asked = all(number in reached.answers for number in range(1, len(lesson.questions) + 1))
    if reached.read and asked and (reached.solved or not exercise):
        return "done"
    if not reached.read and not reached.answers and not reached.solved:
        return ""
    parts = ["read"] if reached.read else []
    parts += [f"{right} of {_count(len(lesson.questions), 'question')}"] if reached.answers else []
    parts += ["exercise done"] if reached.solved else []
    return ", ".join(parts)


def grade_text(grade: Grade, style: Style = PLAIN) -> str:
    """Return what became of each promise: those that are broken with a packet that shows it, and the rule."""
    lines = [line for each in grade.graded for line in graded_lines(each, style)]
    broken = sum(not each.kept for each in grade.graded)
    if broken:
        end = f"{style('not yet', 'bad')}: {broken} of {_count(len(grade.graded), 'promise')} not kept"
    else:
        end = f"{style('solved', 'good')}: {_count(len(grade.graded), 'promise')} kept, for all packets"
    return "\n".join([*lines, "", end])


def graded_lines(graded: Graded, style: Style = PLAIN) -> Iterator[str]:
    """Yield what became of a promise."""
    first, *others = wrap(clean(graded.promise.words), _columns(style) - 8)
    yield f"{style('kept  ', 'good') if graded.kept else style('broken', 'bad')}  {first}"
    yield from (f"{'':8}{each}" for each in others)
    if graded.kept:
        return
    if graded.counterexample is None:
        yield f"  it cannot be decided: {clean(graded.why or '')}"
    else:
        yield from (f"  {line}".rstrip() for line in _shown(graded, graded.counterexample, style))
    if graded.counterexample is not None and not graded.counterexample.certain:
        yield from _folded("what cannot be known keeps no promise", style)
    elif graded.promise.hint:
        yield from _folded(f"hint: {clean(graded.promise.hint)}", style)


def _columns(style: Style) -> int:
    return max(24, min(style.columns or WIDEST, WIDEST))


def _folded(text: str, style: Style) -> list[str]:
    """Return lines that stand below a promise."""
    return wrap(text, _columns(style), initial_indent="  ", subsequent_indent="    ")


def _shown(graded: Graded, counterexample: Counterexample, style: Style) -> Iterator[str]:
    """Yield a packet with which a promise is broken, and the rule that decides about it."""
    region, deciding = counterexample.region, counterexample.deciding
    rewritten = rewriting_text(deciding.packet, deciding.decision.packet)
    moved = deciding.decision.packet.get("hook") != region.example.get("hook")
    said = packets_text(counterexample.shown, hook=not moved)
    yield from wrap(f"for example: {said}", _columns(style) - 2, subsequent_indent="  ")
    fate = _FATES[region.verdict]
    if counterexample.reply is not None:
        passes = region.packets[0].decision.verdict == "allow"
        fate = f"the {ROLES[deciding.role]} {fate.removeprefix('it ')}"
        reply = packets_text(counterexample.reply, hook=False)
        fate = f"{'the first packet passes, but ' if passes else ''}{fate}, {reply}"
    elif graded.promise.kind in ("drop", "reject") and region.verdict == "block":
        fate = _TOLD[isinstance(deciding.decision.action, Reject)]
    yield from wrap(f"{fate}:", _columns(style) - 2, subsequent_indent="  ")
    if rewritten:
        yield from wrap(f"rewritten on the way: {rewritten}", _columns(style) - 2, subsequent_indent="  ")
    first, *frame = decided_text(deciding, region.ruleset, style, settle=False)
    yield from folded(first, _columns(style) - 2).split("\n")
    yield from frame


def checked_text(proved: Sequence[Proved], style: Style = PLAIN) -> str:
    """Return a line for each lesson: what of it was proved."""
    longest = max((len(each.lesson.name) for each in proved), default=0)
    return "\n".join(f"{style(f'{each.lesson.name:{longest}}', 'name')}  {_proved(each)}" for each in proved)


def _proved(proved: Proved) -> str:
    parts = [_count(proved.questions, "answer")]
    parts += [f"{_count(proved.steps, 'step')} as expected"]
    if proved.lesson.exercise is not None:
        parts += [f"{_count(proved.promises, 'promise')} kept", f"{_count(proved.wrong, 'wrong solution')} refuted"]
    return ", ".join(parts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def lesson_text(lesson: Lesson, style: Style = PLAIN, wishes: str = "") -> str:
    """Return a lesson to be read: its page, and the task of its exercise with the promises.

    *wishes* stand behind `fwpolicy learn N`.
    """
    columns = _columns(style)
    lines = ["".join(clean(line) + "\n" for line in lesson.page.text.splitlines()).rstrip()]
    if lesson.exercise is not None:
        task = [part for line in lesson.exercise.task.splitlines() for part in wrap(clean(line), columns) or [""]]
        lines += ["", style("Exercise", "name"), "", *task, ""]
        for each in lesson.exercise.promises:
            lines += wrap(clean(each.words), columns, initial_indent="  ", subsequent_indent="    ")
        lines += ["", "Copy this file, change the copy, and have it graded:", ""]
        lines += [f"  {clean(os.path.normpath(lesson.exercise.start))}"]
        lines += [f"  fwpolicy learn {lesson.number}{clean(wishes)} --grade COPY"]
    return "\n".join(lines)
