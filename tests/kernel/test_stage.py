"""Real sockets behind real rules see what the simulator says (`staged`), in some random scenarios."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.staged import CANNOT

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 300
"""Seconds for what takes thirty, where nobody else wants the machine."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")


@pytest.mark.parametrize("seed", ["ci-1", "ci-2"])
def test_linux_sees_what_the_simulator_says(seed: str) -> None:
    command = [sys.executable, "-m", "tests.kernel.staged", "--seed", seed, "--scenarios", "3", "--steps", "40"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
