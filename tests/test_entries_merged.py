"""Rules that can be one, and negations that take everything: what checks claim, against exact sets."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.evaluate import Step, evaluate
from policy.ir import all_of, conjuncts, either_of
from policy.packet import Packet, Value, complete
from policy.packet.address import parse_address
from policy.reach import Flow
from tests.entries import found, replaced, rules_of
from tests.spaces import space_of

NETS = ("10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/25", "10.0.0.128/25", "10.0.2.0/23")
PORT = ("80", "443", "81", "8000-8009")
PARTS = {
    "action": ("allow", "block"),
    "service": (*(f"{name}/{port}" for name in ("tcp", "udp") for port in PORT), "any"),
    "from": (*NETS, "any except 10.0.0.0/24", "any except 10.0.1.0/24", "outside", "any"),
    "in": ("eth0", "eth1", ""),
    "more": ("", ' note "n"', "log"),
}
DUMP_PARTS = {
    "not": ("", "! "),
    "s": NETS,
    "not in": ("", "! "),
    "i": ("eth0", "eth1"),
    "p": ("", *(f"-p tcp --dport {port.replace('-', ':')}" for port in PORT)),
    "j": ("ACCEPT", "DROP", "LOG", "sub"),
}
Parts = dict[str, str]


@st.composite
def neighbours(draw: st.DrawFn, parts: dict[str, tuple[str, ...]]) -> list[Parts]:
    """What a few rules are made of: most differ in one part from the one before."""
    found = [{name: draw(st.sampled_from(some)) for name, some in parts.items()}]
    for _ in range(draw(st.integers(1, 5))):
        name = draw(st.sampled_from(sorted(parts)))
        found.append({**found[-1], name: draw(st.sampled_from(parts[name]))})
    return found


def native_file(rules: list[Parts]) -> str:
    lines = (
        f"{r['action']} {r['service']} from {r['from']}{' in ' * bool(r['in'])}{r['in']} {r['more']}" for r in rules
    )
    return "network outside = any except 10.0.2.0/23\npolicy p at input {\n" + "\n".join(lines) + "\n}\n"


def dump_file(rules: list[Parts]) -> str:
    lines = (f"-A INPUT {r['not']}-s {r['s']} {r['not in']}-i {r['i']} {r['p']} -j {r['j']}" for r in rules)
    called = "-A sub -p udp -j ACCEPT\n-A sub -s 10.0.0.128/25 -j MARK --set-mark 1\n"
    return f"*filter\n:INPUT DROP [0:0]\n:sub - [0:0]\n{called}" + "\n".join(lines) + "\nCOMMIT\n"


FILES = {"native": neighbours(PARTS).map(native_file), "iptables": neighbours(DUMP_PARTS).map(dump_file)}
each_language = pytest.mark.parametrize("language", sorted(FILES))


def packets() -> list[Packet]:
    """Packets on both sides of every bound in the files above."""
    hosts = ("10.0.0.1", "10.0.0.127", "10.0.0.128", "10.0.1.0", "10.0.2.7", "10.0.3.255", "10.0.4.0", "2001:db8::1")
    found = []
    for host, protocol, port, name in product(hosts, (6, 17, 47), (80, 81, 443, 8005), ("eth0", "eth1", "x")):
        source = parse_address(host)
        values: dict[str, Value] = {"hook": 0, "in": name, "src": source, "dst": source + 1, "proto": protocol}
        found.append(complete(values if protocol == 47 else {**values, "sport": 5, "dport": port}))
    return found


PACKETS = packets()


@each_language
@given(data=st.data())
def test_a_merged_file_means_the_same(language: str, data: st.DataObject) -> None:
    rules = before = rules_of(data.draw(FILES[language]))
    while findings := found("FW113", rules):
        finding = findings[0]
        new = finding.message.split("`")[1]
        (name,) = (n for n, policy in rules.policies.items() for r in policy.rules if r.span == finding.span)
        gone = {each.span for each in finding.related}
        first, *others = [r for r in rules.policies[name].rules if r.span == finding.span or r.span in gone]
        after = replaced(rules, first, new, *others)
        numbers = [n for n, r in enumerate(rules.policies[name].rules) if r is first or r in others]
        assert len(after.policies[name].rules) == len(rules.policies[name].rules) - len(others)
        one = after.policies[name].rules[numbers[0]].match
        space = space_of(rules, after, hook=0)
        assert space.of_match(one) == space.of_match(either_of(*(each.match for each in (first, *others))))
        rules = after
    if rules is before:
        return
    space = space_of(before, rules, hook=0)
    one_way, other_way = (Flow(each, space) for each in (before, rules))
    assert (one_way.allowed, one_way.blocked) == (other_way.allowed, other_way.blocked)
    for packet in PACKETS:
        verdicts = {str(list(evaluate(each, packet))[-1].verdict) for each in (before, rules)}  # type: ignore[union-attr]
        assert len(verdicts) == 1


@each_language
@given(data=st.data())
def test_a_negation_trap_takes_everything(language: str, data: st.DataObject) -> None:
    rules = rules_of(data.draw(FILES[language]))
    for finding in found("FW117", rules):
        spans = (finding.related[0].span, finding.span)
        one, two = (r for policy in rules.policies.values() for r in policy.rules if r.span in spans)
        rest = all_of(*(part for part in conjuncts(one.match) if part in conjuncts(two.match)))
        space = space_of(rules, hook=0, questions=[rest])
        both = space.of_match(one.match) | space.of_match(two.match)
        assert both == space.of_match(rest)
        assert both not in (space.of_match(one.match), space.of_match(two.match))
        assert finding.example is not None
        assert finding.example not in space.of_match(one.match)
        steps = [step for step in evaluate(rules, finding.example) if isinstance(step, Step)]
        assert any(step.rule is two and step.matched for step in steps)


TRAP = """*filter
:INPUT ACCEPT [0:0]
-A INPUT ! -s 10.1.0.0/16 -j DROP
{}
-A INPUT ! -s 10.2.0.0/16 -j DROP
COMMIT
"""


@pytest.mark.parametrize(
    ("between", "traps"),
    [("-A INPUT -p icmp -j ACCEPT", 1), ("-A INPUT -s 10.1.0.0/16 -j ACCEPT", 0), ("-A INPUT -j ACCEPT", 0)],
)
def test_a_negation_that_gets_no_packet_is_no_trap(between: str, traps: int) -> None:
    assert len(found("FW117", rules_of(TRAP.format(between)))) == traps


def test_many_rules_that_differ_in_one_field_are_few_findings() -> None:
    lines = "\n".join(f"    allow tcp/80 from 10.0.{n}.1" for n in range(70))
    findings = found("FW113", rules_of(f"policy p {{\n{lines}\n}}\n"))
    assert [len(each.related) + 1 for each in findings] == [32, 32, 6]
