"""SARIF: what is written fits the schema of the standard, and says all that is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.command import run
from tests.sample_checks import samples  # noqa: F401 (a fixture)

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA)

RULES = 'policy p {\n    allow tcp/22 as ssh\n    block tcp/23 note "caf\u00e9 \U0001f525"\n}\n'


def sarif(*arguments: str) -> Any:
    log = run("lint", *arguments, "--format", "sarif").json()
    VALIDATOR.validate(log)
    (one,) = log["runs"]
    return one


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_schema_refuses_what_is_wrong() -> None:
    assert not VALIDATOR.is_valid({"version": "2.1.0", "runs": [{"results": []}]})


def test_the_real_checks_fit_the_schema(folder: Path) -> None:
    (folder / "x.fw").write_text(RULES, encoding="utf-8")
    assert sarif("x.fw")["tool"]["driver"]["name"] == "fwpolicy"


@pytest.mark.usefixtures("samples")
def test_a_result(folder: Path) -> None:
    (folder / "a b").mkdir()
    (folder / "a b" / "x.fw").write_text(RULES, encoding="utf-8")
    for path in ("a b", str(folder)):
        log = sarif(path, "--select", "FW901,FW902")
        assert log["columnKind"] == "unicodeCodePoints"
        assert log["artifacts"] == [{"location": {"uri": "a%20b/x.fw"}, "roles": ["analysisTarget"]}]
        first, second, third = log["results"]
        assert [each["ruleId"] for each in log["results"]] == ["FW901", "FW901", "FW902"]
        assert [log["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] for each in log["results"]] == [
            "FW901",
            "FW901",
            "FW902",
        ]
        assert [each["level"] for each in log["results"]] == ["warning", "warning", "error"]
        assert second["locations"][0]["physicalLocation"] == {
            "artifactLocation": {"uri": "a%20b/x.fw"},
            "region": {
                "startLine": 3,
                "startColumn": 5,
                "endLine": 3,
                "endColumn": 5 + len('block tcp/23 note "caf\u00e9 \U0001f525"'),
            },
        }
        assert (
            second["message"]["text"]
            == "This is a rule. For example tcp/443 from 10.1.2.3 port 51000 to 10.2.0.5. Be glad."
        )
        (related,) = second["relatedLocations"]
        assert related["physicalLocation"]["region"]["startLine"] == 2
        assert first["properties"]["example"]["dst"] == "10.2.0.5"
        assert third["properties"]["region"] == "tcp/80,443 from any"


@pytest.mark.usefixtures("samples")
def test_mistakes_and_what_is_undecided_are_notifications(folder: Path) -> None:
    (folder / "x.fw").write_text(RULES, encoding="utf-8")
    (folder / "bad.fw").write_text("policy p {\n    allow tcp/70000\n}\n", encoding="utf-8")
    log = sarif(".", "none.fw", "--select", "FW902,FW911")
    (invocation,) = log["invocations"]
    assert invocation["executionSuccessful"] is False
    notifications = invocation["toolExecutionNotifications"]
    driver = log["tool"]["driver"]
    assert [each["level"] for each in notifications] == ["error", "error", "warning", "warning"]
    for each in notifications[:2]:
        assert driver["notifications"][each["descriptor"]["index"]]["id"] == each["descriptor"]["id"]
    for each in notifications[2:]:
        assert driver["rules"][each["associatedRule"]["index"]]["id"] == each["associatedRule"]["id"]
    assert [each["ruleId"] for each in log["results"]] == ["FW911", "FW902"]


def test_a_file_elsewhere_has_an_absolute_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("other") / "x.fw"
    file.write_text(RULES, encoding="utf-8")
    assert sarif(str(file))["artifacts"][0]["location"]["uri"] == file.as_uri()
