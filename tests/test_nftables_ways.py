"""What a rule of several statements does, laid out as rules of the IR, against doing one statement behind the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from random import Random

import pytest

from policy.evaluate import decide
from policy.ir import (
    EVERYTHING,
    Action,
    Allow,
    Block,
    Entry,
    Field,
    Goto,
    Jump,
    Log,
    Policy,
    Return,
    Rule,
    Ruleset,
    Set,
)
from policy.languages.nftables.ways import Layout, Way
from policy.packet import INPUT, Intervals, Packet, complete
from policy.packet.address import parse_address
from policy.source import Source, Span

_SPAN = Span(Source("rules", "text"), 0, 4)
_FIELDS = ("mark", "dport")
_VALUES = (0, 1, 2)

Statement = tuple[Way, ...]
Chain = list[list[Statement]]


def _asked(r: Random) -> Field:
    return Field(r.choice(_FIELDS), Intervals.of(*r.sample(_VALUES, r.choice((1, 1, 2)))))


def _verdict(r: Random, below: Sequence[str]) -> tuple[Action, ...]:
    kinds: list[Action] = [Allow(), Block(), Return()]
    kinds += [kind(name) for name in below for kind in (Jump, Jump, Goto)]
    return (r.choice(kinds),)


def _statement(r: Random, below: Sequence[str], last: bool) -> Statement:
    kind = r.random()
    if kind < 0.35:
        return (Way(_asked(r)),)
    if kind < 0.6:
        return (Way(EVERYTHING, r.choice(((Set("mark", r.choice(_VALUES)),), (Log("x"),)))),)
    if kind < 0.85:  # a map: disjoint conditions, each with a verdict, a value, or nothing
        name = r.choice(_FIELDS)
        found = []
        for value in r.sample(_VALUES, r.choice((1, 2, 3))):
            actions = r.choice((_verdict(r, below), _verdict(r, below), (), (Set("mark", r.choice(_VALUES)),)))
            found.append(Way(Field(name, Intervals.of(value)), actions))
        return tuple(found)
    return (Way(EVERYTHING, _verdict(r, below)),) if last else (Way(_asked(r)),)


def _chains(r: Random) -> dict[str, Chain]:
    names = ["base", "one", "two"]
    found: dict[str, Chain] = {}
    for number, name in enumerate(names):
        below = names[number + 1 :]
        rules = []
        for _ in range(r.choice((1, 2, 3))):
            length = r.choice((1, 2, 3, 4))
            rules.append([_statement(r, below, at == length - 1) for at in range(length)])
        found[name] = rules
    return found


def _simple(chains: Mapping[str, Chain], packet: dict[str, int]) -> str:
    """Do one statement behind the other, as the kernel does."""

    def chain(name: str) -> str | None:
        for rule in chains[name]:
            going = True
            for statement in rule:
                if not going:
                    break
                way = next((way for way in statement if _holds(way, packet)), None)
                if way is None:
                    break
                for action in way.actions:
                    match action:
                        case Allow():
                            return "allow"
                        case Block():
                            return "block"
                        case Return():
                            return None
                        case Set(field, int(value)):
                            packet[field] = value
                        case Jump(called):
                            if (end := chain(called)) is not None:
                                return end
                            going = False
                        case Goto(called):
                            return chain(called)
        return None

    return chain("base") or "allow"


def _holds(way: Way, packet: Mapping[str, int]) -> bool:
    if not isinstance(way.match, Field):
        return True
    assert isinstance(way.match.values, Intervals)
    return packet[way.match.name] in way.match.values


def _laid(chains: Mapping[str, Chain]) -> Ruleset:
    policies = {}
    for name, rules in chains.items():
        layout = Layout(name, frozenset({"mark"}))
        parts: list[tuple[str, list[Way]]] = [(name, [])]
        for rule in rules:
            rest = layout.rest
            parts[-1][1].extend(layout.rule(rule))
            if layout.returning:
                parts.append((rest, []))
        for part, ways in (*parts, *layout.policies.items()):
            policies[part] = Policy(part, tuple(Rule(way.match, way.actions, span=_SPAN) for way in ways))
    return Ruleset("nftables", frozenset({4}), policies, {INPUT: (Entry("base", Allow()),)})


def _packet(mark: int, dport: int) -> Packet:
    address = parse_address("10.0.0.1")
    return complete(
        {"hook": INPUT, "src": address, "dst": address, "proto": 6, "dport": dport, "mark": mark, "in": "lo"}
    )


@pytest.mark.parametrize("seed", range(20))
def test_statements_one_behind_the_other(seed: int) -> None:
    """Rules that ask, change, ask again, return and call do the same as their statements in order."""
    r = Random(seed)
    for _ in range(60):
        chains = _chains(r)
        ruleset = _laid(chains)
        for mark, dport in product(_VALUES, _VALUES):
            plain = {"mark": mark, "dport": dport}
            verdict = _simple(chains, plain)
            decision = decide(ruleset, _packet(mark, dport))
            assert decision.verdict == verdict, (chains, mark, dport)
            if verdict == "allow":
                assert decision.packet.values["mark"] == plain["mark"], (chains, mark, dport)
