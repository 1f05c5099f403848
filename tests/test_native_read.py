"""Native files: what they mean, what they include, and that nothing that is fed to them breaks the reader."""

import time
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from policy import ir, source
from policy.diagnostic import MOST, Collector, Mistakes
from policy.ir import Allow, Block, Entry, Field, Jump, Log, Reject, Return, Ruleset
from policy.languages import front_end, sniff
from policy.languages.native import ast
from policy.languages.native.parse import parse_file
from policy.languages.native.printer import file_text
from policy.packet import FORWARD, INPUT, OUTPUT, Intervals
from policy.packet.address import parse_prefix
from policy.source import Source
from tests.native_strategies import files

GRAMMAR = Path(__file__).parent.parent / "grammar" / "native.lark"

BORDER = """\
# rules/office/rules.fw: the head office's border
network office   = 10.1.0.0/16, 2001:db8:1::/48
network servers  = 10.2.0.0/24, 2001:db8:2::/64
host    db       = 10.2.0.5
service web      = tcp/80, tcp/443, udp/443

policy border {
    default block
    allow  web        from any     to servers
    allow  tcp/5432   from office  to db                     as staff-db
    allow  tcp/22     from office port dynamic to servers except db   log
    reject tcp/23     from office
    allow  ping       from office
    block  udp/69                                            note "tftp is never wanted"
}
"""


def read(text: str) -> Ruleset:
    return front_end("native").read(Source("rules.fw", text))


def mistakes(text: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        read(text)
    return [f"{d.code} {d.span.line} {d.message}" for d in caught.value.diagnostics]


def test_the_example_of_the_design() -> None:
    ruleset = read(BORDER)
    border = ruleset.policies["border"]
    assert ruleset.entries == {None: (Entry("border", Block(), stateful=True),)}
    assert ruleset.families == {4, 6}
    assert border.default == Block()
    assert [rule.actions for rule in border.rules] == [
        (Allow(),), (Allow(),), (Log(), Allow()), (Reject(),), (Allow(),), (Block(),)
    ]  # fmt: skip
    servers = parse_prefix("10.2.0.0/24") | parse_prefix("2001:db8:2::/64")
    office = parse_prefix("10.1.0.0/16") | parse_prefix("2001:db8:1::/48")
    db = parse_prefix("10.2.0.5")
    assert border.rules[1].match == ir.All(
        (Field("proto", Intervals.of(6)), Field("dport", Intervals.of(5432)), Field("src", office), Field("dst", db))
    )
    assert Field("dst", servers - db) in ir.walk(border.rules[2].match)
    assert Field("sport", Intervals.of((49152, 65535))) in ir.walk(border.rules[2].match)
    assert (border.rules[1].label, border.rules[5].note) == ("staff-db", "tftp is never wanted")
    assert border.rules[1].span.text.startswith("allow  tcp/5432")
    assert border.rules[1].span.text.endswith("as staff-db")
    assert [(d.name, d.kind, d.text, len(d.uses)) for d in ruleset.definitions] == [
        ("office", "network", "10.1.0.0/16, 2001:db8:1::/48", 4),
        ("servers", "network", "10.2.0.0/24, 2001:db8:2::/64", 2),
        ("db", "host", "10.2.0.5", 2),
        ("web", "service", "tcp/80, tcp/443, udp/443", 1),
    ]


def test_everything_else_that_can_be_said() -> None:
    ruleset = read(
        "policy edge at input, forward stateless {\n"
        "    call lan tcp from inside in eth0\n"
        '    reject any owner "ann b" until 2027-01-31 note "why" as last\n'
        "}\n"
        "policy lan {\n"
        "    return tcp/22\n"
        "    allow from inside\n"
        "}\n"
        "policy leaving at output last-match {\n"
        "    default allow\n"
        "    block proto 47\n"
        "}\n"
        "network inside = lan-a, lan-b except 10.0.1.9\n"
        "network lan-a = 10.0.0.0/24\n"
        "network lan-b = 10.0.1.0/24\n"
        "service both = web, ping\n"
        "service web = tcp/{80,443}\n"
    )
    edge, lan, last = (ruleset.policies[name] for name in ("edge", "lan", "leaving"))
    inward = Entry("edge", Block())
    leaving = Entry("leaving", Allow(), stateful=True)
    assert ruleset.entries == {INPUT: (inward,), FORWARD: (inward,), OUTPUT: (leaving,)}
    assert (edge.default, lan.default, last.default, last.last_match) == (None, None, Allow(), True)
    assert edge.rules[0].actions == (Jump("lan"),)
    assert edge.rules[1].actions == (Reject(),)
    assert (edge.rules[1].owner, edge.rules[1].expires) == ("ann b", date(2027, 1, 31))
    assert (edge.rules[1].note, edge.rules[1].label) == ("why", "last")
    assert lan.rules[0].actions == (Return(),)
    inside = parse_prefix("10.0.0.0/23") - parse_prefix("10.0.1.9")
    assert lan.rules[1].match == Field("src", inside)
    values = {d.name: d.value for d in ruleset.definitions}
    assert values["inside"] == inside
    assert values["both"] == (
        (Field("proto", Intervals.of(6)), Field("dport", Intervals.of(80, 443))),
        (Field("proto", Intervals.of(1)), Field("icmp_type", Intervals.of(8))),
        (Field("proto", Intervals.of(58)), Field("icmp_type", Intervals.of(128))),
    )


def test_suppressions_belong_to_the_statement_in_their_line_or_below() -> None:
    ruleset = read(
        "# fwpolicy: ignore FW702\n"
        "network a = 10.0.0.1\n"
        "policy p { # fwpolicy: ignore FW212: as agreed\n"
        "    # fwpolicy: ignore FW201, FW202: first\n"
        "    # fwpolicy: ignore\n"
        "    allow any # fwpolicy: ignore FW203\n"
        "    # fwpolicy: ignore FW204\n"
        "\n"
        "    allow tcp\n"
        "}\n"
    )
    policy = ruleset.policies["p"]
    assert [(s.checks, s.reason) for s in policy.rules[0].suppressions] == [
        (("FW201", "FW202"), "first"), ((), None), (("FW203",), None)
    ]  # fmt: skip
    assert policy.rules[1].suppressions == ()
    assert [(s.checks, s.reason) for s in policy.suppressions] == [(("FW212",), "as agreed")]
    assert [s.checks for s in ruleset.definitions[0].suppressions] == [("FW702",)]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("\n", "   # a comment with \" and { and }\n"),
        lambda text: "\n\n" + text.replace("\n", "\n\n"),
        lambda text: text.replace(", ", ",\n  # in between\n\n  "),
    ],
)  # fmt: skip
def test_layout_has_no_meaning(change) -> None:  # type: ignore[no-untyped-def]
    assert read(change(BORDER)) == read(BORDER)


def test_columns_count_code_points() -> None:
    with pytest.raises(Mistakes) as caught:
        read('policy p {\n    allow any note "größe 🧱" until never\n}\n')
    assert (caught.value.diagnostics[0].span.line, caught.value.diagnostics[0].span.column) == (2, 36)


def test_an_empty_file_has_no_rules() -> None:
    for text in ("", "\n", "\ufeff", "# nothing\n"):
        ruleset = read(text)
        assert (dict(ruleset.policies), dict(ruleset.entries)) == ({}, {})


def test_sniffing() -> None:
    assert sniff(BORDER) == "native"
    assert sniff("") == "native"


# Includes


def write(folder: Path, **texts: str) -> Source:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.fw"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return source.read(str(folder / "main.fw"))


def included(folder: Path, **texts: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        front_end("native").read(write(folder, **texts))
    return [f"{d.code} {Path(d.span.source.name).name}:{d.span.line} {d.message}" for d in caught.value.diagnostics]


def test_includes_join(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='include "names.fw"\ninclude "deep/lan.fw"\npolicy p {\n    call lan any from office\n}\n',
        names="network office = 10.1.0.0/16\n",
        deep__lan='include "../names.fw"\npolicy lan {\n    allow tcp\n}\n',
    )
    ruleset = front_end("native").read(main)
    assert set(ruleset.policies) == {"p", "lan"}
    assert [Path(s.name).name for s in ruleset.sources] == ["main.fw", "names.fw", "lan.fw"]
    assert ruleset.definitions[0].span.source.name == str(tmp_path / "names.fw")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../other.fw", "outside of the folder"),
        ("a/../../other.fw", "outside of the folder"),
        ("/etc/hostname", "by its path from this one"),
        ("a\\\\b.fw", "by its path from this one"),
        ("", "by its path from this one"),
        ("missing.fw", "there is no file"),
        (".", "is not a file"),
        ("link.fw", "by a link"),
        ("binary.fw", "is a binary file"),
    ],
)
def test_includes_that_are_refused(tmp_path: Path, path: str, reason: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "other.fw").write_text("")
    (inner / "link.fw").symlink_to(tmp_path / "other.fw")
    (inner / "binary.fw").write_bytes(b"\0")
    (found,) = included(inner, main=f'include "{path}"\n')
    assert found.startswith("FW004 main.fw:1")
    assert reason in found


def test_include_loops_name_all_files(tmp_path: Path) -> None:
    found = included(tmp_path, main='include "a.fw"\n', a='\ninclude "b.fw"\n', b='include "a.fw"\ninclude "main.fw"\n')
    assert found == [
        "FW116 b.fw:1 this goes round in a circle: `a.fw` includes `b.fw` includes `a.fw`",
        "FW116 b.fw:2 this goes round in a circle: `main.fw` includes `a.fw` includes `b.fw` includes `main.fw`",
    ]


def test_standard_input_includes_nothing() -> None:
    with pytest.raises(Mistakes):
        front_end("native").read(Source("<stdin>", 'include "a.fw"\n'))


# Bad input


@pytest.mark.parametrize(
    "text",
    [
        "{" * 10_000,
        "policy p {\n" + "allow tcp/" + "{" * 10_000 + "\n}\n",
        "policy p {\n" * 10_000,
        "}\n" * 10_000,
        "x" * 2_000_000,
        "x y z\n" * 200_000,
        "x,\n" * 200_000,
        "{\n" * 200_000,
        "#\n" * 200_000 + "x",
        "\n" * 2_000_000 + "x",
        "policy p {\n" + "allow zzz\n" * 20_000 + "}\n",
        "policy p {\n" + "".join(f"call zzz{n} any from n{n}\n" for n in range(20_000)) + "}\n",
        '"' * 60_000,
        "network n = " + "10.0.0.1, " * 6_000 + "\n" + "# x\n" * 200_000 + "y",
    ],
    ids=range(14),
)
def test_junk_ends_soon_with_errors(text: str) -> None:
    start = time.monotonic()
    assert 1 <= len(mistakes(text)) <= MOST + 2
    assert time.monotonic() - start < 60


def test_deep_groups() -> None:
    chain = "".join(f"network n{at} = n{at + 1}\n" for at in range(5000)) + "network n5000 = 10.0.0.1\n"
    assert read(chain).definitions[0].value == parse_prefix("10.0.0.1")
    (loop,) = mistakes(chain.replace("10.0.0.1", "n0"))
    assert loop.startswith("FW116")


_GRAMMAR = Lark.open(str(GRAMMAR), parser="lalr", start=["top", "body"])
_NAMES = {"NAME": st.sampled_from(("tcp", "icmp", "ssh", "new", "input", "syn", "ttl", "office", "db", "p"))}


@given(
    st.lists(from_lark(_GRAMMAR, start="top", explicit=_NAMES), max_size=3),
    st.lists(from_lark(_GRAMMAR, start="body", explicit=_NAMES), max_size=3),
)
def test_no_text_of_the_grammar_is_too_odd(top: list[str], body: list[str]) -> None:
    with suppress(Mistakes):
        read("\n".join([*top, "policy p {", *body, "}"]))


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")), st.integers(0, len(BORDER)))
def test_no_text_is_too_odd(text: str, at: int) -> None:
    for broken in (text, BORDER[:at] + text + BORDER[at:], BORDER[:at]):
        with suppress(Mistakes):
            read(broken)


@given(files)
def test_the_parser_reads_what_the_printer_writes(file: ast.File) -> None:
    collector = Collector()
    again = parse_file(Source("x", file_text(file)), collector)
    collector.check()
    assert again == file


@pytest.mark.parametrize(
    ("command", "says"),
    [("iptables -A INPUT -j DROP", "iptables-save"), ("nft add table ip x", "nft list ruleset")],
)
def test_a_script_of_commands_is_told_what_is_read(command: str, says: str) -> None:
    with pytest.raises(Mistakes) as caught:
        front_end("native").read(Source("x", f"{command}\n"))
    assert caught.value.diagnostics[0].help == f"commands are not read: give what `{says}` prints"
    if command.startswith("iptables"):
        with pytest.raises(Mistakes) as caught:
            front_end("iptables").read(Source("x", f"{command}\n"))
        assert "without the command" in str(caught.value.diagnostics[0].help)
