"""Random conditions of nftables, against a plain reading of what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.languages.nftables import matches
from policy.languages.nftables.ast.expression import Verdict
from policy.languages.nftables.ast.statement import VerdictMap
from policy.languages.nftables.bits import Bits
from policy.packet import Intervals, Packet, Value
from policy.packet.address import V4_BASE
from tests.nftables_rules import holds, match, packet, read


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
