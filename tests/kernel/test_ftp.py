"""The FTP helper agrees with this machine's Linux; `python -m tests.kernel.ftp` looks for longer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.sequences import CANNOT

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 120
"""Seconds for a run that takes a few."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")


@pytest.mark.parametrize("family", ["4", "6"])
def test_what_is_said_and_what_comes_of_it(family: str) -> None:
    command = (sys.executable, "-m", "tests.kernel.ftp", "--seed", "said", "--count", "80", "--family", family)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {name: int(n.replace(",", "")) for n, name in re.findall(r"^ +([\d,]+)  (.+)$", done.stdout, re.MULTILINE)}
    # Nothing is proved by comparing nothing.
    assert counts["packets"] > 2000
    assert min(counts["related"], counts["text changed"], counts["dropped"]) > 15
