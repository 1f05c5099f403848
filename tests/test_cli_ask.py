"""`fwpolicy ask` at the command line: words, options, exit status, streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from policy import cli
from tests.command import ROOT, run, start

INPUTS = Path(__file__).parent / "golden" / "inputs"
OFFICE = str(INPUTS / "office.fw")
SERVER = str(INPUTS / "server.iptables")
ALLOWED = "tcp/5432 from 10.1.2.3 to db"
BLOCKED = "tcp/5433 from 10.1.2.3 to db"
DEPENDS = "tcp/80 from 198.51.100.7 to 192.0.2.1 at input"


@pytest.mark.parametrize(
    ("rules", "question", "status"),
    [
        (OFFICE, ALLOWED, 0),
        (OFFICE, BLOCKED, 1),
        (SERVER, DEPENDS, 3),
        (SERVER, "tcp/22 from 10.0.0.7 to 192.0.2.1", 3),
    ],
)
def test_the_exit_status_says_the_verdict(rules: str, question: str, status: int) -> None:
    assert run("ask", rules, *question.split()).status == status


def test_words_and_options_may_stand_in_any_order() -> None:
    one = run("ask", OFFICE, *ALLOWED.split(), "--format", "json")
    other = run("ask", "--format=json", OFFICE, ALLOWED)
    assert one == other
    assert one.json()["verdict"] == "allow"


def test_an_answer_goes_to_standard_output_and_a_message_to_standard_error() -> None:
    assert run("ask", OFFICE, ALLOWED).err == ""
    mistake = run("ask", OFFICE, "tcp", "frm")
    assert mistake.out == ""
    assert mistake.err.startswith("<question>:1:5: ")


def test_json_has_the_keys_of_the_contract_in_order() -> None:
    answer = run("ask", OFFICE, BLOCKED, "--format", "json").json()
    assert list(answer) == ["version", "question", "verdict", "hooks"]
    (hook,) = answer["hooks"]
    assert list(hook) == ["hook", "verdict", "packets", "regions"]
    packet = hook["packets"][0]
    expected = ["role", "verdict", "action", "rule", "implicit", "depends_on", "rewritten", "trace"]
    assert list(packet) == expected
    assert list(packet["trace"][0]) == ["file", "line", "text", "matched", "because", "hook", "table", "rewritten"]
    assert packet["implicit"] == "default"
    assert packet["action"] == "drop"
    assert list(hook["regions"][0]) == ["verdict", "packets", "example", "rule"]


def test_the_example_of_a_region_is_treated_as_the_region_says() -> None:
    answer = run("ask", OFFICE, "tcp/{80,23} from office to db", "--format", "json").json()
    regions = answer["hooks"][0]["regions"]
    lines = "\n".join(json.dumps({"id": i, **region["example"]}) for i, region in enumerate(regions))
    rows = run("ask", OFFICE, "--packets", "-", stdin=lines.encode()).rows()
    assert [row["verdict"] for row in rows] == [region["verdict"] for region in regions]


def test_several_questions_are_read_from_standard_input_and_the_worst_counts() -> None:
    def ask(*questions: str) -> int:
        return run("ask", OFFICE, "-", stdin="\n".join(questions).encode()).status

    assert ask(ALLOWED, "", "# a comment", ALLOWED) == 0
    assert ask(ALLOWED, BLOCKED) == 1
    assert ask("tcp/{80,5433} from 10.1.2.3 to db", BLOCKED) == 3
    assert ask("nonsense", "tcp/{80,5433} from 10.1.2.3 to db", ALLOWED) == 2
    assert ask() == 2


def test_json_calls_a_later_reply_a_reply(tmp_path: Path) -> None:
    rules = tmp_path / "rules.v4"
    shaken = "-A OUTPUT -p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK -j ACCEPT"
    rules.write_text(f"*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n{shaken}\nCOMMIT\n")
    question = ["tcp/22", "from", "192.0.2.1:50000", "to", "192.0.2.2", "at", "input"]
    (hook,) = run("ask", str(rules), *question, "--format", "json").json()["hooks"]
    packets = [(each["role"], each["verdict"]) for each in hook["packets"]]
    assert packets[:2] == [("first", "allow"), ("reply", "allow")]
    assert ("reply", "block") in packets[2:]
    assert {role for role, _ in packets} <= {"first", "reply", "next"}


def test_several_answers_in_json_stand_on_a_line_each() -> None:
    done = run("ask", OFFICE, "-", "--format", "json", stdin=f"{ALLOWED}\r\nnonsense\n{BLOCKED}".encode())
    first, second, third = done.rows()
    assert first["verdict"] == "allow"
    assert second["errors"][0]["code"] == "FW701"
    assert third["verdict"] == "block"
    assert done.status == 2


def test_rules_may_come_from_standard_input() -> None:
    done = run("ask", "-", "tcp/22", stdin=b"policy p {\n allow tcp/22\n}\n")
    assert done.status == 0
    assert "<stdin>:2:2: allowed" in done.out


def test_an_assumption_settles_what_is_unknown() -> None:
    key = "limit:5/min:5"
    assert run("ask", SERVER, DEPENDS, "--assume", f"{key}=yes").status == 0
    assert run("ask", SERVER, DEPENDS, "--assume", f"{key}=no").status == 1
    wrong = run("ask", SERVER, DEPENDS, "--assume", "limit:5/min=yes")
    assert wrong.status == 2
    assert f"did you mean `{key}`?" in wrong.err
    for bad in (f"{key}", f"{key}=maybe", "=yes"):
        assert "does not settle anything" in run("ask", SERVER, DEPENDS, "--assume", bad).err
    assert "both yes and no" in run("ask", SERVER, DEPENDS, "--assume", f"{key}=yes", "--assume", f"{key}=no").err


def test_local_addresses_decide_the_hook() -> None:
    answer = run(
        "ask", SERVER, "tcp/22 from 10.0.0.7 to 192.0.2.1", "--local", "192.0.2.0/24", "--format", "json"
    ).json()
    assert [hook["hook"] for hook in answer["hooks"]] == ["input"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["aks", OFFICE], "did you mean `ask`?"),
        (["xyzzy"], "there are ask"),
        (["ask"], "missing argument"),
        (["ask", OFFICE], "there is no question"),
        (["ask", OFFICE, "tcp", "--packets", "-"], "not both"),
        (["ask", "-", "-"], "only one thing"),
        (["ask", "-", "--packets", "-"], "only one thing"),
        (["ask", OFFICE, "tcp", "--format", "yaml"], "yaml"),
        (["ask", OFFICE, "tcp", "--fromat", "json"], "--format"),
        (["ask", OFFICE, "tcp", "--language", "iptable"], "did you mean `iptables`?"),
        (["ask", OFFICE, "tcp", "--local", "10.0.0.300"], "300 is above 255"),
        (["ask", OFFICE, "tcp", "--local", "10.0.0.1/8@eth0,10.0.0.2"], "give each of them by itself"),
        (["ask", OFFICE, "tcp", "--local", "10.0.0.1,10.0.0.2"], "give each of them by itself"),
        (["ask", OFFICE, "tcp", "--local", "10.0.0.1/8@eth/0"], "`eth/0` is not the name of an interface"),
        (["ask", OFFICE, "tcp", "--local", "10.0.0.1/8@eth0\t"], "is not the name of an interface"),
        (["ask", OFFICE, "tcp", "--local", "10.0.0.1/8@eth0:1"], "`eth0:1` is not the name of an interface"),
        (["ask", OFFICE, "tcp", "--local", "10.0.0.1/8@.."], "`..` is not the name of an interface"),
        (["ask", OFFICE, "tcp", "--local", "10.0.0.1/8@"], "`` is not the name of an interface"),
        (["fmt"], "missing argument"),
    ],
)
def test_wrong_usage_is_said_with_status_2(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert said in done.err


def test_wrong_usage_is_said_in_json_too() -> None:
    done = run("ask", OFFICE, "--format", "json")
    assert done.status == 2
    assert "no question" in done.json()["errors"][0]["message"]


def test_without_a_command_there_is_help() -> None:
    assert run().status == 2
    assert "Commands:" in run("--help").out
    assert run("--version").out.startswith("fwpolicy ")


def test_colour_can_be_forced_and_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" not in run("ask", OFFICE, ALLOWED).out
    assert "\x1b[" in run("ask", OFFICE, ALLOWED, "--color", "always").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in run("ask", OFFICE, ALLOWED, "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    for command in (["ask", OFFICE, ALLOWED], ["show", OFFICE], ["fmt", "--diff", OFFICE]):
        assert "\x1b[" not in run(*command).out
    assert "\x1b[" in run("show", OFFICE, "--color", "always").out
    assert "\x1b[" in run("fmt", "--diff", OFFICE, "--color", "always").out


@pytest.mark.parametrize(
    ("error", "said"), [(MemoryError, "memory"), (RecursionError, "deeply"), (KeyError, "internal")]
)
def test_whatever_breaks_there_is_no_traceback(
    error: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise error("xyzzy")

    monkeypatch.setattr("policy.app.load.read_source", breaks)
    done = run("ask", OFFICE, "tcp")
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert "errors" in run("ask", OFFICE, "tcp", "--format", "json").json()


def test_a_traceback_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr("policy.app.load.read_source", breaks)
    monkeypatch.setenv("FWPOLICY_DEBUG", "1")
    with pytest.raises(IndexError):
        run("ask", OFFICE, "tcp")


def test_an_interruption_has_its_own_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("policy.app.load.read_source", interrupted)
    assert run("ask", OFFICE, "tcp").status == 130


def test_a_reader_that_goes_away_is_no_failure() -> None:
    command = [sys.executable, "-m", "policy", "ask", OFFICE, "-"]
    with subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(f"{ALLOWED}\n".encode() * 100)
    assert err == b""
    assert process.returncode == cli.BROKEN_PIPE


@pytest.mark.parametrize(("command", "status"), [(f"ask {OFFICE} '{BLOCKED}'", 1), ("ask none.fw tcp", 2)])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_changes_no_status(command: str, status: int, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m policy {command} {closed}"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
    assert b"internal" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"ask {OFFICE} '{ALLOWED}' >/dev/full", b"could not be written"),
        (f"ask --format json {OFFICE} '{ALLOWED}' >/dev/full", b"could not be written"),
        (f"fmt - <{OFFICE} >/dev/full", b"could not be written"),
        ("ask none.fw tcp 2>/dev/full", b""),
    ],
)
def test_an_answer_that_cannot_be_written_is_none(command: str, said: bytes) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m policy {command}"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert b"internal" not in done.stderr


def test_a_poor_terminal_gets_what_it_can_show() -> None:
    done = start("ask", OFFICE, os.fsdecode(b"tcp/\xff"), PYTHONIOENCODING="ascii")
    assert done.status == 2
    assert "Traceback" not in done.err
    assert run("ask", OFFICE, "-", stdin=b"tcp/\xff\n").status == 2


def test_errors_of_several_questions_name_theirs() -> None:
    done = run("ask", OFFICE, "-", "--format", "json", stdin=b"tcp/5432 from 10.1.2.3 to db\ntcp/70000\n")
    assert done.status == 2
    assert [row["question"] for row in done.rows()] == ["tcp/5432 from 10.1.2.3 to db", "tcp/70000"]
    assert "errors" in done.rows()[1]
