"""`fwpolicy` agrees with this machine's Linux; `python -m tests.kernel` looks for longer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.__main__ import CANNOT
from tests.kernel.shrink import shrink

ROOT = Path(__file__).resolve().parents[2]
SEED = "a change is judged by what it changes"
RULESETS, PACKETS = 8, 250
LIMIT = 120
"""Seconds for a run that takes a few: the child ends itself then, whatever becomes of the tests."""

DUMP = [
    "*mangle",
    ":INPUT ACCEPT [0:0]",
    "COMMIT",
    "*filter",
    ":INPUT ACCEPT [0:0]",
    ":u0 - [0:0]",
    ":u1 - [0:0]",
    "-A INPUT ! -i lo -p tcp -m tcp ! --dport 22 -j u0",
    "-A INPUT -j ACCEPT",
    "-A u0 -s 10.0.0.1 -m mark ! --mark 1 -f -j DROP",
    "-A u1 -j DROP",
    "COMMIT",
]


def compare(
    backend: str, family: int, module: str = "tests.kernel", packets: int = PACKETS, rulesets: int = RULESETS
) -> tuple[dict[str, int], Any]:
    """Return the counts and the disagreements; skips where the machine cannot compare."""
    size = ("--rulesets", str(rulesets), "--packets", str(packets), "--limit", str(LIMIT))
    command = (sys.executable, "-m", module, "--json", "--seed", SEED, *size)
    child = subprocess.Popen(
        [*command, "--backend", backend, "--family", str(family)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=LIMIT + 10)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    if child.returncode == CANNOT:
        pytest.skip(out.strip())
    assert child.returncode in (0, 1), f"status {child.returncode}: {err}"
    assert out, err
    found = json.loads(out)
    return found["counts"], found["disagreements"]


@pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_the_kernel_agrees(backend: str, family: int) -> None:
    counts, disagreements = compare(backend, family)
    assert not disagreements, json.dumps(disagreements, indent=1)
    # Nothing is proved by comparing nothing. All four together are 5,000 comparisons and more.
    assert counts["rule sets"] >= RULESETS - 2
    assert counts["comparisons"] >= 1250
    arrived = counts["comparisons"] + counts.get("answers that depend", 0)
    assert counts["comparisons"] >= 0.9 * arrived, "too many answers are not definite"
    assert counts["kernel: allow"] >= 0.25 * counts["comparisons"]
    assert counts["kernel: block"] >= 0.25 * counts["comparisons"]
    assert "errors" not in counts
    assert {"state new", "state established"} <= counts.keys(), "connection tracking was not tried"


def test_a_dump_is_shrunk() -> None:
    def bad(lines: Sequence[str]) -> bool:
        text = "\n".join(lines)
        return "-j u0" in text and "-m mark ! --mark 1" in text and ":u0" in text and "*filter" in text

    assert shrink(DUMP, bad) == [
        "*filter",
        ":INPUT ACCEPT [0:0]",
        ":u0 - [0:0]",
        "-A INPUT -j u0",
        "-A u0 -m mark ! --mark 1 -j DROP",
        "COMMIT",
    ]


def test_what_one_packet_does_not_show_is_not_shrunk() -> None:
    assert shrink(DUMP, lambda _: False) == DUMP
