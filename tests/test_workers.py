"""Many files are linted in several processes, with the same result as in one."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy.app import workers
from policy.app.fixing import fix
from policy.app.lint import lint
from policy.app.linted import Linted, Linting, Treatment
from policy.app.selection import selected
from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Severity
from policy.report.lint_json import lint_json
from policy.sets.dd import Diagram
from tests.command import ROOT
from tests.fixing import HOW

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


def test_what_was_known_of_a_file_is_gone_when_it_is_done(tmp_path: Path) -> None:
    file = tmp_path / "x.fw"
    text = "policy p {\n    default block\n    allow tcp/22\n    allow tcp/22 from 10.0.0.1\n}\n"
    file.write_text(text, encoding="utf-8")
    gc.collect()
    before = sum(isinstance(each, Diagram) for each in gc.get_objects())
    gc.disable()  # no luck
    try:
        assert fix([str(file)], HOW, unsafe=False).done
        assert sum(isinstance(each, Diagram) for each in gc.get_objects()) == before
    finally:
        gc.enable()
