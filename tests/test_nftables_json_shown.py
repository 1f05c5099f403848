"""What people see of rules that were read from JSON."""

from __future__ import annotations

from policy.languages.nftables import is_json, looks_like
from policy.languages.nftables.ast.expression import (
    List,
    Prefix,
    Range,
    Reference,
    Selector,
    SetLiteral,
    Word,
)
from policy.languages.nftables.ast.statement import Match, Object
from tests.test_nftables_json import DPORT, STATE, match, rule


def test_a_rule_is_shown_as_script_text() -> None:
    made = rule(
        match(STATE, "in", ["established", "related"]), {"counter": {"packets": 1, "bytes": 2}}, {"accept": None}
    )
    assert made.span.text == "ct state established,related counter accept"
    assert [each.span.text for each in made.statements] == ["ct state established,related", "counter", "accept"]


def test_json_is_told_from_scripts() -> None:
    assert looks_like('{"nftables": []}')
    assert looks_like('\n { "nftables" : [] }')
    assert not looks_like('{"a": 1}')
    assert not is_json("table ip t { }")


def test_the_words_of_values() -> None:
    prefix = {"prefix": {"addr": "10.0.0.0", "len": 8}}
    (found,) = rule(match(DPORT, "==", {"set": ["@x", "*", prefix, {"range": ["a b", "c"]}, ["k", "v"]]})).statements
    assert isinstance(found, Match)
    assert isinstance(found.right, SetLiteral)
    assert [each.key for each in found.right.elements] == [
        Reference("x"),
        Word("*"),
        Prefix(Word("10.0.0.0"), 8),
        Range(Word("a b", quoted=True), Word("c")),
        Word("k"),
    ]
    assert rule(match(STATE, "in", ["new"])).statements == (
        Match(Selector("ct", ("state", "", "")), "", List((Word("new"),))),
    )
    assert rule({"counter": "c"}).statements == (Object("counter", Word("c")),)
