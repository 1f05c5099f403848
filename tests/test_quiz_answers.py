"""The answers of a quiz: no two mean the same, and each says which rule, or which default, it speaks of."""

from __future__ import annotations

import re

import pytest

from policy.app.load import load
from policy.learn.quiz import Quiz, quiz
from policy.report.quiz_text import quiz_text
from policy.report.quiz_words import asks, explanation, outcome_text
from policy.source import Source

ONLY_DEFAULT = "policy p {\n    default block\n}\n"
SERVER = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -j DROP
-A INPUT -p tcp -m tcp --dport 23 -j REJECT --reject-with tcp-reset
-A INPUT -j DROP
COMMIT
"""
INGRESS = """table netdev b {
  chain f { type filter hook ingress device eth0 priority 0; policy accept;
    ip saddr 10.0.0.1 drop
    tcp dport 22 drop
  }
}
"""
UNTRACKED = """*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 53 -j NOTRACK
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
COMMIT
"""


def made(text: str, count: int = 10, seed: int = 3) -> Quiz:
    return quiz(load(Source("rules", text)), count, seed)


def texts(of: Quiz) -> list[list[str]]:
    return [[outcome_text(choice.outcome, of.ruleset) for choice in each.choices] for each in of.questions]


@pytest.mark.parametrize("text", [ONLY_DEFAULT, ONLY_DEFAULT.replace("block", "allow"), SERVER, INGRESS])
@pytest.mark.parametrize("seed", [0, 3])
def test_no_two_answers_mean_the_same(text: str, seed: int) -> None:
    for answers in texts(made(text, seed=seed)):
        bare = [re.sub(r"( by the default.*|, as no rule \w+ it)$", "", each) for each in answers]
        without = [each for each, answer in zip(bare, answers, strict=True) if each != answer]
        assert len(set(without)) == len(without), answers


def test_a_packet_that_leaves_does_not_arrive() -> None:
    said = {asks(each) for each in made(SERVER, 20).questions if each.alone and " at output" in each.text}
    assert said == {"This packet leaves. What becomes of it?"}
    assert {asks(each) for each in made(SERVER, 20).questions if each.alone and " at forward" in each.text} <= {
        "This packet passes through. What becomes of it?"
    }


def test_no_answer_has_two_colons() -> None:
    for answers in texts(made(ONLY_DEFAULT)):
        assert all(each.count(":") < 2 for each in answers), answers


def test_what_takes_packets_out_of_tracking_says_nothing_else() -> None:
    shown = [line for each in made(UNTRACKED).questions for line in explanation(each)]
    assert any("connection state untracked" in line for line in shown)
    assert not any("None" in line for line in shown)


@pytest.mark.parametrize("text", [ONLY_DEFAULT, SERVER, UNTRACKED])
def test_a_quiz_has_eighty_columns(text: str) -> None:
    assert [line for line in quiz_text(made(text)).splitlines() if len(line) > 80] == []
