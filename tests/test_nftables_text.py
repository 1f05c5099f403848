"""What is printed of a tree is read as the same tree."""

from __future__ import annotations

from hypothesis import given

from policy.diagnostic import Collector
from policy.languages.nftables import text
from policy.languages.nftables.ast.command import Rule, Script
from policy.languages.nftables.ast.expression import Word
from policy.languages.nftables.parse import parse, parse_rule
from policy.languages.nftables.text.expressions import duration, word
from policy.source import Source, Span
from tests.nftables_strategies import rules, scripts


@given(rules)
def test_a_rule_is_read_as_it_was(tree: Rule) -> None:
    printed = text.rule(tree)
    assert parse_rule(Span(Source("", printed), 0, len(printed))) == tree, printed


@given(scripts)
def test_a_script_is_read_as_it_was(tree: Script) -> None:
    mistakes = Collector()
    printed = text.script(tree)
    assert parse(Source("", printed), mistakes) == tree, printed
    assert not mistakes.found


def test_times() -> None:
    said = [duration(each) for each in (0, 5, 1000, 90_061_001, 7 * 86_400_000)]
    assert said == ["0s", "5ms", "1s", "1d1h1m1s1ms", "7d"]


def test_words_that_need_quotes() -> None:
    assert word(Word("eth0")) == "eth0"
    assert word(Word("eth0", quoted=True)) == '"eth0"'
    assert word(Word("eth*")) == '"eth*"'
    assert word(Word("*")) == "*"
    assert word(Word("Windows:XP")) == '"Windows:XP"'
    assert word(Word("fe80::1")) == "fe80::1"
