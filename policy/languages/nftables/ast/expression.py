"""Expressions: what a statement looks at, and what it compares that with (nft(8), EXPRESSIONS).

Words stay words here: whether `22` is a port or an address is known from what it is compared with.
"""

from __future__ import annotations

from typing import Literal

from policy._record import dataclass
from policy.ir.match import mark
from policy.source import Span


@dataclass(frozen=True, slots=True)
class Word:
    """A number, name, address or text (then *quoted*, without its marks) as it is written; `*` is the rest of a map."""

    text: str
    quoted: bool = False
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Prefix:
    """`10.0.0.0/8`, `0x1000/4`: what begins with the first *length* bits of *base*."""

    base: Expression
    length: int
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Range:
    """`1024-65535`, both ends included."""

    low: Expression
    high: Expression
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Concat:
    """`ip saddr . tcp dport`, `10.0.0.1 . 22`."""

    parts: tuple[Expression, ...]
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class List:
    """`established,related`: flags that stand beside each other; in a set it is nothing but its elements."""

    parts: tuple[Expression, ...]
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Binary:
    """`left OP right`."""

    operator: Literal["&", "|", "^", "<<", ">>"]
    left: Expression
    right: Expression
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Selector:
    """What a rule looks at in a packet, or knows of it; a key of a table of *kind*, so equal ones are equal values.

    | kind | words | written |
    |---|---|---|
    | `payload` | protocol, field | `ip saddr`, `th dport`, `ether type`, `vlan id`, `arp operation` |
    | `raw` | base; *numbers*: offset, length in bits | `@nh,96,32` |
    | `exthdr` | header, field (or alone: does it exist) | `frag more-fragments`, `exthdr hbh`, `rt0 addr` |
    | `tcpopt`, `ipopt`, `dccpopt` | option, field (or alone); `@`, *numbers*: kind, offset, bits | `tcp option sack` |
    | `chunk` | chunk, field (or alone) | `sctp chunk data flags` |
    | `meta` | key | `iifname`, `meta mark`, `meta time` |
    | `ct` | key, then direction (or "") and family (or "") | `ct state`, `ct original ip saddr` |
    | `fib` | result, then flags in their order | `fib saddr . iif oif` |
    | `rt` | key, family (or "") | `rt nexthop`, `rt ip6 nexthop`, `rt mtu` |
    | `socket` | key, level as text | `socket transparent`, `socket cgroupv2 level 2` |
    | `osf` | what, `ttl` word | `osf name`, `osf ttl skip version` |
    | `ipsec` | direction, number as text, key, family | `ipsec in reqid`, `ipsec out spnum 1 ip saddr` |
    | `numgen` | mode; *numbers*: modulus, offset | `numgen inc mod 2 offset 1` |
    | `hash` | `jhash` or `symhash`; *of*; *numbers*: modulus, seed (or -1), offset | `jhash ip saddr mod 4 seed 1` |
    """

    kind: str
    words: tuple[str, ...]
    numbers: tuple[int, ...] = ()
    of: Expression | None = None
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Reference:
    """`@name`: a named set or map."""

    name: str
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`; what reads a script puts its value in its place, so that lowering meets none."""

    name: str
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a set, or with a *value* (an expression, or a verdict) of a map.

    *timeout* and *expires* are in milliseconds; *statements* are those behind the key (`counter`, `limit …`).
    """

    key: Expression
    value: Expression | Verdict | None = None
    timeout: int | None = None
    expires: int | None = None
    comment: str | None = None
    statements: tuple[object, ...] = ()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class SetLiteral:
    """`{ … }`: an anonymous set or map, or the elements of a named one."""

    elements: tuple[Element, ...]
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Lookup:
    """`KEY map MAP`: what a map (anonymous, or a reference) has for a key."""

    key: Expression
    map: Expression
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`accept`, `drop`, `continue`, `return`, `jump CHAIN`, `goto CHAIN`, `queue`; a statement too."""

    kind: Literal["accept", "drop", "continue", "return", "jump", "goto", "queue"]
    chain: Expression | None = None
    span: Span = mark()


Expression = Word | Prefix | Range | Concat | List | Binary | Selector | Reference | Variable | SetLiteral | Lookup
