"""Texts that nft cannot read at all, or whose end is missing: one mistake, at its place, in words that help."""

from __future__ import annotations

import pytest

from tests.test_nftables_refuse import INPUT, asked, refused, script

FOREIGN = {
    "a byte order mark": ("\ufefftable ip t {\n}\n", "byte order mark", (1, 1)),
    "a byte order mark before a first line": ("\ufeff#!/usr/sbin/nft -f\ntable ip t {\n}\n", "byte order mark", (1, 1)),
    "CR LF": ("# a\r\ntable ip t {\r\nchain c {\r\ncounter\r\n}\r\n}\r\n", "carriage return", (2, 13)),
    "CR LF in one line": ("table ip t {\nchain c {\naccept\r\n}\n}\n", "carriage return", (3, 7)),
    "CR LF in a set": (
        "table ip t {\nset s {\ntype mark\nelements = { 1,\r\n2 }\n}\n}\n", "carriage return", (4, 16),
    ),
    "braces without end": (
        f"table ip t {{\nchain c {{\nmeta mark {'{' * 300}1{'}' * 300}\n}}\n}}\n", "nested too deeply", (3, 111),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_a_text_that_nft_does_not_read_is_one_mistake_with_its_place(name: str) -> None:
    text, words, place = FOREIGN[name]
    (found,) = refused(text)
    assert words in found.message
    assert (found.span.line, found.span.column) == place
    assert asked(text) in (False, None)


LACKING = [
    # (the rule, the word behind which a value is missing)
    ("iifname eth0 oifname accept", "oifname"),
    ("tcp dport counter accept", "dport"),
    ("ip saddr . tcp dport drop", "dport"),
    ("ip saddr 10.0.0.1 tcp dport", "dport"),
    ("ct state", "state"),
    ("meta mark set", "set"),
    ("ip saddr ct state new", "saddr"),
]


@pytest.mark.parametrize(("rule", "word"), LACKING)
def test_a_value_that_is_missing(rule: str, word: str) -> None:
    text = script(rule, INPUT, "inet")
    (found,) = refused(text)
    assert (found.message, found.span.text) == (f"a value is missing behind `{word}`", word)
    assert asked(text) in (False, None)


WORDS = [
    # (the rule, the word of the language in it)
    ("tcp dport != log", "log"),
    ("meta mark set accept", "accept"),
    ("ip saddr 1.1.1.1, accept", "accept"),
]


@pytest.mark.parametrize(("rule", "word"), WORDS)
def test_a_word_of_the_language_in_the_place_of_a_value(rule: str, word: str) -> None:
    text = script(rule, INPUT, "inet")
    (found,) = refused(text)
    assert (found.message, found.span.text) == (f"`{word}` is a word of the language", word)
    assert asked(text) in (False, None)
