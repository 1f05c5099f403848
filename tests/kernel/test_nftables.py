"""`fwpolicy` agrees with this machine's Linux about nftables; `python -m tests.kernel.nftables` looks for longer."""

from __future__ import annotations

import json
import sys

import pytest

from tests.kernel.test_kernel import compare

RULESETS, PACKETS = 30, 90


@pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")
@pytest.mark.parametrize("family", [4, 6])
def test_the_kernel_agrees_about_nftables(family: int) -> None:
    """Tables, base chains with priorities, sets, maps, translations: more than 5,000 comparisons in all."""
    counts, disagreements = compare("nft", family, "tests.kernel.nftables", PACKETS, RULESETS)
    assert not counts["disagreements"], json.dumps(disagreements, indent=1)
    # Nothing is proved by comparing nothing.
    assert counts["rule sets"] >= RULESETS - 3
    assert counts["comparisons"] >= 2600
    assert counts["answers that depend"] <= 0.1 * counts["comparisons"], "too many answers are not definite"
    assert counts["rewritten"] >= 0.05 * counts["comparisons"]
    assert counts["packets of known connections"] >= 0.05 * counts["comparisons"]
    assert counts["kernel: block"] >= 0.1 * counts["comparisons"]
    assert counts["kernel: comes through at input"]
    assert counts["kernel: comes through at forward"]
    assert counts["kernel: comes through at output"]
