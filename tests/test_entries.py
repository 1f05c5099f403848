"""Items of lists, rules that can be one, and negations: what checks claim, against brute force and exact sets."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from policy.app.load import facts
from policy.diagnostic import Mistakes
from policy.ir import Item, all_of, with_values
from policy.packet import HOOKS, Intervals, Names
from policy.packet.address import V4, V6, parse_address, prefix
from policy.question.terms import service_match
from policy.reach.items import line_of, needless
from policy.sets import BoxSpace, Budget
from tests.entries import found, replaced, rules_of
from tests.spaces import space_of
from tests.strategies import HERE

# Items

small_sets = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=2).map(
    lambda pairs: Intervals.of(*((min(pair), max(pair)) for pair in pairs))
)


def points(values: Intervals) -> set[int]:
    return {number for low, high in values.ranges for number in range(low, high + 1)}


@given(st.lists(small_sets, min_size=2, max_size=7))
def test_needless_items_can_all_go_and_no_other(sets: list[Intervals]) -> None:
    gone = needless([Item(values, span=HERE) for values in sets], Budget(None))
    kept = [number for number in range(len(sets)) if number not in gone]
    alive = {number: points(sets[number]) for number in kept}
    assert set().union(*alive.values()) == set().union(*map(points, sets))
    for number in kept:
        assert alive[number] - set().union(*(alive[other] for other in kept if other != number))
    for number, others in gone.items():
        mine = points(sets[number])
        assert set(others) <= set(kept)
        assert mine <= set().union(*(alive[other] for other in others))
        for other in others:
            assert not mine <= set().union(*(alive[each] for each in others if each != other))
        if any(mine <= alive[other] for other in kept):
            assert len(others) == 1
    for number, other in product(range(len(sets)), repeat=2):
        if sets[number] == sets[other] and number < other:
            assert other in gone


PATTERNS = ("eth0", "eth+", "e+", "wan", "wan+", "lo")


@given(st.lists(st.sampled_from(PATTERNS), min_size=2, max_size=5))
def test_needless_interfaces(patterns: list[str]) -> None:
    names = ("eth0", "eth1", "e", "ex", "wan", "wan0", "lo", "other")
    gone = needless([Item(Names.of(pattern), span=HERE) for pattern in patterns], Budget(None))
    kept = [number for number in range(len(patterns)) if number not in gone]
    inside = [{name for name in names if name in Names.of(pattern)} for pattern in patterns]
    assert set().union(*(inside[number] for number in kept)) == set().union(*inside)
    for number, (other,) in gone.items():
        assert other in kept
        assert inside[number] <= inside[other]
    for number, other in product(kept, repeat=2):
        assert number == other or not inside[number] <= inside[other]


SERVICES = (
    "any", "tcp", "udp", "tcp/80", "tcp/443", "tcp/{80,443}", "tcp/1-100", "tcp/0-65535", "udp/80", "ping", "icmp",
    "icmp/8", "icmp/3", "icmp/3/4", "icmp/3/0-255", "icmp/{3,8}", "icmp6/128", "proto 6", "proto 47",
)  # fmt: skip


def test_services_on_a_line_are_as_their_sets() -> None:
    lines = "\n".join(f"service s{n} = {text}" for n, text in enumerate(SERVICES))
    rules = rules_of(f"{lines}\npolicy p {{\n allow any\n}}\n")
    values = [d.value for d in rules.definitions if isinstance(d.value, tuple)]
    matches = [service_match(each) if each else all_of() for each in values]
    space = BoxSpace([rules], matches)
    for (one, first), (two, second) in product(zip(values, matches, strict=True), repeat=2):
        inside = space.of_match(first) <= space.of_match(second)
        assert line_of(two).covers(line_of(one)) == inside, (one, two)


ITEMS = {
    "allow": SERVICES[1:],
    "from": ("any", "office", "db", "10.1.2.0/24", "10.1.2.3", "10.1.2.3/32", "10.0.0.0-10.1.255.255", "2001:db8::/48"),
    "except": ("office", "db", "10.1.2.0/25", "10.1.3.0/24", "192.0.2.0/24", "2001:db8::/49"),
    "in": PATTERNS,
    "state": ("new", "untracked"),
}
Lists = dict[str, list[str]]


def file_of(lists: Lists) -> tuple[str, dict[int, tuple[str, int]]]:
    """A file with one rule, and which item of which list begins where."""
    text = "network office = 10.1.0.0/16, 2001:db8::/32\nhost db = 10.1.2.3\npolicy p at input {\n"
    places = {}
    for word, items in lists.items():
        text += f" {word} " if items else ""
        for number, item in enumerate(items):
            text += ", " * (number > 0)
            places[len(text)] = (word, number)
            text += item
    return f"{text}\n}}\n", places


@given(st.data())
def test_reported_items_can_be_left_out_of_the_text(data: st.DataObject) -> None:
    lists: Lists = {
        word: data.draw(st.lists(st.sampled_from(some), min_size=word != "except", max_size=4))
        for word, some in ITEMS.items()
    }
    text, places = file_of(lists)
    try:
        before = rules_of(text)
    except Mistakes:  # IPv6 from IPv4 addresses, and the like
        reject()
    gone = {places[finding.span.start] for finding in found("FW112", before)}
    rest: Lists = {
        word: [item for number, item in enumerate(items) if (word, number) not in gone] for word, items in lists.items()
    }
    if not rest["from"]:  # all of it is excepted
        return
    after = rules_of(file_of(rest)[0])
    space = space_of(before, after, hook=HOOKS.index("input"))
    mine, others = (space.of_match(each.policies["p"].rules[0].match) for each in (before, after))
    assert mine == others
    assert lists["except"] or not found("FW112", after)


# Rules with other values


NATIVE = """network office = 10.1.0.0/16, 2001:db8::/32
host db = 10.1.2.3
service web = tcp/{80,443}
policy p at forward {
    allow tcp/80 from office to db in eth0 state new note "x # y" log
    block web from any except db to 10.9.0.0/16 port 7
    reject udp/53, tcp/53 from 10.1.2.3:5000 to db, 10.3.0.0/16
    allow icmp/3/4 from db
    allow udp from db port dynamic
    allow ssh-alt to office as alt
    return proto 47 in eth0, wan+
}
service ssh-alt = tcp/2222
"""

DUMP = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -s 10.0.0.0/24 -i eth0 -p tcp -m tcp --sport 1024:65535 --dport 22 -j ACCEPT
[1:2] -A INPUT -d 10.0.0.0/24 -p udp -m udp --dport 53 -m comment --comment "a -s b" -j LOG
-A FORWARD -p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW,ESTABLISHED -m tcp --syn -j DROP
-A FORWARD -m iprange --src-range 10.0.0.1-10.0.0.9 -p sctp --dport 9 -j REJECT
COMMIT
"""

V4_SETS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from((8, 15, 16, 24, 31, 32))), min_size=1, max_size=3).map(
    lambda some: Intervals.of(*(r for n, length in some for r in prefix(parse_address(f"10.{n}.0.0"), length).ranges))
)
ADDRESSES = st.one_of(
    V4_SETS, V4_SETS.map(lambda some: some | prefix(parse_address("2001:db8::"), 48)), st.just(V4 | V6)
)
PORTS = st.lists(
    st.tuples(st.integers(0, 65535), st.integers(0, 3)).map(lambda pair: (pair[0], min(pair[0] + pair[1], 65535))),
    min_size=1,
    max_size=9,
).map(lambda pairs: Intervals.of(*pairs))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "src": ADDRESSES,
    "dst": ADDRESSES,
    "sport": PORTS,
    "dport": PORTS,
    "proto": st.lists(st.sampled_from((1, 6, 17, 47, 132)), min_size=1).map(lambda some: Intervals.of(*some)),
    "icmp_type": st.lists(st.integers(0, 20), min_size=1).map(lambda some: Intervals.of(*some)),
    "state": st.lists(st.integers(0, 4), min_size=1).map(lambda some: Intervals.of(*some)),
    "in": st.lists(st.sampled_from(PATTERNS), min_size=1).map(lambda some: Names.of(*some)),
}


@pytest.mark.parametrize("text", [NATIVE, DUMP], ids=["native", "iptables"])
@given(data=st.data())
def test_a_rule_with_other_values_reads_as_such(text: str, data: st.DataObject) -> None:
    rules = rules_of(text)
    name, number = data.draw(
        st.sampled_from([(name, n) for name, policy in rules.policies.items() for n in range(len(policy.rules))])
    )
    rule = rules.policies[name].rules[number]
    field = data.draw(st.sampled_from(sorted(VALUES)))
    values = data.draw(VALUES[field])
    if rules.language == "iptables" and field in ("src", "dst"):
        values &= V4
    others = data.draw(st.lists(st.sampled_from(rules.policies[name].rules), max_size=2))
    new = facts(rules).with_values(rule, field, values, others)
    if new is None:
        return
    after = replaced(rules, rule, new)
    wanted = with_values(rule.match, field, values)
    assert wanted is not None
    changed = after.policies[name].rules[number]
    assert changed == replace(rule, match=changed.match)
    hook = HOOKS.index("input" if name == "INPUT" else "forward")
    space = space_of(rules, after, hook=hook, questions=[wanted])
    assert space.of_match(changed.match) == space.of_match(wanted)
    for other, policy in rules.policies.items():
        kept = [each for n, each in enumerate(policy.rules) if (other, n) != (name, number)]
        assert kept == [each for n, each in enumerate(after.policies[other].rules) if (other, n) != (name, number)]


def test_what_can_be_written() -> None:
    """The property above would hold of a writer that never writes."""
    rules = rules_of(NATIVE)
    first, second, third, *_ = rules.policies["p"].rules
    write = facts(rules).with_values
    assert write(first, "dport", Intervals.of(22, 443), [second]) == (
        'allow tcp/{22,443} from office to db in eth0 state new note "x # y" log'
    )
    office = rules.definitions[0].value
    assert isinstance(office, Intervals)
    assert write(second, "src", V4 | V6) == "block web from any to 10.9.0.0/16 port 7"
    assert write(second, "src", (V4 | V6) - office, [first]) == "block web from any except office to 10.9.0.0/16 port 7"
    assert (
        write(third, "sport", Intervals.of(1, 5)) == "reject udp/53, tcp/53 from 10.1.2.3 port {1,5} to db, 10.3.0.0/16"
    )
    dump = rules_of(DUMP)
    write = facts(dump).with_values
    ssh, log = dump.policies["INPUT"].rules
    web, *_ = dump.policies["FORWARD"].rules
    assert write(ssh, "dport", Intervals.of(22, 80)) == (
        "-A INPUT -s 10.0.0.0/24 -i eth0 -p tcp -m tcp --sport 1024:65535 -m multiport --dports 22,80 -j ACCEPT"
    )
    assert write(log, "dport", Intervals.of(53, 99)) == (
        '-A INPUT -d 10.0.0.0/24 -p udp -m multiport --dports 53,99 -m comment --comment "a -s b" -j LOG'
    )
    assert write(web, "dport", Intervals.of(*range(0, 30, 2))) is not None
    assert write(web, "dport", Intervals.of(*range(0, 32, 2))) is None
    assert write(ssh, "src", prefix(parse_address("10.0.0.0"), 23)) is not None
    assert write(ssh, "src", Intervals.of(parse_address("10.0.0.0"), parse_address("10.0.0.2"))) is None
    assert write(ssh, "proto", Intervals.of(6, 17)) is None


def test_a_comment_inside_a_rule_is_never_lost() -> None:
    rules = rules_of("policy p {\n allow tcp/80 from 10.0.0.1, # one\n   10.0.0.2\n}\n")
    assert facts(rules).with_values(rules.policies["p"].rules[0], "dport", Intervals.of(1)) is None
