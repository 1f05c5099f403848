"""`lint` of what is no rules: status 2 and a clear message, or a right answer, and no traceback."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.command import ROOT, Done, run

KINDS = ("text", "json", "sarif", "github")


def lint(*arguments: str, stdin: bytes = b"") -> Done:
    done = run("lint", *arguments, stdin=stdin)
    assert "Traceback" not in done.err + done.out
    return done


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x00\x01", "is a binary file"),
        (b"caf\xe9 \xff", "is not UTF-8"),
        (b"", "has no rules"),
        (b"# nothing\n", "has no rules"),
        (b"policy p {\n    allow tcp/22\n", "the policy is not closed"),
        (b"hello world\n" * 30, "error"),
    ],
)
def test_what_is_no_rules(tmp_path: Path, data: bytes, said: str, kind: str) -> None:
    (tmp_path / "x.fw").write_bytes(data)
    for path in (str(tmp_path), str(tmp_path / "x.fw")):
        done = lint(path, "--format", kind)
        assert done.status == 2
        assert said.casefold() in (done.err + done.out).casefold()
        assert bool(done.err) is (kind == "text")
    assert lint("-", "--format", kind, stdin=data).status == 2


def test_an_empty_directory(tmp_path: Path) -> None:
    done = lint(str(tmp_path))
    assert done.status == 2
    assert done.err.startswith(f"{tmp_path}:1:1: error[FW002]: holds no file of rules\n")
    assert done.out == "no findings in 0 files; 1 file could not be read\n"


def test_a_huge_file(tmp_path: Path) -> None:
    with (tmp_path / "x.fw").open("wb") as stream:
        stream.truncate(65 * 2**20)
    done = lint(str(tmp_path))
    assert done.status == 2
    assert "is larger than 64 MiB" in done.err


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_pipe(tmp_path: Path, kind: str) -> None:
    rules = "".join(f"    allow tcp/80, tcp/80-90 from 10.0.{n}.0/24\n" for n in range(200))
    (tmp_path / "x.fw").write_text("policy p {\n" + rules + "}\n", encoding="utf-8")
    command = [sys.executable, "-m", "policy", "lint", str(tmp_path), "--format", kind, "--select", "FW112"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_rules_that_nest_too_deeply(tmp_path: Path) -> None:
    text = "policy p0 at input {\n    call p1 any\n}\n"
    text += (
        "".join(f"policy p{n} {{\n    call p{n + 1} any\n}}\n" for n in range(1, 200))
        + "policy p200 {\n    block any\n}\n"
    )
    (tmp_path / "x.fw").write_text(text, encoding="utf-8")
    assert lint(str(tmp_path), "--budget", "1").status in (0, 1)


def formula(bits: int, clauses: int) -> str:
    """Rules that leave a packet to the last one exactly if random clauses of three address bits can all be true."""
    pick = random.Random(3)
    lines = ["*filter", ":INPUT DROP [0:0]"]
    for _ in range(clauses):
        sides: dict[str, tuple[int, int]] = {}
        for bit in pick.sample(range(bits), 3):
            side, place = ("-s", "-d")[bit // 30], 1 << bit % 30
            value, mask = sides.get(side, (0, 0))
            sides[side] = (value | place * pick.randint(0, 1), mask | place)
        texts = (f"{side} {IPv4Address(value)}/{IPv4Address(mask)}" for side, (value, mask) in sorted(sides.items()))
        lines.append(f"-A INPUT {' '.join(texts)} -j DROP")
    return "\n".join([*lines, "-A INPUT -p tcp -j ACCEPT", "COMMIT", ""])


def test_a_formula_in_disguise_is_undecided_within_the_budget() -> None:
    pytest.importorskip("oxidd")
    done = lint("-", "--budget", "5", "--language", "iptables", stdin=formula(60, 252).encode())
    # Which of the two limits is met first depends on the machine.
    assert re.search(r"it would take more than (1,310,720 nodes|5 seconds)", done.out + done.err)


def test_a_folder_that_cannot_be_looked_into_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "x.fw").write_text("policy p {\n    default block\n}\n", encoding="utf-8")
    look = os.scandir

    def refused(path: str) -> object:
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    with patch("os.scandir", refused):
        done = run("lint", str(tmp_path), "--format", "json", "--fail-on", "never")
    assert done.status == 2
    assert [error["file"] for error in done.json()["errors"]] == [str(tmp_path / "shut")]
