"""`fwpolicy` agrees with this machine's Linux where rules rewrite; `python -m tests.kernel.nat` looks for longer."""

from __future__ import annotations

import json
import sys

import pytest

from tests.kernel.test_kernel import RULESETS, compare

PACKETS = 160


@pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")
@pytest.mark.parametrize(("backend", "family"), [("nft", 4), ("legacy", 6)])
def test_the_kernel_agrees_about_rewriting(backend: str, family: int) -> None:
    counts, disagreements = compare(backend, family, "tests.kernel.nat", PACKETS)
    assert not counts["disagreements"], json.dumps(disagreements, indent=1)
    # Nothing is proved by comparing nothing.
    assert counts["rule sets"] >= RULESETS - 3
    assert counts["comparisons"] >= 1200
    assert counts["answers that depend"] <= 0.15 * counts["comparisons"], "too many answers are not definite"
    assert counts["rewritten"] >= 0.1 * counts["comparisons"]
    assert counts["packets of known connections"] >= 0.05 * counts["comparisons"]
    assert counts["kernel: block"] >= 0.1 * counts["comparisons"]
    assert counts["sent to itself"] >= 0.02 * counts["comparisons"]
    assert counts["kernel: comes through at input"]
    assert counts["kernel: comes through at forward"]
    assert counts["kernel: comes through at output"]
