"""Sets of values against Python's sets, on domains of which every member can be looked at."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.packet import EMPTY, FIELDS, Intervals, Masked, Names, Packet, ValueSet
from policy.packet.packet import relation

LOW, HIGH = 0, 31
numbers = st.integers(LOW, HIGH)
pairs = st.lists(st.tuples(numbers, numbers), max_size=5)
intervals = pairs.map(lambda some: Intervals.of(*some))
masks = st.builds(Masked, numbers, numbers)

LETTERS = "ab"
ALL_NAMES = ["".join(letters) for size in (1, 2, 3) for letters in product("abc", repeat=size)]
"""With patterns of `a` and `b` only, every way to match some of them and not others is among these names."""
texts = st.text(LETTERS, max_size=2)
names = st.builds(Names, st.frozensets(texts.filter(bool), max_size=3), st.frozensets(texts, max_size=2), st.booleans())


def plain(values: ValueSet) -> set[int | str]:
    """The members of a set, one by one."""
    if isinstance(values, Names):
        return {name for name in ALL_NAMES if name in values}
    return {number for number in range(LOW, HIGH + 1) if number in values}


@given(pairs)
def test_intervals_hold_what_they_were_made_of(some: list[tuple[int, int]]) -> None:
    values = Intervals.of(*some)
    assert plain(values) == {n for low, high in some for n in range(low, high + 1)}
    assert all(low <= high for low, high in values.ranges)
    assert all(one[1] + 1 < two[0] for one, two in zip(values.ranges, values.ranges[1:], strict=False))


@given(intervals, intervals)
def test_intervals_are_sets(one: Intervals, two: Intervals) -> None:
    a, b = plain(one), plain(two)
    assert plain(one | two) == a | b
    assert plain(one & two) == a & b
    assert plain(one - two) == a - b
    assert (one == two) == (a == b)
    assert one.covers(two) == (a >= b)
    assert one.meets(two) == (not a.isdisjoint(b))
    assert one.size == len(a)
    assert bool(one) == bool(a)
    assert not one or one.first == min(n for n in a if isinstance(n, int))


def test_intervals_by_example() -> None:
    assert Intervals.of() == Intervals.of((5, 4)) == EMPTY
    assert Intervals.of(1, 2, 3) == Intervals.of((1, 3))
    assert Intervals.of((1, 3), 5).ranges == ((1, 3), (5, 5))
    assert 0 not in EMPTY


@given(names)
def test_names_without_a_sign(values: Names) -> None:
    for name in ALL_NAMES:
        found = name in values.exact or any(name.startswith(prefix) for prefix in values.prefixes)
        assert (name in values) == (found != values.negated)


@given(names, names)
def test_names_compare_like_sets(one: Names, two: Names) -> None:
    a, b = plain(one), plain(two)
    if not (one.negated and two.negated):
        assert one.covers(two) == (a >= b)
        assert one.meets(two) == (not a.isdisjoint(b))
    assert a >= b or not one.covers(two)
    assert one.meets(two) or a.isdisjoint(b)


@given(st.lists(texts.filter(bool) | texts.map(lambda text: text + "+"), max_size=4))
def test_names_of_patterns(patterns: list[str]) -> None:
    wanted = {n for n in ALL_NAMES for p in patterns if n == p or (p[-1] == "+" and n.startswith(p[:-1]))}
    assert plain(Names.of(*patterns)) == wanted


@given(names | intervals, intervals | masks | names)
def test_relation_is_right_or_open(box: Intervals | Names, values: ValueSet) -> None:
    if isinstance(box, Names) != isinstance(values, Names):
        with pytest.raises(TypeError):
            relation(box, values)
        return
    a, b = plain(box), plain(values)
    found = relation(box, values)
    if not a:
        return
    exact = True if a <= b else False if a.isdisjoint(b) else None
    assert found in (exact, None)
    if not isinstance(values, Names):
        assert found is exact


@given(st.tuples(names, names) | st.tuples(intervals, intervals | masks), st.booleans())
def test_narrowed_is_the_wanted_part(pair: tuple[Intervals | Names, ValueSet], inside: bool) -> None:
    box, values = pair
    narrowed = Packet({"field": box}).narrowed("field", values, inside)
    if narrowed is None:
        assert isinstance(values, Masked) or (isinstance(box, Names) and (box.negated or box.prefixes))
        return
    part = narrowed.values["field"]
    assert isinstance(part, Intervals | Names)
    assert plain(part) == (plain(box) & plain(values) if inside else plain(box) - plain(values))


@given(masks, intervals.filter(bool))
def test_a_mask_on_a_range(values: Masked, box: Intervals) -> None:
    """A mask is never left open."""
    a, b = plain(box), plain(values)
    assert relation(box, values) is (True if a <= b else False if a.isdisjoint(b) else None)


def test_every_domain_is_a_set_of_its_kind() -> None:
    for name, info in FIELDS.items():
        assert isinstance(info.domain, Names if name in ("in", "out") else Intervals)
        assert info.title
