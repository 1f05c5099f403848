"""Trees of nftables: rules whose statements script texts can have, and tables that hold them."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import strategies as st

from policy.languages.nftables.ast.command import Add, Chain, Hook, NamedSet, Place, Rule, Script, Table
from policy.languages.nftables.ast.expression import (
    Binary,
    Concat,
    Element,
    List,
    Lookup,
    Prefix,
    Range,
    Reference,
    Selector,
    SetLiteral,
    Verdict,
    Word,
)
from policy.languages.nftables.ast.statement import (
    Assign,
    ConnectionCount,
    Limit,
    Log,
    Match,
    Meter,
    Nat,
    NoTrack,
    Object,
    Queue,
    Quota,
    Reject,
    Reset,
    SetUpdate,
    Silent,
    VerdictMap,
)

names = st.sampled_from(["web", "x1", "block_list", "a-b"])
chains = names.map(Word)
numbers = st.integers(0, 65535).map(lambda value: Word(str(value)))
hexadecimal = st.integers(0, 2**32 - 1).map(lambda value: Word(f"0x{value:08x}"))
texts = st.text("abc XYZ_-.:+@", min_size=1, max_size=8)
quoted = texts.map(lambda text: Word(text, quoted=True))
addresses = st.integers(0, 255).map(lambda value: Word(f"10.0.{value}.1"))
addresses6 = st.integers(1, 65535).map(lambda value: Word(f"2001:db8::{value:x}"))

PORTS = [Selector("payload", (each, side)) for each in ("tcp", "udp", "th") for side in ("sport", "dport")]
V4 = [Selector("payload", ("ip", each)) for each in ("saddr", "daddr")]
V6 = [Selector("payload", ("ip6", each)) for each in ("saddr", "daddr")]
MARKS = [Selector("meta", ("mark",)), Selector("ct", ("mark", "", ""))]
NAMED = [Selector("meta", (each,)) for each in ("iifname", "oifname", "iif", "oif")]
STATE = Selector("ct", ("state", "", ""))
FLAGS = Selector("payload", ("tcp", "flags"))
OTHERS = [
    Selector("ct", ("proto-dst", "original", "")),
    Selector("raw", ("nh",), (96, 32)),
    Selector("exthdr", ("frag", "more-fragments")),
    Selector("tcpopt", ("maxseg", "size")),
    Selector("tcpopt", ("@",), (255, 8, 8)),
    Selector("chunk", ("data", "flags")),
    Selector("numgen", ("inc",), (2, 1)),
    Selector("numgen", ("random",), (7, 0)),
    Selector("hash", ("jhash",), (4, 1, 2), Concat((V4[0], PORTS[0]))),
    Selector("hash", ("symhash",), (4, -1, 0)),
    Selector("ipsec", ("in", "0", "reqid", "")),
    Selector("ipsec", ("out", "1", "spi", "")),
    Selector("meta", ("skuid",)),
    Selector("payload", ("vlan", "id")),
]
EXIST = [
    Selector("exthdr", ("hbh",)),
    Selector("tcpopt", ("sack-perm",)),
    Selector("ipopt", ("lsrr",)),
    Selector("chunk", ("init",)),
    Selector("fib", ("oif", "saddr", "iif")),
]

STATES = [Word(each) for each in ("new", "established", "related", "invalid", "untracked")]
BITS = [Word(each) for each in ("fin", "syn", "rst", "ack")]


def ranges(values: st.SearchStrategy[Word]) -> st.SearchStrategy[Any]:
    return values | st.builds(Range, values, values)


def prefixes(values: st.SearchStrategy[Word], longest: int) -> st.SearchStrategy[Any]:
    return ranges(values) | st.builds(Prefix, values, st.integers(0, longest))


def literals(keys: st.SearchStrategy[Any], values: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    elements = st.builds(
        Element,
        keys,
        st.none() if values is None else values,
        timeout=st.none() | st.sampled_from([1000, 90_000, 86_400_000 + 3_600_000, 1500]),
        comment=st.none() | st.sampled_from(["a b", "c"]),
    )
    return st.lists(elements, min_size=1, max_size=3).map(lambda found: SetLiteral(tuple(found)))


def sides(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return keys | literals(keys) | st.builds(Reference, names)


def several(words: list[Word]) -> st.SearchStrategy[Any]:
    some = st.lists(st.sampled_from(words), min_size=2, max_size=3, unique=True)
    return st.sampled_from(words) | some.map(lambda found: List(tuple(found)))


def _match(selectors: list[Selector], sides: st.SearchStrategy[Any]) -> st.SearchStrategy[Match]:
    return st.builds(Match, st.sampled_from(selectors), st.sampled_from(["", "==", "!="]), sides)


concats = st.builds(lambda one, other: Concat((one, other)), prefixes(addresses, 32), ranges(numbers))
masks = st.lists(st.sampled_from(BITS), min_size=2, max_size=4, unique=True).map(lambda found: List(tuple(found)))
masked = st.builds(Binary, st.just("&"), st.just(FLAGS), masks)
verdicts = st.sampled_from(["accept", "drop", "continue", "return"]).map(lambda kind: Verdict(cast(Any, kind)))
jumps = st.builds(Verdict, st.sampled_from(["jump", "goto"]), chains)

matches = st.one_of(
    _match(PORTS, sides(ranges(numbers))),
    _match(V4, sides(prefixes(addresses, 32))),
    _match(V6, sides(prefixes(addresses6, 128))),
    _match(MARKS, sides(ranges(hexadecimal))),
    _match(NAMED, quoted | literals(quoted)),
    _match([STATE], several(STATES) | literals(st.sampled_from(STATES))),
    _match([FLAGS], several(BITS) | literals(st.sampled_from(BITS))),
    _match(OTHERS, ranges(numbers)),
    st.builds(Match, st.sampled_from(EXIST), st.just(""), st.sampled_from([Word("exists"), Word("missing")])),
    st.builds(Match, st.just(Concat((V4[0], PORTS[1]))), st.sampled_from(["", "!="]), literals(concats)),
    st.builds(Match, masked, st.sampled_from(["==", "!="]), several(BITS)),
    st.builds(
        Match, st.builds(Binary, st.sampled_from("&|^"), st.sampled_from(MARKS), numbers), st.just("=="), hexadecimal
    ),
    st.builds(Match, st.sampled_from(PORTS), st.sampled_from(["<", ">", "<=", ">="]), numbers),
)

limits = st.builds(
    Limit,
    st.sampled_from(["5/second", "10/minute burst 3 packets", "1 mbytes/second burst 2 kbytes", "7 kbytes/hour"]),
    st.booleans(),
)
stateful = limits | st.builds(ConnectionCount, st.integers(0, 9), st.booleans()) | st.just(Silent("counter"))

LOGS = [(), (("level", "info"),), (("group", "2"), ("snaplen", "10")), (("flags", "tcp sequence options"),)]
operations = st.recursive(
    st.sampled_from(MARKS) | numbers,
    lambda inner: st.builds(Binary, st.sampled_from(["&", "|", "^"]), inner, numbers),
    max_leaves=4,
)

effects = st.one_of(
    stateful,
    st.builds(Quota, st.sampled_from(["25 mbytes", "3 bytes"]), st.booleans()),
    st.builds(Object, st.sampled_from(["counter", "quota", "limit"]), names.map(lambda name: Word(name, quoted=True))),
    st.builds(Object, st.sampled_from(["ct helper"]), names.map(lambda name: Word(name, quoted=True))),
    st.just(NoTrack()),
    st.builds(Assign, st.sampled_from(MARKS), operations),
    st.builds(
        lambda target, literal: Assign(target, Lookup(V4[0], literal)),
        st.sampled_from(MARKS),
        literals(addresses, hexadecimal),
    ),
    st.builds(Reset, st.just(Selector("tcpopt", ("sack-perm",)))),
    st.builds(
        Log,
        st.none() | st.sampled_from(["a b: ", "x"]),
        st.sampled_from(LOGS),
    ),
    st.builds(
        SetUpdate,
        st.sampled_from(["add", "update"]),
        names,
        st.sampled_from(V4),
        timeout=st.none() | st.just(10_000),
        statements=st.lists(limits, max_size=1).map(tuple),
    ),
    st.builds(Meter, names, st.sampled_from(V4), limits.map(lambda limit: (limit,)), st.none() | st.just(128)),
)

_NAT_FLAGS = st.sampled_from([(), ("random",), ("random", "persistent")])
ends = st.one_of(
    verdicts,
    jumps,
    st.builds(VerdictMap, st.sampled_from(PORTS), literals(ranges(numbers), verdicts | jumps)),
    st.builds(VerdictMap, st.sampled_from(V4), st.builds(Reference, names)),
    st.sampled_from([Reject(), Reject("tcp reset"), Reject("icmpx", Word("port-unreachable"))]),
    st.builds(
        Nat,
        st.sampled_from(["dnat", "snat"]),
        st.sampled_from(["ip", None]),
        ranges(addresses),
        st.none() | ranges(numbers),
        _NAT_FLAGS,
    ),
    st.builds(Nat, st.just("dnat"), st.just("ip6"), addresses6, numbers, _NAT_FLAGS),
    st.builds(Nat, st.sampled_from(["masquerade", "redirect"]), st.none(), st.none(), st.none() | numbers, _NAT_FLAGS),
    st.sampled_from([Queue(), Queue(True, Range(Word("1"), Word("3")), ("bypass", "fanout")), Queue(target=Word("5"))]),
)

rules = st.builds(
    lambda matches, effects, end, comment: Rule((*matches, *effects, *end), comment),
    st.lists(matches, max_size=3),
    st.lists(effects, max_size=2),
    st.lists(ends, min_size=1, max_size=1),
    st.none() | st.sampled_from(["c", "a b"]),
)

hooks = st.builds(
    Hook,
    st.just("filter"),
    st.sampled_from(["input", "forward", "output"]),
    st.sampled_from([("filter", 0), ("", -150), ("filter", 5), ("mangle", -1)]),
)
policies = st.none() | st.sampled_from([Word("accept"), Word("drop")])


@st.composite
def tables(draw: st.DrawFn) -> Table:
    base = st.builds(Chain, st.just("in"), hooks, policies, st.lists(rules, max_size=3).map(tuple))
    plain = st.builds(Chain, names, rules=st.lists(rules, max_size=2).map(tuple))
    sets = st.builds(
        NamedSet,
        names,
        st.sampled_from([("ipv4_addr",), ("inet_service",), ("ipv4_addr", "inet_service")]),
        flags=st.sampled_from([(), ("interval",), ("interval", "timeout")]),
        timeout=st.none() | st.just(3_600_000),
        size=st.none() | st.just(99),
        auto_merge=st.booleans(),
        elements=st.none() | literals(prefixes(addresses, 32)),
    )
    maps = st.builds(
        NamedSet,
        names,
        st.just(("ipv4_addr",)),
        st.just(("verdict",)),
        is_map=st.just(True),
        elements=st.none() | literals(addresses, verdicts),
    )
    body: tuple[Any, ...] = (*draw(st.lists(sets | maps, max_size=2)), draw(base), *draw(st.lists(plain, max_size=1)))
    return Table(draw(st.sampled_from(["ip", "inet"])), "t", body, draw(st.sampled_from([(), ("dormant",)])))


scripts = st.lists(tables(), min_size=1, max_size=2).map(
    lambda found: Script(tuple(Add("add", table, Place(table.family)) for table in found))
)
