"""What nft itself prints of rules that it has loaded, as text and as JSON, in a namespace of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

_LOAD = 'for script in "$1"/*.nft; do nft -f "$script" 2>/dev/null && echo loaded; done >"$1/loaded"'
_LIST = 'nft list ruleset >"$1/text"; nft -j list ruleset >"$1/json"'
_EACH = """for script in "$1"/*.nft; do
    nft flush ruleset
    nft -f "$script" 2>/dev/null && nft -j list ruleset >"${script%.nft}.json"
done; true"""
_OPTION = re.compile(r"\t\t(type .* hook |policy |comment )")


@cache
def cannot() -> str | None:
    """Return why nothing can be loaded here, None if it can."""
    if os.geteuid() != 0 or shutil.which("nft") is None or shutil.which("unshare") is None:
        return "needs root, nft and unshare"
    tried = subprocess.run(["unshare", "-n", "nft", "add", "table", "ip", "t"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "nft loads nothing here"


def listed(scripts: Iterable[str], folder: Path) -> tuple[str, str, int]:
    """Load scripts one after the other, those that nft refuses left out; return both listings, and how many it took."""
    if (reason := cannot()) is not None:
        pytest.skip(reason)
    for number, script in enumerate(scripts):
        (folder / f"{number:05}.nft").write_text(script, encoding="utf-8")
    command = ["unshare", "-n", "sh", "-c", f"{_LOAD}; {_LIST}", "sh", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    text, json = ((folder / name).read_text(encoding="utf-8") for name in ("text", "json"))
    return text, json, (folder / "loaded").read_text(encoding="utf-8").count("loaded")


def each_listed(scripts: Iterable[str], folder: Path) -> list[str]:
    """Load each script by itself; return what nft lists of each in JSON, "" where it refuses it."""
    if (reason := cannot()) is not None:
        pytest.skip(reason)
    paths = []
    for number, script in enumerate(scripts):
        paths.append(folder / f"{number:05}.nft")
        paths[-1].write_text(script, encoding="utf-8")
    subprocess.run(
        ["unshare", "-n", "sh", "-c", _EACH, "sh", str(folder)], check=True, capture_output=True, timeout=300
    )
    return [made.read_text(encoding="utf-8") if (made := path.with_suffix(".json")).exists() else "" for path in paths]


def rules(text: str) -> dict[tuple[str, str, str], list[str]]:
    """Return the rules of a listing, each as text, by family, table and chain."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    table, chain = ("", ""), None
    for line in text.splitlines():
        if line.startswith("table "):
            _, family, name, _ = line.split()
            table = (family, name)
        elif line.startswith("\tchain "):
            chain = line.split()[1]
        elif line.startswith("\t}"):
            chain = None
        elif chain is not None and line.startswith("\t\t") and not _OPTION.match(line):
            found[(*table, chain)].append(line.strip())
    return found
