"""`fwpolicy ask --packets`: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.app.answer import Asking
from policy.app.bulk import LONGEST_LINE, Bulk
from policy.evaluate import decide
from policy.ir import Ruleset
from policy.packet import Packet
from policy.packet.codec import packet_to_json
from tests.command import Done, run
from tests.strategies import packets, rulesets

INPUTS = Path(__file__).parent / "golden" / "inputs"
OFFICE = str(INPUTS / "office.fw")
SERVER = str(INPUTS / "server.iptables")
STAFF = {"src": "10.1.2.3", "dst": "10.2.0.5", "proto": "tcp", "sport": 51000, "dport": 5432}
SSH = {"src": "10.0.0.7", "dst": "192.0.2.1", "proto": 6, "sport": 51000, "dport": 22}


def ask(rules: str, *lines: object, options: tuple[str, ...] = ()) -> Done:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return run("ask", rules, "--packets", "-", *options, stdin=text.encode("utf-8", "surrogateescape"))


def test_each_packet_has_its_verdict_its_action_and_the_line_that_decides() -> None:
    telnet = {**STAFF, "dport": 23, "id": "t"}
    done = ask(OFFICE, {"id": 7, **STAFF}, "", telnet, {**STAFF, "dport": 99}, {**STAFF, "state": "established"})
    assert done.rows() == [
        {"id": 7, "verdict": "allow", "action": "accept", "line": 10},
        {"id": "t", "verdict": "block", "action": "reject", "line": 12},
        {"id": None, "verdict": "block", "action": "drop", "line": None},
        {"id": None, "verdict": "allow", "action": "accept", "line": None},
    ]
    assert done.status == 0


def test_packets_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "packets.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(STAFF).encode() + b"\r\n")
    assert run("ask", OFFICE, "--packets", str(file)).rows()[0]["verdict"] == "allow"
    missing = run("ask", OFFICE, "--packets", str(tmp_path / "none"))
    assert missing.status == 2
    assert "no such file" in missing.err


def test_unknown_conditions_make_it_depend_and_can_be_assumed() -> None:
    web = {**SSH, "dport": 80, "hook": "input"}
    assert ask(SERVER, web).rows() == [{"id": None, "verdict": "depends", "action": None, "line": None}]
    assert ask(SERVER, web, options=("--assume", "limit:5/min:5=yes")).rows()[0]["line"] == 9


def test_without_a_hook_all_possible_ones_must_agree() -> None:
    refused = {**SSH, "src": "10.0.0.7", "dport": 23}
    done = ask(SERVER, {**SSH, "hook": "input"}, {"id": 1, **SSH}, refused, {**SSH, "in": "eth0", "out": "eth1"})
    first, second, third, fourth = done.rows()
    assert first["line"] == 10
    assert second == {"id": 1, "error": "the answer is not the same at every hook: say `hook`, `input` or `forward`"}
    assert third == {"id": None, "verdict": "block", "action": "drop", "line": None}
    assert fourth["verdict"] == "block"
    assert done.status == 2
    assert ask(SERVER, SSH, options=("--local", "192.0.2.1")).rows()[0]["line"] == 10


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "is not JSON"),
        ("[1]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("{", "is not JSON"),
        ("\udcff", "not UTF-8"),
        ("[" * 20000, "too deeply"),
        ('{"src": ' + "[" * 20000, "too deeply"),
        ('{"dport": ' + "9" * 5000 + "}", "too long"),
        ('{"ttl": NaN}', "`NaN`"),
        ('{"ttl": -Infinity}', "`-Infinity`"),
        ('{"src": "10.0.0.1", "src": "10.0.0.2"}', "`src` stands twice"),
        ('{"id": [1]}', "`id`"),
        ('{"id": 1e999}', "`id`"),
        ('{"id": true}', "`id`"),
        ({**STAFF, "scr": 1}, "did you mean `src`?"),
        ({**STAFF, "xyzzy": 1}, "no field `xyzzy`"),
        ({**STAFF, "src": None}, "(`src`) is missing"),
        ({"src": "10.0.0.1", "dst": "10.0.0.2"}, "(`proto`) is missing"),
        ({**STAFF, "dport": 65536}, "65536"),
        ({**STAFF, "dport": 1e999}, "`Infinity`"),
        ({**STAFF, "dport": "x" * 9000}, "…"),
        ({**STAFF, "src": "10.0.0.300"}, "300"),
        ({**STAFF, "src": "2001:db8::7"}, "not of one family"),
        ({**STAFF, "proto": "icmp"}, "no source port"),
        ({**STAFF, "hook": "input", "out": "eth0"}, "no output interface"),
        ({k: v for k, v in STAFF.items() if k != "dport"}, "say `dport`"),
        ("x" * (LONGEST_LINE + 10), "longer than"),
    ],
)
def test_a_bad_line_is_an_error_and_the_next_one_is_answered(line: object, said: str) -> None:
    done = ask(OFFICE, line, {"id": 2, **STAFF})
    bad, good = done.rows()
    assert list(bad) == ["id", "error"]
    assert bad["id"] is None
    assert said in bad["error"]
    assert len(bad["error"]) < 500
    assert good == {"id": 2, "verdict": "allow", "action": "accept", "line": 10}
    assert done.status == 2


def test_an_error_carries_the_id_of_its_line() -> None:
    assert ask(OFFICE, {"id": "a7", "src": 5}).rows()[0]["id"] == "a7"


def test_a_family_that_the_rules_do_not_speak_is_an_error() -> None:
    six = {"src": "2001:db8::7", "dst": "2001:db8::9", "proto": "tcp", "sport": 1, "dport": 2, "hook": "input"}
    assert "IPv6" in ask(SERVER, six).rows()[0]["error"]


def test_one_endless_line_takes_no_memory() -> None:
    class Endless(BytesIO):
        left = 2_000

        def readline(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 < size <= LONGEST_LINE + 1
            self.left -= 1
            return b"x" * size if self.left > 0 else b""

    empty = Ruleset("native", frozenset({4}), {}, {})
    (row,) = Bulk(empty, Asking()).answers(Endless())
    assert "longer than" in row["error"]


def test_lines_are_answered_as_they_come() -> None:
    class Lines(BytesIO):
        read_so_far = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.read_so_far += 1
            return super().readline(size)

    empty = Ruleset("native", frozenset({4}), {}, {})
    lines = Lines(b"{}\n" * 5)
    rows: Iterator[Any] = Bulk(empty, Asking()).answers(lines)
    next(rows)
    assert lines.read_so_far == 1


@given(rulesets(), packets())
def test_a_packet_has_the_verdict_of_the_evaluator(ruleset: Ruleset, packet: Packet) -> None:
    line = json.dumps(packet_to_json(packet)).encode()
    row = Bulk(ruleset, Asking()).answer(line)
    if packet.get("hook") is not None and packet.family in ruleset.families:
        decision = decide(ruleset, packet)
        if decision.verdict != "mixed":
            assert row.get("verdict") == decision.verdict, row


@given(st.binary(max_size=200))
def test_no_line_breaks_it(line: bytes) -> None:
    empty = Ruleset("native", frozenset({4}), {}, {})
    for row in Bulk(empty, Asking()).answers(BytesIO(line)):
        assert "error" in row


def test_the_last_hop_is_not_forwarded(tmp_path: Path) -> None:
    """A packet with a TTL of 0 or 1 never reaches FORWARD, though no rule says so (ip_forward.c)."""
    dump = tmp_path / "rules.v4"
    dump.write_text("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")
    base = {"src": "192.0.2.9", "dst": "10.2.0.5", "proto": "tcp", "sport": 51000, "dport": 5432}
    lines = [
        json.dumps(base | {"hook": hook, "ttl": ttl}) for hook in ("forward", "input", "output") for ttl in (0, 1, 2)
    ]
    done = run("ask", str(dump), "--packets", "-", stdin="\n".join(lines).encode())
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["verdict"] for row in rows] == ["block", "block", *["allow"] * 7]
    assert {row["line"] for row in rows} == {None}
