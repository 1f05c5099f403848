"""The table of sockets agrees with real sockets; `python -m tests.kernel.sockets` looks for longer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.sockets import CANNOT

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 120
"""Seconds for a run that takes a few: the child ends itself then, whatever becomes of the tests."""


@pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")
def test_random_operations() -> None:
    command = (sys.executable, "-m", "tests.kernel.sockets", "--limit", str(LIMIT), "--seed", "test", "--count", "150")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT + 10, check=False)
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^ +([\d,]+)  (.+)$", done.stdout, re.MULTILINE)
    counts = {name: int(count.replace(",", "")) for count, name in found}
    # Nothing is proved by comparing nothing.
    assert counts["operations"] > 2500
    assert counts["operations beside TIME_WAIT"] > 200
    for name in (
        "bind EADDRINUSE",
        "bind EADDRNOTAVAIL",
        "connect EADDRNOTAVAIL",
        "connect EAGAIN",
        "connect ECONNREFUSED",
    ):
        assert counts[name] > 0, name
    assert counts["listener"] > 20
    assert counts["receiver"] > 100
