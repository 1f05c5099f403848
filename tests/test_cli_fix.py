"""`fwpolicy lint --fix`, `--unsafe-fixes` and `--diff` at the command line."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from policy.app.baseline import NAME
from policy.app.fixing import fix
from policy.app.problem import CannotAnswer
from policy.app.written import write
from tests.command import run
from tests.fixing import HOW

DEAD = "policy p {\n    default block\n    allow tcp log\n    allow tcp/22 # ssh\n    reject tcp/23\n}\n"
SAFE = "policy p {\n    default block\n    allow tcp log\n    # ssh\n    reject tcp/23\n}\n"
UNSAFE = "policy p {\n    default block\n    allow tcp log\n    # ssh\n}\n"
SELECT = ("--select", "FW101,FW102")


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    file = tmp_path / "dead.fw"
    file.write_text(DEAD, encoding="utf-8")
    return file


def test_a_finding_says_what_fixes_it(dead: Path) -> None:
    said = run("lint", str(dead), *SELECT).out
    assert "= fixable with `--fix`: remove the rule\n" in said
    assert "= fixable with `--fix --unsafe-fixes`: remove the rule\n" in said
    assert said.endswith("1 fixable with `--fix`; 1 more with `--unsafe-fixes`\n")


def test_the_fix_is_in_the_json(dead: Path) -> None:
    first, second = (
        finding["fix"] for finding in run("lint", "--format", "json", str(dead), *SELECT).json()["findings"]
    )
    place = {"file": str(dead), "line": 4, "column": 1, "end_line": 5, "end_column": 1}
    assert first == {"safe": True, "description": "remove the rule", "edits": [{**place, "text": "    # ssh\n"}]}
    assert second["safe"] is False


def test_the_fix_is_in_sarif(dead: Path) -> None:
    results = run("lint", "--format", "sarif", str(dead), *SELECT).json()["runs"][0]["results"]
    ((change,),) = (fix["artifactChanges"] for fix in results[0]["fixes"])
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 4, "startColumn": 1, "endLine": 5, "endColumn": 1},
            "insertedContent": {"text": "    # ssh\n"},
        }
    ]


def test_safe_fixes_are_written_and_what_is_left_counts(dead: Path) -> None:
    dead.chmod(0o640)
    done = run("lint", "--fix", str(dead), *SELECT)
    assert done.status == 1  # FW101 is left
    assert dead.read_text() == SAFE
    assert stat.S_IMODE(dead.stat().st_mode) == 0o640
    assert "FW102" not in done.out
    assert "FW101" in done.out
    assert done.err == "fixed 1 finding in 1 file (FW102 1)\n"
    assert [*dead.parent.iterdir()] == [dead]
    again = run("lint", "--fix", str(dead), *SELECT)
    assert (again.err, dead.read_text()) == ("nothing to fix\n", SAFE)


def test_unsafe_fixes_are_made_as_well(dead: Path) -> None:
    done = run("lint", "--fix", "--unsafe-fixes", str(dead), *SELECT)
    assert (done.status, dead.read_text()) == (0, UNSAFE)
    assert done.err == "fixed 2 findings in 1 file (FW101 1, FW102 1)\n"


def test_unsafe_fixes_alone_write_nothing(dead: Path) -> None:
    assert run("lint", "--unsafe-fixes", str(dead), *SELECT).status == 1
    assert dead.read_text() == DEAD


def test_a_diff_is_shown_and_nothing_written(dead: Path) -> None:
    done = run("lint", "--diff", str(dead), *SELECT)
    assert done.status == 1
    assert "-    allow tcp/22 # ssh\n+    # ssh\n" in done.out
    assert done.err == "would fix 1 finding in 1 file (FW102 1)\n"
    assert dead.read_text() == DEAD


def test_a_diff_of_standard_input_is_shown() -> None:
    done = run("lint", "--diff", "-", *SELECT, stdin=DEAD.encode())
    assert (done.status, "-    allow tcp/22 # ssh\n+    # ssh\n" in done.out) == (1, True)
    refused = run("lint", "--fix", "-", *SELECT, stdin=DEAD.encode())
    assert (refused.status, "standard input (`-`) cannot be written" in refused.err) == (2, True)


def test_a_diff_has_one_format(dead: Path) -> None:
    assert run("lint", "--diff", "--format", "json", str(dead)).status == 2


def test_what_is_silenced_is_not_fixed(dead: Path) -> None:
    dead.write_text(DEAD.replace("# ssh", "# fwpolicy: ignore FW102: soon"))
    assert run("lint", "--fix", str(dead), *SELECT).err == "nothing to fix\n"


def test_a_file_that_has_changed_is_left_alone(dead: Path) -> None:
    other = dead.with_name("other.fw")
    other.write_text(DEAD)
    drafts = fix([str(dead), str(other)], HOW, unsafe=False).drafts
    assert len(drafts) == 2
    other.write_text(DEAD + "# mine\n")
    with pytest.raises(CannotAnswer, match="has changed since it was read"):
        write(drafts)
    assert (dead.read_text(), other.read_text()) == (DEAD, DEAD + "# mine\n")
    assert sorted(dead.parent.iterdir()) == [dead, other]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(dead: Path) -> None:
    dead.parent.chmod(0o500)
    try:
        done = run("lint", "--fix", str(dead), *SELECT)
    finally:
        dead.parent.chmod(0o700)
    assert (done.status, dead.read_text()) == (2, DEAD)
    assert "could not write" in done.err


def test_a_write_that_fails_half_way_is_taken_back(dead: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = dead.with_name("other.fw")
    other.write_text(DEAD)
    replace = Path.replace
    failing: list[Path] = []

    def once(self: Path, target: Path) -> Path:
        if Path(target) == other and not failing:
            failing.append(target)
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", once)
    done = run("lint", "--fix", str(dead), str(other), *SELECT)
    assert (done.status, failing) == (2, [other])
    assert (dead.read_text(), other.read_text()) == (DEAD, DEAD)
    assert sorted(dead.parent.iterdir()) == [dead, other]


def test_what_a_baseline_knows_is_not_fixed(dead: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dead.parent)
    run("lint", "--write-baseline", str(dead), *SELECT)
    done = run("lint", "--fix", "--unsafe-fixes", "--baseline", NAME, str(dead), *SELECT)
    assert (done.status, done.err, dead.read_text()) == (0, "nothing to fix\n", DEAD)
    run("lint", "--fix", "--write-baseline", str(dead), *SELECT)
    assert dead.read_text() == SAFE
    assert '"FW102"' not in Path(NAME).read_text()


def test_json_is_not_fixed_and_that_is_said(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    command = {"family": "inet", "table": "f"}
    chain = {**command, "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    rule = {**command, "chain": "c", "expr": [{"accept": None}]}
    listed = [{"table": {"family": "inet", "name": "f"}}, {"chain": chain}, {"rule": rule}, {"rule": rule}]
    rules.write_text(json.dumps({"nftables": listed}))
    said = f"nothing to fix; `{rules}` cannot be fixed as JSON: lint the script that `nft list ruleset` prints\n"
    for option in ("--fix", "--diff"):
        done = run("lint", option, str(rules), "--select", "FW111,FW108")
        assert (done.status, done.err) == (1, said)
