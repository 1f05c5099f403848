"""The question language: what it reads, what that means, and what it says of mistakes."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark
from lark.lexer import PatternStr

from policy.diagnostic import Collector, Mistakes
from policy.language.grammar import open_grammar
from policy.packet import EMPTY, Intervals, Masked, Names
from policy.packet.address import ANY_ADDRESS, parse_address, parse_prefix
from policy.question import ast
from policy.question.lower import terms
from policy.question.parse import parse_question
from policy.question.printer import match_text
from policy.question.terms import Environment, Terms, match_of
from policy.source import Source
from tests.native_strategies import bare_matches, matches

GRAMMAR = Path(__file__).parent.parent / "grammar"
OFFICE = parse_prefix("10.1.0.0/16") | parse_prefix("2001:db8:1::/48")
NAMES_OF_VALUES = ("tcp", "icmp", "ssh", "new", "input", "syn", "none", "later", "ttl", "fragment", "dynamic", "nobody")
NAMES = Environment({"office": OFFICE, "db": parse_prefix("10.2.0.5")})


def said(question: str) -> Terms:
    collector = Collector()
    found = terms(parse_question(Source("<question>", question)), NAMES, collector)
    collector.check()
    return found


def proto(number: int, **fields: int) -> dict[str, Intervals]:
    return {name: Intervals.of(value) for name, value in {"proto": number, **fields}.items()}


SERVICES = {
    "any": [],
    "tcp": [proto(6)],
    "tcp/22": [proto(6, dport=22)],
    "tcp/ssh": [proto(6, dport=22)],
    "proto 47": [proto(47)],
    "proto gre": [proto(47)],
    "icmp/echo-request": [proto(1, icmp_type=8)],
    "icmp/3/4": [proto(1, icmp_type=3, icmp_code=4)],
    "icmp6/128": [proto(58, icmp_type=128)],
    "ping": [proto(1, icmp_type=8), proto(58, icmp_type=128)],
    "tcp/{80,443}": [{"proto": Intervals.of(6), "dport": Intervals.of(80, 443)}],
    "tcp/80, tcp/443": [{"proto": Intervals.of(6), "dport": Intervals.of(80, 443)}],
    "tcp/53, udp/53": [{"proto": Intervals.of(6, 17), "dport": Intervals.of(53)}],
    "tcp/8000-8099": [{"proto": Intervals.of(6), "dport": Intervals.of((8000, 8099))}],
    "udp/well-known": [{"proto": Intervals.of(17), "dport": Intervals.of((0, 1023))}],
    "icmp/{0,8}": [{"proto": Intervals.of(1), "icmp_type": Intervals.of(0, 8)}],
}


@pytest.mark.parametrize("question", SERVICES)
def test_services(question: str) -> None:
    assert [{f.name: f.values for f in service} for service in said(question).services] == SERVICES[question]


FIELDS = {
    "tcp from office": {"src": OFFICE},
    "tcp from any": {},
    "tcp from any except office": {"src": ANY_ADDRESS - OFFICE},
    "tcp from office except office": {"src": EMPTY},
    "tcp to db, 10.0.0.0/30": {"dst": parse_prefix("10.2.0.5") | parse_prefix("10.0.0.0/30")},
    "tcp to 10.0.0.7/30": {"dst": parse_prefix("10.0.0.4/30")},
    "tcp to 10.0.0.1-10.0.0.9": {"dst": Intervals.of((parse_address("10.0.0.1"), parse_address("10.0.0.9")))},
    "tcp from db:1024": {"src": parse_prefix("10.2.0.5"), "sport": Intervals.of(1024)},
    "tcp to db port {22, 80-90}": {"dst": parse_prefix("10.2.0.5"), "dport": Intervals.of(22, (80, 90))},
    "tcp to [2001:db8::1]:https": {"dst": parse_prefix("2001:db8::1"), "dport": Intervals.of(443)},
    "tcp from any port dynamic": {"sport": Intervals.of((49152, 65535))},
    "in eth0, eth+": {"in": Names(frozenset({"eth0"}), frozenset({"eth"}))},
    "out eth0.100": {"out": Names(frozenset({"eth0.100"}))},
    "at input, forward": {"hook": Intervals.of(0, 2)},
    "state new, established": {"state": Intervals.of(0, 1)},
    "flags syn": {"flags": Intervals.of(2)},
    "flags syn, ack": {"flags": Intervals.of(18)},
    "flags none": {"flags": Intervals.of(0)},
    "flags syn/syn,ack,rst,fin": {"flags": Masked(2, 23)},
    "flags none/fin": {"flags": Masked(0, 1)},
    "with ttl 1, length 100-200": {"ttl": Intervals.of(1), "length": Intervals.of((100, 200))},
    "with fragment later": {"fragment": Intervals.of(2)},
    "with mark 0x10/0xff": {"mark": Masked(16, 255)},
    "with mac 00:11:22:33:44:55": {"mac": Intervals.of(0x001122334455)},
    "with uid {0, 1000-1999}": {"uid": Intervals.of(0, (1000, 1999))},
}


@pytest.mark.parametrize("question", FIELDS)
def test_fields(question: str) -> None:
    found = said(question)
    assert {f.name: f.values for f in found.fields} == FIELDS[question]
    assert all(f.span is not None and f.span.text in question for f in found.fields)
    assert match_of(found) is not None


WRONG = {
    "": "FW001 ``",
    "  ": "FW001 ``",
    "tcp/80 extra": "FW001 `extra`",
    "allow tcp": "FW001 `allow`",
    "tcp from": "FW001 ``",
    "tcp from to db": "FW001 `to`",
    "tcp/": "FW001 ``",
    "db:5432": "FW001 `:`",
    "tcp to nobody": "FW701 `nobody`",
    "tcp/99999999999999999999999999999999999999999999": "FW501 `99999999999999999999999999999999999999999999`",
    "from 10.0.0.1 to 2001:db8::1": "FW603 `2001:db8::1`",
    "icmp/8 from 2001:db8::1": "FW603 `icmp`",
}


@pytest.mark.parametrize("question", WRONG)
def test_mistakes(question: str) -> None:
    with pytest.raises(Mistakes) as caught:
        said(question)
    assert [f"{d.code} `{d.span.text}`" for d in caught.value.diagnostics] == [WRONG[question]]


@given(matches | bare_matches)
def test_the_parser_reads_what_the_printer_writes(match: ast.Match) -> None:
    assert parse_question(Source("<question>", match_text(match))) == match


@given(matches | bare_matches)
def test_writing_again_changes_nothing(match: ast.Match) -> None:
    text = match_text(match)
    assert match_text(parse_question(Source("<question>", text))) == text


_QUESTIONS = from_lark(
    Lark.open(str(GRAMMAR / "question.lark"), parser="lalr", start="question"),
    explicit={"NAME": st.sampled_from((*NAMES_OF_VALUES, "office", "db"))},
)


@given(_QUESTIONS | st.text(max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    collector = Collector()
    with suppress(Mistakes):
        terms(parse_question(Source("<question>", text)), NAMES, collector)
    for diagnostic in collector.found:
        assert diagnostic.span.text


@pytest.mark.parametrize(("name", "start"), [("question", ["question"]), ("native", ["top", "body"])])
def test_the_grammars_have_no_conflict(name: str, start: list[str]) -> None:
    Lark.open(str(GRAMMAR / f"{name}.lark"), parser="lalr", strict=True, start=start)


def test_every_word_of_the_language_is_reserved() -> None:
    terminals = open_grammar("native").terminals
    name = next(t for t in terminals if t.name == "NAME").pattern.value
    reserved = set(name[name.index("(?:") + 3 : name.index(")(?!")].split("|"))
    words = {t.pattern.value for t in terminals if isinstance(t.pattern, PatternStr) and t.pattern.value[0].isalpha()}
    assert words == reserved
