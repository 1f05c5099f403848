"""The sequence engine agrees with this machine's Linux; `python -m tests.kernel.sequences` looks for longer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.sequences import CANNOT

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 120
"""Seconds for a run that takes a few: the child ends itself then, whatever becomes of the tests."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")


def compared(*arguments: str) -> dict[str, int]:
    """Return the counts; skips where the machine cannot compare, and fails on a disagreement."""
    command = (sys.executable, "-m", "tests.kernel.sequences", "--limit", str(LIMIT), *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT + 10, check=False)
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        name: int(count.replace(",", ""))
        for count, name in re.findall(r"^ +([\d,]+)  (.+)$", done.stdout, re.MULTILINE)
    }


@pytest.mark.parametrize("family", ["4", "6"])
def test_random_sequences(family: str) -> None:
    counts = compared("--seed", "one step after the other", "--count", "60", "--family", family)
    # Nothing is proved by comparing nothing.
    assert counts["steps"] > 1000
    assert counts["steps with a state of TCP or SCTP"] > 150
    assert min(counts[f"state {name}"] for name in ("new", "established", "related", "invalid")) > 5


@pytest.mark.parametrize("family", ["4", "6"])
def test_cases(family: str) -> None:
    assert compared("--cases", "--family", family)["steps"] > 20


def test_sequences_with_pauses() -> None:
    counts = compared("--seed", "as time goes by", "--count", "30", "--waits")
    assert counts["steps"] > 300
    assert counts["tables compared"] > 60
