"""The answers of a quiz: no two mean the same, and each says which rule, or which default, it speaks of."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from policy.app.ask import ask
from policy.app.load import load
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.cli.learn import command
from policy.learn.outcome import Default, Line, Outcomes
from policy.learn.quiz import Quiz, quiz
from policy.packet.text import value_text
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


NAT = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.5:80
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d 10.0.0.5/32 -p tcp -m tcp --dport 80 -j ACCEPT
-A FORWARD -i eth1 -o eth0 -j ACCEPT
COMMIT
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_first_packet_is_decided_where_its_question_says(seed: int) -> None:
    for each in made(NAT, 30, seed).questions:
        first = each.region.packets[0].packet
        assert "127.0.0." not in each.text or " lo" in each.text, each.text
        if each.right.role == "first" and isinstance(each.right.by, Default):
            assert each.right.by.policy == value_text("hook", first.values["hook"]).upper(), each.text


def test_an_answer_says_whose_default_it_is() -> None:
    said = {answer for answers in texts(made(SERVER, 20)) for answer in answers if " by the default" in answer}
    assert said
    assert all(re.search(r" by the default of `(INPUT|OUTPUT|FORWARD)`", answer) for answer in said), said
    assert not any(" of " in answer for answers in texts(made(ONLY_DEFAULT)) for answer in answers)


ONE_LINE = (
    "table inet a { chain i { type filter hook input priority 0; policy drop; tcp dport 22 accept; "
    "tcp dport 23 reject; ip saddr 10.0.0.0/8 drop; udp dport 53 accept; }; }\n"
)


def test_rules_that_share_a_line_are_told_by_their_text() -> None:
    of = made(ONE_LINE)
    said = {answer for answers in texts(of) for answer in answers if " line " in answer}
    assert "allowed by rule 1 in line 1, `tcp dport 22 accept`" in said
    assert "dropped by rule 3 in line 1, `ip saddr 10.0.0.0/8 drop`" in said
    assert not any(answer.endswith("by line 1") for answer in said), said
    by = {each.right.by for each in of.questions if isinstance(each.right.by, Line)}
    assert {each.rule for each in by} == {1, 2, 3, 4}


ICMP_RULES = "policy p {\n    default block\n    allow icmp6\n    allow icmp\n    allow tcp/22\n}\n"


def test_a_rule_for_icmp_says_for_which_ip_version_it_is() -> None:
    for each in made(ICMP_RULES, 20).questions:
        assert ("icmp6" in each.text) <= ("2001:db8" in each.text), each.text
        assert ("icmp/" in each.text) <= ("2001:db8" not in each.text), each.text
        if "icmp6" in each.text:
            assert "only v4" not in each.misconceptions, each.text


def test_packets_by_the_loopback_are_between_its_addresses() -> None:
    of = made(SERVER.replace("-A INPUT -j DROP", "-A INPUT -i lo -j ACCEPT\n-A INPUT -j DROP"), 30)
    by_lo = [each.text for each in of.questions if " in lo" in each.text or " out lo" in each.text]
    assert by_lo
    assert all(text.count("127.0.0.") == 2 or text.count("::1") == 2 for text in by_lo), by_lo


def test_what_a_packet_meets_beside_the_text_is_no_outcome() -> None:
    ruleset = load(Source("rules", GUARDED))
    (hook,) = ask(ruleset, read_question("tcp/22 from ::1 to 2001:db8::1 in eth0 at input", ruleset)).hooks
    decision = hook.regions[0].deciding.decision
    assert decision.policy is not None
    assert decision.policy not in ruleset.policies
    assert Outcomes(ruleset).of_decision(decision, "first") is None


GUARDED = """table inet t {
    chain in {
        type filter hook input priority filter; policy drop;
        tcp dport 22 accept
    }
}
"""


def test_a_language_that_there_is_not_is_a_usage_error() -> None:
    ran = CliRunner().invoke(command, ["--quiz", "rules", "--language", "xx"])
    assert ran.exit_code == 2
    assert "there is no language `xx`" in ran.output


@pytest.mark.parametrize("how", ["tcp-reset", "icmp-host-prohibited"])
def test_who_is_rejected_is_told_and_not_always_refused(how: str) -> None:
    said = {a for answers in texts(made(SERVER.replace("tcp-reset", how))) for a in answers if "rejected" in a}
    assert said
    assert all(answer.endswith(": its sender is told") for answer in said)


def test_both_ways_to_block_side_by_side_give_nothing_away() -> None:
    """They stand there about as often where one of them is right as where neither is."""
    pairs: dict[bool, list[bool]] = {True: [], False: []}
    for name in ("office/rules.fw", "dual-stack/rules.fw", "linux-server/rules.v4", "gateway/gateway.nft"):
        text = (Path(__file__).parent.parent / "rules" / name).read_text(encoding="utf-8")
        for seed in range(3):
            for each in made(text, 20, seed).questions:
                blocks = [choice.outcome for choice in each.choices if choice.outcome.does != "allow"]
                pair = len({(outcome.role, outcome.by) for outcome in blocks}) < len(blocks)
                pairs[each.right.does == "allow"].append(pair)
    shares = [sum(some) / len(some) for some in pairs.values()]
    assert all(0.3 < share < 0.75 for share in shares), shares
    assert abs(shares[0] - shares[1]) < 0.25, shares


def test_what_nobody_gets_wrong_comes_last_and_alike_questions_are_few() -> None:
    of = made(ONLY_DEFAULT, 20).questions
    led = [bool(each.misconceptions) for each in of]
    assert led == sorted(led, reverse=True)
    kinds = Counter((each.right, each.misconceptions) for each in of)
    assert max(kinds.values()) <= 2


def test_the_rules_stand_above_the_questions() -> None:
    above, _, _ = quiz_text(made(SERVER)).partition("Question 1 of ")
    assert above.splitlines()[:2] == ["rules:", "1  *filter"]
    assert "\n5  -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n" in above
    long = SERVER.replace("COMMIT", "# more\n" * 200 + "COMMIT")
    assert quiz_text(made(long)).startswith("rules has 209 lines: have it at hand.\n")
    assert [line for line in quiz_text(made(ONE_LINE)).splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("text", ["", "table bridge b {\n    chain f { type filter hook forward priority 0; }\n}\n"])
def test_rules_that_no_packet_comes_to_are_refused_as_such(text: str) -> None:
    with pytest.raises(CannotAnswer, match="no packet of IPv4 or IPv6 comes to any of these rules"):
        made(text)
