"""Migration: what `iptables-restore-translate` makes of a dump means the same to the last packet, at every hook."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from policy.app.load import load
from policy.diagnostic import Mistakes
from policy.ir import Field, Ruleset
from policy.kernel.tools import found
from policy.languages.iptables import family_of_text
from policy.packet import FORWARD, INPUT, OUTPUT, Intervals
from policy.reach import Flow
from policy.source import Source
from tests.conftest import ROOT
from tests.spaces import space_of
from tests.test_iptables_files import inputs

OWN = sorted(path for ending in ("v4", "v6") for path in (ROOT / "rules").glob(f"*/*.{ending}"))
MOST_REFUSED = 10
"""Scripts that `nft` refuses too: of fragments whose chains are elsewhere, or with what the tool writes wrongly."""

LONGEST = 100_000
"""Longer dumps, in characters, take too long here."""

_LEFT = re.compile(r"^# -|\bxt (?:match|target)\b", re.MULTILINE)
_WHOLE = Field("fragment", Intervals.of((0, 1)))
"""The packets that are no later fragments: iptables asks those for no type of ICMP, which a translation leaves out."""


def translated(path: Path) -> str | None:
    """Return the script that the tool makes; None where it refuses the dump, or leaves rules out."""
    six = family_of_text(path.read_text(encoding="utf-8")) == 6 or path.suffix == ".v6"
    tool = found(f"ip{'6' * six}tables-restore-translate")
    if tool is None:
        pytest.skip("no `iptables-restore-translate` here")
    done = subprocess.run([tool, "-f", str(path)], capture_output=True, text=True, check=False)
    return None if done.returncode or _LEFT.search(done.stdout) else done.stdout


def same(one: Ruleset, other: Ruleset) -> list[str]:
    """Return at which hooks two rule sets decide packets in different ways."""
    differ = []
    for hook in (INPUT, OUTPUT, FORWARD):
        space = space_of(one, other, hook=hook, questions=[_WHOLE])
        asked = space.of_match(_WHOLE)
        flows = [Flow(each, space, asked) for each in (one, other)]
        verdicts = {(flow.allowed, flow.blocked) for flow in flows}
        differ += [str(hook)] if len(verdicts) > 1 else []
    return differ


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(ROOT / "rules").as_posix())
def test_our_own_rules(path: Path) -> None:
    script = translated(path)
    if script is None:
        pytest.skip("the tool leaves rules out")
    assert not same(load(Source(path.name, path.read_text(encoding="utf-8"))), load(Source("script", script)))


def test_real_rules(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    differing = []
    for path, _ in inputs(corpus):
        text = path.read_text(encoding="utf-8")
        script = translated(path) if len(text) < LONGEST else None
        if script is None:
            counts["not translated whole, or too long"] += 1
            continue
        try:
            dump, rules = (load(Source(path.name, each)) for each in (text, script))
        except Mistakes:
            counts["refused"] += 1
            continue
        where = same(dump, rules)
        counts["differ" if where else "same"] += 1
        differing += [f"{path.name}: {', '.join(where)}"] if where else []
    assert not differing
    assert counts["same"] >= 25, counts
    assert counts["refused"] <= MOST_REFUSED, counts
