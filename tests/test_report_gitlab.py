"""Code Quality of GitLab: what is written is what it reads, and findings keep their names when lines move."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.command import run
from tests.sample_checks import samples  # noqa: F401 (a fixture)

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "gitlab-code-quality.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

RULES = "policy p {\n    allow tcp/22\n    block tcp/23\n    block  tcp/23\n}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: None) -> Path:  # noqa: ARG001, F811 (a fixture)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.fw").write_text(RULES, encoding="utf-8")
    return tmp_path


def gitlab(*arguments: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = run("lint", *arguments, "--format", "gitlab").json()
    VALIDATOR.validate(entries)
    names = [entry["fingerprint"] for entry in entries]
    assert len(set(names)) == len(names)
    return entries


def test_an_entry() -> None:
    first, *_ = gitlab("a", "--select", "FW901")
    assert first == {
        "description": "FW901 every-rule: this is a rule; be glad",
        "check_name": "every-rule",
        "fingerprint": first["fingerprint"],
        "severity": "major",
        "location": {"path": "a/x.fw", "lines": {"begin": 2}},
    }


def test_paths_are_those_from_here(folder: Path) -> None:
    assert gitlab("a") == gitlab(str(folder / "a")) == gitlab("./a/x.fw")


def test_names_stay_when_lines_move(folder: Path) -> None:
    before = gitlab("a", "--select", "FW901")
    moved = RULES.replace("{\n", "{\n\n    # moved\n    allow udp/53\n").replace("    block tcp/23", "  block   tcp/23")
    (folder / "a" / "x.fw").write_text(moved, encoding="utf-8")
    after = gitlab("a", "--select", "FW901")
    assert len(after) == len(before) + 1
    assert {entry["fingerprint"] for entry in before} < {entry["fingerprint"] for entry in after}
    assert {entry["fingerprint"] for entry in gitlab("a", "--select", "FW902")}.isdisjoint(
        entry["fingerprint"] for entry in after
    )


def test_what_is_wrong_or_undecided_is_there_too(folder: Path) -> None:
    (folder / "bad.fw").write_text("policy p {\n    allow tcp/70000\n}\n", encoding="utf-8")
    entries = gitlab(".", "none.fw", "--select", "FW902,FW911")
    assert {entry["severity"] for entry in entries} == {"blocker", "critical", "major", "minor"}
    assert any(entry["description"].startswith("FW911") and "undecided" in entry["description"] for entry in entries)
    assert {"bad.fw", "none.fw", "a/x.fw"} == {entry["location"]["path"] for entry in entries}


def test_nothing_at_all() -> None:
    assert gitlab("a", "--select", "FW902", "--ignore", "FW902") == []
    assert run("lint", "a", "--ignore", "FW9", "--format", "gitlab").out == "[]\n"


def test_the_schema_refuses_what_is_wrong() -> None:
    (entry, *_) = gitlab("a")
    assert not VALIDATOR.is_valid([{**entry, "severity": "error"}])
    assert not VALIDATOR.is_valid([{**entry, "location": {"path": "x"}}])
