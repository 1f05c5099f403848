"""Files of `ipset save`, and rules that ask for their sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policy.app.load import load
from policy.diagnostic import Mistakes
from policy.evaluate import decide
from policy.evaluate import truth as truth_module
from policy.host import Host
from policy.ir import All, Either, Field, Match, Not, walk
from policy.languages import ipset
from policy.packet import Packet, complete
from policy.packet.address import parse_address
from policy.source import Source
from tests.command import run
from tests.spaces import space_of

SETS = """\
create admins hash:net family inet hashsize 1024 maxelem 65536
add admins 10.1.0.0/16
add admins 10.1.9.0/24 nomatch
create web hash:ip,port family inet
add web 192.0.2.10,tcp:443
add web 192.0.2.11,udp:53
create high bitmap:port range 1024-65535
add high 8080
create both list:set
add both admins
add both guests
create guests hash:ip family inet timeout 300
add guests 203.0.113.7 timeout 0
add guests 203.0.113.8 timeout 120
create far hash:net,iface timeout 300
add far 10.0.0.0/8,eth0 timeout 0
add far 10.1.0.0/16,eth1 timeout 50
add far 10.2.0.0/16,eth1 timeout 0
"""


def sets(text: str) -> Host:
    return Host(sets=ipset.read([Source("sets.ipset", text)]))


def verdict(rule: str, text: str = SETS, **values: Any) -> str:
    rules = load(Source("rules", f"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {rule} -j DROP\nCOMMIT\n"), host=sets(text))
    return decide(rules, packet(**values)).verdict


def packet(**values: Any) -> Packet:
    sides = {"src": parse_address("203.0.113.9"), "dst": parse_address("192.0.2.10")}
    given = {name: parse_address(value) if isinstance(value, str) else value for name, value in values.items()}
    return complete({"hook": 0, "in": "eth0", "proto": 6, "sport": 5000, "dport": 443, **sides, **given})


@pytest.fixture(name="text")
def _text() -> str:
    # A list names sets that are there already.
    head, tail = SETS.split("create both", 1)
    lists, guests = tail.split("create guests", 1)
    return f"{head}create guests{guests}create both{lists}"


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ("-m set --match-set admins src", {"src": "10.1.2.3"}, "block"),
        ("-m set --match-set admins src", {"src": "10.1.9.3"}, "allow"),
        ("-m set ! --match-set admins src", {"src": "10.1.9.3"}, "block"),
        ("-m set --match-set web dst,dst", {}, "block"),
        ("-m set --match-set web dst,dst", {"proto": 17}, "allow"),
        ("-m set --match-set web dst,dst", {"dst": "192.0.2.11", "proto": 17, "dport": 53}, "block"),
        ("-m set --match-set web src,dst", {}, "allow"),
        ("-m set --match-set high dst", {"dport": 8080}, "block"),
        ("-m set --match-set high src", {"dport": 8080}, "allow"),
        ("-m set --match-set guests src", {"src": "203.0.113.7"}, "block"),
        ("-m set --match-set guests src", {"src": "203.0.113.8"}, "depends"),
        ("-m set --match-set both src", {"src": "10.1.2.3"}, "block"),
        ("-m set --match-set both src", {"src": "203.0.113.7"}, "block"),
        ("-m set --match-set both src", {"src": "203.0.113.9"}, "allow"),
        ("-m set --match-set far src,src", {"src": "10.3.0.1"}, "block"),
        ("-m set --match-set far src,src", {"src": "10.2.0.1"}, "allow"),
        ("-m set --match-set far src,src", {"src": "10.1.0.1"}, "depends"),
        ("-m set --match-set far src,dst", {"src": "10.3.0.1"}, "allow"),
        ("-m set --match-set far src", {"src": "10.3.0.1"}, "allow"),
        ("-m set --match-set admins src --return-nomatch", {"src": "10.1.9.3"}, "block"),
        ("-m set --match-set admins src --return-nomatch", {"src": "10.1.2.3"}, "allow"),
    ],
)
def test_what_is_in_a_set(text: str, rule: str, values: dict[str, object], expected: str) -> None:
    assert verdict(rule, text, **values) == expected


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("create a hash:ipp\n", (1, 10), "unknown type `hash:ipp`"),
        ("add a 10.0.0.1\n", (1, 5), "a"),
        ("create a hash:ip\nadd a 10.0.0.256\n", (2, 7), "10.0.0.256"),
        ("create a hash:ip\nadd a ::1\n", (2, 7), "::1"),
        ("create a hash:ip netmask 8\nadd a 0.1.2.3\n", (2, 7), "all zeros"),
        ("create a hash:ip\ncreate a hash:ip netmask 8\n", (2, 8), "a"),
        ("create a bitmap:port range 1-10\nadd a 11\n", (2, 7), "out of the range"),
        ("create a hash:ipp\nadd a 10.0.0.1\n", (1, 10), "unknown type `hash:ipp`"),
        ('create a hash:ip comment\nadd a 10.0.0.1 comment "x\n', (2, 24), "not closed"),
        ("create a hash:ip\nadd a 10.0.0.1 timeout 5\n", (2, 16), "without `timeout`"),
        ("create a hash:ip,port\nadd a 10.0.0.1,tcp:70000\n", (2, 7), "port 70000 is out of range"),
        ("create a hash:ip\ncreate l list:set\nadd l a\ndestroy a\n", (4, 9), "in the list `l`"),
        ("create l list:set\ncreate m list:set\nadd m l\n", (3, 7), "`l` is a list, and a list has no lists"),
        ("create l list:set\nadd l l\n", (2, 7), "`l` is a list, and a list has no lists"),
        ("create l list:set\nadd l none\n", (2, 7), "there is no set `none`"),
        ("create a hash:ip maxelem 1\nadd a 10.0.0.1\nadd a 10.0.0.2\n", (3, 7), "full"),
        ("\ufeffcreate a hash:ip\n", (1, 1), "byte order mark"),
    ],
)
def test_mistakes_have_their_place(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(Mistakes) as found:
        ipset.read([Source("sets.ipset", text)])
    (mistake,) = found.value.diagnostics
    assert (mistake.span.line, mistake.span.column) == place
    assert message in mistake.message


def test_a_set_that_is_not_there_is_a_mistake_once_sets_are_given(tmp_path: Path) -> None:
    rules, known = tmp_path / "rules.v4", tmp_path / "sets.ipset"
    rules.write_text("*filter\n-A INPUT -m set --match-set admin src -j DROP\nCOMMIT\n", encoding="utf-8")
    known.write_text("create admins hash:ip\n", encoding="utf-8")
    question = ("tcp/22", "from", "10.0.0.1:5000", "to", "192.0.2.1", "at", "input", "--packet")
    assert run("ask", str(rules), *question).status == 3
    done = run("ask", str(rules), "--ipset", str(known), *question)
    assert done.status == 2
    assert "there is no set `admin`" in done.err
    assert "admins" in done.err


def test_a_large_set_is_one_look_up() -> None:
    lines = [f"add a 10.{n >> 16}.{n >> 8 & 255}.{n & 255},tcp:{1024 + n * 7 % 50000}" for n in range(5000)]
    text = "create a hash:ip,port maxelem 100000\n" + "\n".join(lines) + "\n"
    rules = load(Source("rules", "*filter\n-A INPUT -m set --match-set a src,dst -j DROP\nCOMMIT\n"), host=sets(text))
    match = rules.policies["INPUT"].rules[0].match
    asked = packet(src="10.0.15.160", dport=1024 + (15 * 256 + 160) * 7 % 50000)
    assert decide(rules, asked).verdict == "block"
    assert visited(match, asked) < 200


@pytest.mark.parametrize("text", ["tcp:{}", "udp:{}"])
def test_sets_of_packets_pass_over_guards_which_say_nothing_new(text: str) -> None:
    lines = [f"add a 10.0.{n % 7}.{n},{text.format(1024 + n * 37 % 400)}" for n in range(100)]
    rules = load(
        Source("rules", "*filter\n-A INPUT -m set --match-set a src,dst -j DROP\nCOMMIT\n"),
        host=sets("create a hash:ip,port\n" + "\n".join(lines) + "\n"),
    )
    match = rules.policies["INPUT"].rules[0].match
    guards = [part for part in walk(match) if isinstance(part, All) and part.guarded]
    assert len(guards) > 10
    space = space_of(rules, hook=0)
    for guarded in guards:
        first, *others = guarded.parts
        whole = space.of_match(All((first, *others)))
        assert whole == space.of_match(guarded) == space.of_match(All(tuple(others)))
    assert len([*space.of_match(match).each_region()]) == len({*lines})


def visited(match: Match, packet: Packet) -> int:
    """How many nodes of a match the evaluator looks at."""
    match match:
        case All(parts) | Either(parts):
            count, stops = 1, isinstance(match, Either)
            for part in parts:
                count += visited(part, packet)
                if truth_module(part, packet, {}) is stops:
                    break
            return count
        case Not(part):
            return 1 + visited(part, packet)
        case Field():
            return 1
    return 1


def test_lint_takes_a_file_of_sets_for_no_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.v4").write_text("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", encoding="utf-8")
    (tmp_path / "sets.ipset").write_text("create admins hash:ip\nadd admins 10.0.0.1\n", encoding="utf-8")
    done = run("lint", str(tmp_path), "--format", "json")
    assert not json.loads(done.out)["errors"]
