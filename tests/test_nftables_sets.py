"""Look-ups in named sets of nftables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.ir import Field, Unknown, walk
from policy.languages.nftables import matches
from policy.languages.nftables.ast.statement import Match as Condition
from tests.nftables_rules import holds, match, mistakes, packet, read


def test_a_named_set() -> None:
    sets = "set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 10.0.2.0-10.0.2.9 } }"
    found = match("ip saddr @s", sets=sets)
    assert holds(found, packet(src="10.0.2.5")) is True
    assert holds(found, packet(src="10.0.1.5")) is False
    assert holds(match("ip saddr != @s", sets=sets), packet(src="10.0.1.5")) is True
    six = packet(src="2001:db8::1", dst="2001:db8::2")
    assert holds(match("ip saddr != @s", sets=sets), six) is False


def test_elements_with_a_timeout_may_be_gone() -> None:
    sets = "set s { type ipv4_addr; timeout 1h; elements = { 10.0.0.1 } }"
    found = match("ip saddr @s", sets=sets)
    assert holds(found, packet()) is None
    assert holds(found, packet(src="10.0.0.9")) is None  # a program may have added it
    gone, added = (part for part in walk(found) if isinstance(part, Unknown))
    assert gone.pure
    assert not added.pure
    sets = "set s { type ipv4_addr; flags timeout; elements = { 10.0.0.1, 10.0.0.2 timeout 5m } }"
    found = match("ip saddr @s", sets=sets)
    assert [holds(found, packet(src=f"10.0.0.{n}")) for n in (1, 2, 3)] == [True, None, None]


def test_what_rules_add_may_be_there() -> None:
    sets = "set s { type ipv4_addr; flags dynamic; elements = { 10.0.0.1 } }"
    found = match("ip saddr @s", sets=sets, more="add @s { ip saddr }")
    assert holds(found, packet()) is True
    assert holds(found, packet(src="10.0.0.9")) is None
    assert holds(match("ip saddr @s", sets=sets, more="delete @s { ip saddr }"), packet()) is None
    assert all(not part.pure for part in walk(found) if isinstance(part, Unknown))


def test_elements_with_a_limit() -> None:
    sets = "set s { type ipv4_addr; flags dynamic; elements = { 10.0.0.1 limit rate 1/second } }"
    assert holds(match("ip saddr @s", sets=sets), packet()) is None
    assert holds(match("ip saddr { 10.0.0.1 counter }"), packet()) is True


@pytest.mark.parametrize(
    ("rule", "sets", "code"),
    [
        ("tcp dport @s", "set s { type ipv4_addr; }", "FW001"),
        ("ip6 saddr @s", "set s { type ipv4_addr; }", "FW603"),
        ("ip saddr . tcp dport @s", "set s { type ipv4_addr; }", "FW001"),
        ("ip saddr vmap @s", "set s { type ipv4_addr; }", "FW001"),
        ("ip saddr < @s", "set s { type ipv4_addr; }", "FW001"),
        ("ip saddr @s", "set s { type ipv4_adr; }", "FW001"),
    ],
)
def test_sets_that_do_not_fit(rule: str, sets: str, code: str) -> None:
    assert [each.code for each in mistakes(rule, sets=sets)] == [code]


def test_large_sets_are_small_matches() -> None:
    """50,000 elements of one field are one field of the match; told apart by parts, they are found in few steps."""
    numbers = [f"10.{n >> 8 & 255}.{n & 255}.{n * 7 % 250}" for n in range(50_000)]
    found = match("ip saddr @s", sets=f"set s {{ type ipv4_addr; elements = {{ {', '.join(numbers)} }} }}")
    assert isinstance(found, Field)
    assert holds(found, packet(src=numbers[4711])) is True
    pairs = [f"{number} . {1 + at % 60_000}" for at, number in enumerate(numbers)]
    sets = f"set s {{ type ipv4_addr . inet_service; elements = {{ {', '.join(pairs)} }} }}"
    found = match("ip saddr . tcp dport @s", sets=sets)
    assert holds(found, packet(src=numbers[4711], dport=4712)) is True
    assert holds(found, packet(src=numbers[4711], dport=4713)) is False


_ROW = st.tuples(st.integers(0, 60), st.integers(0, 40), st.integers(0, 60), st.integers(0, 30), st.integers(1, 30))
_ASKED = st.tuples(st.integers(0, 100), st.integers(0, 90), st.integers(1, 31))


@settings(max_examples=120, deadline=None)
@given(st.lists(_ROW, min_size=1, max_size=60), st.lists(_ASKED, min_size=5, max_size=40), st.booleans())
def test_many_ranges_that_overlap(
    rows: list[tuple[int, int, int, int, int]], asked: list[tuple[int, int, int]], ports: bool
) -> None:
    key, kind = "ip saddr . ip daddr", "ipv4_addr . ipv4_addr"
    if ports:
        key, kind = f"{key} . tcp dport", f"{kind} . inet_service"
    elements = [
        f"10.0.0.{low}-10.0.0.{low + width} . 10.0.1.{other}-10.0.1.{other + more}" + (f" . {port}" if ports else "")
        for low, width, other, more, port in rows
    ]
    sets = f"set s {{ type {kind}; flags interval; elements = {{ {', '.join(elements)} }} }}"
    context, (statement,) = read(f"{key} @s", sets=sets)
    assert isinstance(statement, Condition)
    found = matches.condition(context, statement)
    ends = [(low + width, other + more, port) for low, width, other, more, port in rows]
    for source, target, port in (*asked, *ends):
        one = packet(src=f"10.0.0.{source}", dst=f"10.0.1.{target}", dport=port)
        wanted = any(
            low <= source <= low + width and other <= target <= other + more and (port == at or not ports)
            for low, width, other, more, at in rows
        )
        assert holds(found, one) is wanted
