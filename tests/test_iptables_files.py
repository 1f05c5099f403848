"""Whole files: the corpus against the verdicts of iptables-restore, damaged files, the grammar, front ends."""

import random
import re
from pathlib import Path

import lark
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy._data import data_dir
from policy.diagnostic import Mistakes
from policy.ir import Ruleset
from policy.languages.iptables import family_of_text, ip6tables, iptables, looks_like, read
from policy.source import Source
from policy.source import read as read_source

# What iptables-restore 1.8.9 says about the files that it refuses, as it is said here; the name server was missing
# where the two others were tried.
REFUSED = {
    "iptsem_linux_gda_pl.save": 'unknown option "--days"',
    "iptsem_parser_test.save": 'unknown option "--something-else"',
    "iptsem_tum_2013-10-20.save": "invalid MAC address",
    "iptsem_tum_2013-11-20_cheating.save": "invalid MAC address",
    "iptsem_ugent.save": "bad argument `192.168.122.0/24`",
    "kabaos.save": '"$I2PD_ID"',
    "protectionddos.save": "bad argument `*mangle`",
}
NEED_DNS = {"ustclug_v4.save", "ustclug_v6.save6"}
SIX = re.compile(r"v6\.save6?$|6\.rules$|\.rules6$|\.save6$")


def inputs(corpus: Path) -> list[tuple[Path, bool]]:
    """The files of kind `input`, and whether iptables-restore (nft) loads them."""
    rows = (corpus / "MANIFEST.md").read_text(encoding="utf-8").splitlines()
    found = re.compile(r"\| (iptables/\S+) \| input \|.*?nft:(yes|NO)")
    return [(corpus / m[1], m[2] == "yes") for row in rows if (m := found.match(row))]


def outcome(text: str, family: int) -> Ruleset | Mistakes:
    try:
        return read(Source("damaged", text), family=family)
    except Mistakes as found:
        mistakes = found
    assert mistakes.diagnostics
    assert all(0 <= d.span.start <= d.span.end <= len(text) + 1 for d in mistakes.diagnostics)
    return mistakes


def test_the_corpus_loads_where_iptables_loads_it(corpus: Path) -> None:
    files = inputs(corpus)
    assert len(files) == 61
    for path, loads in files:
        source = read_source(str(path))
        family = family_of_text(source.text)
        assert looks_like(source.text), path.name
        assert family == (6 if SIX.search(path.name) else 4), path.name
        result = outcome(source.text, family)
        if loads or path.name in NEED_DNS:
            assert isinstance(result, Ruleset), (path.name, result)
            assert result.families == {family}
        else:
            assert isinstance(result, Mistakes)
            assert any(REFUSED[path.name] in d.message for d in result.diagnostics), path.name


def test_damaged_corpus_files(corpus: Path) -> None:
    chance = random.Random(7)
    for path, _ in inputs(corpus):
        text = read_source(str(path)).text[:20_000]
        for _ in range(12):
            at = chance.randrange(len(text))
            outcome(text[:at], 4)
            junk = "".join(chance.choice("\0\t \"'!*:-[]\\,/é\U0001f525\r\n7") for _ in range(chance.randrange(1, 9)))
            outcome(text[:at] + junk + text[at:], chance.choice((4, 6)))


WORDS = """-A INPUT -I -p tcp udp ! --dport 22 5:2 -m multiport state --state NEW -s 10.0.0.1/8 2001:db8::1 -j ACCEPT
    -g a LOG --log-prefix "a b" -i eth+ -N -P DROP -F -X -D 1 [1:2] COMMIT *filter *nat :a - :INPUT # -c , : / " ="""
LINES = st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join)


@given(st.lists(LINES, max_size=9).map("\n".join))
def test_any_words(text: str) -> None:
    outcome("*filter\n" + text, 4)
    outcome(text + "\nCOMMIT\n", 6)


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    outcome(f"*filter\n-A INPUT {text}\nCOMMIT\n", 4)
    outcome(text, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\ufeff*filter\nCOMMIT\n", "byte order mark"),
        ("*filter\r\nCOMMIT\r\n", "CR LF"),
        ("*filter\n-A INPUT -s " + "10.0.0.1," * 2000 + "\nCOMMIT\n", "characters"),
    ],
)
def test_what_is_wrong_with_the_whole_file(text: str, message: str) -> None:
    result = outcome(text, 4)
    assert isinstance(result, Mistakes)
    assert any(message in d.message for d in result.diagnostics)


def test_an_empty_file_says_nothing() -> None:
    for text in ("", "\n", "# only a comment\n", "*filter\nCOMMIT"):
        result = outcome(text, 4)
        assert isinstance(result, Ruleset)
        assert {name: policy.rules for name, policy in result.policies.items()} == dict.fromkeys(result.policies, ())


def test_mistakes_are_all_found_at_once() -> None:
    result = outcome("*filter\n" + "-A INPUT -p tcp --dport 70000 --sport 70001 -s 1.2.3.4.5\n" * 3, 4)
    assert isinstance(result, Mistakes)
    assert len(result.diagnostics) == 10


def test_front_ends() -> None:
    four = "*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n"
    six = "*filter\n-A INPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n"
    assert iptables.looks_like(four)
    assert not ip6tables.looks_like(four)
    assert ip6tables.looks_like(six)
    assert not iptables.looks_like("policy p {\n    default block\n}\n")
    assert family_of_text("# Generated by ip6tables-save v1.8.9\n" + four) == 6
    assert iptables.read(Source("four", four)).language == "iptables"
    assert ip6tables.read(Source("six", six)).families == {6}


def test_the_grammar_has_no_conflict() -> None:
    text = (data_dir("grammar") / "iptables.lark").read_text(encoding="utf-8")
    lark.Lark(text, parser="lalr", lexer="contextual", maybe_placeholders=True, strict=True)


def test_the_ruleset_keeps_what_the_text_says() -> None:
    text = '*filter\n:web - [0:0]\n-A INPUT -m comment --comment "the web" -j web\nCOMMIT\n*nat\n:web - [0:0]\nCOMMIT\n'
    ruleset = read(Source("rules", text))
    (rule,) = ruleset.policies["INPUT"].rules
    assert rule.note == "the web"
    assert rule.span.text == text.splitlines()[2]
    assert rule.action_span is not None
    assert rule.action_span.text == "web"
    assert [(d.name, d.kind, len(d.uses)) for d in ruleset.definitions] == [
        ("web", "chain", 1),
        ("nat:web", "chain", 0),
    ]
