"""What `play --format json` says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.diagnostic import Diagnostic
from policy.packet.fields import FIELDS
from policy.report.timeline_json import timeline_json
from policy.simulate import scenario as s
from tests.scenes import names, played, refusals, scenario, tcp, web

GOLDEN = Path(__file__).parent / "golden" / "timeline"
STORIES: dict[str, Callable[[], s.Scenario]] = {"web": web, "refusals": refusals, "names": names}

DOCUMENT = {"version", "title", "passed", "steps", "error"}
STEP = {
    *("number", "line", "deed", "says", "note", "host", "socket", "to", "port", "begin", "end", "result", "errno"),
    *("size", "text", "source", "ports", "expected", "missed", "packets", "logged", "sockets", "connections"),
}
PACKET = {
    *("number", "time", "from", "packet", "text", "length", "again", "answers", "fate", "end", "receiver", "hops"),
}
HOP = {"time", "host", "hook", "in", "out", "verdict", "rule", "implicit", "state", "rewritten"}
ENTRY = {"proto", "original", "reply", "state", "replied", "assured", "expires_in"}


def document(found: s.Scenario) -> Any:
    return json.loads(json.dumps(timeline_json(found, played(found))))


each_story = pytest.mark.parametrize("name", STORIES)


@pytest.mark.parametrize("name", ["web", "names"])
def test_golden(name: str) -> None:
    text = json.dumps(document(STORIES[name]()), indent=2, ensure_ascii=False) + "\n"
    golden = GOLDEN / f"play-{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@each_story
def test_every_key_is_always_there(name: str) -> None:
    found = document(STORIES[name]())
    assert set(found) == DOCUMENT
    hosts = {"client", "gate", "server"}
    for number, step in enumerate(found["steps"], 1):
        assert set(step) == STEP
        assert step["number"] == number
        assert step["line"] == number + 1
        assert step["begin"] <= step["end"]
        assert step["host"] in hosts | {None}
        for packet in step["packets"]:
            assert set(packet) == PACKET
            assert packet["from"] in hosts
            assert step["begin"] <= packet["time"] <= packet["end"] <= step["end"]
            for hop in packet["hops"]:
                assert set(hop) == HOP
                assert (hop["rule"] is None) or (hop["implicit"] is None)
                assert (hop["verdict"] is None) == (hop["host"] != "gate")
                assert set(hop["rewritten"]) <= {"src", "dst", "sport", "dport"}
        for table in step["connections"].values():
            for entry in table:
                assert set(entry) == ENTRY
                assert entry["expires_in"] >= 0


def test_every_key_is_explained() -> None:
    page = (Path(__file__).parent.parent / "docs" / "timeline.md").read_text(encoding="utf-8")
    for key in DOCUMENT | STEP | PACKET | HOP | ENTRY:
        assert f"`{key}`" in page, key


def headers(found: Any) -> Iterator[dict[str, Any]]:
    for step in found["steps"]:
        for packet in (*step["packets"], *step["logged"]):
            yield packet["packet"]


@each_story
def test_the_keys_of_a_header_are_those_of_packets(name: str) -> None:
    for header in headers(document(STORIES[name]())):
        assert set(header) <= {*FIELDS, "seq", "ack", "payload", "about"}
        assert ("flags" in header) == (header["proto"] == "tcp")
        assert ("about" in header) == (header.get("icmp_type") == 3)


def test_what_a_gateway_does_with_a_connection() -> None:
    found = document(web())
    assert found["passed"]
    connect = found["steps"][1]
    assert (connect["result"], connect["source"], connect["host"]) == ("connected", "192.0.2.1", "client")
    first = connect["packets"][0]
    assert [hop["host"] for hop in first["hops"]] == ["client", "gate", "server"]
    through = first["hops"][1]
    assert (through["hook"], through["verdict"], through["state"]) == ("forward", "allow", "new")
    assert through["rewritten"] == {"src": "192.0.2.1"}
    assert through["rule"] == {"file": "gate.nft", "line": 11, "text": 'iifname "lan" tcp dport { 80, 81 } accept'}
    (entry,) = connect["connections"]["gate"]
    assert (entry["state"], entry["assured"], entry["replied"]) == ("ESTABLISHED", True, True)
    assert found["steps"][4]["host"] == "server"


def test_what_comes_to_nothing() -> None:
    found = document(refusals())
    assert not found["passed"]
    results = [(step["result"], step["errno"]) for step in found["steps"]]
    assert results == [
        ("refused", "ECONNREFUSED"),
        ("timed out", "ETIMEDOUT"),
        ("rejected", "EHOSTUNREACH"),
        ("rejected", "ECONNREFUSED"),
    ]
    assert [bool(step["missed"]) for step in found["steps"]] == [False, True, False, False]
    again = [packet["again"] for packet in found["steps"][1]["packets"]]
    assert again == list(range(len(again)))
    dropped = found["steps"][1]["packets"][0]["hops"][1]
    assert (dropped["verdict"], dropped["rule"], dropped["implicit"]) == ("block", None, "default")
    asked, told = found["steps"][2]["packets"]
    assert told["answers"] == asked["number"]
    assert told["packet"]["about"]["dport"] == 25
    (logged,) = found["steps"][3]["logged"]
    assert (logged["host"], logged["rule"]["line"]) == ("gate", 15)


def test_what_a_scan_found() -> None:
    step = document(names())["steps"][-1]
    assert [(each["port"], each["found"]) for each in sorted(step["ports"], key=lambda each: each["port"])] == [
        (21, "filtered"),
        (22, "closed"),
        (23, "filtered"),
    ]


def test_a_step_that_cannot_be_done() -> None:
    found = scenario("No end", s.Wait(1))
    (done,) = played(found)
    span = found.steps[0].span
    assert span is not None
    told = timeline_json(found, [done], Diagnostic("FW006", "there is no socket `x` now", span))
    assert told["passed"] is False
    assert told["error"]["code"] == "FW006"
    assert timeline_json(found, [done])["error"] is None


def test_a_socket_belongs_to_a_host() -> None:
    found = document(
        scenario(
            "Hosts of sockets",
            s.Listen("server", tcp(80), "web"),
            s.Connect("client", "server", tcp(80), "c"),
            s.Send("web/c"),
            s.Close("c"),
            s.Flush("gate"),
            s.Wait(1),
        )
    )
    assert [step["host"] for step in found["steps"]] == ["server", "client", "server", "client", "gate", None]
