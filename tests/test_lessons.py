"""The lessons that come with fwpolicy: all that they say is proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy.learn.check import check_lesson
from policy.learn.lesson import Lesson
from policy.learn.read import read_course, shipped_course
from policy.report.diagnostics_text import diagnostics_text

HERE = Path(shipped_course()).is_dir()
LESSONS = read_course(shipped_course()).lessons if HERE else ()

pytestmark = pytest.mark.skipif(not HERE, reason="there is no course yet")


def test_the_course() -> None:
    assert len(LESSONS) >= 12
    assert [lesson.number for lesson in LESSONS] == list(range(1, len(LESSONS) + 1))


@pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.name for lesson in LESSONS])
def test_all_that_a_lesson_says_is_proved(lesson: Lesson) -> None:
    proved, wrong = check_lesson(lesson)
    assert not wrong, diagnostics_text(wrong)
    assert lesson.exercise is not None
    assert proved.questions == len(lesson.questions) >= 3
    assert proved.facts < proved.questions, "something is asked that can be played, or asked of rules"
    assert proved.promises == len(lesson.exercise.promises)
    assert proved.wrong == len(lesson.exercise.wrong) >= 2
    assert proved.steps >= 1
