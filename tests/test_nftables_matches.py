"""Conditions of nftables, against a plain reading of what nft and the kernel make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.diagnostic import Collector, Diagnostic
from policy.evaluate.truth import truth
from policy.host import UNKNOWN_HOST, Host
from policy.ir import EVERYTHING, NOTHING, Field, Match, Unknown, walk
from policy.languages.nftables import matches
from policy.languages.nftables.ast.expression import Verdict
from policy.languages.nftables.ast.statement import Match as Condition
from policy.languages.nftables.ast.statement import Statement, VerdictMap
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.context import Context
from policy.languages.nftables.parse import parse
from policy.languages.nftables.protocols import spoken_of
from policy.languages.nftables.script import run
from policy.packet import FORWARD, INPUT, OUTPUT, Intervals, Packet, Value, complete
from policy.packet.address import V4_BASE, parse_address
from policy.source import Source

HOOKS = {"input": INPUT, "output": OUTPUT, "forward": FORWARD}


def read(
    rule: str,
    family: str = "inet",
    hooks: tuple[str, ...] = ("input",),
    tracked: bool | None = True,
    sets: str = "",
    more: str = "",
    host: Host = UNKNOWN_HOST,
) -> tuple[Context, list[Statement]]:
    """Return the statements of a rule in a table, and where they stand; *more* are other rules of the chain."""
    text = f"table {family} t {{\n{sets}\nchain c {{ type filter hook input priority 0;\n{rule}\n{more}\n}}\n}}\n"
    source = Source("x.nft", text)
    mistakes = Collector()
    state = run(parse(source, mistakes), source, mistakes)
    assert not mistakes.found, mistakes.found
    ((_, table),) = state.tables.items()
    chain = table.chains["c"]
    context = Context(state, table, chain, frozenset(hooks), tracked, host, mistakes)
    return context, list(chain.rules[0].statements)


def match(rule: str, **how: object) -> Match:
    """Return the condition of a rule with one statement."""
    context, statements = read(rule, **how)  # type: ignore[arg-type]
    (statement,) = statements
    assert isinstance(statement, Condition)
    found = matches.condition(context, statement)
    assert not context.mistakes.found, context.mistakes.found
    return found


def mistakes(rule: str, **how: object) -> list[Diagnostic]:
    """Return what is wrong with the conditions of a rule."""
    context, statements = read(rule, **how)  # type: ignore[arg-type]
    spoken_of(context, statements)
    for statement in statements:
        if isinstance(statement, Condition):
            matches.condition(context, statement)
        elif isinstance(statement, VerdictMap):
            matches.branches(context, statement.key, statement.map, statement.span)
    return context.mistakes.found


def packet(hook: str = "input", **given: Value | str) -> Packet:
    """Return a whole packet; addresses may be text."""
    values: dict[str, Value] = {"hook": HOOKS[hook], "proto": 6, "src": "10.0.0.1", "dst": "10.0.0.2", **given}  # type: ignore[dict-item]
    for name in ("src", "dst"):
        if isinstance(text := values[name], str):
            values[name] = parse_address(text)
    usual: dict[str, Value] = {"sport": 40000, "dport": 80} if values["proto"] in (6, 17, 132) else {}
    usual |= {"in": "eth0"} if hook != "output" else {}
    usual |= {"out": "eth1"} if hook != "input" else {}
    return complete({**usual, **values})


def holds(found: Match, one: Packet, **known: bool) -> bool | None:
    """Does a packet meet a condition? None: that hangs on something unknown."""
    return truth(found, one, {key.replace("__", ":"): value for key, value in known.items()})


# Random conditions against a plain reading of them


def _v4(one: Packet) -> bool:
    return one.family == 4


def _part(name: str, wanted: Callable[[Packet], bool]) -> Callable[[Packet], int | None]:
    def value(one: Packet) -> int | None:
        found = one.get(name)
        assert found is None or isinstance(found, int)
        return found if found is not None and wanted(one) else None

    return value


def _of(protocol: int) -> Callable[[Packet], bool]:
    return lambda one: one.get("proto") == protocol


def _state(one: Packet) -> int | None:
    return {0: 8, 1: 2, 2: 4, 3: 1, 4: 64}[one.values["state"]]  # type: ignore[index]


def _dscp(one: Packet) -> int | None:
    tos = one.get("tos")
    assert isinstance(tos, int)
    return tos >> 2 if _v4(one) else None


def _address(name: str) -> Callable[[Packet], int | None]:
    def value(one: Packet) -> int | None:
        number = one.values[name]
        assert isinstance(number, int)
        return number - V4_BASE if _v4(one) else None

    return value


def _protocol(one: Packet) -> int | None:
    return _part("proto", _v4)(one)


def _version(one: Packet) -> int | None:
    return 2 if _v4(one) else 10


def _length(one: Packet) -> int | None:
    length = one.get("length")
    assert isinstance(length, int)
    return length - 40 if not _v4(one) else None


READ: Mapping[str, tuple[Callable[[Packet], int | None], int, tuple[int, ...], bool]] = {
    "ip saddr": (_address("src"), 32, (0x0A000001, 0x0A000002, 0x0A0000FF), False),
    "ip daddr": (_address("dst"), 32, (0x0A000001, 0x0A000002, 0x0A0000FF), False),
    "ip protocol": (_protocol, 8, (1, 6, 17, 47), False),
    "ip dscp": (_dscp, 6, (0, 1, 2, 46), False),
    "ip ttl": (_part("ttl", _v4), 8, (1, 63, 64, 255), False),
    "ip6 length": (_length, 16, (0, 20, 60), False),
    "meta l4proto": (_part("proto", lambda _: True), 8, (1, 6, 17, 47, 58), False),
    "meta mark": (_part("mark", lambda _: True), 32, (0, 1, 2, 3, 0x10), False),
    "meta length": (_part("length", lambda _: True), 32, (40, 60, 100), False),
    "meta nfproto": (_version, 8, (2, 10), False),
    "meta skuid": (_part("uid", lambda _: True), 32, (0, 1000), False),
    "tcp dport": (_part("dport", _of(6)), 16, (22, 80, 443), False),
    "udp sport": (_part("sport", _of(17)), 16, (53, 80, 40000), False),
    "tcp flags": (_part("flags", _of(6)), 8, (0, 1, 2, 16, 18), True),
    "icmp type": (_part("icmp_type", _of(1)), 8, (0, 3, 8), False),
    "icmpv6 code": (_part("icmp_code", _of(58)), 8, (0, 1, 4), False),
    "ct state": (_state, 32, (1, 2, 4, 8, 64), True),
    "ct mark": (_part("ctmark", lambda _: True), 32, (0, 1, 2, 3), False),
    "ct direction": (_part("direction", lambda _: True), 8, (0, 1), False),
}
"""Selectors: how a packet's value is read, its bits, values that packets often have, whether it is made of flags."""


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """A packet whose values are often those that conditions ask for."""
    hook = draw(st.sampled_from(("input", "output")))
    v4 = draw(st.booleans())
    proto = draw(st.sampled_from((6, 6, 17, 1 if v4 else 58, 47)))
    host = st.sampled_from((0x0A000001, 0x0A000002, 0x0A0000FF))
    base = V4_BASE if v4 else 0
    given: dict[str, Value] = {"proto": proto, "src": base + draw(host), "dst": base + draw(host)}
    if proto in (6, 17):
        ports = st.sampled_from((22, 53, 80, 443, 40000))
        given |= {"sport": draw(ports), "dport": draw(ports)}
    if proto == 6:
        given["flags"] = draw(st.sampled_from((0, 1, 2, 16, 18)))
    if proto in (1, 58):
        given |= {"icmp_type": draw(st.sampled_from((0, 3, 8))), "icmp_code": draw(st.sampled_from((0, 1, 4)))}
    if hook == "output":
        given |= {"uid": draw(st.sampled_from((0, 1000))), "gid": 0}
    state = draw(st.integers(0, 4))
    if state < 3:
        given |= {"ctmark": draw(st.integers(0, 3)), "direction": draw(st.integers(0, 1)), "ctstatus": 8}
    given |= {"tos": draw(st.sampled_from((0, 4, 8, 184, 3))), "ttl": draw(st.sampled_from((1, 63, 64, 255)))}
    given |= {"mark": draw(st.sampled_from((0, 1, 2, 3, 16))), "length": draw(st.sampled_from((40, 60, 100)))}
    return packet(hook, **given, state=state)


Truth = Callable[[int], bool]


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, str, Truth]:
    """A selector, what stands behind it, and what that says of a value."""
    name = draw(st.sampled_from(sorted(READ)))
    _, bits, often, flags = READ[name]
    top = (1 << bits) - 1
    numbers = st.sampled_from(often) | st.integers(0, top if name != "meta nfproto" else 255)
    kinds = ("one", "differs", "order", "range", "set", "mask", "masked range")
    kind = draw(st.sampled_from(("flags", *kinds) if flags else kinds))
    a, b, c = draw(numbers), draw(numbers), draw(numbers)
    low, high = sorted((a, b))
    no = draw(st.booleans())
    sign = "!= " if no else ""
    if kind == "flags":
        said = draw(st.sampled_from(("", "! ")))
        return name, f"{said}{a}", (lambda v: v & a == 0) if said else (lambda v: v & a != 0)
    if kind == "one":
        return name, f"== {a}", lambda v: v == a
    if kind == "differs":
        return name, f"!= {a}", lambda v: v != a
    if kind == "order":
        order = draw(st.sampled_from(("<", ">", "<=", ">=")))
        test = {"<": int.__lt__, ">": int.__gt__, "<=": int.__le__, ">=": int.__ge__}[order]
        return name, f"{order} {a}", lambda v: test(v, a)
    if kind == "range":
        return name, f"{sign}{low}-{high}", lambda v: (low <= v <= high) is not no
    if kind == "set":
        inside = {a, *range(min(b, c), min(max(b, c), min(b, c) + 5) + 1)}
        last = min(max(b, c), min(b, c) + 5)
        return name, f"{sign}{{ {a}, {min(b, c)}-{last} }}", lambda v: (v in inside) is not no
    if kind == "mask":
        compared = draw(st.sampled_from(("==", "!=")))
        return name, f"& {a} {compared} {b & a}", lambda v: ((v & a) == (b & a)) is (compared == "==")
    return name, f"& {c} {sign}{low}-{high}", lambda v: (low <= v & c <= high) is not no


@settings(max_examples=400)
@given(comparisons(), st.lists(packets(), min_size=1, max_size=4))
def test_a_condition_is_what_it_says_of_the_value_that_a_packet_has(
    said: tuple[str, str, Truth], several: list[Packet]
) -> None:
    name, rest, test = said
    found = match(f"{name} {rest}", hooks=("output",) if "skuid" in name else ("input", "output"))
    for one in several:
        value = READ[name][0](one)
        assert holds(found, one) is (value is not None and test(value)), (name, rest, one)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from((22, 80, 443)), st.integers(1, 3), st.integers(0, 2)), max_size=12),
    st.lists(packets(), min_size=1, max_size=4),
    st.booleans(),
)
def test_concatenations_are_looked_up_part_by_part(
    rows: list[tuple[int, int, int]], several: list[Packet], no: bool
) -> None:
    rows = rows or [(22, 1, 0)]
    elements = ", ".join(f"10.0.0.{a}-10.0.0.{a + width} . {port}" for port, a, width in rows)
    found = match(f"ip saddr . tcp dport {'!= ' if no else ''}{{ {elements} }}")
    for one in several:
        source, port = READ["ip saddr"][0](one), READ["tcp dport"][0](one)
        there = source is not None and port is not None
        inside = there and any(
            0x0A000000 + a <= source <= 0x0A000000 + a + width and port == wanted  # type: ignore[operator]
            for wanted, a, width in rows
        )
        assert holds(found, one) is (there and inside is not no)


@given(st.lists(st.integers(0, 63), min_size=2, max_size=12, unique=True), packets())
def test_the_branches_of_a_map_are_disjoint(numbers: list[int], one: Packet) -> None:
    verdicts = ("accept", "drop", "continue")
    elements = [f"{number} : {verdicts[number % 3]}" for number in numbers]
    context, (statement,) = read(f"ip dscp vmap {{ {', '.join(elements)}, * : return }}")
    assert isinstance(statement, VerdictMap)
    found = matches.branches(context, statement.key, statement.map, statement.span)
    said = [value.kind for condition, value in found if isinstance(value, Verdict) and holds(condition, one)]
    value = READ["ip dscp"][0](one)
    wanted = [] if value is None else [verdicts[value % 3] if value in numbers else "return"]
    assert said == wanted


@given(
    st.lists(st.tuples(st.sampled_from("&|^") | st.sampled_from(("<<", ">>")), st.integers(0, 255)), max_size=4),
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=3),
)
def test_bits_are_undone_exactly(operations: list[tuple[str, int]], ranges: list[tuple[int, int]]) -> None:
    bits = Bits(0, 255)
    for operator, by in operations:
        bits = bits.then(operator, by % 4 if operator in ("<<", ">>") else by, 8)
    wanted = Intervals.of(*(tuple(sorted(each)) for each in ranges), (1, 0))  # type: ignore[arg-type]
    found = bits.before(wanted, 8)
    assert found is not None
    for number in range(256):
        assert any(number in part for part in found) is ((bits.of(number) & 255) in wanted)


# What the reference says, line by line


def test_what_a_packet_lacks_never_matches() -> None:
    udp, six = packet(proto=17), packet(src="2001:db8::1", dst="2001:db8::2")
    assert holds(match("tcp dport != 22"), packet()) is True
    assert holds(match("tcp dport != 22"), udp) is False
    assert holds(match("ip saddr != 192.0.2.1"), six) is False
    assert holds(match("ct mark != 5"), packet(state=3)) is False
    assert holds(match("ct status != dnat"), packet(state=4)) is False
    assert holds(match('oifname != "x"'), packet()) is True
    assert holds(match('iifname != "x"', hooks=("output",)), packet("output")) is True
    assert holds(match("tcp option sack-perm missing"), udp) is True
    assert holds(match("tcp option maxseg size != 5"), packet()) is False


def test_bytes_of_other_protocols_are_left_open() -> None:
    found = match("th dport != 22")
    assert holds(found, packet(dport=80)) is True
    assert holds(found, packet(dport=22)) is False
    assert holds(found, packet(proto=47)) is None
    assert holds(found, packet(proto=47, fragment=2)) is False
    assert holds(match("th dport 22"), packet(proto=1), bytes__dport__22=True) is True
    assert match("@th,16,16 22") == match("th dport 22")


def test_states_are_bits() -> None:
    states = [packet(state=state) for state in range(5)]  # new, established, related, invalid, untracked

    def of(rule: str) -> list[bool | None]:
        found = match(rule)
        return [holds(found, one) for one in states]

    assert of("ct state established,related") == [False, True, True, False, False]
    assert of("ct state != established,related") == [True] * 5
    assert of("ct state != { established, related }") == [True, False, False, True, True]
    assert of("ct state != new") == [False, True, True, True, True]
    assert of("ct state & (new|related) == 0") == [False, True, False, True, True]
    assert of("ct state < related") == [False, True, False, True, False]
    assert of("ct state ! new") == [False, True, True, True, True]
    assert match("ct state new") == Field("state", Intervals.of(0))


def test_flags_of_tcp() -> None:
    assert match("tcp flags syn", family="ip") == match("tcp flags & syn == syn", family="ip")
    for flags, any_of, exactly, in_set in ((2, True, False, True), (16, True, False, True), (18, True, True, False)):
        one = packet(flags=flags)
        assert holds(match("tcp flags syn,ack"), one) is any_of
        assert holds(match("tcp flags == syn,ack"), one) is exactly
        assert holds(match("tcp flags { syn, ack }"), one) is in_set
        assert holds(match("tcp flags syn / syn,ack"), one) is (flags == 2)
    assert holds(match("tcp flags { syn }"), packet(flags=18)) is True  # a set of one is that one


def test_before_connection_tracking_every_packet_is_invalid() -> None:
    for state in range(5):
        one = packet(state=state)
        assert holds(match("ct state invalid", hooks=("prerouting",), tracked=False), one) is True
        assert holds(match("ct state new", hooks=("prerouting",), tracked=False), one) is False
        assert holds(match("ct mark 0", hooks=("prerouting",), tracked=False), one) is False
        assert holds(match("ct state new", tracked=None), one) is (None if state == 0 else False)
    taken_out = match("ct state untracked", hooks=("prerouting",), tracked=False, more="notrack")
    assert holds(taken_out, packet(state=4)) is None
    assert holds(taken_out, packet(state=0)) is False


def test_where_there_is_no_output_interface_yet() -> None:
    forwarded = packet("forward", out="eth1")
    assert holds(match('oifname "eth1"', hooks=("forward",)), forwarded) is True
    assert match('oifname "eth1"', hooks=("prerouting",)) == NOTHING
    assert match('oifname != "eth1"', hooks=("prerouting",)) == EVERYTHING
    assert holds(match('oifname "eth1"', hooks=("prerouting", "forward")), forwarded) is None


def test_a_forwarded_packet_has_one_hop_less_behind_the_routing() -> None:
    forwarded = packet("forward", ttl=64)
    assert holds(match("ip ttl 63", hooks=("forward",)), forwarded) is True
    assert holds(match("ip ttl 64", hooks=("forward",)), forwarded) is False
    assert holds(match("ip ttl 64", hooks=("prerouting",)), forwarded) is True
    assert holds(match("ip ttl 64", hooks=("prerouting", "forward")), forwarded) is None
    assert holds(match("ip ttl 64"), packet(ttl=64)) is True
    assert holds(match("ip ttl > 63", hooks=("postrouting",)), packet("forward", ttl=65)) is True


def test_names_of_interfaces() -> None:
    assert holds(match('iifname "eth*"'), packet(**{"in": "eth7"})) is True
    assert holds(match(r'iifname "eth\*"'), packet(**{"in": "eth7"})) is False
    assert holds(match('iifname { "wan", "et*" }'), packet(**{"in": "eth7"})) is True
    assert holds(match("iif lo"), packet(**{"in": "lo"})) is True
    assert holds(match("iif 1"), packet(**{"in": "lo"})) is True


def test_the_first_header_of_ipv6() -> None:
    six: dict[str, Value | str] = {"src": "2001:db8::1", "dst": "2001:db8::2"}
    plain, hop, both = packet(**six), packet(**six, exthdrs=1), packet(**six, exthdrs=6)
    found = match("ip6 nexthdr tcp")
    assert [holds(found, one) for one in (plain, hop, both)] == [True, False, False]
    assert [holds(match("ip6 nexthdr 0"), one) for one in (plain, hop, both)] == [False, True, False]
    assert holds(match("ip6 nexthdr 60"), both) is None
    assert holds(match("ip6 nexthdr 60"), packet(**six, exthdrs=2)) is True
    assert holds(match("exthdr hbh exists"), hop) is True
    assert holds(match("exthdr hbh missing"), packet()) is False  # IPv4


def test_fragments() -> None:
    whole, first, later = (packet(proto=47, fragment=number) for number in range(3))
    for rule, wanted in (
        ("ip frag-off & 0x1fff != 0", (False, False, True)),
        ("ip frag-off & 0x1fff == 0", (True, True, False)),
        ("ip frag-off & 0x2000 != 0", (False, True, None)),
        ("ip frag-off & 0x3fff != 0", (False, True, True)),
        ("ip frag-off 0", (None, None, None)),
    ):
        found = match(rule)
        assert tuple(holds(found, one) for one in (whole, first, later)) == wanted, rule
    assert holds(match("tcp dport 80"), packet(proto=47, fragment=2)) is False


def test_frames() -> None:
    there, lo = packet(mac=0x001122334455), packet(mac=0x001122334455, **{"in": "lo"})
    found = match("ether saddr 00:11:22:33:44:55")
    assert (holds(found, there), holds(found, lo), holds(found, packet("output"))) == (True, False, False)
    assert holds(match("ether type ip"), there) is True


def test_the_entry_of_a_connection() -> None:
    reply = packet(state=1, direction=1, src="10.0.0.2", dst="10.0.0.1")
    assert holds(match("ct original ip saddr 10.0.0.1"), reply) is True
    assert holds(match("ct reply ip saddr 10.0.0.2"), reply) is True
    assert holds(match("ct original ip saddr 10.0.0.1"), packet(state=3)) is False
    assert holds(match("ct original ip saddr 10.0.0.1", more="dnat to 10.9.9.9"), reply) is None
    assert holds(match("ct original ip saddr 10.0.0.1", more="dnat to 10.9.9.9"), packet(direction=0)) is True
    assert holds(match("ct status dnat"), packet(state=1, ctstatus=0x28)) is True
    assert holds(match("ct status == dnat"), packet(state=1, ctstatus=0x28)) is False
    assert holds(match("ct status == dnat"), packet(state=1, ctstatus=0x20)) is None


def test_addresses_of_the_host() -> None:
    found = match("fib daddr type local")
    assert holds(found, packet(dst="127.0.0.1")) is True
    assert holds(found, packet()) is None
    assert holds(found, packet(), addrtype__dst__LOCAL=True) is True
    known = match("fib daddr type local", host=Host(Intervals.of(parse_address("10.0.0.2"))))
    assert (holds(known, packet()), holds(known, packet(dst="10.0.0.3"))) == (True, False)
    assert holds(match("fib daddr type multicast"), packet(dst="224.0.0.1")) is True
    assert holds(match("fib daddr type { broadcast, multicast }"), packet(dst="255.255.255.255")) is True


def test_users_where_packets_arrive() -> None:
    assert holds(match("meta skuid 0", hooks=("forward",)), packet("forward")) is False
    assert holds(match("meta skuid != 0", hooks=("forward",)), packet("forward")) is False
    assert holds(match("meta skuid 0"), packet()) is None
    assert holds(match("meta skuid 0", hooks=("output",)), packet("output", uid=0)) is True


def test_raw_bytes_that_are_a_field() -> None:
    assert match("@nh,96,32 0x0a000001", family="ip") == match("ip saddr 10.0.0.1", family="ip")
    unknown = match("@nh,0,8 5")
    assert isinstance(unknown, Unknown)


def test_limits_of_chance_are_drawn_each_time() -> None:
    found = match("numgen random mod 2 0")
    assert isinstance(found, Unknown)
    assert not found.pure
    same = match("jhash ip saddr mod 2 seed 1 0")
    assert all(part.pure for part in walk(same) if isinstance(part, Unknown))


# Named sets


def test_a_named_set() -> None:
    sets = "set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 10.0.2.0-10.0.2.9 } }"
    found = match("ip saddr @s", sets=sets)
    assert holds(found, packet(src="10.0.2.5")) is True
    assert holds(found, packet(src="10.0.1.5")) is False
    assert holds(match("ip saddr != @s", sets=sets), packet(src="10.0.1.5")) is True
    six = packet(src="2001:db8::1", dst="2001:db8::2")
    assert holds(match("ip saddr != @s", sets=sets), six) is False


def test_elements_with_a_timeout_may_be_gone() -> None:
    sets = "set s { type ipv4_addr; timeout 1h; elements = { 10.0.0.1 } }"
    found = match("ip saddr @s", sets=sets)
    assert holds(found, packet()) is None
    assert holds(found, packet(src="10.0.0.9")) is False
    (unknown,) = (part for part in walk(found) if isinstance(part, Unknown))
    assert unknown.pure
    sets = "set s { type ipv4_addr; flags timeout; elements = { 10.0.0.1, 10.0.0.2 timeout 5m } }"
    found = match("ip saddr @s", sets=sets)
    assert [holds(found, packet(src=f"10.0.0.{n}")) for n in (1, 2, 3)] == [True, None, False]


def test_what_rules_add_may_be_there() -> None:
    sets = "set s { type ipv4_addr; flags dynamic; elements = { 10.0.0.1 } }"
    found = match("ip saddr @s", sets=sets, more="add @s { ip saddr }")
    assert holds(found, packet()) is True
    assert holds(found, packet(src="10.0.0.9")) is None
    assert holds(match("ip saddr @s", sets=sets, more="delete @s { ip saddr }"), packet()) is None
    assert all(not part.pure for part in walk(found) if isinstance(part, Unknown))


def test_elements_with_a_limit() -> None:
    sets = "set s { type ipv4_addr; flags dynamic; elements = { 10.0.0.1 limit rate 1/second } }"
    assert holds(match("ip saddr @s", sets=sets), packet()) is None
    assert holds(match("ip saddr { 10.0.0.1 counter }"), packet()) is True


@pytest.mark.parametrize(
    ("rule", "sets", "code"),
    [
        ("tcp dport @s", "set s { type ipv4_addr; }", "FW001"),
        ("ip6 saddr @s", "set s { type ipv4_addr; }", "FW603"),
        ("ip saddr . tcp dport @s", "set s { type ipv4_addr; }", "FW001"),
        ("ip saddr vmap @s", "set s { type ipv4_addr; }", "FW001"),
        ("ip saddr < @s", "set s { type ipv4_addr; }", "FW001"),
        ("ip saddr @s", "set s { type ipv4_adr; }", "FW001"),
    ],
)
def test_sets_that_do_not_fit(rule: str, sets: str, code: str) -> None:
    assert [each.code for each in mistakes(rule, sets=sets)] == [code]


def test_large_sets_are_small_matches() -> None:
    """50,000 elements of one field are one field of the match; told apart by parts, they are found in few steps."""
    numbers = [f"10.{n >> 8 & 255}.{n & 255}.{n * 7 % 250}" for n in range(50_000)]
    found = match("ip saddr @s", sets=f"set s {{ type ipv4_addr; elements = {{ {', '.join(numbers)} }} }}")
    assert isinstance(found, Field)
    assert holds(found, packet(src=numbers[4711])) is True
    pairs = [f"{number} . {1 + at % 60_000}" for at, number in enumerate(numbers)]
    sets = f"set s {{ type ipv4_addr . inet_service; elements = {{ {', '.join(pairs)} }} }}"
    found = match("ip saddr . tcp dport @s", sets=sets)
    assert holds(found, packet(src=numbers[4711], dport=4712)) is True
    assert holds(found, packet(src=numbers[4711], dport=4713)) is False
