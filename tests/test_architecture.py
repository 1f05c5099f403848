"""What must stay true of the source as a whole; who may import whom is import-linter's to say, in pyproject.toml."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import policy

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "policy").rglob("*.py"))
LONGEST = 400

each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())


@each_module
def test_a_file_is_short(module: Path) -> None:
    lines = len(module.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{lines} lines: one file does too many things"


@each_module
def test_a_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))), "no docstring"


def test_the_public_names_exist_in_order() -> None:
    assert policy.__all__ == sorted(policy.__all__)
    for name in policy.__all__:
        assert getattr(policy, name) is not None


def test_importing_the_package_is_cheap() -> None:
    program = "import sys; before = set(sys.modules); import policy; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["policy"]
