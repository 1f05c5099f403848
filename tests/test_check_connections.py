"""Checks of replies against the evaluator: on small stateless policies, every kind of connection is tried."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.app.load import facts, load
from policy.check.source_ports import waits_for_replies
from policy.checks import checks
from policy.diagnostic import Diagnostic
from policy.evaluate import decide
from policy.evaluate.truth import truth
from policy.ir import Allow, Rule, Ruleset
from policy.packet import Packet, complete
from policy.packet.address import parse_address
from policy.packet.connection import connection
from policy.sets import Missing
from policy.source import Source

BY_CODE = {check.code: check for check in checks()}
HOSTS = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
"""The first two are in rules, the third is all others."""
PORTS = (25, 80, 40000)
"""The first two are in rules, the third is all others."""
FORWARD = 2

addresses = st.sampled_from(("any", *HOSTS[:2], f"{HOSTS[0]}, {HOSTS[1]}"))
services = st.sampled_from(("any", "tcp", "udp", "tcp/25", "tcp/80", "udp/25", "ping", "icmp/0", "icmp"))
actions = st.sampled_from(("allow", "allow", "allow", "allow", "block"))


@st.composite
def lines(draw: st.DrawFn) -> str:
    action, service, source, target = draw(actions), draw(services), draw(addresses), draw(addresses)
    from_port, flags = "", ""
    if service in ("tcp", "udp"):
        from_port = draw(st.sampled_from(("", " port 25", " port 80")))
        flags = draw(st.sampled_from(("", " flags ack/ack"))) if service == "tcp" else ""
    return f"    {action} {service} from {source}{from_port} to {target}{flags}"


@st.composite
def texts(draw: st.DrawFn) -> str:
    body = draw(st.lists(lines(), min_size=1, max_size=5))
    return "\n".join(["policy p at forward stateless {", "    default block", *body, "}", ""])


def universe() -> Iterator[Packet]:
    """One first packet of every kind that the rules can tell apart."""
    for source, target in product(HOSTS, repeat=2):
        ends = {"hook": FORWARD, "src": parse_address(source), "dst": parse_address(target)}
        yield complete({**ends, "proto": 1})
        for proto, sport, dport in product((6, 17), PORTS, PORTS):
            yield complete({**ends, "proto": proto, "sport": sport, "dport": dport})


UNIVERSE = tuple(universe())


def requests(rules: Ruleset, rule: Rule) -> list[tuple[Packet, Packet]]:
    """The requests that a rule lets through and does not answer itself, with their replies; of clients, if any."""
    found = []
    for first in UNIVERSE if isinstance(rule.actions[-1], Allow) else ():
        reply = dict(connection(first))["reply"]
        if decide(rules, first).rule is rule and truth(rule.match, reply, {}) is False:
            found.append((first, reply))
    return [each for each in found if each[0].get("sport") in (None, PORTS[2])] or found


def found(code: str, rules: Ruleset) -> dict[int, Diagnostic]:
    check = BY_CODE[code]
    assert check.find is not None
    some = [each for each in check.find(facts(rules)) if isinstance(each, Diagnostic)]
    return {each.span.start: each for each in some}


def is_blocked(rules: Ruleset, packet: Packet) -> bool:
    return decide(rules, packet).verdict == "block"


def check_example(rules: Ruleset, finding: Diagnostic) -> None:
    assert finding.example is not None
    packets = dict(connection(finding.example))
    decision = decide(rules, packets["first"])
    assert decision.verdict == "allow"
    assert decision.rule is not None
    assert decision.rule.span == finding.span
    assert is_blocked(rules, packets["reply"])


@settings(max_examples=50, deadline=None)
@given(texts())
def test_a_rule_is_found_where_no_reply_comes_through(text: str) -> None:
    check_findings(text)


@settings(max_examples=15, deadline=None)
@given(texts())
def test_so_it_is_with_lists_of_boxes(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("policy.reach.connections.Space", missing)
        patch.setattr("policy.check.facts.Space", missing)
        check_findings(text)


def missing(*_: Any) -> Any:
    raise Missing


def check_findings(text: str) -> None:
    rules = load(Source("rules", text))
    all_blocked, some_blocked = found("FW401", rules), found("FW410", rules)
    assert not all_blocked.keys() & some_blocked.keys()
    for rule in rules.policies["p"].rules:
        mine = requests(rules, rule)
        answered = [not is_blocked(rules, reply) for _, reply in mine]
        wanted = bool(mine) and not any(answered) and not waits_for_replies(rule)
        assert (rule.span.start in all_blocked) == wanted, rule.span.text
        if rule.span.start in some_blocked:
            assert any(answered)
            assert not all(answered)
    for finding in (*all_blocked.values(), *some_blocked.values()):
        check_example(rules, finding)
