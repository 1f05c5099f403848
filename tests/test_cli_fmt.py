"""`fwpolicy fmt` and `show` at the command line: what is written, and what is not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given

from policy.app.show import overview
from policy.ir import Ruleset
from policy.report.rules_json import rules_json
from policy.report.rules_text import rules_text
from tests.command import run
from tests.strategies import rulesets

UGLY = "policy p {\n        default   block\nallow tcp/22   # why\n}\n"
BAD = "policy p {\n    allow tcp frm any\n}\n"


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    file = tmp_path / "rules.fw"
    file.write_text(UGLY, encoding="utf-8")
    return file


def test_a_file_is_laid_out_once_and_stays_so(ugly: Path) -> None:
    ugly.chmod(0o640)
    done = run("fmt", str(ugly))
    assert done.status == 0
    assert done.out == ""
    pretty = ugly.read_text(encoding="utf-8")
    assert pretty != UGLY
    assert "# why" in pretty
    assert stat.S_IMODE(ugly.stat().st_mode) == 0o640
    assert files(ugly.parent) == {"rules.fw": pretty.encode()}
    before = ugly.stat().st_mtime_ns
    assert run("fmt", str(ugly)).status == 0
    assert run("fmt", "--check", str(ugly)).status == 0
    assert ugly.stat().st_mtime_ns == before


def test_check_and_diff_write_nothing(ugly: Path) -> None:
    checked, shown = run("fmt", "--check", str(ugly)), run("fmt", "--diff", str(ugly))
    assert (checked.status, shown.status) == (1, 1)
    assert str(ugly) in checked.err
    assert "+    default block\n" in shown.out
    assert files(ugly.parent) == {"rules.fw": UGLY.encode()}


def test_standard_input_goes_to_standard_output(ugly: Path) -> None:
    done = run("fmt", "-", stdin=UGLY.encode())
    assert done.status == 0
    run("fmt", str(ugly))
    assert done.out == ugly.read_text(encoding="utf-8")
    assert run("fmt", "-", "--check", stdin=UGLY.encode()).status == 1
    assert run("fmt", "-", str(ugly)).status == 2


def test_a_directory_means_the_files_in_it(tmp_path: Path) -> None:
    for name in ("a.fw", "deep/b.fw", "deep/c.txt", ".hidden/d.fw"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(UGLY, encoding="utf-8")
    done = run("fmt", "--format", "json", str(tmp_path), str(tmp_path / "a.fw")).json()
    assert done["written"] is True
    assert [Path(each["file"]).name for each in done["files"]] == ["a.fw", "b.fw"]
    changed = {name for name, data in files(tmp_path).items() if data != UGLY.encode()}
    assert changed == {"a.fw", "deep/b.fw"}
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no `*.fw` file" in run("fmt", str(empty)).err


def test_a_mistake_in_one_file_leaves_all_as_they_were(ugly: Path) -> None:
    bad = ugly.with_name("bad.fw")
    bad.write_text(BAD, encoding="utf-8")
    before = files(ugly.parent)
    done = run("fmt", str(ugly), str(bad), str(ugly.with_name("none.fw")))
    assert done.status == 2
    assert f"{bad}:2:15: " in done.err
    assert "no such file" in done.err
    assert files(ugly.parent) == before


def test_a_failure_to_write_leaves_all_as_they_were(ugly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ugly.with_name("z.fw")
    other.write_text(UGLY, encoding="utf-8")
    before = files(ugly.parent)
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "z.fw":
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    done = run("fmt", str(ugly), str(other))
    assert done.status == 2
    assert "nothing was changed" in done.err
    assert files(ugly.parent) == before


def test_a_link_stays_a_link(ugly: Path) -> None:
    link = ugly.with_name("link.fw")
    link.symlink_to(ugly)
    assert run("fmt", str(link)).status == 0
    assert link.is_symlink()
    assert ugly.read_text(encoding="utf-8") != UGLY


def test_a_language_without_a_layout_is_an_error(tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    dump.write_text("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", encoding="utf-8")
    done = run("fmt", str(dump))
    assert done.status == 2
    assert "no layout for iptables" in done.err


def test_the_meaning_stays_the_same(ugly: Path) -> None:
    def rows() -> list[dict[str, object]]:
        policies = run("show", "--format", "json", str(ugly)).json()["policies"]
        return [{**rule, "line": 0} for policy in policies for rule in policy["rules"]]

    before = rows()
    run("fmt", str(ugly))
    assert rows() == before


def test_show_says_what_a_file_cannot() -> None:
    assert run("show", "-", stdin=b"policy p {\n}\n").out.endswith("no rules\n")
    assert run("show", "-", stdin=b"").out == "there are no rules\n"
    assert run("show", os.devnull + "/x").status == 2


@given(rulesets())
def test_everything_can_be_shown(ruleset: Ruleset) -> None:
    found = overview(ruleset)
    assert rules_text(found)
    assert rules_json(found)["version"] == 1
