"""What `fwpolicy` finds in sets is what this machine's Linux finds; `python -m tests.kernel.ipset` looks for longer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.ipset import CANNOT

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("family", [4, 6])
def test_sets_hold_what_the_kernel_finds_in_them(family: int) -> None:
    words = ("--seed", "suite", "--rounds", "6", "--packets", "150", "--limit", "100", "--family", str(family))
    done = subprocess.run(
        (sys.executable, "-m", "tests.kernel.ipset", *words), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip())
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert not found["disagreements"]
    assert found["counts"]["comparisons"] > 400
