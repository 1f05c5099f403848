"""The rules of one host for both IP versions, asked together: `--with`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import ROOT, Done, run

FOUR = (
    "*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\n-A INPUT -p tcp --dport 22 -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n"
)
SIX = (
    "*filter\n:INPUT DROP\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n-A INPUT -p tcp --dport 22 -s fd00::/8 -j ACCEPT\nCOMMIT\n"
)
NEITHER = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n"
OUT = "*filter\n:OUTPUT ACCEPT\n-A OUTPUT -m limit --limit 1/sec -j ACCEPT\n-A OUTPUT -d {} -j DROP\nCOMMIT\n"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("host.v4", FOUR), ("host.v6", SIX), ("open.v4", NEITHER), ("open.v6", NEITHER)):
        Path(name).write_text(text, encoding="utf-8")


def ask(*arguments: str, stdin: bytes = b"") -> Done:
    return run("ask", "host.v4", "--with", "host.v6", *arguments, stdin=stdin)


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize(
    ("question", "verdict", "file"),
    [
        ("tcp/22 from 10.0.0.1 to 10.0.0.2 at input", "allow", "host.v4"),
        ("tcp/22 from 11.0.0.1 to 10.0.0.2 at input", "block", None),
        ("tcp/22 from fd00::1 to fd00::2 at input", "allow", "host.v6"),
        ("tcp/22 from 2001:db8::1 to fd00::2 at input", "block", None),
    ],
)
def test_a_question_goes_to_the_rules_of_its_ip_version(question: str, verdict: str, file: str | None) -> None:
    for files in (("host.v4", "host.v6"), ("host.v6", "host.v4")):
        answer = run("ask", files[0], "--with", files[1], question, "--format", "json").json()
        assert answer["verdict"] == verdict
        rule = answer["hooks"][0]["packets"][0]["rule"]
        assert (rule and rule["file"]) == file


@pytest.mark.usefixtures("host")
def test_an_answer_of_both_has_the_regions_of_both_at_each_hook() -> None:
    answer = ask("tcp/22 at input, forward", "--format", "json").json()
    assert [(hook["hook"], hook["verdict"]) for hook in answer["hooks"]] == [("input", "mixed"), ("forward", "mixed")]
    regions = [
        (each["verdict"], each["packets"], each["rule"] and each["rule"]["file"])
        for each in answer["hooks"][0]["regions"]
    ]
    assert regions == [
        ("allow", "tcp/22 from 10.0.0.0/8", "host.v4"),
        ("block", "tcp/22 from 0.0.0.0/0 except 10.0.0.0/8", None),
        ("allow", "tcp/22 from fd00::/8", "host.v6"),
        ("block", "tcp/22 from ::/0 except fd00::/8", None),
    ]
    assert [each["verdict"] for each in answer["hooks"][1]["regions"]] == ["block", "allow"]


@pytest.mark.usefixtures("host")
def test_text_names_the_files_and_counts_both() -> None:
    done = ask("tcp/22 at input")
    assert "(host.v4:5: `-A INPUT -p tcp --dport 22 -s 10.0.0.0/8 -j ACCEPT`)" in done.out
    assert "(default of `INPUT`, host.v6:2)" in done.out
    counted = next(line for line in done.out.splitlines() if "5-tuples" in line)
    alone = run("ask", "host.v6", "tcp/22 from ::/0 at input")
    assert counted == next(line for line in alone.out.splitlines() if "5-tuples" in line)  # 2^32 are few beside 2^128
    assert done.status == 3


@pytest.mark.usefixtures("host")
def test_where_one_file_has_rules_both_are_asked() -> None:
    """FORWARD drops IPv4 and lets IPv6 pass: an answer about both that speaks of IPv4 alone would be wrong."""
    answer = ask("tcp/80 from any to any", "--format", "json").json()
    forward = next(hook for hook in answer["hooks"] if hook["hook"] == "forward")
    assert [each["verdict"] for each in forward["regions"]] == ["block", "allow"]
    assert [hook["hook"] for hook in run("ask", "host.v6", "tcp/80", "--format", "json").json()["hooks"]] == ["input"]


@pytest.mark.usefixtures("host")
def test_packets_are_answered_one_by_one_with_the_file() -> None:
    packets = [
        {"id": 4, "hook": "input", "src": "10.0.0.1", "dst": "10.0.0.2", "proto": "tcp", "dport": 22},
        {"id": 6, "hook": "input", "src": "fd00::1", "dst": "fd00::2", "proto": "tcp", "dport": 22},
        {"id": 0, "hook": "input", "src": "fe80::1", "dst": "fd00::2", "proto": "tcp", "dport": 22},
    ]
    done = ask("--packets", "-", stdin="\n".join(map(json.dumps, packets)).encode())
    assert done.rows() == [
        {"id": 4, "verdict": "allow", "action": "accept", "file": "host.v4", "line": 5},
        {"id": 6, "verdict": "allow", "action": "accept", "file": "host.v6", "line": 5},
        {"id": 0, "verdict": "block", "action": "drop", "file": None, "line": None},
    ]


@pytest.mark.usefixtures("host")
def test_questions_come_from_standard_input_and_so_may_either_file() -> None:
    both = b"tcp/22 from 10.0.0.1 to 10.0.0.2 at input\ntcp/22 from fd00::1 to fd00::2 at input\n"
    assert [row["verdict"] for row in ask("-", "--format", "json", stdin=both).rows()] == ["allow", "allow"]
    question = "tcp/22 from fd00::1 to fd00::2 at input"
    assert run("ask", "host.v4", "--with", "-", question, stdin=SIX.encode()).status == 0
    assert run("ask", "-", "--with", "host.v6", question, stdin=FOUR.encode()).status == 0


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("arguments", [("-",), ("--packets", "-")])
def test_only_one_thing_comes_from_standard_input(arguments: tuple[str, ...]) -> None:
    done = run("ask", "host.v4", "--with", "-", *arguments, stdin=b"")
    assert done.status == 2
    assert "only one thing can be read from standard input" in done.err
    assert "only one thing" in run("show", "-", "--with", "-", stdin=b"").err


@pytest.mark.usefixtures("host")
def test_two_files_of_one_version_are_an_error_that_says_so() -> None:
    for command in (("ask", "host.v4", "--with", "open.v4", "tcp/22"), ("show", "host.v4", "--with", "open.v4")):
        done = run(*command)
        assert done.status == 2
        assert "`host.v4` and `open.v4` are both rules for IPv4" in done.err
        assert "name one file for IPv4 and one for IPv6" in done.err
    Path("office.fw").write_text("policy p {\n default block\n}\n", encoding="utf-8")
    assert "are both rules for IPv4" in run("ask", "host.v4", "--with", "office.fw", "tcp/22").err


@pytest.mark.usefixtures("host")
def test_the_language_says_which_is_which_where_the_texts_do_not() -> None:
    arguments = ("ask", "open.v4", "--with", "open.v6", "tcp/22 from ::1 to ::2 at input", "--format", "json")
    assert "both rules for IPv4; " not in run(*arguments).err
    assert run(*arguments).status == 2
    answer = run(*arguments, "--language", "iptables").json()
    assert answer["verdict"] == "allow"


@pytest.mark.usefixtures("host")
def test_addresses_of_the_host_are_said_for_both() -> None:
    def hooks(question: str, *local: str) -> list[str]:
        options = [word for address in local for word in ("--local", address)]
        return [hook["hook"] for hook in ask(question, *options, "--format", "json").json()["hooks"]]

    assert hooks("tcp/22 from 10.0.0.1 to 10.0.0.2", "10.0.0.2") == ["input"]
    assert hooks("tcp/22 from fd00::1 to fd00::2", "10.0.0.2", "fd00::2") == ["input"]
    warned = ask("tcp/22 from fd00::1 to fd00::2", "--local", "10.0.0.2").err
    assert "no IPv6 address of this host is said" in warned
    assert "warning" not in ask("tcp/22", "--local", "10.0.0.2", "--local", "fd00::2").err


@pytest.mark.usefixtures("host")
def test_unknowns_of_either_are_settled() -> None:
    Path("out.v6").write_text(OUT.format("fd00::/8"), encoding="utf-8")
    question = ("udp/53 from fd00::1 to fd00::2 at output", "--packet")
    assert run("ask", "host.v4", "--with", "out.v6", *question).status == 3
    assert run("ask", "host.v4", "--with", "out.v6", *question, "--assume", "limit:1/sec:5=yes").status == 0
    assert run("ask", "host.v4", "--with", "out.v6", *question, "--assume", "limit:1/sec:5=no").status == 1
    assert "nothing in these rules depends on" in ask("tcp/22", "--assume", "limit:1/sec:5=no").err


@pytest.mark.usefixtures("host")
def test_show_has_both_one_after_the_other() -> None:
    done = run("show", "host.v4", "--with", "host.v6")
    assert done.out.index("host.v4: IPv4") < done.out.index("10.0.0.0/8") < done.out.index("host.v6: IPv6")
    rows = run("show", "host.v4", "--with", "host.v6", "--format", "json").rows()
    assert [row["families"] for row in rows] == [[4], [6]]
    rows = run("show", "host.v4", "--with", "host.v6", "--matrix", "--hook", "input", "--format", "json").rows()
    assert [(row["hook"], row["families"]) for row in rows] == [("input", [4]), ("input", [6])]
    assert "do not go together" in run("show", "host.v4", "--with", "host.v6", "--svg").err


def test_the_server_to_copy_is_asked_together() -> None:
    server = ROOT / "rules" / "linux-server"
    done = run("ask", str(server / "rules.v4"), "--with", str(server / "rules.v6"), "tcp/443 in eth0 at input")
    assert done.status == 0
