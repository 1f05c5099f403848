"""Lists that are built to blow an analysis up end within the budget, undecided and saying so, and never wrong."""

from __future__ import annotations

import random
import time
from itertools import combinations, product

import pytest

pytest.importorskip("numpy")

from policy.ir import All, Allow, Any, Block, Field, Policy, Rule
from policy.packet import Intervals, Masked
from policy.packet.address import V4_BASE
from policy.reach.lists import Kind, Scope, analyse
from policy.sets import Budget
from tests.strategies import field, rule

V4_ONLY = Scope(frozenset({4}))


def clauses(variables: int, count: int, seed: int) -> list[dict[int, bool]]:
    """Return random clauses of three variables."""
    rng = random.Random(seed)
    return [{v: rng.random() < 0.5 for v in rng.sample(range(variables), 3)} for _ in range(count)]


def formula(variables: int, count: int, seed: int = 1) -> Policy:
    """Return rules whose last one is alive exactly if random clauses can all be true: one bit of the mark each."""
    body: list[Rule] = []
    for clause in clauses(variables, count, seed):
        mask = sum(1 << v for v in clause)
        body.append(rule(Field("mark", Masked(sum(1 << v for v, sign in clause.items() if not sign), mask)), Allow()))
    return Policy("main", (*body, rule(field("ttl", 64), Block())))


@pytest.mark.parametrize("seed", range(6))
def test_small_formulas_are_decided(seed: int) -> None:
    policy = formula(7, 32, seed)
    wanted = clauses(7, 32, seed)
    possible = any(
        all(any(values[v] is sign for v, sign in clause.items()) for clause in wanted)
        for values in product((False, True), repeat=7)
    )
    assert (analyse(policy, V4_ONLY).standings[-1].kind is Kind.ALIVE) is possible


def test_large_formulas_are_left() -> None:
    policy = formula(32, 140)
    standings = analyse(policy, V4_ONLY).standings
    assert standings[-1].kind in (Kind.LEFT, Kind.UNDECIDED)


def spread_formula(count: int) -> Policy:
    """Return a hard formula whose variables are eight fields of three bits, so that each clause is a few boxes."""
    names = ("ttl", "tos", "length", "mark", "uid", "gid", "sport", "dport")
    rng = random.Random(5)
    body = []
    for _ in range(count):
        some = rng.sample(names, 3)
        body.append(rule(All(tuple(field(name, (rng.randrange(4), rng.randrange(4, 8))) for name in some)), Allow()))
    return Policy("main", (*body, rule(All(tuple(field(name, (0, 7)) for name in names)), Block())))


PIGEONS = ("ttl", "tos", "length", "mark", "uid", "gid", "sport", "dport", "icmp_type", "icmp_code")


def pigeons(count: int, holes: int) -> Policy:
    """Return rules whose last one is dead exactly if there are more fields than values: two of them must be equal."""
    names = PIGEONS[:count]
    body = [
        rule(All((field(one, hole), field(other, hole))), Allow())
        for hole in range(holes)
        for one, other in combinations(names, 2)
    ]
    return Policy("main", (*body, rule(All(tuple(field(name, (0, holes - 1)) for name in names)), Block())))


SENT = Scope(frozenset({4}), Intervals.of(1))


def test_pigeons_in_holes() -> None:
    assert analyse(pigeons(5, 5), SENT).standings[-1].kind is Kind.ALIVE
    standing = analyse(pigeons(5, 4), SENT).standings[-1]
    assert standing.kind is Kind.COVERED_TOGETHER
    assert standing.settled
    assert len(standing.by) == 40
    assert analyse(pigeons(8, 7), SENT, budget=Budget(steps=100_000)).standings[-1].kind is Kind.UNDECIDED


def test_a_reason_may_be_too_dear() -> None:
    spent = [
        analyse(pigeons(5, 4), SENT, budget=Budget(steps=steps)).standings[-1] for steps in range(20_000, 500, -500)
    ]
    assert {(s.kind, s.settled) for s in spent if s.kind is not Kind.UNDECIDED} >= {(Kind.COVERED_TOGETHER, False)}
    assert spent[-1].kind is Kind.UNDECIDED


def test_a_budget_ends_a_hard_question() -> None:
    policy = spread_formula(400)
    standings = analyse(policy, SENT, budget=Budget(steps=2_000)).standings
    assert Kind.UNDECIDED in {s.kind for s in standings}
    assert all(s.reason for s in standings if s.kind is Kind.UNDECIDED)


def test_no_time_is_undecided() -> None:
    standings = analyse(spread_formula(100), SENT, budget=Budget(seconds=0)).standings
    assert {s.kind for s in standings} <= {Kind.ALIVE, Kind.UNDECIDED, Kind.COVERED, Kind.DUPLICATE}
    assert Kind.UNDECIDED in {s.kind for s in standings}


def crossing(count: int) -> Policy:
    """Return rules that all overlap, none inside another: wide in one of four fields, narrow around one value."""
    rng = random.Random(3)
    body = []
    for _ in range(count):
        low, high = rng.randrange(30_000), 65_535 - rng.randrange(30_000)
        source, target = (Intervals.of((V4_BASE + rng.randrange(1 << 30), V4_BASE + (3 << 30) + rng.randrange(1 << 30)))
                          for _ in range(2))  # fmt: skip
        parts = (field("proto", 6), field("sport", (low, high)), Field("src", source), Field("dst", target))
        body.append(rule(All(parts), Allow()))
    return Policy("main", (*body, rule(field("proto", 6), Block())))


def test_ten_thousand_rules_that_all_overlap() -> None:
    start = time.monotonic()
    standings = analyse(crossing(10_000), V4_ONLY, budget=Budget(steps=1_000_000)).standings
    assert time.monotonic() - start < 60
    assert Kind.UNDECIDED in {s.kind for s in standings}
    assert standings[0].kind is Kind.ALIVE


def test_ten_thousand_twins() -> None:
    same = rule(All((field("proto", 6), field("dport", 80))), Allow())
    standings = analyse(Policy("main", (same,) * 10_000)).standings
    assert standings[0].kind is Kind.ALIVE
    assert {(s.kind, s.by) for s in standings[1:]} == {(Kind.DUPLICATE, (0,))}


def test_the_same_answers_every_time() -> None:
    policy = crossing(300)
    first = analyse(policy, V4_ONLY, budget=Budget(steps=400_000)).standings
    assert analyse(policy, V4_ONLY, budget=Budget(steps=400_000)).standings == first


def test_empty_lists() -> None:
    assert analyse(Policy("main", ())).standings == ()
    assert [s.kind for s in analyse(Policy("main", (rule(Any(), Allow()),))).standings] == [Kind.ALIVE]
