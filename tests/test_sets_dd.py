"""The fence around the library for decision diagrams."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.ir import Allow
from policy.packet import Intervals
from policy.reach import Proof, Witness, find
from policy.sets import Budget, Exhausted
from policy.sets.dd import Diagram, Formula
from tests.strategies import field, rule, simple_ruleset

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = st.integers(0, 31)


def number(bits: tuple[Formula, ...], value: int) -> Formula:
    """The formula that is true of one value."""
    found = bits[0].diagram.constant(True)
    for place, bit in enumerate(reversed(bits)):
        found &= bit if value >> place & 1 else ~bit
    return found


@given(st.lists(st.tuples(NUMBERS, NUMBERS)), st.integers(0, 31), st.integers(0, 31))
def test_ranges_and_masks(pairs: list[tuple[int, int]], value: int, mask: int) -> None:
    diagram = Diagram(Budget(nodes=1 << 12))
    bits = diagram.variables(5)
    values = Intervals.of(*pairs)
    among, masked = diagram.among(bits, values.ranges), diagram.masked(bits, value & mask, mask)
    for each in range(32):
        assert bool(among & number(bits, each)) is (each in values)
        assert bool(masked & number(bits, each)) is (each & mask == value & mask)
    assert among.solutions(5) == values.size


def test_bits_may_be_formulas() -> None:
    diagram = Diagram(Budget(nodes=1 << 12))
    a, b = diagram.variables(2)
    assert diagram.among((a & b, a | b), ((1, 1),)) == a ^ b
    assert diagram.among((a & b, diagram.constant(True)), ((0, 0), (2, 3))) == a & b


def test_the_algebra() -> None:
    diagram = Diagram(Budget(nodes=1 << 12))
    a, b, c = diagram.variables(3)
    assert a - b == a & ~b
    assert a ^ b == (a - b) | (b - a)
    assert a.choose(b, c) == (a & b) | (c - a)
    assert (a & b).some(b) == a
    assert diagram.either(()) == diagram.constant(False)
    assert diagram.either((a, b, c)).solutions(3) == 7
    assert (a | ~a).valid
    assert not a & ~a
    assert {part.size for part in (a & b).nodes()} == {(a & b).size, b.size, 1}


def test_nothing_is_allocated_before_it_is_needed() -> None:
    diagram = Diagram()
    assert (diagram.count, diagram.nodes) == (0, 0)
    done = subprocess.run(
        [sys.executable, "-c", "import sys, policy.sets, policy.reach; print('oxidd' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_a_table_that_is_full_ends_the_diagram() -> None:
    diagram = Diagram(Budget(nodes=500))
    bits = diagram.variables(40)
    with pytest.raises(Exhausted, match="500 nodes"):
        diagram.either(one & other for one, other in zip(bits[:20], bits[20:], strict=True))
    with pytest.raises(Exhausted, match="500 nodes"):
        _ = bits[0] & bits[1]
    assert diagram.nodes == 0


def test_two_diagrams_do_not_mix() -> None:
    (a,), (b,) = (Diagram(Budget(nodes=500)).variables(1) for _ in range(2))
    operations: list[Callable[[], Formula]] = [
        lambda: a & b,
        lambda: a.choose(a, b),
        lambda: a.some(b),
        lambda: a.diagram.among((b,), ((0, 0),)),
    ]
    for operation in operations:
        with pytest.raises(ValueError, match="two diagrams"):
            operation()
    assert a != b


def in_child(diagram: Diagram, formula: Formula | None) -> None:
    """What a forked process tries: a diagram that is not started works there, another one is refused."""
    try:
        if formula is None:
            diagram.variables(2)
            sys.exit(0)
        _ = formula & formula
    except RuntimeError:
        sys.exit(7)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.parametrize(("started", "expected"), [(False, 0), (True, 7)])
def test_a_diagram_does_not_survive_a_fork(started: bool, expected: int) -> None:
    diagram = Diagram(Budget(nodes=500))
    formula = diagram.variables(1)[0] if started else None
    process = multiprocessing.get_context("fork").Process(target=in_child, args=(diagram, formula))
    process.start()
    process.join(10)
    assert process.exitcode == expected


def test_without_the_library_there_are_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "oxidd.bcdd", None)
    with pytest.raises(ImportError, match=r"install `fwpolicy\[exact\]`"):
        Diagram().variables(1)
    rules = simple_ruleset(rule(field("dport", 80), Allow()))
    answer = find(rules, "allow")
    assert isinstance(answer, Witness)
    assert answer.packet.get("dport") == 80
    assert find(rules, "allow", field("dport", 81)) == Proof()
