"""Many files are linted in several processes, with the same result as in one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy.app import workers
from policy.app.lint import lint
from policy.app.linted import Linted, Linting, Treatment
from policy.app.selection import selected
from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Severity
from policy.report.lint_json import lint_json
from tests.command import ROOT

GIVING_UP = "give-up"


def fatal(facts: Facts) -> Iterator[Diagnostic]:
    """End the process of the file that says so, as the system does where memory is short."""
    if GIVING_UP in facts.ruleset.policies:
        os.kill(os.getpid(), signal.SIGKILL)
    return iter(())


FATAL = Check("FW920", "fatal", Severity.ERROR, "It ends.", (), (), fatal)


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use processes, however little there is to do, and on one processor, too."""
    monkeypatch.setattr(workers, "WORTH", 0)
    monkeypatch.setattr(workers, "_processors", lambda: 2)


def linted(*paths: Path, checks: tuple[Check, ...] | None = None) -> Linted:
    return lint(map(str, paths), Linting(Treatment(selected() if checks is None else checks)))


def test_the_result_is_that_of_one_process(request: pytest.FixtureRequest) -> None:
    alone = linted(ROOT / "rules")
    request.getfixturevalue("several")
    together = linted(ROOT / "rules")
    assert alone.findings
    assert lint_json(together) == lint_json(alone)
    assert together.files == alone.files


@pytest.mark.usefixtures("several")
def test_a_process_that_is_ended_costs_only_its_own_file(tmp_path: Path) -> None:
    for name in ("one", "two", GIVING_UP, "three"):
        (tmp_path / f"{name}.fw").write_text(f"policy {name} {{\n    default block\n    allow tcp/1\n}}\n")
    found = linted(tmp_path, checks=(*selected(), FATAL))
    assert [Path(error.span.source.name).stem for error in found.errors] == [GIVING_UP]
    assert "was ended" in found.errors[0].message
    assert {Path(name).stem for name in found.files} == {"one", "two", "three"}
