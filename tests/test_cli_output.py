"""`lint --output`: answers go to files as a whole, in several formats of one run, or the command says why not."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree as ET

import pytest

from policy.app.workers import lint_units
from tests.command import Done, run

DEAD = "policy p {\n    default block\n    allow tcp/443\n    block tcp/443 from 10.0.0.1\n}\n"


def lint(*arguments: str) -> Done:
    return run("lint", "x.fw", "--select", "FW101", *arguments)


def here() -> list[str]:
    return sorted(path.name for path in Path.cwd().iterdir())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.fw").write_text(DEAD, encoding="utf-8")
    return tmp_path


def test_the_answer_in_a_file(folder: Path) -> None:
    shown = lint()
    done = lint("--output", "a.txt", "--color", "always")
    assert (done.status, done.out, done.err) == (1, "", "")
    assert (folder / "a.txt").read_text(encoding="utf-8") == shown.out
    for kind in ("json", "sarif", "gitlab", "junit", "github"):
        shown = lint("--format", kind)
        assert lint("--format", kind, "--output", "a.txt").status == 1
        assert (folder / "a.txt").read_text(encoding="utf-8") == shown.out
    assert here() == ["a.txt", "x.fw"]


def test_several_formats_of_one_run(folder: Path) -> None:
    with patch("policy.app.lint.lint_units", wraps=lint_units) as linted:
        done = lint("--output", "sarif=s.json", "--output", "gitlab=./g=1.json", "--output", "junit=j")
    assert linted.call_count == 1
    assert (done.status, done.out) == (1, lint().out)
    assert json.loads((folder / "s.json").read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert json.loads((folder / "g=1.json").read_text(encoding="utf-8"))[0]["check_name"] == "shadowed-conflict"
    assert ET.fromstring((folder / "j").read_bytes()).tag == "testsuites"  # noqa: S314 (we wrote it)


def test_files_beside_a_file(folder: Path) -> None:
    done = lint("--format", "json", "--output", "a.json", "--output", "text=a.txt")
    assert (done.status, done.out, done.err) == (1, "", "")
    assert len(json.loads((folder / "a.json").read_text(encoding="utf-8"))["findings"]) == 1
    assert "1 finding in 1 file: 1 error" in (folder / "a.txt").read_text(encoding="utf-8")


def test_what_cannot_be_read_is_still_said(folder: Path) -> None:
    done = lint("none.fw", "--output", "a.txt", "--output", "json=a.json")
    assert (done.status, done.out) == (2, "")
    assert "no such file" in done.err
    assert json.loads((folder / "a.json").read_text(encoding="utf-8"))["errors"][0]["code"] == "FW002"


def test_statistics(folder: Path) -> None:
    assert lint("--statistics", "--output", "json=a.json", "--output", "sarif=s").status == 1
    assert json.loads((folder / "a.json").read_text(encoding="utf-8"))["statistics"][0]["count"] == 1
    done = lint("--statistics", "--format", "gitlab", "--output", "sarif=s")
    assert (done.status, done.out) == (2, "")
    assert "`--statistics` has no place in `--format gitlab`" in done.err


def test_a_file_keeps_its_permissions_and_a_link_stays(folder: Path) -> None:
    (folder / "real.txt").write_text("old", encoding="utf-8")
    (folder / "real.txt").chmod(0o640)
    (folder / "link.txt").symlink_to("real.txt")
    assert lint("--output", "link.txt").status == 1
    assert (folder / "link.txt").is_symlink()
    assert "FW101" in (folder / "real.txt").read_text(encoding="utf-8")
    assert stat.S_IMODE((folder / "real.txt").stat().st_mode) == 0o640
    before = os.umask(0o027)
    try:
        lint("--output", "new.txt")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "new.txt").stat().st_mode) == 0o640


def test_what_is_no_ordinary_file_is_written_to() -> None:
    assert lint("--output", "/dev/null").status == 1
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_failure_leaves_the_old_text(folder: Path) -> None:
    (folder / "a.txt").write_text("old", encoding="utf-8")
    with patch("policy.app.whole.os.fdopen", side_effect=OSError(28, "No space left on device")):
        done = lint("--output", "a.txt")
    assert done.status == 2
    assert done.err == "error: cannot write `a.txt`: no space left on device\n"
    with patch("policy.app.whole.os.fdopen", side_effect=OSError(28, "No space left on device")):
        done = lint("--format", "json", "--output", "text=a.txt")
    assert done.status == 2
    assert len(done.json()["findings"]) == 1
    assert (folder / "a.txt").read_text(encoding="utf-8") == "old"
    assert here() == ["a.txt", "x.fw"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (("none/a.txt",), "cannot write `none/a.txt`: no such file or directory"),
        ((".",), "cannot write `.`: is a directory"),
        (("sarf=a",), "there is no format `sarf`: did you mean `sarif`?; a file of that name is `./sarf=a`"),
        (("xyz=a",), "there is no format `xyz`: there are text, json, sarif, github, gitlab, junit"),
        (("json=",), "`json=` names no file"),
        (("-",), "`-` names no file"),
        (("a", "b"), "several files for one answer: write `--output FORMAT=FILE`"),
        (("json=a", "sarif=a"), "two answers go to `a`"),
    ],
)
def test_what_cannot_be_written(output: tuple[str, ...], said: str) -> None:
    done = lint(*(word for each in output for word in ("--output", each)))
    assert done.status == 2
    assert said in done.err
    assert here() == ["x.fw"]


@pytest.mark.parametrize("fix", [(), ("--fix",)])
def test_rules_are_not_written_over(folder: Path, fix: tuple[str, ...]) -> None:
    (folder / "link").symlink_to("x.fw")
    (folder / "bad.fw").write_text("policy {", encoding="utf-8")
    for name in ("x.fw", "link", "./bad.fw"):
        done = run("lint", "x.fw", "bad.fw", "--output", f"json={name}", *fix)
        assert done.status == 2
        assert f"cannot write `{name}`: it is one of the files that are linted" in done.err
        assert (folder / "x.fw").read_text(encoding="utf-8") == DEAD
        assert (folder / "bad.fw").read_text(encoding="utf-8") == "policy {"
