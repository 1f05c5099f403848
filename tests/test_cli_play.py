"""`fwpolicy play`: the scenarios to copy hold, wrong ones say what is wrong, and `--step` waits for keys."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.command import ROOT, run

SCENARIOS = sorted((ROOT / "rules").glob("*/*.scenario.yaml"))
SMALL = """\
title: Small
hosts:
  client: {interfaces: {eth0: 192.0.2.10/24}}
  server: {interfaces: {eth0: 192.0.2.80/24}}
links:
  net: [client/eth0, server/eth0]
steps:
  - listen: {on: server, port: tcp/80, as: web}
  - connect: {from: client, to: server, port: tcp/80, as: page}
    expect: connected
"""


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name.partition(".")[0])
def test_a_scenario_to_copy_holds_and_everything_is_expected(path: Path) -> None:
    done = run("play", str(path))
    assert done.status == 0, done.out + done.err
    assert "passed" in done.out
    assert max(len(line) for line in done.out.splitlines()) <= 110


def test_there_are_scenarios_in_every_language() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in SCENARIOS)
    assert all(name in texts for name in (".fw", ".nft", ".v4"))


def test_a_destination_is_rewritten_before_the_rules_and_a_source_behind_them() -> None:
    lines = run("play", str(ROOT / "rules/lessons/10-nat/play.scenario.yaml")).out.splitlines()
    told = [line.split(":")[0].split()[-1] for line in lines if line.startswith(" " * 16 + "gate ")]
    assert told[:2] == ["it", "forward"]  # into the published port
    assert told[2:4] == ["forward", "it"]  # its reply


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.scenario.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_an_expectation_that_does_not_hold_is_status_1(small: Path) -> None:
    small.write_text(SMALL.replace("expect: connected", "expect: {result: refused, states: {page: closed}}"))
    done = run("play", str(small), "--brief")
    assert done.status == 1
    assert "not as expected: expected `refused`, and it is `connected`" in done.out
    assert "not as expected: expected that `page` is closed, and it is established" in done.out
    assert "failed: 1 of 1 expectations do not hold" in done.out


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("send: {by: nobody, bytes: 1}", "nobody"),
        ("send: {by: web, bytes: 1}", "web"),
        ("connect: {from: client, to: server, port: tcp/70000, as: x}", "70000"),
        ("connect: {from: client, to: elsewhere, port: tcp/80, as: x}", "elsewhere"),
        ("listen: {on: server, port: tcp/80, as: web}", "web"),
        ("ping: {from: client, to: server, ip: 6}", "IPv6"),
    ],
)
def test_impossible_steps_have_a_place(small: Path, step: str, says: str) -> None:
    small.write_text(f"{SMALL}  - {step}\n")
    done = run("play", str(small))
    assert done.status == 2
    assert "small.scenario.yaml:11:" in done.err
    assert says in done.err
    assert "Traceback" not in done.err


def test_what_hangs_on_something_unknown_names_it_and_the_key_that_settles_it(small: Path) -> None:
    rules = "table inet f { chain c { type filter hook input priority 0; policy drop; limit rate 1/second accept; }; }"
    wall = f"{{interfaces: {{eth0: 192.0.2.80/24}}, firewall: {{language: nftables, text: '{rules}'}}}}"
    text = SMALL.replace("{interfaces: {eth0: 192.0.2.80/24}}", wall)
    small.write_text(text)
    done = run("play", str(small))
    assert done.status == 2
    assert "small.scenario.yaml:9:" in done.err
    assert "limit rate 1/second" in done.err
    key = done.err.partition('assume: {"')[2].partition('"')[0]
    small.write_text(text.replace("language: nftables,", f'language: nftables, assume: {{"{key}": yes}},'))
    assert run("play", str(small)).status == 0


def test_json_says_the_same_and_what_was_in_the_way(small: Path) -> None:
    found = run("play", str(small), "--format", "json")
    assert found.status == 0
    assert found.json()["passed"] is True
    assert [step["result"] for step in found.json()["steps"]] == ["ok", "connected"]
    small.write_text(f"{SMALL}  - send: {{by: nobody, bytes: 1}}\n")
    assert run("play", str(small), "--format", "json").status == 2


def test_diagrams_are_written(small: Path, tmp_path: Path) -> None:
    for name, begins in (("x.svg", "<svg"), ("x.mmd", "---")):
        assert run("play", str(small), "--diagram", str(tmp_path / name)).status == 0
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)
    assert run("play", str(small), "--diagram", "x.png").status == 2
    assert run("play", str(small), "--diagram", str(tmp_path / "no" / "x.svg")).status == 2


def test_steps_need_a_terminal(small: Path) -> None:
    done = run("play", str(small), "--step")
    assert done.status == 2
    assert "needs a terminal" in done.err


def _shown(master: int, until: str, key: bytes = b"") -> str:
    """Return what a terminal shows, up to some words; the key is pressed until they come."""
    text, ends = "", time.monotonic() + 30
    while until not in text and time.monotonic() < ends:
        if select.select([master], [], [], 0.3)[0]:
            text += os.read(master, 1 << 16).decode()
        elif key:
            os.write(master, key)
    return text


def test_a_key_is_a_step(small: Path) -> None:
    child, master = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        words = [sys.executable, "-m", "policy", "play", str(small), "--step", "--color", "never"]
        os.execv(sys.executable, words)  # noqa: S606 (our own command)
    try:
        first = _shown(master, "1  server listens")
        assert "any key" in first
        assert "client connects" not in first
        second = _shown(master, "connected", b" ")
        assert "client connects" in second
        assert "passed" not in second
        assert "passed" in _shown(master, "passed", b" ")
    finally:
        os.close(master)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_what_scans_find_and_what_is_open_for_nobody_is_told(tmp_path: Path) -> None:
    rules = "table inet f { chain c { type filter hook input priority 0; policy drop; tcp dport { 22, 80 } accept; }; }"
    path = tmp_path / "scan.scenario.yaml"
    path.write_text(
        SMALL.replace(
            "server: {interfaces: {eth0: 192.0.2.80/24}}",
            f"server: {{interfaces: {{eth0: 192.0.2.80/24}}, firewall: {{language: nftables, text: '{rules}'}}}}",
        )
        + "  - scan: {from: client, to: server, ports: tcp/1-100}\n    expect: {open: [80], closed: [22]}\n"
    )
    done = run("play", str(path), "--brief", "--watch")
    assert done.status == 0, done.out
    assert "server saw 192.0.2.10 try tcp/1-21,23-79,81-100 of 192.0.2.80: blocked" in done.out
    assert "server sees a vertical scan by 192.0.2.10: tcp/" in done.out
    assert "server lets in what comes to tcp/22 of 192.0.2.80, and nothing listens there" in done.out
