"""The rules to copy: they load, they are laid out, and the commands of their READMEs give answers."""

import re
import shlex
from pathlib import Path

import pytest

from policy.app.load import load, read_source
from tests.command import run

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "rules").glob("*/rules.fw"))
COMMANDS = [
    command
    for page in sorted((ROOT / "rules").glob("*/README.md"))
    for command in re.findall(r"^    fwpolicy (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_file_loads_and_is_laid_out(path: Path) -> None:
    assert load(read_source(str(path))).policies
    assert run("fmt", "--check", str(path)).status == 0
    assert (path.parent / "README.md").is_file()


def test_nothing_is_wrong_with_them_but_with_the_bad_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = run("lint", "rules", "--format", "json").json()
    assert not done["errors"]
    assert not done["undecided"]
    assert {each["file"] for each in done["findings"]} == {"rules/mistakes/rules.fw"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_gives_an_answer(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = run(*shlex.split(command))
    assert done.status in (0, 1), done.err
