"""Who may reach whom: every cell agrees with the evaluator, whatever the rules are; and how it is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policy.app.matrix import Answer, Cell, Matrix, matrix
from policy.app.pieces import pieces
from policy.app.problem import CannotAnswer
from policy.evaluate import decide
from policy.ir import Definition, Ruleset
from policy.languages.iptables import read
from policy.languages.native import native
from policy.packet import NEW, SYN, Intervals, Packet, Value, has
from policy.reach.first import first_packets
from policy.report.matrix_svg import matrix_svg
from policy.sets import Budget, Missing
from policy.sets.layout import layout
from policy.source import Source
from tests import oracle
from tests.command import run
from tests.spaces import hook_of
from tests.strategies import HERE, V4_FIRST, V6_FIRST, packets, ranges, rulesets

GOLDEN = Path(__file__).parent / "golden"
VERDICTS: dict[Answer, str] = {"all": "allow", "none": "block", "depends": "depends"}
BUDGET = Budget(seconds=None)

definitions = st.lists(
    st.one_of(*(ranges([first + i for i in range(4)]) for first in (V4_FIRST, V6_FIRST))), max_size=3
).map(lambda found: tuple(Definition(f"n{i}", "network", "", each, span=HERE) for i, each in enumerate(found)))


def as_first(packet: Packet) -> Packet:
    """The packet with the usual values of one that opens a connection."""
    usual: dict[str, Value] = {"state": NEW, "fragment": 0, "ttl": 64, "tos": 0, "mark": 0}
    values = {**packet.values, **usual}
    for name in ("direction", "ctmark", "ctstatus", "tcp_options", "exthdrs", "flags"):
        if has(values, name):
            values[name] = SYN if name == "flags" else 0
    for name in ("sport", "dport", "icmp_type", "icmp_code"):
        if has(values, name):
            values.setdefault(name, 8 if name == "icmp_type" else 0)
    if has(values, "icmp_type"):
        values["icmp_type"] = 8 if packet.family == 4 else 128
    return Packet(values)


def cells(found: Matrix, packet: Packet) -> Iterator[Cell]:
    """Yield the cells that a packet is in."""
    values = oracle.single_values(packet)
    for grid in found.grids:
        for kind in grid.kinds:
            if packet not in kind.value:
                continue
            for sender, row in zip(grid.senders, grid.cells, strict=True):
                for receiver, cell in zip(grid.receivers, row, strict=True):
                    if oracle.matches(sender.match, values) and oracle.matches(receiver.match, values):
                        yield cell


@settings(max_examples=80)
@given(rulesets(size=3), packets(), definitions)
def test_a_cell_says_what_the_evaluator_says(ruleset: Ruleset, packet: Packet, names: tuple[Definition, ...]) -> None:
    ruleset, hook, packet = replace(ruleset, definitions=names), hook_of(packet), as_first(packet)
    assume(ruleset.at(hook))
    if hook is None and None not in ruleset.entries:
        return
    assert oracle.matches(first_packets(layout([ruleset], (), hook)), oracle.single_values(packet))
    (cell,) = cells(_at(ruleset, hook), packet)
    assert cell.answer == "part" or VERDICTS[cell.answer] == decide(ruleset, packet).verdict


def _at(ruleset: Ruleset, hook: int | None) -> Matrix:
    """The matrix of one hook; of rules that are the same at every hook, where none is said."""
    return matrix(replace(ruleset, entries={hook: ruleset.at(hook)}), hook, budget=BUDGET)


sets_of_numbers = st.lists(ranges(range(12)), max_size=5)


@given(sets_of_numbers, st.integers(1, 8))
def test_pieces_are_a_partition(named: list[Intervals], most: int) -> None:
    whole = Intervals.of((0, 11))
    found, skipped = pieces([(f"s{i}", each) for i, each in enumerate(named)], whole, "rest", most)
    assert sum(piece.value.size for piece in found) == whole.size
    assert len({piece.name for piece in found}) == len(found) <= max(most, 1)
    cut = [each for each in named if all(each.covers(p.value) or not each.meets(p.value) for p in found)]
    assert len(cut) >= len(named) - skipped
    for piece in found:
        assert piece.value
        if piece.name in (f"s{i}" for i in range(len(named))):
            assert piece.value == named[int(piece.name[1:])]


def shown(text: str, *options: str) -> list[str]:
    done = run("show", "-", "--matrix", *options, stdin=text.encode())
    assert done.status == 0, done.err
    return done.out.splitlines()


def test_zones_and_services_that_overlap_are_cut() -> None:
    rules = native.read(
        Source(
            "rules",
            """
network all = 10.0.0.0/8
network a = 10.0.0.0/9
network b = 10.64.0.0/10, 10.128.0.0/10
service web = tcp/80, tcp/443
policy p {
    default block
    allow tcp/443 from a to b
    allow web from b
}
""",
        )
    )
    found = _at(rules, None)
    assert [zone.name for zone in found.grids[0].senders] == [
        "all except b, a",
        "a except b",
        "b except a",
        "b and a",
        "anywhere else",
    ]
    assert [kind.name for grid in found.grids for kind in grid.kinds] == ["tcp/80", "tcp/443", "anything else"]


def test_many_names_are_grouped_and_it_is_said() -> None:
    names = "".join(f"network n{i} = 10.{i}.0.0/16\n" for i in range(40))
    text = (
        names + "policy p {\n    default block\n    allow tcp/80 from n39 to n0\n    allow udp/53 from n3 to n39\n}\n"
    )
    lines = shown(text)
    assert "note: 29 names of networks are not shown as zones of their own" in lines
    assert any(line.split()[:1] == ["n39"] for line in lines)


def test_many_services_are_grouped_and_it_is_said() -> None:
    rules = "".join(f"    allow tcp/{1000 + i} from 10.0.{i}.0/24\n" for i in range(60))
    lines = shown("policy p {\n    default block\n" + rules + "}\n")
    assert "note: 37 services are not told apart from others" in lines


def test_many_classes_are_grouped_and_it_is_said() -> None:
    rules = "".join(f"    allow any from 10.0.{i}.0/24 to 10.1.{i}.0/24\n" for i in range(40))
    lines = shown("policy p {\n    default block\n" + rules + "}\n")
    assert any(line.startswith("note: one kind of traffic has more zones") for line in lines)
    assert any(line.startswith(" 31 small ") for line in lines)


def test_what_is_too_dear_is_undecided() -> None:
    rules = "".join(f"-A FORWARD -s 10.{i}.0.0/16 -d 10.0.{i}.0/24 -p tcp --dport {i} -j ACCEPT\n" for i in range(200))
    ruleset = read(Source("rules", f"*filter\n{rules}COMMIT\n"))
    with pytest.raises(CannotAnswer, match="undecided: it needs more than 4,096 nodes"):
        matrix(ruleset, budget=Budget(nodes=4096))


def test_assumptions_settle_a_cell() -> None:
    text = "*filter\n:INPUT DROP\n-A INPUT -p tcp --dport 22 -m set --match-set good src -j ACCEPT\nCOMMIT\n"
    assert any(line.split()[:2] == ["tcp/22", "depends"] for line in shown(text))
    assert any(line.split()[:2] == ["tcp/22", "all"] for line in shown(text, "--assume", "set:good:src=yes"))


def test_the_hook_can_be_said() -> None:
    text = "*filter\n:INPUT DROP\n:FORWARD DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    assert "at input, IPv4" in shown(text)[0]
    assert "at forward, IPv4" in shown(text, "--hook", "forward")[0]
    assert run("show", "-", "--hook", "input", stdin=text.encode()).status == 2


def test_the_picture_of_the_office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(GOLDEN / "inputs")
    printed = run("show", "office.fw", "--svg")
    written = run("show", "office.fw", "--matrix", "--svg", str(tmp_path / "office.svg"))
    assert printed.status == written.status == 0
    assert written.out == run("show", "office.fw", "--matrix").out
    assert (tmp_path / "office.svg").read_text(encoding="utf-8") == printed.out
    golden = GOLDEN / "svg" / "show-office.svg"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(printed.out, encoding="utf-8")
    assert printed.out == golden.read_text(encoding="utf-8")


def test_a_picture_stands_alone_and_is_escaped() -> None:
    text = '*filter\n:FORWARD DROP\n-A FORWARD -i "a<b&c" -d 10.1.0.0/16 -p tcp --dport 1:9 -j ACCEPT\nCOMMIT\n'
    picture = matrix_svg(matrix(read(Source("rules", text))), "<script>&\u202e.save")
    root = ET.fromstring(picture)  # noqa: S314 (we wrote it)
    words = "".join(root.itertext())
    assert "<script>&\ufffd.save" in words
    assert "a<b&c" in words
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not any("href" in name for each in root.iter() for name in each.attrib)
    assert "url(" not in picture
    assert all(answer in words for answer in ("all", "none"))


def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    done = run("show", str(GOLDEN / "inputs" / "office.fw"), "--svg", str(tmp_path / "none" / "x.svg"))
    assert done.status == 2
    assert "cannot write" in done.err


def test_boxes_give_the_same_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library for decision diagrams."""

    def missing(*_: object) -> None:
        raise Missing

    monkeypatch.chdir(GOLDEN / "inputs")
    for file in ("office.fw", "server.iptables", "stateless.fw"):
        with_library = run("show", file, "--matrix").out
        with monkeypatch.context() as patched:
            patched.setattr("policy.check.facts.Space", missing)
            assert run("show", file, "--matrix").out == with_library
