"""Sets of names and of masked numbers as sets of classes: every class is told apart from every other, and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.packet import ANY_NAME, FIELDS, Intervals, Masked, Names
from policy.packet.address import V4, V4_BASE, V6
from policy.reach.codes import Codes, NotBoxes
from tests import oracle

patterns = st.sampled_from(
    ("eth0", "eth+", "eth0+", "eth", "wan", "w+", "lo", "+", "abcdefghijklmno", "abcdefghijklmno+")
)
name_sets = st.builds(
    lambda some, negated: Names(Names.of(*some).exact, Names.of(*some).prefixes, negated),
    st.lists(patterns, max_size=3),
    st.booleans(),
)
NAMES = ("eth0", "eth", "eth1", "eth00", "wan", "wlan", "w", "lo", "x", "abcdefghijklmno", "abcdefghijklmnop", "abc")


@given(st.lists(name_sets, min_size=1, max_size=5))
def test_names(sets: list[Names]) -> None:
    codes = Codes({"in": sets})
    encoded = [codes.encode("in", each) for each in sets]
    whole = codes.encode("in", ANY_NAME)
    for name in NAMES:
        inside = [oracle.contains(each, name) for each in sets]
        classes = [n for n in range(whole.size) if [n in code for code in encoded] == inside]
        assert classes, f"{name} is in no class"
    names: object = codes.decode("in", whole)
    assert isinstance(names, list)
    for number, name in enumerate(names):
        assert [number in code for code in encoded] == [oracle.contains(each, name) for each in sets]


masks = st.builds(lambda value, mask: Masked(value & mask, mask), st.integers(0, 255), st.integers(0, 255))
ranges = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(lambda pair: Intervals.of((min(pair), max(pair))))


@given(st.lists(masks, min_size=1, max_size=4), st.lists(ranges, max_size=2))
def test_masks(some: list[Masked], others: list[Intervals]) -> None:
    sets: list[Intervals | Masked] = [*some, *others]
    codes = Codes({"flags": sets})
    encoded = [codes.encode("flags", each) for each in sets]
    whole = codes.encode("flags", FIELDS["flags"].domain)
    found = {tuple(number in code for code in encoded) for number in range(whole.size)}
    assert found == {tuple(oracle.contains(each, value) for each in sets) for value in range(256)}
    assert len(found) == whole.size
    values: object = codes.decode("flags", whole)
    assert isinstance(values, list)
    for number, value in enumerate(values):
        assert [number in code for code in encoded] == [oracle.contains(each, value) for each in sets]


def test_a_mask_outside_its_value_is_empty() -> None:
    odd = Masked(2, 1)
    assert not Codes({"mark": [odd]}).encode("mark", odd)


def test_masked_addresses_keep_their_families() -> None:
    last = Masked(V4_BASE + 1, V4_BASE + 0xFF)
    codes = Codes({"src": [last]})
    four, six = codes.encode("src", V4), codes.encode("src", V6)
    assert not four.meets(six)
    assert four.covers(codes.encode("src", last))


def test_too_many_masks_are_no_boxes() -> None:
    sets = [Masked(1 << bit, 1 << bit) for bit in range(32)]
    codes = Codes({"mark": sets})
    with pytest.raises(NotBoxes, match="the masks on the mark tell too many values apart"):
        codes.encode("mark", sets[0])
    assert codes.encode("mark", Intervals.of(5)) == Intervals.of(5)


def test_numbers_stay_as_they_are() -> None:
    codes = Codes({})
    assert codes.encode("dport", Intervals.of((60_000, 70_000))) == Intervals.of((60_000, 65_535))
    assert codes.decode("dport", Intervals.of(22)) == Intervals.of(22)
    assert not codes.encode("dport", Intervals())
