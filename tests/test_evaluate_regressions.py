"""Ways of walking through the rules that once went wrong, each in its smallest form."""

from __future__ import annotations

from policy.evaluate import decide
from policy.ir import Allow, Any, Block, Entry, Field, Goto, Jump, Policy, Return, Rewrite, Ruleset, Set, Unknown
from policy.packet import Intervals, Masked, Names, complete
from policy.packet.address import V4, parse_address, parse_prefix
from policy.packet.packet import relation, values_of_mask
from tests.strategies import field, rule, simple_ruleset

ONE = parse_address("10.0.0.1")
TCP = complete({"proto": 6, "src": ONE, "dst": ONE, "dport": 80})
LIMIT = Unknown("limit", "limit", pure=False)


def test_a_way_that_returns_is_followed_to_its_end() -> None:
    called = Policy("a", (rule(LIMIT, Return()), rule(Any(), Block())))
    rules = simple_ruleset(rule(Any(), Jump("a")), rule(Any(), Allow()), a=called)
    assert decide(rules, TCP).verdict == "depends"


def test_return_in_the_entry_takes_the_default_of_its_policy() -> None:
    for leaving in (Return(), Goto("a")):
        main = Policy("main", (rule(Any(), leaving),), default=Allow())
        rules = Ruleset("test", frozenset({4}), {"main": main, "a": Policy("a", ())}, {None: (Entry("main", Block()),)})
        decision = decide(rules, TCP)
        assert (decision.verdict, decision.implicit) == ("allow", "default")


def test_a_box_of_several_states_meets_the_implicit_rules() -> None:
    rules = simple_ruleset()
    stateful = Ruleset("test", rules.families, rules.policies, {None: (Entry("main", Block(), stateful=True),)})
    assert decide(stateful, TCP.with_values({"state": Intervals.of((0, 1))})).verdict in ("depends", "mixed")


def test_xor_clears_the_bits_under_the_mask_first() -> None:
    change = Set("mark", 0b0001, mask=0b0110, xor=True)
    for before, after in ((0b1100, 0b1001), (0b0011, 0b0000)):
        rules = simple_ruleset(rule(Any(), change), rule(field("mark", after), Allow()))
        assert decide(rules, TCP.with_values({"mark": before})).verdict == "allow", before


def test_rewrite_forgets_what_was_found_of_the_old_value() -> None:
    odd = Field("dst", Masked(1, 1))
    even_ones = Rewrite((("dst", Intervals.of(ONE + 1, ONE + 3)),))
    rules = simple_ruleset(rule(odd, even_ones, Set("mark", 1)), rule(odd, Allow()))
    box = TCP.with_values({"dst": Intervals.of((ONE, ONE + 3))})
    assert decide(rules, box).verdict in ("depends", "mixed", "block")
    assert decide(rules, box.with_values({"dst": ONE})).verdict != "allow"


def test_rewrite_leaves_out_fields_that_the_packet_has_not() -> None:
    gre = complete({"proto": 47, "src": ONE, "dst": ONE})
    rules = simple_ruleset(rule(Any(), Rewrite((("dport", 80),))), rule(field("dport", 80), Allow()))
    assert decide(rules, gre).verdict == "block"


def test_a_pattern_of_every_name() -> None:
    everything, nothing = Names.of("+"), Names(frozenset(), frozenset({""}), negated=True)
    assert relation(Names(frozenset({"lo"}), negated=True), everything) is True
    assert relation(Names.of("eth0"), nothing) is False
    assert relation(Names(frozenset({"lo"}), negated=True), nothing) is False


def test_a_mask_that_misses_bits_of_its_value_holds_nothing() -> None:
    assert 2 not in Masked(2, 1)
    assert values_of_mask(Intervals.of(2), Masked(2, 1)) is False


def test_the_icmp_type_of_a_box_is_that_of_its_family() -> None:
    assert complete({"proto": Intervals.of(1), "src": V4, "dst": parse_prefix("10.0.0.0/8")}).values["icmp_type"] == 8
