"""Marks and entries of connections are what this machine's Linux has.

`python -m tests.kernel.marks` looks for longer.
"""

from __future__ import annotations

import json
import sys

import pytest

from tests.kernel.test_kernel import RULESETS, compare


@pytest.mark.skipif(sys.platform != "linux", reason="the judge is Linux")
@pytest.mark.parametrize(("backend", "family"), [("nft", 4), ("legacy", 6)])
def test_the_kernel_agrees(backend: str, family: int) -> None:
    counts, disagreements = compare(backend, family, "tests.kernel.marks")
    assert not disagreements, json.dumps(disagreements, indent=1)
    assert counts["rule sets"] >= RULESETS - 2
    assert counts["comparisons"] >= 900
    assert counts["kernel: allow"] >= 0.2 * counts["comparisons"]
    assert counts["kernel: block"] >= 0.2 * counts["comparisons"]
    assert "errors" not in counts
    assert {"state new", "state established"} <= counts.keys()
