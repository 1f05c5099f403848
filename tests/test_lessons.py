"""The lessons that come with fwpolicy: all that they say is proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy.learn.check import check_lesson
from policy.learn.lesson import Lesson, Played
from policy.learn.read import read_course, shipped_course, translated
from policy.report.diagnostics_text import diagnostics_text
from tests.command import run

HERE = Path(shipped_course()).is_dir()
LESSONS = read_course(shipped_course()).lessons if HERE else ()
GERMAN = read_course(translated(shipped_course(), "de")).lessons if HERE else ()

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
    assert all(promise.says for promise in lesson.exercise.promises), "a question is half of a solution"


@pytest.mark.parametrize("lesson", GERMAN, ids=[lesson.name for lesson in GERMAN])
def test_a_translation_says_the_same(lesson: Lesson) -> None:
    proved, wrong = check_lesson(lesson)
    assert not wrong, diagnostics_text(wrong)
    (original,) = [each for each in LESSONS if each.name == lesson.name]
    assert lesson.exercise is not None
    assert original.exercise is not None
    assert [(each.kind, each.question) for each in lesson.exercise.promises] == [
        (each.kind, each.question) for each in original.exercise.promises
    ]
    assert [(each.answer, len(each.choices)) for each in lesson.questions] == [
        (each.answer, len(each.choices)) for each in original.questions
    ]
    assert (proved.questions, proved.wrong) == (len(original.questions), len(original.exercise.wrong))


def _right(lesson: Lesson) -> list[str]:
    """Return what is typed from the first page to the solved exercise, with the right answers."""
    played = lesson.scenarios[0]
    steps = [
        each.proof.step if isinstance(each.proof, Played) and each.proof.scenario == played else None
        for each in lesson.questions
    ]
    asked = sorted(range(len(steps)), key=lambda at: steps[at] or 1000)
    answers = [(steps[at], str(lesson.questions[at].answer)) for at in asked]
    first = [answer for step, answer in answers if step == 1]
    return ["", *first, "a", *(answer for step, answer in answers if step != 1), "g"]


@pytest.mark.parametrize("lesson", [*LESSONS, *GERMAN], ids=[lesson.folder for lesson in [*LESSONS, *GERMAN]])
def test_a_lesson_is_walked_to_its_end(lesson: Lesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert lesson.exercise is not None
    solution = Path(lesson.exercise.solution)
    Path(f"{lesson.name}{solution.suffix}").write_text(solution.read_text(encoding="utf-8"), encoding="utf-8")
    language = ("--language", "de") if lesson in GERMAN else ()
    stdin = "".join(f"{line}\n" for line in _right(lesson)).encode()
    done = run("learn", str(lesson.number), "--plain", *language, stdin=stdin)
    assert done.status == 0, done.err
    assert f"{len(lesson.questions)} of {len(lesson.questions)} right." in done.out
    assert f"solved: {len(lesson.exercise.promises)} promises kept, for all packets" in done.out
    wide = [line for line in done.out.splitlines() if len(line) > 80 and str(Path(lesson.folder).parent) not in line]
    assert not wide
