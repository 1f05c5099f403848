"""Packets as questions, matches and actions as sentences."""

from __future__ import annotations

import pytest
from hypothesis import given

from policy.app.packets_text import packets_text
from policy.app.question import read_question
from policy.app.sentence import action_text, match_text
from policy.ir import (
    EVERYTHING,
    NOTHING,
    Action,
    All,
    Allow,
    Block,
    Either,
    Field,
    Goto,
    Jump,
    Log,
    Match,
    Not,
    Note,
    Reject,
    Return,
    Rewrite,
    Ruleset,
    Set,
    Unknown,
    UnknownAction,
)
from policy.packet import Intervals, Masked, Names, complete
from policy.packet.address import parse_address
from policy.question.boxes import parts
from tests.strategies import any_matches

NO_NAMES = Ruleset("native", frozenset({4, 6}), {}, {})


@pytest.mark.parametrize(
    "question",
    [
        "tcp/22 from 10.1.2.3 to 10.2.0.5",
        "tcp/{80,443} from 10.1.0.0/16 port 51000 in eth0 at input state established",
        "tcp/1-5 from 10.0.0.1, 10.0.0.3 to 10.2.0.0/24 out eth1, ppp+",
        "udp/53 from 2001:db8::7 to 2001:db8::53 port 53",
        "icmp/8 from 10.1.2.3",
        "icmp/3/4 from 10.1.2.3 state related",
        "icmp6/128 to 2001:db8::9",
        "proto gre from 10.1.2.3",
        "proto udplite from 10.1.2.3 port 7 to 10.2.0.5 port 9",
        "tcp from 10.1.2.3 flags syn,ack",
        "tcp from 10.1.2.3 flags none",
        "udp from 10.1.2.3 with ttl 5, mark 0x7",
        "tcp from 10.1.2.3 with mac 02:00:00:00:00:07",
        "udp/53 from 10.1.2.3 to 255.255.255.255",
        "tcp from 0.0.0.0/0",
        "tcp from ::/0",
    ],
)
def test_a_box_reads_as_the_question_that_means_it(question: str) -> None:
    asked = read_question(question, NO_NAMES)
    (part,) = parts(asked)
    box = complete({**part.values, **({"hook": asked.hooks[0]} if asked.hooks else {})})
    said = packets_text(box)
    again = read_question(said, NO_NAMES)
    (other,) = parts(again)
    assert complete({**other.values, **({"hook": again.hooks[0]} if again.hooks else {})}) == box, said


def test_what_has_its_usual_value_is_left_out() -> None:
    box = complete({"src": parse_address("10.1.2.3"), "proto": 6, "dport": 22, "hook": 0})
    assert packets_text(box) == "tcp/22 from 10.1.2.3 at input"
    sent = complete({"src": parse_address("10.1.2.3"), "proto": 6, "dport": 22, "hook": 1})
    assert packets_text(sent, hook=False) == "tcp/22 from 10.1.2.3"


def test_long_lists_are_cut() -> None:
    box = complete({"src": parse_address("10.1.2.3"), "proto": 6, "dport": Intervals.of(*range(1, 41, 2))})
    assert packets_text(box) == "tcp/{1,3,5,7,9,11,13,15,… 12 more} from 10.1.2.3"


TCP, PORT = Field("proto", Intervals.of(6)), Field("dport", Intervals.of(22, 80))


@pytest.mark.parametrize(
    ("match", "text"),
    [
        (EVERYTHING, "any packet"),
        (All(()), "any packet"),
        (NOTHING, "no packet"),
        (PORT, "destination port 22, 80"),
        (Not(PORT), "destination port not 22, 80"),
        (Not(All((TCP, PORT))), "not (protocol tcp and destination port 22, 80)"),
        (All((TCP, Either((PORT, Unknown("a set", "set"))))), "protocol tcp and (destination port 22, 80 or a set)"),
        (Field("flags", Masked(2, 18)), "TCP flags S of SA"),
        (Field("in", Names.of("eth+")), "input interface eth+"),
    ],
)
def test_a_match_in_words(match: Match, text: str) -> None:
    assert match_text(match) == text


@given(any_matches)
def test_every_match_has_words(match: Match) -> None:
    assert match_text(match)


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (Allow(), "allow"),
        (Block(), "block"),
        (Reject(), "reject"),
        (Reject("tcp-reset"), "reject with tcp-reset"),
        (Jump("ssh"), "call ssh"),
        (Goto("web"), "goto web"),
        (Return(), "return"),
        (Set("mark", 5), "set mark 0x5"),
        (Set("mark", 5, 255, xor=True), "xor mark 0x5/0xff"),
        (Set("mark", None), "change mark"),
        (Rewrite((("dport", 8080),)), "rewrite to port 8080"),
        (Log(), "log"),
        (Log("drop: "), 'log "drop: "'),
        (Note("clamp"), "clamp"),
        (UnknownAction("NFQUEUE", "queue"), "NFQUEUE"),
    ],
)
def test_an_action_in_words(action: Action, text: str) -> None:
    assert action_text(action) == text
