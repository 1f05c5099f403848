"""Real scripts, and the lines of nftables' own tests: how many of them are read, and how many refused, as numbers.

UPDATE_GOLDEN=1 writes the golden file anew: a change of it has to explain itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from policy import source
from policy.diagnostic import Mistakes
from policy.languages.nftables import read
from tests.nftables_upstream import lines, refusals

GOLDEN = Path(__file__).parent / "golden" / "corpus" / "nftables.txt"
HEAD = "# Lines of nftables' own tests: ok ones that are read, fail ones that are refused; all others.\n"
READ = 0.95
REFUSED = 0.8
NFT = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin")
NO_SCRIPTS = {
    "minecraft-ddos.nft": "FW001",  # chains outside of tables
    "load_balancing.nft": "FW001",  # a nat chain before connection tracking
    "dfinity_http-gateway.nft": "FW004",  # an include that is not there
}


def judged(corpus: Path) -> tuple[Counter[tuple[bool, bool]], str]:
    """Return how many lines are read and refused, by what is expected, and a text that tells the others."""
    counts: Counter[tuple[bool, bool]] = Counter()
    others: Counter[str] = Counter()
    for line in lines(corpus):
        found = [refusals(script) for script in line.scripts]
        refused = any(found) if line.ok else all(found)
        counts[line.ok, refused] += 1
        if line.ok is refused:
            why = next((each.message for some in found for each in some), "it is read")
            others[f"{line.file}: {why}"] += 1
    numbers = [
        f"ok: {counts[True, False]} of {counts[True, False] + counts[True, True]} are read\n",
        f"fail: {counts[False, True]} of {counts[False, True] + counts[False, False]} are refused\n",
    ]
    return counts, "".join([HEAD, *numbers, *(f"{text}: {number}\n" for text, number in sorted(others.items()))])


def test_lines_of_nftables_own_tests_are_read_and_refused_as_they_say(corpus: Path) -> None:
    counts, text = judged(corpus)
    assert counts[True, False] >= READ * (counts[True, False] + counts[True, True])
    assert counts[False, True] >= REFUSED * (counts[False, True] + counts[False, False])
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_every_real_script_is_read(corpus: Path) -> None:
    refused: dict[str, str] = {}
    paths = sorted((corpus / "nftables").rglob("*.nft"))
    assert len(paths) >= 35
    for path in paths:
        try:
            read(source.read(str(path)))
        except Mistakes as mistakes:
            refused[path.name] = mistakes.diagnostics[0].code
    assert refused == NO_SCRIPTS


def test_what_nft_accepts_is_read(corpus: Path) -> None:
    if NFT is None or subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("nft cannot be asked here")
    accepted = 0
    for path in sorted((corpus / "nftables").rglob("*.nft")):
        command = ["unshare", "-n", NFT, "-c", "-f", path.name]
        if subprocess.run(command, cwd=path.parent, capture_output=True, check=False).returncode == 0:
            accepted += 1
            read(source.read(str(path)))
    assert accepted >= 25
