"""Reading the JSON of nft: places of mistakes, what is refused and how, sizes, and what people see of a rule."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from policy.diagnostic import Collector, Diagnostic, Mistakes
from policy.languages.nftables import jsontext, nftables, text
from policy.languages.nftables.ast.command import Add, NamedObject, NamedSet, Remove, Rule, Script, Table
from policy.languages.nftables.ast.expression import (
    Binary,
    Element,
    List,
    Prefix,
    Range,
    Reference,
    Selector,
    SetLiteral,
    Word,
)
from policy.languages.nftables.ast.statement import Match, Object, Other, Silent
from policy.source import Source
from tests.test_message_style import wrong


def parsed(text: str) -> tuple[Script, list[Diagnostic]]:
    mistakes = Collector()
    return jsontext.parse(Source("rules.json", text), mistakes), mistakes.found


def commands(*said: Any) -> tuple[Any, ...]:
    tree, found = parsed(json.dumps({"nftables": said}))
    assert not found, [each.message for each in found]
    return tree.commands


def in_rule(*statements: Any) -> dict[str, Any]:
    return {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": statements}}


def rule(*statements: Any) -> Rule:
    (command,) = commands(in_rule(*statements))
    assert isinstance(command, Add)
    assert isinstance(command.what, Rule)
    return command.what


DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
CASES = Path(__file__).parent / "cases" / "nftables" / "statements.txt"
STATE = {"ct": {"key": "state"}}
TCP_FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}


def match(left: Any, op: str, right: Any) -> Any:
    return {"match": {"op": op, "left": left, "right": right}}


# Statements as script text

PRINTED: list[tuple[str, Any]] = [
    (script.strip(), json.loads(said))
    for script, sign, said in (line.partition("⇐") for line in CASES.read_text(encoding="utf-8").splitlines())
    if sign
]


@pytest.mark.parametrize(("script", "statement"), PRINTED, ids=[script for script, _ in PRINTED])
def test_a_statement_as_script_text(script: str, statement: Any) -> None:
    assert text.rule(rule(statement)) == script


# Trees


def test_xt_is_kept_and_not_modelled() -> None:
    assert rule({"xt": {"type": "match", "name": "recent"}}).statements == (Other("xt match", 'xt match "recent"'),)
    assert rule({"xt": {"type": "target", "name": "LOG"}}).statements == (Other("xt target", 'xt target "LOG"'),)
    assert rule({"xt": None}).statements == (Other("xt match", "xt match"),)


def test_in_is_no_operator_and_equal_is_one_where_bits_are_compared() -> None:
    assert rule(match(STATE, "in", "new")).statements[0].operator == ""  # type: ignore[union-attr]
    assert rule(match(STATE, "==", "new")).statements[0].operator == "=="  # type: ignore[union-attr]
    assert rule(match(DPORT, "==", 22)).statements[0].operator == ""  # type: ignore[union-attr]


def test_more_than_two_operands_are_taken_from_the_left() -> None:
    (found,) = rule(match(TCP_FLAGS, "==", {"|": ["fin", "syn", "ack"]})).statements
    assert isinstance(found, Match)
    assert found.right == Binary("|", Binary("|", Word("fin"), Word("syn")), Word("ack"))


def test_a_table_a_set_and_objects() -> None:
    key = {"val": {"concat": ["1.1.1.1", 22]}, "timeout": 5, "expires": 4, "comment": "e", "counter": None}
    table, named, objects, limit = commands(
        {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
        {"add": {"table": {"family": "inet", "name": "t", "flags": ["dormant"]}}},
        {
            "map": {
                "family": "inet",
                "table": "t",
                "name": "m",
                "type": ["ipv4_addr", "inet_service"],
                "map": "ipv4_addr . inet_service",
                "flags": ["interval", "timeout"],
                "timeout": 60,
                "gc-interval": 10,
                "size": 9,
                "auto-merge": True,
                "comment": "c",
                "elem": [[{"elem": key}, {"concat": ["2.2.2.2", 23]}]],
            }
        },
        {"ct helper": {"family": "inet", "table": "t", "name": "h", "type": "ftp", "protocol": "tcp", "l3proto": "ip"}},
        {"limit": {"family": "inet", "table": "t", "name": "l", "rate": 3, "per": "hour"}},
    )  # fmt: skip
    assert (table.what, table.place.family) == (Table("inet", "t", flags=("dormant",)), "inet")
    made = named.what
    assert isinstance(made, NamedSet)
    assert (made.type, made.value) == (("ipv4_addr", "inet_service"), ("ipv4_addr", "inet_service"))
    assert (made.timeout, made.gc, made.size, made.auto_merge, made.comment) == (60000, 10000, 9, True, "c")
    assert isinstance(made.elements, SetLiteral)
    (element,) = made.elements.elements
    assert (element.timeout, element.expires, element.comment) == (5000, 4000, "e")
    assert element.statements == (Silent("counter"),)
    assert objects.what == NamedObject("ct helper", "h", 'type "ftp" protocol tcp; l3proto ip')
    assert (limit.what.kind, limit.what.text) == ("limit", "rate 3/hour")


def test_where_a_rule_goes_and_its_own_handle() -> None:
    at: dict[str, Any] = {"family": "ip", "table": "t", "chain": "c", "expr": [{"accept": None}]}
    listed, added, inserted = commands(
        {"rule": {**at, "handle": 7}},
        {"add": {"rule": {**at, "handle": 7}}},
        {"insert": {"rule": {**at, "index": 2}}},
    )
    assert (listed.handle, listed.what.handle) == (None, 7)
    assert (added.handle, added.what.handle) == (7, None)
    assert (inserted.operation, inserted.index) == ("insert", 2)


def test_commands_that_remove() -> None:
    flush, everything, element, renamed, rule = commands(
        {"flush": {"chain": {"family": "ip6", "table": "t", "name": "c"}}},
        {"flush": {"ruleset": None}},
        {"delete": {"element": {"table": "t", "name": "s", "elem": ["1.1.1.1"]}}},
        {"rename": {"chain": {"table": "t", "name": "c", "newname": "d"}}},
        {"delete": {"rule": {"table": "t", "chain": "c", "handle": 4}}},
    )
    assert isinstance(flush, Remove)
    assert (flush.operation, flush.kind, flush.place.family, flush.place.name) == ("flush", "chain", "ip6", "c")
    assert (everything.kind, everything.place.family) == ("ruleset", None)
    assert element.elements == SetLiteral((Element(Word("1.1.1.1")),))
    assert (renamed.place.name, renamed.to) == ("c", "d")
    assert (rule.place.name, rule.place.handle) == ("c", 4)


# Mistakes and their places

MISTAKES: list[tuple[str, str, str]] = [
    # (the text; where «this» is underlined; the message)
    ("", "", "this is no JSON: the text ends where a value is expected"),
    ('«x»', "", "this is no JSON: a value is expected here"),
    ('{"nftables": [«]»', "", ""),
    ('{"nftables": «[»{"flush": {"ruleset": null}}', "", "this is no JSON: `[` has no `]`"),
    ('{"nftables": [1 «2»]}', "", "this is no JSON: `,` or `]` is expected here"),
    ('{"nftables" «1»}', "", "this is no JSON: `:` is expected behind `nftables`"),
    ('{«n»ftables: 1}', "", "this is no JSON: a name in double quotes is expected here"),
    ('{"nftables": [«"a»', "", "this is no JSON: this string is wrong or has no end"),
    ('{"nftables": [«"\\ud800"»]}', "", "this is no JSON: this string has what is no character"),
    ('{"nftables": [«99999999999999999999»]}', "", "this is no JSON: this number is too large"),
    ('{"nftables": []} «x»', "", "this is no JSON: text behind the end of the JSON"),
    ("«[]»", "", "the text is an object in braces, not an array"),
    ('«{}»', "", "the text has no `nftables`"),
    ('«{"metainfo": {}}»', "`nft -j list ruleset` prints `{\"nftables\": […]}`", "the text has no `nftables`"),
    ('«\ufeff»{"nftables": []}', "save it as UTF-8 without a mark",
     "the file begins with a byte order mark, which nft does not read"),
    ('{"nftables": «7»}', "", "`nftables` is an array of commands"),
    ('{"nftables": [«7»]}', "", "a command is an object in braces, not the number 7"),
    ('{"nftables": [«{}»]}', "", "a command is an object with one name, this one has none"),
    ('{"nftables": [{«"ad"»: {}}]}', "did you mean `add`?", "`ad` is no command that is known"),
    ('{"nftables": [{"add": {«"tabel"»: {}}}]}', "did you mean `table`?", "`tabel` is no object that is known"),
    ('{"nftables": [{"metainfo": {"json_schema_version": «2»}}]}', "", "version 2 of the JSON is not known"),
    ('{"nftables": [{"table": {"family": «"ipv4"», "name": "t"}}]}', "", "`ipv4` is no family"),
    ('{"nftables": [{"table": {"name": "t", «"famliy"»: "ip"}}]}', "did you mean `family`?", "`table` has no `famliy`"),
    ('{"nftables": [{"table": «{"family": "ip"}»}]}', "", "`table` needs `name`"),
    ('{"nftables": [{"table": {"name": "t", "flags": «"inet"»}}]}', "", "`inet` is no flag of a table"),
    ('{"nftables": [{"chain": «{"name": "c"}»}]}', "", "`chain` needs `table`"),
    ('{"nftables": [{"chain": «{"table": "t", "name": "c", "type": "filter"}»}]}', "", "a base chain needs `hook`"),
    (
        '{"nftables": [{"chain": {"table": "t", "name": "c", "type": "filter", "hook": «"inptu"», "prio": 0}}]}',
        "did you mean `input`?",
        "`inptu` is no hook",
    ),
    ('{"nftables": [{"set": {"table": "t", "name": "s", "type": «[]»}}]}', "", "a type is needed here"),
    ('{"nftables": [{"set": {"table": "t", "name": "s", "type": "ipv4_addr", "elem": [«[1]»]}}]}', "", ""),
]  # fmt: skip

IN_RULES: list[tuple[str, str, str]] = [
    ('{«"acept"»: null}', "did you mean `accept`?", "`acept` is no statement that is known"),
    ('{"accept": «1»}', "", "`accept` has the value null"),
    ('{"jump": «{}»}', "", "`jump` needs `target`"),
    ('{"match": «{"left": 1, "right": 2}»}', "", "`match` needs `op`"),
    ('{"match": {"op": «"=~"», "left": 1, "right": 2}}', "", "`=~` is no comparison"),
    ('{"match": {"op": "==", "left": {«"paylaod"»: {}}, "right": 2}}', "did you mean `payload`?", ""),
    ('{"match": {"op": "==", "left": 1, "right": «1.5»}}', "", "this is no value"),
    ('{"match": {"op": "==", "left": 1, "right": «-1»}}', "", "a value is from 0 to 9223372036854775807, not -1"),
    ('{"match": {"op": "==", "left": 1, "right": {"range": «[1]»}}}', "", "`range` is an array of two values"),
    (
        '{"match": {"op": "==", "left": 1, "right": {"prefix": {"addr": "::", "len": «129»}}}}',
        "",
        "`len` is from 0 to 128, not 129",
    ),
    (
        '{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "tunnel": «"gre"»}}, "right": 1}}',
        "rules before nftables 1.1 have none",
        "headers inside a tunnel are not known",
    ),
    ('{"vmap": {"key": 1, "data": «2»}}', "", "this is to be a map: `{\"set\": …}`, or `@` with a name"),
    ('{"set": {"op": "add", "set": «"s"», "elem": 1}}', "", "`set` needs `@` with the name of a set"),
    ('{"mangle": {"key": «1», "value": 1}}', "", "this is nothing that can be set"),
    ('{"limit": {"rate": 1, "per": «"secnod"»}}', "did you mean `second`?", "`secnod` is no time"),
    ('{"limit": {"rate": 1, "inv": «1»}}', "", "`inv` is true or false, not the number 1"),
    ('«"accept accept"»', "", "this is no statement"),
    ('«[]»', "", "a statement is an object in braces, not an array"),
]  # fmt: skip


def place(text: str) -> tuple[str, int, int]:
    """Return a text without its marks, and what is between them."""
    start, end = text.find("«"), text.find("»") - 1
    return text.replace("«", "").replace("»", ""), start, end


@pytest.mark.parametrize(("text", "help", "message"), MISTAKES)
def test_mistakes(text: str, help: str, message: str) -> None:
    plain, start, end = place(text)
    _, found = parsed(plain)
    assert len(found) == 1
    assert not message or found[0].message == message
    assert not help or found[0].help == help
    if start >= 0 and message:
        assert plain[found[0].span.start : found[0].span.end] == plain[start:end]


@pytest.mark.parametrize(("text", "help", "message"), IN_RULES)
def test_mistakes_in_rules(text: str, help: str, message: str) -> None:
    test_mistakes(f'{{"nftables": [{{"rule": {{"table": "t", "chain": "c", "expr": [{text}]}}}}]}}', help, message)


def test_messages_keep_the_style() -> None:
    texts = [place(each)[0] for each, _, _ in MISTAKES]
    texts += [f'{{"nftables": [{{"rule": {{"expr": [{place(each)[0]}]}}}}]}}' for each, _, _ in IN_RULES]
    for each in texts:
        for found in parsed(each)[1]:
            for said in (found.message, found.help):
                assert said is None or wrong(said) is None, said


def test_all_mistakes_of_a_rule_are_said_with_line_and_column() -> None:
    text = '{"nftables": [\n {"rule": {"table": "t", "chain": "c", "expr": [\n  {"acept": null},\n  {"dorp": null}]}}]}'
    _, found = parsed(text)
    assert [(each.span.line, each.span.column, each.help) for each in found] == [
        (3, 4, "did you mean `accept`?"),
        (4, 4, "did you mean `drop`?"),
    ]


def test_a_table_with_a_wrong_flag_is_known_all_the_same() -> None:
    said = {"nftables": [{"table": {"name": "t", "flags": "u"}}, {"chain": {"table": "t", "name": "c"}}, in_rule()]}
    with pytest.raises(Mistakes) as caught:
        nftables.read(Source("rules.json", json.dumps(said)))
    assert [each.message for each in caught.value.diagnostics] == ["`u` is no flag of a table"]


# Sizes and odd texts


@pytest.mark.parametrize("sign", ["[", '{"a":'])
def test_deep_nesting_is_refused(sign: str) -> None:
    _, (found,) = parsed(sign * 100_000)
    assert found.message == "the JSON is nested too deeply"


def test_expressions_are_read_as_deep_as_the_json() -> None:
    deep: Any = "syn"
    for _ in range(40):
        deep = {"|": [deep, "ack"]}
    assert text.rule(rule(match(TCP_FLAGS, "==", deep))).count("ack") == 40


def test_ten_times_as_many_elements_take_ten_times_as_long() -> None:
    def took(count: int) -> float:
        start = time.process_time()
        read(count)
        return time.process_time() - start

    def read(count: int) -> Script:
        elements = [
            {"prefix": {"addr": f"10.{i >> 8 & 255}.{i & 255}.0", "len": 24}}
            if i % 2
            else f"192.168.{i >> 8}.{i & 255}"
            for i in range(count)
        ]
        named = {"set": {"family": "ip", "table": "t", "name": "s", "type": "ipv4_addr", "elem": elements}}
        tree, found = parsed(json.dumps({"nftables": [named]}))
        assert not found
        return tree

    read(100)
    assert took(50_000) / took(5_000) < 40  # about ten, where nothing is squared
    tree = read(50_000)
    (command,) = tree.commands
    assert isinstance(command, Add)
    assert isinstance(command.what, NamedSet)
    assert isinstance(command.what.elements, SetLiteral)
    assert len(command.what.elements.elements) == 50_000


# What people see


def test_a_rule_is_shown_as_script_text() -> None:
    made = rule(
        match(STATE, "in", ["established", "related"]), {"counter": {"packets": 1, "bytes": 2}}, {"accept": None}
    )
    assert made.span.text == "ct state established,related counter accept"
    assert [each.span.text for each in made.statements] == ["ct state established,related", "counter", "accept"]


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
