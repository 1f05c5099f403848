"""A lesson from its page to its exercise: with answers from a pipe, and keys at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from policy.learn.lesson import Lesson
from policy.learn.read import read_course, shipped_course
from tests.command import ROOT, Done, run
from tests.lessons import FILES, SMALL


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "lessons" / "01-first-match"
    folder.mkdir(parents=True)
    for name, text in {**FILES, "lesson.yaml": SMALL}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tmp_path / "lessons"


def walked(course: Path, *lines: str) -> Done:
    files = str(course.parent / "mine")
    stdin = "".join(f"{line}\n" for line in lines).encode()
    return run("learn", "1", "--course", str(course), "--files", files, stdin=stdin)


def test_from_the_page_to_the_exercise(course: Path) -> None:
    own = course.parent / "mine" / "01-first-match.fw"
    done = walked(course, "", "", "2", "2", "1", "g", "l")
    assert done.status == 1, done.err
    assert "Lesson 1 of 1: First match (5 minutes)" in done.out
    assert "The first rule that matches decides." in done.out
    assert "client connects to server" in done.out
    assert "Right.\nNo rule lets it through, and the default is to deny.\n" in done.out
    assert "No.\nRight is 1) It is connected\nThe port is permitted and somebody listens.\n" in done.out
    # What a step proves is asked before it is shown.
    assert done.out.index("Question 1 of 3. What does the client see?") < done.out.index("client connects to server")
    assert "The rules in" not in done.out  # they are the solution
    assert "2 of 3 right." in done.out
    assert "broken  allow: tcp/443 to 192.0.2.80" in done.out
    assert "allow tcp/443" not in done.out.partition("Now you")[2]  # never the solution
    assert own.read_text(encoding="utf-8") == FILES["start.fw"]
    own.write_text(FILES["solution.fw"], encoding="utf-8")
    again = walked(course, "x", "g")
    assert "You have been here before." in again.out
    assert "The first rule that matches decides." not in again.out
    assert again.status == 0
    assert "solved" in again.out
    listed = run("learn", "--course", str(course))
    assert "done" in listed.out or "2 of 3" in listed.out


def test_wrong_solutions_get_a_packet_and_a_hint(course: Path) -> None:
    own = course.parent / "mine" / "01-first-match.fw"
    own.parent.mkdir()
    own.write_text(FILES["wrong-any.fw"], encoding="utf-8")
    done = walked(course, "", "s", "1", "1", "1", "g", "q")
    assert "for example: tcp/22" in done.out
    assert "hint: Look at the last rule." in done.out


def test_rules_with_mistakes_are_shown_as_such(course: Path) -> None:
    own = course.parent / "mine" / "01-first-match.fw"
    own.parent.mkdir()
    own.write_text("policy web {\n  alow tcp/443\n}\n", encoding="utf-8")
    done = walked(course, "", "s", "1", "1", "1", "g", "b", "b", "q")
    assert "01-first-match.fw:2:3" in done.out
    assert own.with_name("01-first-match.fw~").read_text(encoding="utf-8") == "policy web {\n  alow tcp/443\n}\n"
    assert own.read_text(encoding="utf-8") == FILES["start.fw"]


def test_rules_are_shown_before_what_is_asked_of_them(course: Path) -> None:
    folder = course / "01-first-match"
    play = FILES["play.scenario.yaml"].replace("solution.fw", "wrong-any.fw")
    (folder / "play.scenario.yaml").write_text(play, encoding="utf-8")
    (folder / "lesson.yaml").write_text(SMALL.replace("rules: solution.fw", "rules: start.fw"), encoding="utf-8")
    out = walked(course, "", "a", "1", "1", "1", "q").out
    shown = "The rules in wrong-any.fw\n\n1  policy web {\n2    default block\n3    allow to 192.0.2.80\n4  }\n"
    assert out.count(shown) == 1
    assert out.index(shown) < out.index("server listens at")
    assert out.index("The rules in start.fw") < out.index("What becomes of a packet to port 22?")


def test_promises_are_shown_in_their_own_words(course: Path) -> None:
    folder = course / "01-first-match"
    says = "      says: nobody uses SSH\n      hint: Look"
    (folder / "lesson.yaml").write_text(SMALL.replace("      hint: Look", says), encoding="utf-8")
    out = walked(course, "", "a", "1", "1", "1", "g", "q").out
    assert " • allow: tcp/443 to 192.0.2.80\n • nobody uses SSH\n" in out
    assert "kept    nobody uses SSH\n" in out


def test_what_was_watched_is_told_where_a_lesson_wants_that(course: Path) -> None:
    (course / "01-first-match" / "lesson.yaml").write_text(SMALL.replace("minutes", "watch: yes\nminutes"), "utf-8")
    told = "server saw 192.0.2.10 try tcp/443 of 192.0.2.80: let through"
    assert told in walked(course, "", "", "1").out
    assert told not in walked(course, "q").out


@pytest.mark.parametrize("lines", [(), ("",), ("", "a", "2"), ("", "a", "2", "1", "1")])
def test_the_end_of_the_input_is_no_dead_end(course: Path, lines: tuple[str, ...]) -> None:
    done = walked(course, *lines)
    assert done.status == 1
    assert "what you have done is kept" in done.out
    assert "Traceback" not in done.err


def test_a_folder_that_cannot_be_written_is_said(course: Path) -> None:
    stdin = b"\ns\n1\n1\n1\n"
    done = run("learn", "1", "--course", str(course), "--files", "/proc/none", stdin=stdin)
    assert done.status == 2
    assert "cannot write `/proc/none/01-first-match.fw`" in done.err


def test_an_answer_that_is_none_is_asked_for_again(course: Path) -> None:
    done = walked(course, "what?", "", "a", "7", "", "1", "q")
    assert "There is no `what?` here: type Enter, `q`." in done.out
    assert "There is no `7` here: type `1`, `2`, `q`." in done.out
    assert "\nType `1`, `2`, `q`.\n" in done.out
    assert done.out.count("Right.") == 1


def _shown(master: int, *until: str) -> str:
    text, ends = "", time.monotonic() + 30
    while not any(each in text for each in until) and time.monotonic() < ends:
        if select.select([master], [], [], 0.3)[0]:
            try:
                text += os.read(master, 1 << 16).decode()
            except OSError:
                break
    return text


def _walk(words: list[str], editor: Path, answer: Callable[[str], str], end: str) -> str:
    """Return what a terminal shows of a lesson that is walked through; each prompt is given an *answer*."""
    child, master = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.environ |= {"EDITOR": str(editor), "TERM": "xterm-256color", "COLUMNS": "80"}
        os.environ.pop("VISUAL", None)
        os.execv(sys.executable, [sys.executable, "-m", "policy", "learn", *words])  # noqa: S606 (our own command)
    try:
        seen = ""
        for _ in range(60):
            seen += (shown := _shown(master, "leave]", end))
            if "leave]" not in shown:
                break
            os.write(master, f"{answer(shown)}\n".encode())
        return re.sub(r"\x1b\[[0-9;]*m", "", seen)
    finally:
        os.close(master)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def answering(lesson: Lesson, attempts: str) -> Callable[[str], str]:
    """Return what gives the right answers to the questions of a lesson, and types *attempts* at its exercise."""
    keys = iter(attempts)

    def answer(shown: str) -> str:
        if "grade it" in shown:
            return next(keys)
        if "Your answer" in shown:
            asked = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", shown).split())
            (right,) = [each.answer for each in lesson.questions if " ".join(each.ask.split()) in asked]
            return str(right)
        return "a" if "next step" in shown else ""

    return answer


def editing(tmp_path: Path, solution: Path) -> Path:
    """Return an editor that writes a solution."""
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ncp {solution} "$1"\n', encoding="utf-8")
    editor.chmod(0o755)
    return editor


def test_a_terminal_walks_to_the_end(course: Path, tmp_path: Path) -> None:
    (lesson,) = read_course(str(course)).lessons
    words = ["1", "--course", str(course), "--files", str(tmp_path / "mine")]
    editor = editing(tmp_path, course / "01-first-match" / "solution.fw")
    seen = _walk(words, editor, answering(lesson, "eg"), "last lesson")
    assert "solved" in seen
    assert "That was the last lesson." in seen


@pytest.mark.parametrize("editor", ["false", "/nowhere/editor"])
def test_an_editor_that_fails_is_said(course: Path, editor: str) -> None:
    (lesson,) = read_course(str(course)).lessons
    words = ["1", "--course", str(course), "--files", str(course.parent / "mine")]
    seen = _walk(words, Path(editor), answering(lesson, "eq"), "Until next time")
    assert f"The editor `{editor}`" in seen


def test_a_terminal_walks_lesson_1_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (lesson,) = [each for each in read_course(shipped_course()).lessons if each.number == 1]
    assert lesson.exercise is not None
    editor = editing(tmp_path, Path(lesson.exercise.solution))
    seen = _walk(["1", "--files", str(tmp_path / "mine")], editor, answering(lesson, "geg"), "Next: ")
    assert f"{len(lesson.questions)} of {len(lesson.questions)} right." in seen
    assert "not yet" in seen
    assert "solved" in seen
    assert max(len(line) for line in seen.splitlines() if str(tmp_path) not in line) <= 82
    assert "done" in run("learn", "--list").out


def test_rules_that_are_loaded_later_are_shown_then(course: Path) -> None:
    folder = course / "01-first-match"
    play = FILES["play.scenario.yaml"].replace("title: Small\n", "title: Small\nabout: What it is about.\n")
    play += "  - reload: {on: server, firewall: wrong-any.fw}\n"
    (folder / "play.scenario.yaml").write_text(play, encoding="utf-8")
    out = walked(course, "", "", "1", "a").out
    assert "\nSmall\nWhat it is about.\n\n  client" in out
    assert out.index("client connects to server") < out.index("The rules in wrong-any.fw") < out.index("other rules")


def test_names_that_files_cannot_have_are_said(course: Path) -> None:
    stdin = b"\na\n1\n1\n1\n"
    done = run("learn", "1", "--course", str(course), "--files", "x" * 300, stdin=stdin)
    assert done.status == 2
    assert "file name too long" in done.err
    assert "say with `--files` where your files are" in done.err


def test_a_folder_in_the_place_of_the_file_is_no_dead_end(course: Path) -> None:
    own = course.parent / "mine" / "01-first-match.fw"
    own.mkdir(parents=True)
    done = walked(course, "", "a", "1", "1", "1", "g", "b", "l")
    assert done.status == 1
    assert f"It cannot be begun anew, as `{own}` cannot be moved away: is a directory." in done.out.replace("\n", " ")


def test_each_version_that_is_given_up_is_kept(course: Path) -> None:
    own = course.parent / "mine" / "01-first-match.fw"
    own.parent.mkdir()
    for text, answers in (("# one\n", ("", "a", "1", "1", "1")), ("# two\n", ("x",))):
        own.write_text(text, encoding="utf-8")
        walked(course, *answers, "b", "q")
    assert own.with_name("01-first-match.fw~").read_text(encoding="utf-8") == "# one\n"
    assert own.with_name("01-first-match.fw~1").read_text(encoding="utf-8") == "# two\n"
