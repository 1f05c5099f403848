"""Packets as JSON objects, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.packet import FIELDS, Intervals, Packet, Value, complete
from policy.packet.address import ANY_ADDRESS, parse_address
from policy.packet.codec import field_from_json, packet_to_json, values_from_json
from tests.strategies import packets

interfaces = st.from_regex(r"[^\s/]{1,15}", fullmatch=True)


@st.composite
def fields(draw: st.DrawFn) -> tuple[str, Value]:
    """A field and any value of its domain."""
    name = draw(st.sampled_from(sorted(FIELDS)))
    domain = FIELDS[name].domain
    if not isinstance(domain, Intervals):
        return name, draw(interfaces)
    return name, draw(st.one_of(*(st.integers(low, high) for low, high in domain.ranges)))


@given(fields())
def test_every_value_of_every_field(field: tuple[str, Value]) -> None:
    name, value = field
    written = packet_to_json(Packet({name: value}))
    assert values_from_json(json.loads(json.dumps(written))) == {name: value}


@given(packets())
def test_packets(packet: Packet) -> None:
    assert complete(values_from_json(packet_to_json(packet))) == packet


def test_by_example() -> None:
    given: dict[str, Value] = {
        "hook": 0,
        "in": "eth0",
        "src": parse_address("10.0.0.1"),
        "dst": parse_address("10.0.0.2"),
    }
    given |= {"proto": 6, "sport": Intervals.of((1, 9)), "dport": 22, "mark": 16, "mac": 10}
    assert packet_to_json(complete(given)) == {
        "hook": "input", "in": "eth0", "src": "10.0.0.1", "dst": "10.0.0.2", "proto": "tcp", "sport": "1-9",
        "dport": 22, "flags": "S", "fragment": "no", "state": "new", "direction": "original", "ttl": 64, "tos": 0,
        "mark": 16, "mac": "00:00:00:00:00:0a", "pkttype": "unicast", "tcp_options": "0",
    }  # fmt: skip


def test_null_is_left_out() -> None:
    assert values_from_json({"in": None, "dport": 80}) == {"dport": 80}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("proto", "TCP", 6),
        ("proto", "6", 6),
        ("proto", 6, 6),
        ("state", 1, 1),
        ("mark", "0x10", 16),
        ("dport", "80", 80),
        ("flags", "", 0),
        ("flags", "sa", 18),
        ("flags", 18, 18),
        ("mac", "0A:00:00:00:00:01", 0x0A0000000001),
        ("src", "::1", 1),
    ],
)
def test_other_ways_to_write(name: str, given: int | str, value: Value) -> None:
    assert field_from_json(name, given) == value


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("colour", "red", "`colour` is not a field"),
        ("dport", 70000, "destination port 70000 is not in 0-65535"),
        ("dport", -1, "-1 is not in"),
        ("dport", True, "must be a number or a text"),
        ("dport", 80.0, "must be a number or a text"),
        ("dport", [80], "must be a number or a text"),
        ("dport", "http", "`http` is not a destination port"),
        ("dport", "٨٠", "is not a destination port"),
        ("dport", "9" * 5000, "is not a destination port"),
        ("state", "open", "say one of new, established"),
        ("proto", "nonsense", "is not a protocol"),
        ("proto", 256, "is not in 0-255"),
        ("in", 0, "is the name of an interface"),
        ("in", "a name", "is not the name of an interface"),
        ("in", "x" * 16, "is not the name of an interface"),
        ("src", 1, "is written as text"),
        ("src", "10.0.0.256", "above 255"),
        ("flags", "XYZ", "is not the letter of a TCP flag"),
        ("mac", "00:00", "is not a source MAC"),
    ],
)
def test_what_is_wrong_is_said(name: str, given: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        values_from_json({name: given})


junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers())


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(max_size=5), junk, max_size=3))
def test_junk_is_read_or_refused(given: dict[str, Any]) -> None:
    try:
        values = values_from_json(given)
    except ValueError as error:
        assert str(error)  # noqa: PT017
        return
    for name, value in values.items():
        assert value in (FIELDS[name].domain if name not in ("src", "dst") else ANY_ADDRESS)  # type: ignore[operator]
