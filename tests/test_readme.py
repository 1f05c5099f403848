"""What README and docs/nat.md show is what the command prints; the rules that README quotes are those of `rules/`."""

import re
import shlex
from pathlib import Path

import pytest

from tests.command import run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAT = (ROOT / "docs" / "nat.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ fwpolicy (.*)\n((?:(?!```|\$ ).*\n)*)", README + NAT, re.MULTILINE)


def test_readme_shows_answers() -> None:
    assert SHOWN


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_output(command: str, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert run(*shlex.split(command)).out.rstrip() == output.rstrip()


def test_rules() -> None:
    assert (ROOT / "rules" / "office" / "rules.fw").read_text(encoding="utf-8") in README
