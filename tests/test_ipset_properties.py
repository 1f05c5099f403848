"""Sets against the kernel's own way of looking things up, written down plainly; and the reader against its grammar.

This machine's kernel is the judge of the types that it has (tests/kernel/ipset.py); here are all others, too.
"""

from __future__ import annotations

import re
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.diagnostic import Collector, Mistakes
from policy.evaluate.truth import truth
from policy.ipset import NOMATCH, TIMED, TYPES, Element, Interface, Lookup, NamedSet, found_in
from policy.languages import ipset
from policy.languages.ipset import parse
from policy.packet import Packet, complete
from policy.packet.address import prefix
from policy.source import Source

HIGH = 0x20010DB8 << 96
"""IPv6, so that no bit is lost where families meet; only the last bits of an address differ."""
NAMES = ("eth0", "eth1", "e", "wan0")
PORTS = (6 << 16 | 80, 6 << 16 | 81, 17 << 16 | 80, 58 << 16 | 0x8000, 47 << 16)

addresses = st.integers(0, 15).map(lambda low: HIGH | low)
parts = {
    "ip": addresses.map(lambda one: (one, one)),
    "net": st.builds(lambda one, free: prefix(one, 128 - free).ranges[0], addresses, st.integers(0, 4)),
    "port": st.sampled_from(PORTS),
    "mark": st.integers(0, 3),
    "mac": st.sampled_from((1, 2, 3)),
    "iface": st.builds(Interface, st.sampled_from(NAMES), st.booleans()),
}
SIX = [type for type in TYPES.values() if type.name != "list:set" and type.method == "hash"]


@st.composite
def named_sets(draw: st.DrawFn) -> NamedSet:
    type = draw(st.sampled_from(SIX))
    flags = st.sampled_from((0, 0, TIMED, NOMATCH, NOMATCH | TIMED) if type.nomatch else (0, 0, TIMED))
    elements = st.dictionaries(st.tuples(*(parts[kind] for kind in type.parts)), flags, min_size=1, max_size=7)
    return NamedSet("s", type, 6 if type.families else None, draw(elements))


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    proto = draw(st.sampled_from((6, 17, 47, 58)))
    values: dict[str, int | str] = {"hook": 2, "in": draw(st.sampled_from(NAMES)), "out": draw(st.sampled_from(NAMES))}
    values |= {"src": draw(addresses), "dst": draw(addresses), "proto": proto, "mark": draw(st.integers(0, 3))}
    values["mac"] = draw(st.sampled_from((1, 2, 3)))
    if proto in (6, 17):
        values |= {"sport": draw(st.sampled_from((80, 81))), "dport": draw(st.sampled_from((80, 81)))}
    if proto == 58:
        values |= {"icmp_type": draw(st.sampled_from((128, 129))), "icmp_code": 0}
    return complete(values)


def value(kind: str, direction: str, packet: Packet) -> int | str:
    """What the kernel takes from a packet for one part of an element."""
    source = direction == "src"
    found = packet.values
    if kind == "port":
        proto = found["proto"]
        assert isinstance(proto, int)
        port = found["sport" if source else "dport"] if proto in (6, 17) else 0x8000 if proto == 58 else 0
        if proto == 58:
            one = found["icmp_type"]
            assert isinstance(one, int)
            port = one << 8
        assert isinstance(port, int)
        return proto << 16 | port
    name = {"mark": "mark", "mac": "mac", "iface": "in" if source else "out"}.get(kind, direction)
    taken = found[name]
    assert isinstance(taken, int | str)
    return taken


def length(part: object) -> int:
    assert isinstance(part, tuple)
    return int(part[1] - part[0])


def holds(part: object, taken: int | str) -> bool:
    match part:
        case (low, high):
            assert isinstance(taken, int)
            assert isinstance(low, int)
            assert isinstance(high, int)
            return low <= taken <= high
        case Interface(name, wildcard):
            assert isinstance(taken, str)
            return taken.startswith(name) if wildcard else taken == name
    return part == taken


def looked_up(there: dict[Element, int], known: NamedSet, packet: Packet, directions: tuple[str, ...]) -> int | None:
    """What the kernel finds among elements that are all there: the flags of one, or nothing (mtype_test_cidrs)."""
    kinds = known.type.parts
    taken = [value(kind, direction, packet) for kind, direction in zip(kinds, directions, strict=True)]
    nets = [at for at, kind in enumerate(kinds) if kind == "net"]
    lengths = sorted({tuple(length(element[at]) for at in nets) for element in there})
    for each in lengths:
        same = [element for element in there if tuple(length(element[at]) for at in nets) == each]
        if "iface" in kinds:
            same = [element for element in same if holds(element[0], taken[0])]
            found = [there[element] for element in same if holds(element[1], taken[1])]
            if found:
                return found[0] if len({flags & NOMATCH for flags in found}) == 1 else -1
            if same:
                return None  # the search ends at the longest network that is there
            continue
        for element in same:
            if all(holds(part, one) for part, one in zip(element, taken, strict=True)):
                return there[element]
    return None


@given(named_sets(), packets(), st.lists(st.sampled_from(("src", "dst")), min_size=3, max_size=3), st.booleans())
def test_a_set_finds_what_the_kernel_finds_whatever_has_gone(
    known: NamedSet, packet: Packet, directions: list[str], excepted: bool
) -> None:
    wanted = tuple("src" if kind == "mac" else one for kind, one in zip(known.type.parts, directions, strict=False))
    timed = [element for element, flags in known.elements.items() if flags & TIMED]
    results = set()
    for gone in chain.from_iterable(combinations(timed, count) for count in range(len(timed) + 1)):
        there = {element: flags for element, flags in known.elements.items() if element not in gone}
        found = looked_up(there, known, packet, wanted)
        if found == -1:
            return  # which of two elements comes first is not said
        exception = found is not None and bool(found & NOMATCH)
        turned = excepted and known.type.nomatch
        results.add(found is not None and exception == turned)
    lookup = Lookup(tuple("src" if one == "src" else "dst" for one in wanted), 6, excepted)
    answer = truth(found_in("s", lookup, {"s": known}), packet, {})
    if answer is not None:
        assert results == {answer}
    elif "iface" not in known.type.parts:
        assert len(results) == 2, "what is known is said"


LINES = st.lists(
    st.builds(
        " ".join,
        st.tuples(
            st.sampled_from(("add a", "add b", "add  b", "add n", "del a", "-A a", "add x")),
            st.sampled_from(
                ("10.0.0.1", "10.0.0.0/30", "10.0.0.2-10.0.0.5", "::1", "10.0.0.1,tcp:80", "1.2.3", "0.0.0.0")
            ),
            st.sampled_from(
                ("", "timeout 5", "timeout 0", "timeout 05", "packets 1 bytes 2", 'comment "x y"', "nomatch", "timeout")
            ),
            st.sampled_from(("", "", "nomatch", "-exist", '"')),
        ),
    ),
    max_size=8,
)
HEAD = "create a hash:ip timeout 9 counters comment maxelem 6\ncreate b hash:ip,port\ncreate n hash:net comment\n"


def outcome(text: str) -> object:
    mistakes = Collector()
    parser = parse.FileParser(mistakes)
    parser.parse(Source("x", text))
    found = {name: dict(each.elements) for name, each in parser.sets.items()}
    return found, [(each.code, each.message, each.span.start, each.span.end) for each in mistakes.found]


@given(LINES)
def test_usual_lines_are_read_as_the_grammar_reads_them(lines: list[str]) -> None:
    text = HEAD + "\n".join(lines) + "\n"
    quick = outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse, "_HOT", re.compile("(?!)"))
        assert outcome(text) == quick


WORDS = st.sampled_from(
    (
        "create", "add", "del", "flush", "destroy", "swap", "rename", "-N", "-A", "a", "b", "hash:ip", "hash:net,iface",
        "bitmap:port", "list:set", "hash:ip,port,net", "timeout", "5", "range", "1-9", "netmask", "24", "bitmask",
        "255.0.0.255", "maxelem", "family", "inet6", "10.0.0.0/8", "10.0.0.1,80", "::1", "1-9", "\n", "\n", "\n", '"',
        "#", "nomatch", "wildcard", "10.0.0.0/8,eth0", "10.0.0.1,icmp:8/0,10.0.0.0/9", "comment", "counters", ",",
        "-", "/", "99999999999999999999", "\u0661", "\ufeff", "0x", "tcp:[", "0.0.0.0/0",
    )
)  # fmt: skip


@given(st.lists(WORDS, max_size=40).map(" ".join) | st.text(max_size=60))
def test_any_text_is_sets_or_mistakes(text: str) -> None:
    try:
        ipset.read([Source("x", text)])
    except Mistakes as mistakes:
        for each in mistakes.diagnostics:
            assert 0 <= each.span.start <= each.span.end <= len(text)
            assert not each.message[0].isupper()
