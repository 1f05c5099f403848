"""Courses, grades, and what was proved of lessons, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from policy.app.packets_text import packets_text
from policy.diagnostic import Diagnostic
from policy.learn.check import Proved
from policy.learn.grade import Counterexample, Grade
from policy.learn.lesson import Course, Lesson, Promise
from policy.learn.progress import Progress
from policy.packet.codec import packet_to_json
from policy.report.answer_json import packet_answer_json
from policy.report.diagnostics_json import VERSION, diagnostic_json


def course_json(course: Course, progress: Progress) -> dict[str, Any]:
    """Return the lessons of a course, and how far one has come."""
    return {"version": VERSION, "lessons": [_listed(lesson, progress) for lesson in course.lessons]}


def _listed(lesson: Lesson, progress: Progress) -> dict[str, Any]:
    reached = progress.of(lesson.name)
    return {
        "name": lesson.name,
        "title": lesson.title,
        "minutes": lesson.minutes,
        "questions": len(lesson.questions),
        "exercise": lesson.exercise is not None,
        "read": reached.read,
        "answers": {str(number): choice for number, choice in reached.answers.items()},
        "solved": reached.solved,
    }


def lesson_json(lesson: Lesson) -> dict[str, Any]:
    """Return a lesson to be read; answers and solutions are not in it."""
    exercise = lesson.exercise
    return {
        "version": VERSION,
        "name": lesson.name,
        "title": lesson.title,
        "minutes": lesson.minutes,
        "page": lesson.page.text,
        "scenarios": list(lesson.scenarios),
        "questions": [{"ask": each.ask, "choices": list(each.choices)} for each in lesson.questions],
        "exercise": None
        if exercise is None
        else {
            "task": exercise.task,
            "start": exercise.start,
            "promises": [_promise(each) for each in exercise.promises],
        },
    }


def _promise(promise: Promise) -> dict[str, Any]:
    """Return a promise; with words of its own its question, which is half a solution, is not told."""
    return {"kind": promise.kind, "question": None if promise.says else promise.question, "says": promise.says}


def grade_json(grade: Grade) -> dict[str, Any]:
    """Return what became of each promise, with the packets that show which are broken."""
    return {
        "version": VERSION,
        "solved": grade.passed,
        "promises": [
            {
                **_promise(each.promise),
                "kept": each.kept,
                "counterexample": each.counterexample and _counterexample(each.counterexample),
                "undecided": each.why,
                "hint": None if each.kept else each.promise.hint,
            }
            for each in grade.graded
        ],
    }


def _counterexample(found: Counterexample) -> dict[str, Any]:
    region = found.region
    return {
        "packet": packet_to_json(region.example),
        "question": packets_text(found.shown),
        "verdict": region.verdict,
        "packets": [packet_answer_json(each, region.ruleset) for each in region.packets],
    }


def checked_json(proved: Sequence[Proved], found: Iterable[Diagnostic]) -> dict[str, Any]:
    """Return what was proved of each lesson, and what is not as it says."""
    return {
        "version": VERSION,
        "lessons": [
            {
                "name": each.lesson.name,
                "questions": each.questions,
                "facts": each.facts,
                "steps": each.steps,
                "promises": each.promises,
                "wrong": each.wrong,
            }
            for each in proved
        ],
        "errors": [diagnostic_json(each) for each in found],
    }
