"""How far one has come is kept in a file of the user, and damage costs no more than that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.app.problem import CannotAnswer
from policy.learn.progress import NOTHING, Progress, Reached, course_key, progress_path
from policy.learn.read import shipped_course


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "fwpolicy" / "lessons.json"


def test_what_is_kept_is_there_again(kept: Path) -> None:
    first = Progress("lessons")
    assert first.of("01-a") == NOTHING
    assert not kept.exists()
    first.note("01-a", Reached(read=True, answers={1: 2, 3: 1}))
    Progress("/other").note("01-a", Reached(solved=True))
    first.note("02-b", Reached(read=True))
    again = Progress("lessons")
    assert again.of("01-a") == Reached(read=True, answers={1: 2, 3: 1})
    assert again.of("02-b") == Reached(read=True)
    assert Progress("/other").of("01-a") == Reached(solved=True)
    again.reset()
    assert Progress("lessons").of("01-a") == NOTHING
    assert Progress("/other").of("01-a") == Reached(solved=True)


def test_nobody_else_can_read_it(kept: Path) -> None:
    Progress("lessons").note("01-a", NOTHING)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o077 == 0
    kept.chmod(0o644)
    Progress("lessons").note("01-a", NOTHING)
    assert kept.stat().st_mode & 0o777 == 0o600


GOOD = '{"version": 1, "courses": {"lessons": {"01-a": {"read": true, "answers": {"1": 2}, "solved": false}}}}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "[]",
        "[" * 100_000,
        GOOD[:-1],
        GOOD.replace("1,", "0,", 1),
        GOOD.replace("true", "1"),
        GOOD.replace('"1": 2', '"1": "2"'),
        GOOD.replace('"1": 2', '"one": 2'),
        GOOD.replace('{"1": 2}', "[]"),
        '{"version": 1, "courses": {"lessons": []}}',
        '{"version": 1, "courses": {"lessons": {"01-a": 1}}}',
    ],
)
def test_a_damaged_file_begins_anew(text: str, kept: Path) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text(GOOD, encoding="utf-8")
    assert Progress("lessons").of("01-a").answers == {1: 2}
    kept.write_text(text, encoding="utf-8")
    progress = Progress("lessons")
    assert progress.damaged == f"`{kept}` is damaged"
    assert progress.of("01-a") == NOTHING
    progress.note("02-b", Reached(read=True))
    assert Progress("lessons").damaged is None
    assert Progress("lessons").of("02-b").read


def test_a_file_of_a_newer_version_is_kept_beside(kept: Path) -> None:
    kept.parent.mkdir(parents=True)
    newer = '{"version": 2, "courses": {}, "badges": []}'
    kept.write_text(newer, encoding="utf-8")
    progress = Progress("lessons")
    assert progress.damaged == f"`{kept}` is of a newer fwpolicy"
    progress.note("01-a", Reached(read=True))
    assert kept.with_name("lessons.json~").read_text(encoding="utf-8") == newer
    assert Progress("lessons").of("01-a") == Reached(read=True)


def test_a_home_that_is_not_a_whole_path_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "relative")
    assert progress_path() is None


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damage_gives_no_traceback(kept: Path, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    token = data.draw(st.sampled_from(["", "\0", "{", "}", "[", "null", "1e400", '"', "-1", "é"]))
    text = GOOD[:start] + token + GOOD[start + data.draw(st.integers(0, 9)) :]
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(text, encoding="utf-8")
    progress = Progress("lessons")
    if progress.damaged is None:
        json.loads(text)
    assert isinstance(progress.of("01-a"), Reached)


def test_without_a_place_to_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(CannotAnswer, match="progress cannot be kept"):
        Progress("lessons").note("01-a", NOTHING)
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert progress_path() == tmp_path / ".local" / "state" / "fwpolicy" / "lessons.json"


def test_courses_are_told_apart_by_their_path(tmp_path: Path) -> None:
    assert course_key(shipped_course()) == course_key(f"{shipped_course()}/") == "lessons"
    (tmp_path / "link").symlink_to(tmp_path)
    assert course_key(str(tmp_path / "link")) == os.path.realpath(tmp_path)


WRITER = """
from policy.learn.progress import Progress, Reached
import sys
progress = Progress("lessons")
for number in range(30):
    progress.note(f"{sys.argv[1]}-{number}", Reached(read=True))
"""


def test_two_terminals_lose_nothing(kept: Path) -> None:
    assert not kept.exists()
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in ("a", "b")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    progress = Progress("lessons")
    assert all(progress.of(f"{name}-{number}").read for name in ("a", "b") for number in range(30))
