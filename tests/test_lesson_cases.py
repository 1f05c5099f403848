"""Every mistake of a lesson is found in one run, at its place: `tests/cases/lesson`."""

from pathlib import Path

import pytest

from policy.app.problem import CannotAnswer
from policy.diagnostic import Mistakes
from policy.learn.lesson import Asked, Fact, Played
from policy.learn.read import read_course, translated
from tests.casefile import Case, cases
from tests.lessons import FILES, SMALL, made, make
from tests.test_message_style import wrong

CASES = list(cases("lesson"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case, tmp_path: Path) -> None:
    try:
        made(tmp_path, case.text)
    except Mistakes as mistakes:
        case.check(mistakes.diagnostics)
        for each in mistakes.diagnostics:
            assert wrong(each.message) is None, each.message
            assert each.help is None or wrong(each.help) is None, each.help
    else:
        case.check([])


def test_what_a_lesson_says(tmp_path: Path) -> None:
    lesson = made(tmp_path / "03-first-match")
    assert (lesson.name, lesson.number, lesson.title, lesson.minutes) == ("03-first-match", 3, "First match", 5)
    assert [type(each.proof) for each in lesson.questions] == [Asked, Played, Fact]
    assert [Path(each).name for each in lesson.scenarios] == ["play.scenario.yaml"]
    assert lesson.exercise is not None
    assert [each.kind for each in lesson.exercise.promises] == ["allow", "block", "open"]
    assert lesson.exercise.promises[1].hint == "Look at the last rule."


def test_a_question_has_its_place_in_quotes_and_without(tmp_path: Path) -> None:
    for quote in ("", "'", '"'):
        with pytest.raises(Mistakes) as caught:
            made(tmp_path, SMALL.replace("allow: tcp/443 to 192.0.2.80", f"allow: {quote}tcp/443 {{{quote}"))
        (found,) = caught.value.diagnostics
        assert (found.span.line, found.span.column, found.span.text) == (30, 22 + len(quote), "{")


def test_pages(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        made(tmp_path, files={**FILES, "page.md": f"# A\n\n{'x' * 81}\n{'y' * 80}\n"})
    (found,) = caught.value.diagnostics
    assert (found.span.line, found.span.column, found.span.text) == (3, 81, "x")
    with pytest.raises(Mistakes, match="1 mistakes") as caught:
        made(tmp_path, files={**FILES, "page.md": "\n"})
    assert "the page is empty" in caught.value.diagnostics[0].message


def test_courses(tmp_path: Path) -> None:
    make(tmp_path / "02-second")
    make(tmp_path / "01-first")
    (tmp_path / "README.md").touch()
    (tmp_path / "pictures").mkdir()
    assert [each.name for each in read_course(str(tmp_path)).lessons] == ["01-first", "02-second"]
    make(tmp_path / "3-Third")
    make(tmp_path / "02-other", "title: x\n")
    (tmp_path / "04-empty").mkdir()
    with pytest.raises(Mistakes) as caught:
        read_course(str(tmp_path))
    said = {(Path(each.span.source.name).parent.name, each.message) for each in caught.value.diagnostics}
    assert said == {
        ("3-Third", "`3-Third` is no name of a lesson"),
        ("02-second", "`02-second` and `02-other` have one number"),
        ("02-other", "`minutes` is missing here"),
        ("04-empty", "no such file"),
    }


def test_folders_that_are_no_courses(tmp_path: Path) -> None:
    with pytest.raises(CannotAnswer, match="there are no lessons in"):
        read_course(str(tmp_path))
    with pytest.raises(CannotAnswer, match="no such file or directory"):
        read_course(str(tmp_path / "x"))


def test_translations(tmp_path: Path) -> None:
    (tmp_path / "lessons.de").mkdir()
    assert translated(str(tmp_path / "lessons"), "de") == str(tmp_path / "lessons.de")
    with pytest.raises(CannotAnswer, match="no translation `fr`") as caught:
        translated(str(tmp_path / "lessons"), "fr")
    assert caught.value.help == "there are `de`"
