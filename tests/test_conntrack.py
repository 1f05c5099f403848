"""The sequence engine, on cases, and what must hold of any packet; `tests/kernel` has the kernel as its judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.conntrack import (
    DST_NAT,
    SRC_NAT,
    TIMEOUTS,
    Settings,
    Step,
    Tracker,
    first_state,
    inverse,
    possible,
    step_of,
    tuple_of,
)
from policy.packet import ESTABLISHED, INVALID, NEW, UNTRACKED, complete
from policy.packet.address import parse_address
from policy.packet.fields import RELATED, STATES, TCP, UDP
from tests.conntrack_steps import Move, chunks, line_of, parsed, play, told
from tests.kernel.random_steps import sequence
from tests.kernel.step_judge import spoken

CHUNKS = list(chunks())


@pytest.mark.parametrize(("name", "moves"), CHUNKS, ids=[name for name, _ in CHUNKS])
def test_cases(name: str, moves: list[tuple[Move, str | None]]) -> None:
    tracker, at = Tracker(), 0.0
    got, wanted = [], []
    for move, expected in moves:
        at += move.seconds if move.word == "wait" else 0.001
        seen = play(tracker, move, at)
        got.append(line_of(move) + (f"  => {told(seen)}" if seen else ""))
        wanted.append(line_of(move) + (f"  => {expected}" if seen else ""))
    assert got == wanted, name


@pytest.mark.parametrize(("name", "moves"), CHUNKS, ids=[name for name, _ in CHUNKS])
def test_lines_are_read_as_they_are_written(name: str, moves: list[tuple[Move, str | None]]) -> None:
    for move, _ in moves:
        assert parsed(line_of(move))[0] == move, name


@given(st.integers(0, 10_000), st.sampled_from((4, 6)))
def test_what_is_seen_is_possible(seed: int, family: int) -> None:
    tracker = Tracker()
    for made in sequence(Random(seed), family, 40, translated=False):
        if made.step is None:
            continue
        move = spoken(tracker, made, 0)
        assert move.step is not None
        before = tuple(tracker.entries(0))
        seen = play(tracker, move, 0)
        assert seen is not None
        direction = seen.direction
        if direction is None:
            found = [entry for entry in before if entry.reply == tuple_of(move.step)]
            direction = int(bool(found))
        assert seen.state in possible(move.step, direction, tracker.settings), (line_of(move), STATES[seen.state])
        if seen.state == NEW:
            assert seen.entry is not None
            assert seen.entry.original == tuple_of(move.step)
        if not before and move.step.about is None:
            assert seen.state == first_state(move.step, tracker.settings)


@given(st.integers(0, 255), st.sampled_from(("10.1.0.1", "2001:db8::1")), st.integers(0, 255), st.integers(0, 255))
def test_an_answer_is_answered_by_what_it_answers(proto: int, source: str, kind: int, code: int) -> None:
    own = tuple_of(Step(proto, parse_address(source), parse_address(source) + 1, 1, 2, icmp=(kind, code)))
    answer = inverse(own)
    assert answer is None or inverse(answer) == own


def test_first_states_of_packets() -> None:
    def state(**fields: int) -> int | None:
        addresses = {"src": parse_address("10.0.0.1"), "dst": parse_address("10.0.0.2")}
        step = step_of(complete({**addresses, **fields}))
        return None if step is None else first_state(step)

    assert state(proto=TCP, sport=1, dport=2, flags=2) == NEW
    assert state(proto=TCP, sport=1, dport=2, flags=18) == INVALID
    assert state(proto=UDP, sport=1, dport=2) == NEW
    assert state(proto=1, icmp_type=0, icmp_code=0) == INVALID
    assert state(proto=136, sport=1, dport=2, hook=0, fragment=0) == INVALID
    assert state(proto=136, sport=1, dport=2, hook=1, fragment=0) == NEW
    assert state(proto=UDP, fragment=2) is None
    assert state(proto=UDP, sport=1) is None


def test_what_is_possible() -> None:
    client, server = parse_address("10.0.0.1"), parse_address("10.0.0.2")
    tcp = Step(TCP, client, server)
    assert possible(replace(tcp, flags=2), 1) == {ESTABLISHED, INVALID, UNTRACKED}
    assert possible(replace(tcp, flags=18), 0) == {ESTABLISHED, INVALID, UNTRACKED}
    assert possible(replace(tcp, flags=3), 0) == {INVALID, UNTRACKED}
    assert possible(Step(UDP, client, server), 0) == {NEW, RELATED, ESTABLISHED, UNTRACKED}
    assert possible(Step(UDP, client, server), 1) == {ESTABLISHED, UNTRACKED}
    assert possible(Step(1, client, server, icmp=(3, 0)), 0) == {RELATED, INVALID, UNTRACKED}
    assert possible(Step(1, client, server, icmp=(0, 0)), 0) == {INVALID, UNTRACKED}


def test_a_translated_packet_leaves_as_its_answer_comes_back() -> None:
    client, server, shown, inside = map(parse_address, ("10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1"))
    tracker = Tracker()
    step = Step(TCP, client, server, 1000, 80, 2)
    seen = tracker.translate(tracker.see(step, 0), source=(shown, 5000), destination=(inside, 8080))
    seen = tracker.confirm(seen, 0)
    assert seen.leaving(step) == replace(step, src=shown, dst=inside, sport=5000, dport=8080)
    assert seen.status is not None
    assert seen.status & (SRC_NAT | DST_NAT) == SRC_NAT | DST_NAT
    answer = Step(TCP, inside, shown, 8080, 5000, 18)
    assert tracker.taken(tuple_of(answer), 1)
    back = tracker.see(answer, 1)
    assert (back.state, back.direction) == (ESTABLISHED, 1)
    assert back.leaving(answer) == replace(answer, src=server, dst=client, sport=80, dport=1000)
    about = Step(TCP, shown, inside, 5000, 8080, 2)
    error = Step(1, parse_address("10.5.0.1"), shown, icmp=(3, 1), about=about)
    related = tracker.see(error, 1)
    assert (related.state, related.direction) == (RELATED, 1)
    assert related.leaving(error) == replace(error, src=server, dst=client, about=step)
    with pytest.raises(ValueError, match="only the packet that makes an entry"):
        tracker.translate(back, source=(shown, None))


def test_two_first_packets_under_way_at_once_are_not_modelled() -> None:
    tracker = Tracker()
    step = Step(UDP, parse_address("10.1.0.1"), parse_address("10.2.0.1"), 1, 2)
    first, second = tracker.see(step, 0), tracker.see(step, 0)
    tracker.confirm(first, 0)
    with pytest.raises(ValueError, match="another packet"):
        tracker.confirm(second, 0)


@pytest.mark.skipif(not Path("/proc/sys/net/netfilter/nf_conntrack_max").exists(), reason="no connection tracking here")
def test_every_timeout_of_the_kernel_is_known() -> None:
    there = {path.name.removeprefix("nf_conntrack_") for path in Path("/proc/sys/net/netfilter").glob("*_timeout*")}
    assert there - {"frag6_timeout"} == set(TIMEOUTS)
    assert Settings().timeouts is TIMEOUTS
