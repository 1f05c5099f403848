"""Rules that are built to blow up sets of packets end at a limit that is said, or are answered; the process goes on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from policy.evaluate import decide
from policy.ir import All, Allow, Any, Block, Either, Field, Jump, Match, Not, Policy, Ruleset, Set, Unknown
from policy.packet import Intervals, Masked
from policy.packet.address import V4, V4_BASE
from policy.reach import Flow
from policy.sets import BoxSpace, Budget, Exhausted, Space
from policy.sets.dd import MOST_VARIABLES, Diagram
from tests.spaces import Kind, each_kind, space_of
from tests.strategies import field, rule, simple_ruleset


def few(nodes: int = 1 << 16, steps: int = 2_000_000) -> Budget:
    """Return a budget without a clock, so that tests end alike on every machine."""
    return Budget(None, nodes, 300, steps)


def bit(number: int, wanted: bool) -> Match:
    """Return a condition on one of 64 bits of the two addresses."""
    place = 1 << number // 2
    return Field(("src", "dst")[number % 2], Masked(V4_BASE + place * wanted, V4_BASE + place))


def key(number: int, wanted: bool) -> Match:
    unknown = Unknown(f"set {number}", f"set {number}")
    return unknown if wanted else Not(unknown)


def mark(number: int, wanted: bool) -> Match:
    return Field("mark", Masked((1 << number) * wanted, 1 << number))


Variable = Callable[[int, bool], Match]


def clauses(variables: int, count: int, seed: int) -> Iterator[list[tuple[int, bool]]]:
    rng = random.Random(seed)
    for _ in range(count):
        yield [(number, rng.random() < 0.5) for number in rng.sample(range(variables), 3)]


def formula(variable: Variable, variables: int, count: int, seed: int = 1) -> Ruleset:
    """Return rules that allow a packet exactly if random clauses of three variables can all be true."""
    body = [All(tuple(variable(*each) for each in clause)) for clause in clauses(variables, count, seed)]
    return simple_ruleset(*(rule(match, Block()) for match in body), rule(Any(), Allow()))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("variable", [bit, key, mark])
def test_small_formulas_are_decided(variable: Variable, seed: int) -> None:
    rules = formula(variable, 8, 36, seed)
    possible = any(
        not any(all(values[number] is wanted for number, wanted in clause) for clause in clauses(8, 36, seed))
        for values in product((False, True), repeat=8)
    )
    space = space_of(rules)
    flow = Flow(rules, space, space.of_match(Field("src", V4)))
    assert bool(flow.allowed | flow.depends) is possible
    if packet := flow.allowed.example():
        assert decide(rules, packet).verdict == "allow"


@pytest.mark.parametrize(("variable", "count"), [(bit, 64), (key, 60)])
def test_large_formulas_are_left(variable: Variable, count: int) -> None:
    rules = formula(variable, count, 4 * count)
    with pytest.raises(Exhausted):
        _ = Flow(rules, Space([rules], budget=few())).allowed
    with pytest.raises(Exhausted):
        _ = Flow(rules, BoxSpace([rules], budget=few())).allowed


def overlapping(count: int) -> Ruleset:
    rng = random.Random(3)

    def around(low: int, high: int) -> Intervals:
        middle = (low + high) // 2
        return Intervals.of((rng.randrange(low, middle), rng.randrange(middle, high)))

    body = []
    for _ in range(count):
        source, target = (around(V4_BASE, V4_BASE + (1 << 32) - 1) for _ in range(2))
        parts = (field("proto", 6), Field("dport", around(0, 65535)), Field("src", source), Field("dst", target))
        body.append(rule(All(parts), rng.choice((Allow(), Block()))))
    return simple_ruleset(*body)


def test_rules_that_all_overlap() -> None:
    rules = overlapping(200)
    with pytest.raises(Exhausted):
        _ = Flow(rules, Space([rules], budget=few(nodes=1 << 14))).allowed
    with pytest.raises(Exhausted):
        _ = Flow(rules, BoxSpace([rules], budget=few())).allowed


def test_a_thousand_interfaces() -> None:
    rules = simple_ruleset(*(rule(All((field("in", f"eth{n}"), field("dport", n))), Allow()) for n in range(1000)))
    flow = Flow(rules, space_of(rules, hook=0))
    first, more = flow.allowed.describe_first()
    assert len(first) == 3
    assert more
    packet = flow.passing(("main", 700)).matched.example()
    assert packet is not None
    assert (packet.get("in"), packet.get("dport")) == ("eth700", 700)


def test_very_many_unknowns_do_not_end_the_process() -> None:
    """The library's recursion over 100,000 variables would overflow the stack."""
    rules = simple_ruleset(*(rule(key(n, True), Allow()) for n in range(100_000)))
    with pytest.raises(Exhausted, match="4,096 variables"):
        Space([rules], budget=few())


def test_as_many_variables_as_there_may_be() -> None:
    diagram = Diagram(Budget(None, nodes=1 << 18))
    bits = diagram.variables(MOST_VARIABLES)
    odd = bits[-1]
    for each in bits[-2::-1]:
        odd ^= each
    assert odd.some(diagram.all(bits)).valid
    assert (odd & ~odd).size == 1
    assert odd.solutions(MOST_VARIABLES) == 1 << MOST_VARIABLES - 1
    with pytest.raises(Exhausted, match="variables"):
        diagram.variables(1)


@each_kind
def test_conditions_nested_too_deeply(kind: Kind) -> None:
    match: Match = field("dport", 1)
    for _ in range(800):
        match = Not(All((match, field("sport", 1))))
    rules = simple_ruleset(rule(match, Allow()))
    with pytest.raises(Exhausted, match="nested too deeply"):
        Flow(rules, kind(rules))


def test_long_ways_are_counted() -> None:
    """A hundred calls of a thousand rules each, with changes that keep the ways apart."""
    called = Policy("a", tuple(rule(field("dport", number), Set("mark", 0, mask=0)) for number in range(1000)))
    rules = simple_ruleset(*(rule(field("sport", number), Jump("a")) for number in range(100)), a=called)
    with pytest.raises(Exhausted, match="50,000 steps"):
        Flow(rules, Space([rules], budget=few(steps=50_000)))


@each_kind
def test_regions_end_with_the_budget(kind: Kind) -> None:
    match = Either(tuple(All((field("dport", n), field("sport", n))) for n in range(0, 400, 2)))
    rules = simple_ruleset(rule(match, Allow()))
    space = kind(rules)
    found = space.of_match(match)
    space.budget.seconds, space.budget._ends = 0, 0.0
    try:
        with pytest.raises(Exhausted, match="0 seconds"):
            found.describe_first()
    finally:
        space.budget.seconds, space.budget._ends = None, None


def test_memory_is_given_back() -> None:
    """Spaces that are no longer used leave no tables behind; several at once do not disturb each other."""
    resource = pytest.importorskip("resource")
    rules = overlapping(20)
    kept = [Space([rules], hook=hook) for hook in (0, 1, 2)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(60):
        assert Flow(rules, Space([rules])).allowed
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024
    assert all(Flow(rules, space).allowed for space in kept)
