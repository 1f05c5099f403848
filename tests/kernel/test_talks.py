"""Linux gives the answers of `tests/talks.py`: real connections, with the rules to copy loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.street import CANNOT
from tests.talks import TALKS, Host, Talk

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 60
"""Seconds for a run that takes three."""

Row = dict[str, Any]


def said(backend: str) -> list[tuple[Host, Talk, Row]]:
    """Return what Linux does with each talk; skips where it cannot be asked."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kernel.street", backend],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stderr
    talks = [(host, talk) for host, some in TALKS for talk in some if host.file.is_file()]
    return [(*each, row) for each, row in zip(talks, json.loads(done.stdout), strict=True)]


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_linux_lets_the_same_connections_pass_to_the_same_place(backend: str) -> None:
    for host, talk, row in said(backend):
        about = f"{host.rules}: {talk.question}"
        assert row["heard"] == talk.heard, about
        if talk.heard:
            target, port = talk.to or (talk.target, talk.port)
            assert row["to"] == [target, int(port)], about
            assert row["seen"] == (talk.seen or talk.source), about


def test_without_rules_everything_is_heard() -> None:
    """So what is not heard with them is not heard because of them."""
    for host, talk, row in said("none"):
        if talk.target != "127.0.0.1":  # Linux takes no packet from outside for it, unless NAT makes it one for another
            assert row["to"] == [talk.target, talk.port], f"{host.rules}: {talk.question}"
            assert row["seen"] == talk.source
