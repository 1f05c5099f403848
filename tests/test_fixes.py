"""Fixes: random files keep their meaning and their comments, a second run fixes nothing, wrong fixes are refused."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.change import Announced
from policy.diagnostic import Mistakes
from policy.evaluate import decide
from policy.ir import Allow, Ruleset
from policy.languages.native.split import split
from policy.packet import INPUT, Packet, complete
from policy.packet.address import parse_prefix
from tests.fixing import dump_texts, fixed, native_texts, outcome, rules_of, unlike

TEXTS = {"native": native_texts, "iptables": dump_texts}
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
    return complete(given if hook is None else {**given, "hook": hook})


def readable(text: str) -> Ruleset | None:
    try:
        return rules_of(text)
    except Mistakes:
        return None


def comments(text: str) -> Counter[str]:
    return Counter(text[piece.start : piece.end] for piece in split(text, comments=True) if piece.kind == "comment")


@pytest.mark.parametrize("language", TEXTS)
@given(data=st.data())
@settings(max_examples=20)
def test_safe_fixes_keep_the_meaning(language: str, data: st.DataObject) -> None:
    text = data.draw(TEXTS[language], "text")
    old = readable(text)
    if old is None:
        return
    new_text, result = fixed(text)
    assert not result.linted.errors
    new = rules_of(new_text)
    for hook in (None,) if None in old.entries else (INPUT,):
        assert not unlike(old, new, hook), new_text
        for packet in data.draw(st.lists(packets(hook), min_size=3, max_size=6)):
            assert outcome(old, packet) == outcome(new, packet), new_text
    assert not comments(text) - comments(new_text) or language == "iptables"
    assert [row for row in text.split("\n") if row.startswith("#")] == [
        row for row in new_text.split("\n") if row.startswith("#")
    ] or language == "native"
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
    for hook in (None,) if None in old.entries else (INPUT,):
        for packet in data.draw(st.lists(packets(hook), min_size=3, max_size=6)):
            if outcome(old, packet) != outcome(new, packet):
                assert any(_matches(each, packet) for each in announced), new_text
    assert fixed(new_text, unsafe=True)[1].done == []


def _matches(announced: Announced, packet: Packet) -> bool:
    from tests.strategies import rule, simple_ruleset

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
        "network a = 10.0.0.0/8, # large\n    10.1.0.0/16, # small\n    192.0.2.1\npolicy p { allow any log\n}\n",
        "network a = 10.0.0.0/8, # large\n    # small\n    192.0.2.1\npolicy p { allow any log\n}\n",
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
