"""Which fields packets have, what is usual, boxes, and how fields are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.evaluate import truth
from policy.ir import Match, Not
from policy.packet import (
    ACK,
    ESTABLISHED,
    FIELDS,
    FORWARD,
    INPUT,
    OUTPUT,
    SYN,
    Intervals,
    Masked,
    Names,
    Packet,
    Value,
    complete,
    has,
)
from policy.packet.address import BROADCAST, V4, V6, parse_address, parse_prefix
from policy.packet.example import example, is_single
from policy.packet.text import flags_number, flags_text, set_text, value_text
from tests import oracle
from tests.strategies import CONDITIONS, NAMES, boxes, known_matches, packets

ONE, TWO, SIX = parse_address("10.0.0.1"), parse_address("10.0.0.2"), parse_address("2001:db8::1")
LATER = 2


def packet(proto: int, **more: Value) -> Packet:
    return complete({"proto": proto, "src": ONE, "dst": TWO, **more})


# Which packets have a field


@pytest.mark.parametrize(
    ("name", "there", "absent"),
    [
        ("sport", [packet(p) for p in (6, 17, 33, 132, 136)], [packet(1), packet(47), packet(6, fragment=LATER)]),
        ("flags", [packet(6), packet(6, fragment=1)], [packet(17), packet(6, fragment=LATER)]),
        (
            "icmp_type",
            [packet(1), complete({"proto": 58, "src": SIX})],
            [packet(58), complete({"proto": 1, "src": SIX}), packet(6)],
        ),
        ("in", [packet(6), packet(6, hook=INPUT), packet(6, hook=FORWARD)], [packet(6, hook=OUTPUT)]),
        ("out", [packet(6), packet(6, hook=OUTPUT), packet(6, hook=FORWARD)], [packet(6, hook=INPUT)]),
        ("uid", [packet(6), packet(6, hook=OUTPUT)], [packet(6, hook=INPUT), packet(6, hook=FORWARD)]),
        ("mac", [packet(6), packet(6, hook=INPUT)], [packet(6, hook=OUTPUT)]),
        ("direction", [packet(6), packet(6, state=2)], [packet(6, state=3), packet(6, state=4)]),
        ("ctmark", [packet(6), packet(6, state=1)], [packet(6, state=3), packet(6, state=4)]),
        ("ctstatus", [packet(6), packet(6, state=1)], [packet(6, state=3), packet(6, state=4)]),
        ("exthdrs", [complete({"proto": 6, "src": SIX})], [packet(6)]),
        ("ttl", [packet(6), packet(1), complete({"proto": 47, "src": SIX})], []),
    ],
)
def test_has(name: str, there: list[Packet], absent: list[Packet]) -> None:
    assert all(name in each.values and has(each.values, name) for each in there)
    assert not any(name in each.values or has(each.values, name) for each in absent)


@given(packets())
def test_complete_packets_stay_as_they_are(one: Packet) -> None:
    assert complete(one.values) == one
    assert {name for name in FIELDS if has(one.values, name)} - {"hook"} == set(one.values) - {"hook"}


@given(packets(), known_matches)
def test_not_is_the_rest(one: Packet, match: Match) -> None:
    """A match and its Not share no well-formed packet, and leave none out."""
    matched = truth(match, one, {})
    assert matched is not None
    assert truth(Not(match), one, {}) is not matched
    assert matched is oracle.matches(match, oracle.single_values(one))


# What is usual


def test_what_is_left_out_has_its_usual_value() -> None:
    new = packet(6).values
    assert new["flags"] == SYN
    assert (new["state"], new["fragment"], new["ttl"], new["mark"], new["direction"], new["pkttype"]) == (
        0,
        0,
        64,
        0,
        0,
        0,
    )
    assert new["sport"] == FIELDS["sport"].domain
    assert new["in"] == new["out"] == Names(frozenset({"lo"}), negated=True)
    for name in ("mac", "uid", "gid", "length"):
        assert new[name] == FIELDS[name].domain
    later = packet(6, state=ESTABLISHED).values
    assert later["flags"] == ACK
    assert later["direction"] == FIELDS["direction"].domain
    assert packet(1).values["icmp_type"] == packet(Intervals.of(1)).values["icmp_type"] == 8  # type: ignore[arg-type]
    assert complete({"proto": 58, "src": SIX}).values["icmp_type"] == 128


def test_loopback_is_left_out_unless_an_address_is_local() -> None:
    local = parse_address("127.0.0.1")
    for side in ("src", "dst"):
        assert complete({"proto": 6, "src": ONE, "dst": TWO, side: local}).values["in"] == Names(negated=True)
    assert "lo" not in complete({"proto": 6, "src": V4}).values["in"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("destination", "kinds"),
    [
        (Intervals.of(TWO), 0),
        (BROADCAST, 1),
        (parse_prefix("224.0.0.0/24"), 2),
        (parse_prefix("ff02::1"), 2),
        (V4, FIELDS["pkttype"].domain),
    ],
)
def test_the_packet_type_is_what_the_destination_says(destination: Intervals, kinds: Value) -> None:
    assert complete({"proto": 6, "dst": destination}).values["pkttype"] == kinds


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"proto": 1, "src": ONE, "dport": 80}, "no destination port"),
        ({"proto": 6, "src": ONE, "hook": INPUT, "out": "eth0"}, "no output interface"),
        ({"proto": 58, "src": ONE, "icmp_type": 128}, "no ICMP type"),
        ({"proto": 6, "src": ONE, "dst": SIX}, "not of one family"),
        ({"proto": 6, "src": V4 | V6}, "both families"),
        ({"proto": Intervals.of(6, 47), "src": ONE, "dport": 80}, "only some of these packets have a"),
    ],
)
def test_what_no_packet_is(given: dict[str, Value], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        complete(given)


def test_one_side_gives_the_family_of_the_other() -> None:
    assert complete({"proto": 6, "src": SIX}).values["dst"] == V6
    assert complete({"proto": 6, "dst": ONE}).values["src"] == V4
    assert complete({"proto": 6, "src": SIX}).family == 6


# Boxes


@given(boxes(), st.sampled_from(("src", "dport", "in", "mark")), st.data())
def test_tests_of_a_box_are_those_of_its_members(box: Packet, name: str, data: st.DataObject) -> None:
    values = data.draw(CONDITIONS[name])
    answers = {each.test(name, values) for each in oracle.members(box, NAMES)}
    found = box.test(name, values)
    assert answers == {found} if found is not None else answers <= {True, False}


@given(boxes())
def test_an_example_is_a_member(box: Packet) -> None:
    one = example(box)
    assert is_single(one)
    everything = list(oracle.members(box, NAMES))
    assert all(member in everything for member in oracle.members(one, NAMES))


EXCLUDED = Names(frozenset({"lo"}), frozenset({"eth", "en"}), negated=True)


@pytest.mark.parametrize("values", [EXCLUDED, Names(negated=True), Names.of("tun+"), Names.of("eth7", "lo")])
def test_an_example_of_an_interface(values: Names) -> None:
    name = example(Packet({"in": values})).values["in"]
    assert isinstance(name, str)
    assert name in values


def test_an_example_is_natural() -> None:
    box = complete({"proto": 6, "dst": parse_prefix("10.1.0.0/16")})
    assert not is_single(box)
    values = example(box).values
    assert (values["dst"], values["sport"], values["dport"], values["in"]) == (
        parse_address("10.1.0.1"),
        51000,
        443,
        "eth0",
    )


# Words


@given(st.integers(0, 255))
def test_flags_are_read_back(flags: int) -> None:
    assert flags_number(flags_text(flags)) == flags_number(flags_text(flags).lower()) == flags


def test_flags_by_example() -> None:
    assert [flags_text(n) for n in (0, SYN, SYN | ACK, 255)] == ["none", "S", "SA", "SFRPAUEC"]
    for wrong in ("X", "S,A", "ſ", "ß"):
        with pytest.raises(ValueError, match="is not the letter"):
            flags_number(wrong)


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("dport", Intervals.of(80, 443), "80, 443"),
        ("dport", Intervals.of(1, 3, 5, 7, 9, 11), "1, 3, 5 and 3 more"),
        ("dport", Intervals.of((1, 5)), "1-5"),
        ("dport", Intervals.of(), "nothing"),
        ("state", Intervals.of((0, 2)), "new, established, related"),
        ("proto", Intervals.of((0, 255)), "hopopt-255"),
        ("src", parse_prefix("10.0.0.0/8") | parse_prefix("2001:db8::/32"), "2001:db8::/32, 10.0.0.0/8"),
        ("src", Intervals.of((ONE, TWO)), "10.0.0.1-10.0.0.2"),
        ("flags", Masked(SYN, SYN | ACK), "S of SA"),
        ("mark", Masked(1, 3), "0x1/0x3"),
        ("in", Names.of("eth+", "lo"), "lo, eth+"),
        ("in", Names(frozenset({"lo"}), negated=True), "any but lo"),
        ("in", Names(negated=True), "any"),
    ],
)
def test_set_text(name: str, values: Intervals | Masked | Names, text: str) -> None:
    assert set_text(name, values) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("in", "eth0", "eth0"),
        ("dport", FIELDS["dport"].domain, "any"),
        ("dport", 80, "80"),
        ("src", ONE, "10.0.0.1"),
        ("state", 1, "established"),
        ("proto", 6, "tcp"),
        ("flags", 18, "SA"),
        ("mac", 0x0A0B0C0D0E0F, "0a:0b:0c:0d:0e:0f"),
        ("mark", 255, "0xff"),
    ],
)
def test_value_text(name: str, value: Value, text: str) -> None:
    assert value_text(name, value) == text
