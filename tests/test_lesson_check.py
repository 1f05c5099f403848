"""A lesson is proved: whatever it says that is not so is said, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy.learn.check import check_course, check_lesson
from policy.learn.read import read_course
from tests.lessons import FILES, SMALL, made, make

BLOCKED = "tcp/80 from 198.51.100.7 port 51000 to 192.0.2.80 in eth0 out eth1"


def found(folder: Path, old: str = "", new: str = "", **changed: str) -> list[tuple[str, int, str]]:
    """Return the file, the line and the message of what is wrong with the small lesson, after a change of it."""
    assert old in SMALL
    names = {name.replace(".", "_").replace("-", "_"): name for name in FILES}
    files = {**FILES, **{names[name]: text for name, text in changed.items()}}
    _, wrong = check_lesson(made(folder, SMALL.replace(old, new, 1), files))
    return [(Path(each.span.source.name).name, each.span.line, each.message) for each in wrong]


def test_a_right_one(tmp_path: Path) -> None:
    proved, wrong = check_lesson(made(tmp_path))
    assert wrong == []
    assert (proved.questions, proved.facts, proved.steps, proved.promises, proved.wrong) == (3, 1, 1, 3, 1)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("verdict: block", "verdict: allow", 10, "the rules answer `block`, not `allow`"),
        ("question: tcp/22 to 192.0.2.80", "question: tcp/22 to nobody", 9, "there is no network or host `nobody`"),
        ("result: connected", "result: refused", 17, "step 2 ends with `connected`, not with `refused`"),
        ("step: 2", "step: 3", 17, "there is no step 3: the scenario has 2"),
        (
            "- allow: tcp/443 to 192.0.2.80",
            "- allow: tcp/80 to 192.0.2.80",
            30,
            f"the solution does not keep this promise: `{BLOCKED}` is blocked",
        ),
    ],
)
def test_what_is_not_so(old: str, new: str, line: int, message: str, tmp_path: Path) -> None:
    assert found(tmp_path, old, new) == [("lesson.yaml", line, message)]


def test_scenarios(tmp_path: Path) -> None:
    play = FILES["play.scenario.yaml"]
    assert found(tmp_path, play_scenario_yaml=play.replace("expect: connected", "expect: refused")) == [
        ("play.scenario.yaml", 13, "expected `refused`, and it is `connected`")
    ]
    assert found(tmp_path, play_scenario_yaml=play.replace("    expect: connected\n", "")) == [
        ("play.scenario.yaml", 1, "nothing is expected of any step")
    ]
    # What cannot be played is said once, though a question asks for it too.
    (wrong,) = found(tmp_path, play_scenario_yaml=play.replace("tcp/443", "tcp/0"))
    assert wrong[0] == "play.scenario.yaml"


def test_wrong_solutions_that_are_right(tmp_path: Path) -> None:
    assert found(tmp_path, wrong_any_fw=FILES["solution.fw"]) == [
        ("wrong-any.fw", 1, "no packet shows that this solution is wrong")
    ]
    (wrong,) = found(tmp_path, wrong_any_fw="policy web {\n  alow any\n}\n")
    assert wrong[0] == "wrong-any.fw"


def test_a_start_that_is_the_end(tmp_path: Path) -> None:
    (wrong,) = found(tmp_path, start_fw=FILES["solution.fw"])
    assert wrong[2] == "what the learner begins with keeps all promises"
    assert found(tmp_path, start_fw="# write your rules here\n") == []


def test_the_rule_that_breaks_a_promise_of_the_solution_is_named(tmp_path: Path) -> None:
    lesson = made(tmp_path, files={**FILES, "solution.fw": FILES["wrong-any.fw"]})
    proved, wrong = check_lesson(lesson)
    assert proved.wrong == 0
    (kept,) = [each for each in wrong if "solution does not keep" in each.message]
    (rule,) = kept.related
    assert (Path(rule.span.source.name).name, rule.span.text) == ("solution.fw", "allow to 192.0.2.80")


def test_translations_have_the_names_of_their_original(tmp_path: Path) -> None:
    make(tmp_path / "lessons" / "01-first")
    make(tmp_path / "lessons" / "02-second")
    make(tmp_path / "lessons.de" / "02-second", SMALL.replace("title: First match", "title: Der erste Treffer"))
    course = read_course(str(tmp_path / "lessons"), "de")
    assert [each.title for each in course.lessons] == ["First match", "Der erste Treffer"]
    assert check_course(read_course(str(tmp_path / "lessons.de")))[1] == []
    make(tmp_path / "lessons.de" / "03-third")
    (wrong,) = check_course(read_course(str(tmp_path / "lessons.de")))[1]
    assert wrong.code == "FW701"
    assert "`03-third` translates nothing" in wrong.message


def test_a_translation_may_use_the_files_of_its_original(tmp_path: Path) -> None:
    make(tmp_path / "lessons" / "01-first")
    other = tmp_path / "lessons.de" / "01-first"
    other.mkdir(parents=True)
    text = SMALL
    for name in ("start.fw", "solution.fw", "wrong-any.fw", "play.scenario.yaml"):
        text = text.replace(f" {name}", f" ../../lessons/01-first/{name}")
    (other / "lesson.yaml").write_text(text, encoding="utf-8")
    (other / "page.md").write_text("# Der erste Treffer\n", encoding="utf-8")
    (proved,), wrong = check_course(read_course(str(tmp_path / "lessons.de")))
    assert wrong == []
    assert (proved.questions, proved.promises, proved.wrong) == (3, 3, 1)
