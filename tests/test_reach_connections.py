"""Sets of connections against the evaluator, packet by packet: the law, for first packets, replies and next ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.app.answer import Asking
from policy.app.passing import passed
from policy.evaluate import Decision
from policy.ir import Field, Ruleset
from policy.packet import FIELDS, OUTPUT, Intervals, Names, Packet, Value, complete
from policy.packet.connection import connection
from policy.packet.fields import NOT_KNOWN
from policy.packet.packet import varies
from policy.reach.connections import Passage, Sent, passages
from policy.sets import Exhausted
from policy.sets.truth import Sets
from tests.spaces import KINDS
from tests.strategies import NAMES, V4_FIRST, boxes, field_matches, matches, rulesets, unknowns

SAID = ("sport", "dport", "in", "out", "mark", "ttl", "icmp_type", *NOT_KNOWN)
families = st.sampled_from((frozenset({4, 6}), frozenset({4, 6}), frozenset({4}), frozenset({6})))
assumptions = st.dictionaries(st.sampled_from(("a", "b", "limit", "queue")), st.booleans(), max_size=2)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Sent, Packet]:
    """The packets of connections, all of a box or the first alone, and one first packet of them."""
    box = draw(boxes(("src", "dst", "sport", "dport", "in", "out", "mark")))
    for name in NOT_KNOWN:
        if name in box.values and name != "direction" and draw(st.booleans()):
            box = box.with_values({name: FIELDS[name].domain})  # type: ignore[dict-item]
    sent = tuple(connection(box)) if box.values["state"] == 0 and draw(st.integers(0, 3)) else (("first", box),)
    chosen: dict[str, Value] = {}
    for name, value in box.values.items():
        if not varies(name, value):
            chosen[name] = value
        elif isinstance(value, Names):
            chosen[name] = draw(st.sampled_from([each for each in NAMES if each in value]))
        else:
            assert isinstance(value, Intervals)
            chosen[name] = draw(st.sampled_from([n for low, high in value.ranges for n in range(low, high + 1)]))
    return sent, Packet(chosen)


def decided(ruleset: Ruleset, sent: Sent, first: Packet, assume: dict[str, bool]) -> tuple[str, str, Decision]:
    """What the evaluator says of one connection."""
    packets: Sent = tuple(connection(first)) if len(sent) > 1 else (("first", first),)
    answers = passed(ruleset, packets, Asking(assume=assume))[1]
    decisions = [(answer.role, answer.decision) for answer in answers]
    for verdict in ("block", "depends"):
        for role, decision in decisions:
            if decision.verdict == verdict:
                return verdict, role, decision
    return ("allow", *decisions[0])


def check(
    ruleset: Ruleset,
    sets: Sets[Any, Any],
    sent: list[Sent],
    firsts: list[Packet],
    assume: dict[str, bool],
    most: int | None = None,
) -> None:
    found: list[Passage[Any]]
    found, left = passages(ruleset, sets, sent, assume, most)
    for number, one in enumerate(found):
        assert one.firsts
        assert all(not one.firsts & other.firsts for other in found[:number])
    for packets, first in zip(sent, firsts, strict=True):
        inside = sets.of_box(everything(first))
        if inside & left:
            assert len({passage.verdict for passage in found}) > 1
            assert all(not inside & passage.firsts for passage in found)
            continue
        ((verdict, role, end),) = [(p.verdict, p.role, p.end) for p in found if inside & p.firsts]
        wanted, wanted_role, decision = decided(ruleset, packets, first, assume)
        assert (verdict, role) == (wanted, wanted_role)
        if verdict != "depends":
            assert (end and end.rule) is decision.rule
            assert (end and end.implicit) == decision.implicit


def everything(first: Packet) -> Packet:
    values = {name: FIELDS[name].domain for name in ("in", "out", "mac", "uid", "gid")}
    return Packet({**values, **{n: v for n, v in first.values.items() if n != "hook"}})  # type: ignore[dict-item]


def space(kind: Any, ruleset: Ruleset, sent: list[Sent]) -> Sets[Any, Any]:
    boxes = [packet for packets in sent for _, packet in packets]
    made: Sets[Any, Any] = kind(
        ruleset, questions=[*boxes, *(Field(name, FIELDS[name].domain) for name in ("state", *SAID))]
    )
    return made


@settings(max_examples=80)
@given(rulesets(), asked(), assumptions, families, st.sampled_from((None, 1, 2)))
def test_diagrams(
    ruleset: Ruleset, one: tuple[Sent, Packet], assume: dict[str, bool], spoken: frozenset[int], most: int | None
) -> None:
    sent, first = one
    if first.family not in spoken:
        return
    ruleset = replace(ruleset, families=spoken)
    check(ruleset, space(KINDS[0], ruleset, [sent]), [sent], [first], assume, most)


in_ranges = field_matches.filter(lambda m: m.name not in ("src", "dst") or isinstance(m.values, Intervals))


@settings(max_examples=50)
@given(rulesets(matches(in_ranges | in_ranges | unknowns), 3), asked())
def test_boxes(ruleset: Ruleset, one: tuple[Sent, Packet]) -> None:
    """Lists of boxes may give up, and are right where they do not."""
    sent, first = one
    try:
        check(ruleset, space(KINDS[1], ruleset, [sent]), [sent], [first], {})
    except Exhausted:
        return


@settings(max_examples=20)
@given(rulesets(), st.lists(asked(), min_size=2, max_size=3))
def test_several_at_once(ruleset: Ruleset, several: list[tuple[Sent, Packet]]) -> None:
    """Connections of several shapes at one hook are still disjoint sets."""
    hooks = [first.get("hook") for _, first in several]
    chosen = [sent for sent, first in several if first.get("hook") == hooks[0]]
    found, _ = passages(ruleset, space(KINDS[0], ruleset, chosen), chosen, {})
    assert all(not one.firsts & other.firsts for i, one in enumerate(found) for other in found[:i])
    assert found


def test_a_reply_comes_without_the_mark_of_the_first_packet() -> None:
    values: dict[str, Value] = {"hook": OUTPUT, "proto": 17, "src": V4_FIRST, "dst": V4_FIRST + 1, "mark": 7}
    packets = dict(connection(complete({**values, "sport": 5000, "dport": 53})))
    assert {role: packet.get("mark") for role, packet in packets.items()} == {"first": 7, "reply": 0, "next": 7}
