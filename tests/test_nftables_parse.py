"""Reading scripts of nftables: statements and blocks, long lists, variables, includes, mistakes and where they are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.diagnostic import Collector, Diagnostic
from policy.languages.nftables import is_json, looks_like
from policy.languages.nftables.ast.expression import Element, SetLiteral
from policy.languages.nftables.comments import comments, disabled, includes
from policy.languages.nftables.parse import _Parser, parse, parse_rule
from policy.languages.nftables.script import run
from policy.languages.nftables.split import split
from policy.languages.nftables.state import State
from policy.source import Source, Span


def ran(text: str, name: str = "<text>") -> tuple[State, list[Diagnostic]]:
    source, mistakes = Source(name, text), Collector()
    return run(parse(source, mistakes), source, mistakes), mistakes.found


def state_of(text: str, name: str = "<text>") -> State:
    state, found = ran(text, name)
    assert not found, [each.message for each in found]
    return state


def rules(text: str, chain: str = "c") -> list[str]:
    (table,) = state_of(text).tables.values()
    return [rule.span.text for rule in table.chains[chain].rules]


def mistake(text: str) -> tuple[str, str, str]:
    """Return the code, the message and the words of the only mistake."""
    _, (found,) = ran(text)
    return found.code, found.message, found.span.text


# Statements and blocks

NO_POLICY = "`x` is no base chain, and has no policy"
HOOK = "type filter hook input priority 0; policy drop;"
ONE_LINE = f"table ip t {{ chain c {{ {HOOK} tcp dport 22 accept; udp dport 53 drop; }}; }}"


def test_a_table_in_one_line() -> None:
    assert rules(ONE_LINE) == ["tcp dport 22 accept", "udp dport 53 drop"]
    chain = state_of(ONE_LINE).tables["ip", "t"].chains["c"]
    assert (chain.drops, chain.priority, chain.hook and chain.hook.hook) == (True, 0, "input")


def test_braces_of_sets_go_over_lines_and_comments() -> None:
    text = """table ip t {
    chain c {
        tcp dport { 22, # ssh
            80 } accept # web
        ip saddr \\
            10.0.0.1 drop
    }
}
"""
    assert [each.split()[-1] for each in rules(text)] == ["accept", "drop"]
    assert [span.text for span in comments(Source("x", text))] == ["# ssh", "# web"]


def test_commands_do_what_they_say_in_order() -> None:
    text = """add table ip t
add chain ip t c
add rule ip t c tcp dport 1 accept
add rule ip t c tcp dport 2 accept
insert rule ip t c tcp dport 0 accept
add rule ip t c index 0 tcp dport 9 accept
"""
    assert [each.split()[-2] for each in rules(text)] == ["0", "9", "1", "2"]


def test_what_is_emptied_is_gone_and_said() -> None:
    state = state_of("table ip t { chain c { accept; }; }\nflush chain ip t c\ntable ip t { chain c { drop; }; }\n")
    assert [rule.span.text for rule in state.tables["ip", "t"].chains["c"].rules] == ["drop"]
    (lost,) = state.replaced
    assert [span.text for span in lost.rules] == ["accept"]


def test_what_is_deleted_before_it_is_made_was_there() -> None:
    assert list(state_of("flush ruleset\ndelete table ip t\ntable ip t { }\n").tables) == [("ip", "t")]


# Variables


def test_variables_are_put_in_their_places() -> None:
    text = """define wan = "eth0"
define ports = { 22, 80 }
define more = { $ports, 443 }
table ip t {
    define here = 10.0.0.1
    chain c {
        iifname $wan tcp dport $more ip saddr $here accept
    }
}
"""
    (rule,) = state_of(text).tables["ip", "t"].chains["c"].rules
    _, ports, _, _ = rule.statements
    assert isinstance(ports.right, SetLiteral)  # type: ignore[union-attr]
    assert len(ports.right.elements) == 3  # type: ignore[union-attr]
    assert "$" not in repr(rule)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("table ip t { chain c { tcp dport $web accept; }; }", ("FW701", "`web` is not defined", "$web")),
        ("define a = 1\ndefine a = 2\n", ("FW703", "`a` is defined already, in line 1", "a")),
        ("add rule ip t c accept\n", ("FW701", "there is no table `ip t`", "add rule ip t c accept")),
        ("table ip t { }\nadd rule ip t c drop\n", ("FW701", "there is no chain `c` in `t`", "add rule ip t c drop")),
        (
            "table ip t { chain c { type nat hook forward priority 0; }; }",
            ("FW001", "a chain of type `nat` cannot be at `forward`", "type nat hook forward priority 0"),
        ),
        (
            "table ip t { chain c { type nat hook output priority dstnat; }; }",
            ("FW001", "the priority `dstnat` is for prerouting alone", "type nat hook output priority dstnat"),
        ),
        ("table ip t { chain x { policy drop; } }", ("FW001", NO_POLICY, "policy drop")),
        ("table ip t { set s { elements = { 1 }; }; }", ("FW001", "the set `s` has no type", "s")),
        ("table ip t { chain c { tcp dprt 22 accept; }", ("FW001", "the block is not closed", "table ip t")),
        ("}\n", ("FW001", "`}` closes nothing", "}")),
        ("create table ip t\ncreate table ip t\n", ("FW703", "there is a table `t` already", "t")),
    ],
)  # fmt: skip
def test_mistakes(text: str, said: tuple[str, str, str]) -> None:
    assert mistake(text) == said


def test_every_mistake_is_said_at_once() -> None:
    _, found = ran("table ip t {\n chain c {\n  tcp dport accept\n  ip saddr $x drop\n  foo\n }\n}\n")
    assert [each.span.line for each in found] == [3, 5, 4]


def test_a_variable_may_not_be_used_before_it_is_made_and_a_chain_may() -> None:
    _, (found,) = ran("table ip t {\n chain c {\n  tcp dport $p jump d\n }\n define p = 1\n chain d { }\n}\n")
    assert (found.code, found.span.line, found.span.text) == ("FW701", 3, "$p")


# Includes


def test_what_is_included_is_read_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.nft").write_text('define p = 22\ninclude "d/*.nft"\n')
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "one.nft").write_text("table ip t { chain c { tcp dport $p accept; }; }\n")
    main = tmp_path / "main.nft"
    main.write_text('include "a.nft"\n')
    state = state_of(main.read_text(), str(main))
    assert [Path(each.name).name for each in state.sources] == ["main.nft", "a.nft", "one.nft"]
    assert len(state.tables["ip", "t"].chains["c"].rules) == 1
    assert includes(Source(str(main), main.read_text())) == [str(tmp_path / "a.nft")]


def test_includes_by_the_whole_path_and_without_hidden_files(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.nft").write_text("add table ip a\n")
    (folder / ".b.nft").write_text("nonsense\n")
    main = folder / "main.nft"
    main.write_text(f'include "{folder}/a.nft"\ninclude "./?.nft"\ninclude "none*"\n')
    state = state_of(main.read_text(), str(main))
    assert [name for _, name in state.tables] == ["a"]
    assert len(state.sources) == 3


@pytest.mark.parametrize("words", ["/etc/passwd", "../outside.nft", "missing.nft", "main.nft"])
def test_includes_that_are_refused(tmp_path: Path, words: str) -> None:
    (tmp_path / "outside.nft").write_text("table ip t { }\n")
    main = tmp_path / "here" / "main.nft"
    main.parent.mkdir()
    main.write_text(f'include "{words}"\n')
    _, (found,) = ran(main.read_text(), str(main))
    assert found.code in ("FW004", "FW116")


def test_blocks_include_what_stands_in_them(tmp_path: Path) -> None:
    texts = {
        "table.nft": "define p = 22\nset ports { type inet_service; elements = { 1, 2 }; }\n"
        "chain extra {\n tcp dport @ports accept\n tcp dport $p drop\n}\n",
        "chain.nft": "define q = 80\nip saddr @s accept\ntcp dport $q drop\n",
        "hook.nft": "type filter hook input priority filter; policy drop\n",
        "set.nft": "elements = { 10.0.0.0/8, 1.2.3.4 }\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    main = tmp_path / "main.nft"
    main.write_text(
        'table inet t {\n set s {\n  type ipv4_addr\n  flags interval\n  include "./set.nft"\n }\n'
        ' include "./table.nft"\n chain c {\n  include "./hook.nft"\n  include "./chain.nft"\n'
        '  tcp dport $q accept\n  include "./none-*.nft"\n  jump extra\n }\n}\n'
    )
    state = state_of(main.read_text(), str(main))
    table = state.tables["inet", "t"]
    assert [rule.span.text for rule in table.chains["c"].rules] == [
        *("ip saddr @s accept", "tcp dport $q drop", "tcp dport $q accept", "jump extra")
    ]
    assert table.chains["c"].hook is not None
    assert table.chains["c"].drops
    assert len(table.chains["extra"].rules) == 2
    assert len(table.sets["s"].elements) == 2
    assert [each.name for each in state.variables] == ["p", "q"]
    assert len(state.sources) == 5
    assert len(includes(Source(str(main), main.read_text()))) == 4


@pytest.mark.parametrize(
    ("block", "part", "line"),
    [
        ("chain c", "accept\n}\n", 2),  # nft would end the block of the other file
        ("chain c", "set s { type mark; }\n", 1),
        ("set s", "tcp dport 1 accept\n", 1),
        ("chain c", 'include "main.nft"\n', 1),
    ],
)
def test_what_a_block_includes_must_be_what_may_stand_there(tmp_path: Path, block: str, part: str, line: int) -> None:
    (tmp_path / "part.nft").write_text(part)
    main = tmp_path / "main.nft"
    main.write_text(f'table ip t {{\n {block} {{ include "part.nft"\n }}\n}}\n')
    _, found = ran(main.read_text(), str(main))
    assert (Path(found[0].span.source.name).name, found[0].span.line) == ("part.nft", line)


@pytest.mark.parametrize(("order", "ports"), [("12", {"2", "3"}), ("21", {"1"})])
def test_of_elements_that_are_said_twice_the_last_count(tmp_path: Path, order: str, ports: set[str]) -> None:
    (tmp_path / "part.nft").write_text("type inet_service\nelements = { 2, 3 }\n")
    said = {"1": "elements = { 1 }", "2": 'include "part.nft"'}
    main = tmp_path / "main.nft"
    main.write_text("table ip t {\n set s {\n" + "\n".join(said[each] for each in order) + "\n }\n}\n")
    named = state_of(main.read_text(), str(main)).tables["ip", "t"].sets["s"]
    assert {each.key.span.text for each in named.elements} == ports
    assert named.definition.type == ("inet_service",)


# Long lists

addresses = st.integers(0, 2**32 - 1).map(lambda n: ".".join(str(n >> shift & 255) for shift in (24, 16, 8, 0)))
parts = st.one_of(
    addresses,
    addresses.map(lambda a: a + "/24"),
    st.tuples(addresses, addresses).map("-".join),
    st.integers(0, 65535).map(str),
    st.sampled_from(("2001:db8::/32", "::1", "ssh", "0x10", '"eth0"', "1-5")),
)
items = st.tuples(
    st.lists(parts, min_size=1, max_size=3).map(" . ".join),
    st.sampled_from(("", " : accept", " : 10.0.0.1", " : jump x", ' comment "c"', " timeout 1d", " : 22")),
).map("".join)


@given(st.lists(items, min_size=1, max_size=5), st.sampled_from((", ", ",", ",\n\t", ", # x\n")))
def test_long_lists_are_read_as_the_grammar_reads_them(some: list[str], comma: str) -> None:
    text = "{ " + comma.join(some) + " }"
    source = Source("x", f"elements = {text}")
    place = Span(source, 0, len(source.text))
    plain, fast = Collector(), Collector()
    one = _Parser(source, plain).parsed("kind", place)
    from policy.languages.nftables import elements
    from policy.languages.nftables.split import blanked

    reading = _Parser(source, fast)
    other = elements.read(source, len("elements = "), blanked(text), reading.element)
    assert not plain.found, [each.message for each in plain.found]
    if other is not None:
        assert not fast.found
        assert one.value == other
        spans = [_spans(each) for each in (one.value, other)]
        assert spans[0] == spans[1]


def _spans(literal: SetLiteral) -> list[tuple[int, int]]:
    found = []
    for each in literal.elements:
        assert isinstance(each, Element)
        found.append((each.key.span.start, each.key.span.end))
    return found


# Any text


@given(st.text(alphabet='tabelchinsrup {}();#"\\\n$@.,:=!-+0123456789', max_size=80))
def test_no_text_makes_an_error(text: str) -> None:
    pieces = list(split(text))
    assert all(one.end <= two.end for one, two in pairwise(pieces) if one.kind == two.kind)
    ran(text)


@pytest.mark.parametrize(
    ("text", "it_is"),
    [
        ("table inet filter {\n}\n", True),
        ("#!/usr/sbin/nft -f\n\nflush ruleset\n", True),
        ("add rule ip filter input accept\n", True),
        ("*filter\n:INPUT ACCEPT\nCOMMIT\n", False),
        ("policy p {\n allow any\n}\n", False),
        ("the table is set for { two }\n", False),
    ],
)
def test_which_texts_are_scripts(text: str, it_is: bool) -> None:
    assert looks_like(text) is it_is


def test_comments_that_were_rules() -> None:
    from policy.ir import Ruleset

    text = "# tcp dport 22 accept\n# open for all\n#ip saddr 10.0.0.1 drop\n# accept\n"
    source = Source("x", text)
    found = disabled(Ruleset("nftables", frozenset(), {}, {}, sources=(source,)))
    assert [span.line for span in found] == [1, 3]


def test_one_rule_alone() -> None:
    text = "tcp dport 22 accept"
    assert parse_rule(Span(Source("x", text), 0, len(text))) is not None
    assert parse_rule(Span(Source("x", text), 0, 9)) is None


def test_json_is_told_from_scripts() -> None:
    assert looks_like('{"nftables": []}')
    assert looks_like('\n { "nftables" : [] }')
    assert not looks_like('{"a": 1}')
    assert not looks_like('{"dependencies": {"nftables": "1.0"}}')
    assert not is_json("table ip t {\n}\n")


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftable ip t {\n}\n",
        '\ufeff{"nftables": []}',
        '{"a": 1, "nftables": []}',
        '{"metainfo": {"version": "1.0.6"}}',
        '{"nftables"}',
        "{'nftables': []}",
        "{nftables: []}",
    ],
)
def test_texts_with_a_mistake_at_their_beginning_are_of_this_language(text: str) -> None:
    assert looks_like(text)
    assert not is_json("table ip t { }")


def test_a_comment_behind_a_rule_belongs_to_it() -> None:
    lines = ["tcp dport 1 accept", "tcp dport 2 accept # fwpolicy: ignore FW205: x", "tcp dport 3 accept"]
    state = state_of("table ip t {\n chain c {\n" + "\n".join(lines) + "\n }\n}\n")
    rules_ = state.tables["ip", "t"].chains["c"].rules
    assert [len(rule.suppressions) for rule in rules_] == [0, 1, 0]


def test_a_script_that_includes_is_one_of_nft() -> None:
    from policy.languages import sniff

    assert sniff('#!/usr/sbin/nft -f\nflush ruleset\ninclude "./names.nft"\n') == "nftables"
    assert sniff('include "names.fw"\npolicy p {\n allow any\n}\n') == "native"


def test_variables_that_double_are_refused() -> None:
    lines = ["define a0 = { 1.1.1.1, 2.2.2.2 }"]
    lines += [f"define a{n} = {{ $a{n - 1}, $a{n - 1} }}" for n in range(1, 40)]
    _, (found, *_) = ran("\n".join((*lines, "table ip t { chain c { ip saddr $a39 drop; }; }")) + "\n")
    assert (found.code, found.span.line) == ("FW820", 19)
