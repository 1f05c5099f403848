"""Fixes: random files keep their meaning and their comments, a second run fixes nothing, wrong fixes are refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.app.fixing import fix
from policy.app.linted import Linting, Treatment
from policy.app.written import write
from policy.change import Announced
from policy.check import Settings, Zone
from policy.checks import checks
from policy.diagnostic import Mistakes
from policy.evaluate import decide
from policy.fix import Difference
from policy.ir import Allow, Ruleset
from policy.languages import front_end
from policy.packet import FORWARD, INPUT, Names, Packet, complete
from policy.packet.address import parse_prefix
from policy.source import Source
from tests.fixing import (
    HOW,
    dump_texts,
    fixed,
    native_texts,
    outcome,
    rules_of,
    script_texts,
    translating_texts,
    unlike,
)
from tests.strategies import rule, simple_ruleset

TEXTS = {"native": native_texts, "iptables": dump_texts, "nftables": script_texts}
FIRST = parse_prefix("10.0.0.0").first
OTHER = parse_prefix("10.9.9.9").first


@st.composite
def packets(draw: st.DrawFn, hook: int | None) -> Packet:
    """Packets that the random rules ask for, and some that none does."""
    given: dict[str, int | str] = {
        "src": draw(st.integers(FIRST, FIRST + 3) | st.just(OTHER)),
        "dst": draw(st.integers(FIRST, FIRST + 3) | st.just(OTHER)),
        "proto": draw(st.sampled_from((6, 17, 1))),
        "state": draw(st.sampled_from((0, 0, 1, 3))),
        "in": draw(st.sampled_from(("eth0", "eth1", "x"))),
    }
    if given["proto"] != 1:
        given |= {"sport": 51000, "dport": draw(st.integers(1, 4))}
    if hook == FORWARD:
        given["out"] = draw(st.sampled_from(("eth0", "eth1", "x")))
    return complete(given if hook is None else {**given, "hook": hook})


def readable(text: str) -> Ruleset | None:
    try:
        return rules_of(text)
    except Mistakes:
        return None


def comments(text: str, language: str) -> Counter[str]:
    return Counter(each.text for each in front_end(language).comments(Source("rules.fw", text)))


@pytest.mark.parametrize("language", TEXTS)
@given(data=st.data())
@settings(max_examples=20)
def test_safe_fixes_keep_the_meaning(language: str, data: st.DataObject) -> None:
    meaning_is_kept(data.draw(TEXTS[language], "text"), data, language)


@given(translating_texts, st.data())
@settings(max_examples=8)
def test_safe_fixes_keep_the_meaning_of_files_that_translate_addresses(text: str, data: st.DataObject) -> None:
    meaning_is_kept(text, data, "iptables")


def meaning_is_kept(text: str, data: st.DataObject, language: str) -> None:
    old = readable(text)
    if old is None:
        return
    new_text, result = fixed(text)
    assert not result.linted.errors
    new = rules_of(new_text)
    for hook in (None,) if None in old.entries else (INPUT, FORWARD):
        assert not unlike(old, new, hook), new_text
        for packet in data.draw(st.lists(packets(hook), min_size=3, max_size=6)):
            assert outcome(old, packet) == outcome(new, packet), new_text
    before, after = (comments(each, language) for each in (text, new_text))
    assert not before - after or (language == "nftables" and before.keys() == after.keys()), (
        new_text
    )  # one of two equal
    again, second = fixed(new_text)
    assert (again, second.done) == (new_text, [])


@pytest.mark.parametrize("language", TEXTS)
@given(data=st.data())
@settings(max_examples=15)
def test_unsafe_fixes_change_what_they_announce(language: str, data: st.DataObject) -> None:
    text = data.draw(TEXTS[language], "text")
    old = readable(text)
    if old is None:
        return
    new_text, result = fixed(text, unsafe=True)
    new = rules_of(new_text)
    announced = [each.fix.announced for each in result.done if each.fix and each.fix.announced]
    for hook in (None,) if None in old.entries else (INPUT, FORWARD):
        for packet in data.draw(st.lists(packets(hook), min_size=3, max_size=6)):
            if outcome(old, packet) != outcome(new, packet):
                assert any(_matches(each, packet) for each in announced), new_text
    assert fixed(new_text, unsafe=True)[1].done == []


def _matches(announced: Announced, packet: Packet) -> bool:
    return decide(simple_ruleset(rule(announced.packets, Allow())), packet).verdict != "block"


# Texts before and after

NATIVE: dict[str, tuple[str, str]] = {
    "a comment of a rule that goes stays": (
        "policy p {\n  default block\n    # above\n    allow tcp/22\n    allow tcp/22 from 10.0.0.1  # jump host\n}\n",
        "policy p {\n  default block\n    # above\n    allow tcp/22\n    # jump host\n}\n",
    ),
    "what silences a check for a rule goes with it": (
        """policy p {
    default block
    allow tcp/22
    # fwpolicy: ignore FW205: for now
    allow tcp/22 from 10.0.0.1 # fwpolicy: ignore FW206: later
    allow udp/1
}
""",
        "policy p {\n    default block\n    allow tcp/22\n    allow udp/1\n}\n",
    ),
    "a rule of several lines": (
        "policy p {\n  default block\n  allow tcp/22\n  allow tcp/22 from 10.0.0.1, # one\n     10.0.0.3 # three\n}\n",
        "policy p {\n  default block\n  allow tcp/22\n  # one\n  # three\n}\n",
    ),
    "in one line": (
        "policy p { default block\n allow any log\n allow tcp }\n",
        "policy p { default block\n allow any log\n }\n",
    ),
    "items of a list": (
        "network a = 10.0.0.0/8, 10.1.0.0/16, 10.2.0.0/16, 192.0.2.1\npolicy p { allow any from a log\n}\n",
        "network a = 10.0.0.0/8, 192.0.2.1\npolicy p { allow any from a log\n}\n",
    ),
    "the first item": (
        "network a = 10.1.0.0/16, # small\n    10.0.0.0/8 # large\npolicy p { allow any from a log\n}\n",
        "# small\nnetwork a = 10.0.0.0/8 # large\npolicy p { allow any from a log\n}\n",
    ),
    "an item in the middle": (
        "network a = 10.0.0.0/8, # large\n    10.1.0.0/16, # small\n    192.0.2.1\npolicy p { allow from a log\n}\n",
        "network a = 10.0.0.0/8, # large\n    # small\n    192.0.2.1\npolicy p { allow from a log\n}\n",
    ),
    "the last item": (
        "network a = 10.0.0.0/8, # large\n    10.1.0.0/16 # small\npolicy p { allow any from a log\n}\n",
        "network a = 10.0.0.0/8 # large\n     # small\npolicy p { allow any from a log\n}\n",
    ),
    "the last item, without a comment of its own": (
        "network a = 10.0.0.0/8, # large\n    10.1.0.0/16\npolicy p { allow any from a log\n}\n",
        "network a = 10.0.0.0/8 # large\npolicy p { allow any from a log\n}\n",
    ),
    "ports in braces": (
        "policy p { allow tcp/{1-9,\n  5, # five\n  80} log\n}\n",
        "policy p { allow tcp/{1-9,\n  # five\n  80} log\n}\n",
    ),
    "an exception from nothing": (
        "policy p { allow any from 10.0.0.0/8 except 192.0.2.1 log\n}\n",
        "policy p { allow any from 10.0.0.0/8 log\n}\n",
    ),
    "rules that are one": (
        "policy p {\n    default block\n    allow tcp/80 # web\n    allow tcp/443 # web\n}\n",
        "policy p {\n    default block\n    allow tcp/{80,443} # web\n}\n",
    ),
    "rules with different comments are not one": (
        "policy p {\n    default block\n    allow tcp/80 # web\n    allow tcp/443 # tls\n}\n",
        "policy p {\n    default block\n    allow tcp/80 # web\n    allow tcp/443 # tls\n}\n",
    ),
    "line ends and a byte order mark stay": (
        "\ufeffpolicy p {\r\n    allow any log\r\n    block tcp # why\r\n    block udp\r\n}",
        "\ufeffpolicy p {\r\n    allow any log\r\n    block tcp # why\r\n    block udp\r\n}",
    ),
    "line ends stay": (
        "\ufeffpolicy p {\r\n    allow any log\r\n    allow tcp # why\r\n    allow udp\r\n}",
        "\ufeffpolicy p {\r\n    allow any log\r\n    # why\r\n}",
    ),
    "what was laid out is laid out": (
        """policy p {
    default block
    allow tcp/22            from 10.0.0.0/8 log
    allow tcp/{22,220,2200} from 10.0.0.1
    allow tcp/220           from 192.0.2.1  log
    allow tcp/{220,2200}    from 10.0.0.1
}
""",
        """policy p {
    default block
    allow tcp/22            from 10.0.0.0/8 log
    allow tcp/{22,220,2200} from 10.0.0.1
    allow tcp/220           from 192.0.2.1  log
}
""",
    ),
    "what was laid out gets narrower columns": (
        """policy p {
    default block
    allow tcp/1-9   from 10.0.0.0/8 log
    allow tcp/{1,2} from 10.0.0.1
}
""",
        """policy p {
    default block
    allow tcp/1-9 from 10.0.0.0/8 log
}
""",
    ),
    "a rule with a label stays": (
        "policy p {\n    default block\n    allow tcp/22\n    allow tcp/22 from 10.0.0.1 as jump\n}\n",
        "policy p {\n    default block\n    allow tcp/22\n    allow tcp/22 from 10.0.0.1 as jump\n}\n",
    ),
    "of two rules that do without each other one stays": (
        "policy p {\n default block\n allow tcp/1-5\n block udp log\n allow tcp/3-9\n allow tcp/2-7\n}\n",
        "policy p {\n default block\n allow tcp/1-5\n block udp log\n allow tcp/3-9\n}\n",
    ),
}

DUMPS: dict[str, tuple[str, str]] = {
    "a line goes": (
        "-A INPUT -p tcp -j ACCEPT\n# ssh\n[4:8] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j LOG\n",
        "-A INPUT -p tcp -j ACCEPT\n# ssh\n-A INPUT -j LOG\n",
    ),
    "one that was put in front makes the other dead": (
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-I INPUT -p tcp -j ACCEPT\n",
        "-I INPUT -p tcp -j ACCEPT\n",
    ),
    "a number counts rules that stay": (
        "-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-I INPUT 3 -p udp -j LOG\n",
        "-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-I INPUT 3 -p udp -j LOG\n",
    ),
    "an item of a list": (
        "-A INPUT -p tcp -m multiport --dports 22,1:100,443 -j ACCEPT\n",
        "-A INPUT -p tcp -m multiport --dports 1:100,443 -j ACCEPT\n",
    ),
    "rules that are one": (
        "[1:2] -A INPUT -s 10.0.0.0/24 -j ACCEPT\n-A OUTPUT -j LOG\n[3:4] -A INPUT -s 10.0.1.0/24 -j ACCEPT\n",
        "-A INPUT -s 10.0.0.0/23 -j ACCEPT\n-A OUTPUT -j LOG\n",
    ),
    "a rate limit is not the same twice": (
        "-A INPUT -m limit --limit 1/sec -j ACCEPT\n-A INPUT -m limit --limit 1/sec -j ACCEPT\n",
        "-A INPUT -m limit --limit 1/sec -j ACCEPT\n-A INPUT -m limit --limit 1/sec -j ACCEPT\n",
    ),
}


@pytest.mark.parametrize("name", NATIVE)
def test_native_text(name: str) -> None:
    before, after = NATIVE[name]
    assert fixed(before)[0] == after


@pytest.mark.parametrize("name", DUMPS)
def test_dump(name: str) -> None:
    before, after = (f"*filter\n:INPUT DROP [0:0]\n{text}COMMIT\n" for text in DUMPS[name])
    assert fixed(before)[0] == after


# Fixes that change what they announce

UNSAFE: dict[str, tuple[str, str]] = {
    "FW101": (
        "policy p {\n  default block\n  allow tcp\n  block tcp/22 log\n}\n",
        "policy p {\n  default block\n  allow tcp\n}\n",
    ),
    "FW115": (
        "*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n# web\n-A web -p tcp -j ACCEPT\n-A INPUT -p udp -j LOG\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n# web\n-A INPUT -p udp -j LOG\nCOMMIT\n",
    ),
    "FW117": (
        """policy p {
  default allow
  block any from any except 10.0.0.0/8
  reject tcp/23
  block any from any except 192.0.2.0/24
}
""",
        "policy p {\n  default allow\n  block any from any except 10.0.0.0/8, 192.0.2.0/24\n  reject tcp/23\n}\n",
    ),
}


@pytest.mark.parametrize("code", UNSAFE)
def test_unsafe_fixes_are_made_when_they_are_wanted(code: str) -> None:
    before, after = UNSAFE[code]
    assert fixed(before)[0] == before
    text, result = fixed(before, unsafe=True)
    assert (text, result.counts) == (after, {code: 1})


REJECTING = "*filter\n:INPUT DROP [0:0]\n-A INPUT -i wan -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n"


def test_a_reject_becomes_silent_for_just_its_packets() -> None:
    wan = Zone("wan", Names.of("wan"), untrusted=True)
    how = Linting(Treatment(tuple(c for c in checks() if c.code == "FW809"), settings=Settings(zones=(wan,))))
    assert fixed(REJECTING, how=how)[0] == REJECTING
    text, result = fixed(REJECTING, unsafe=True, how=how)
    assert text == REJECTING.replace("REJECT --reject-with icmp-port-unreachable", "DROP")
    assert result.counts == {"FW809": 1}


# Several files


def test_a_file_that_two_others_include_suits_both(tmp_path: Path) -> None:
    (tmp_path / "shared.fw").write_text(
        "policy web {\n  allow tcp/80 log\n  block tcp/81 log\n  allow tcp/80 from 10.0.0.1\n}\n"
    )
    (tmp_path / "one.fw").write_text('include "shared.fw"\npolicy p at input {\n  default block\n  call web tcp\n}\n')
    (tmp_path / "two.fw").write_text(
        'include "shared.fw"\npolicy p at input {\n  default block\n  call web tcp/80\n}\n'
    )
    result = fix([str(tmp_path)], HOW, unsafe=True)
    (draft,) = result.drafts
    assert Path(draft.source.name).name == "shared.fw"
    assert draft.text == "policy web {\n  allow tcp/80 log\n  block tcp/81 log\n}\n"
    (refused,) = result.refused  # that only two.fw never sends it anything says nothing of one.fw
    assert refused.offer.fix.description == "remove the rule"
    assert isinstance(refused.why, Difference)
    write(result.drafts)
    assert (tmp_path / "shared.fw").read_text() == draft.text


def test_fixes_that_meet_are_made_one_after_the_other() -> None:
    text = "network a = 10.1.0.0/16, 10.2.0.0/16, 10.0.0.0/8\npolicy p {\n  default block\n  allow tcp from a log\n}\n"
    after, result = fixed(text)
    assert after == "network a = 10.0.0.0/8\npolicy p {\n  default block\n  allow tcp from a log\n}\n"
    assert result.counts == {"FW112": 2}
