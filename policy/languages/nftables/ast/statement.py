"""Statements: what stands in a rule, in order (nft(8), STATEMENTS)."""

from __future__ import annotations

from typing import Literal

from policy._record import dataclass
from policy.ir.match import mark
from policy.languages.nftables.ast.expression import Expression, Selector, Verdict
from policy.source import Span


@dataclass(frozen=True, slots=True)
class Match:
    """`LEFT [OP] RIGHT`; an operator that is not written is "" (`tcp flags syn` is not `tcp flags == syn`).

    A bare selector, as in `tcp option sack-perm` of JSON, is compared with the word `exists`. *right* may be a set, a
    reference, a list, a range … . `tcp flags syn / syn,ack` is a `Binary("&", selector, mask)`
    with the operator that is written.
    """

    left: Expression
    operator: Literal["", "==", "!=", "<", ">", "<=", ">=", "!"]
    right: Expression
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class VerdictMap:
    """`KEY vmap MAP`."""

    key: Expression
    map: Expression
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Reject:
    """`reject [with KIND [type CODE]]`: *kind* is `icmp`, `icmpv6`, `icmpx`, `tcp reset` or None, *code* a word."""

    kind: str | None = None
    code: Expression | None = None
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Log:
    """`log [prefix …] [level …] [group …] …`: *options* as written, beside the prefix."""

    prefix: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit rate [over] RATE UNIT/TIME [burst N UNIT]`: *rate* as written; *over* matches above the rate."""

    rate: str
    over: bool = False
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Quota:
    """`quota [over|until] N UNIT [used …]`."""

    size: str
    over: bool = False
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class ConnectionCount:
    """`ct count [over] N`."""

    count: int
    over: bool = False
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Silent:
    """What no verdict depends on: `counter`, `last`, `notrack`'s kin not among them; *text* says it."""

    text: str
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Object:
    """A named object that is used: *kind* `counter`, `quota`, `limit`, `ct helper`, `ct timeout`, `ct expectation`,
    `secmark`, `synproxy`, `flow` (add @flowtable); *name* is a word, or a map look-up."""

    kind: str
    name: Expression
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class NoTrack:
    """`notrack`."""

    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Assign:
    """`meta mark set 1`, `ct mark set meta mark`, `ip ttl set 5`, `tcp option maxseg size set rt mtu`."""

    target: Selector
    value: Expression
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Reset:
    """`reset tcp option NAME`: the option is taken out."""

    target: Selector
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Nat:
    """`dnat [ip|ip6] [prefix] to ADDRESS[:PORT]`, `snat …`, `masquerade [to :PORT]`, `redirect [to :PORT]`, `tproxy …`.

    *address* may be a map look-up that gives an address, or with *port* None one that gives an address and a port.
    *flags* are `random`, `persistent`, `fully-random`, `netmap` (written `prefix`).
    """

    kind: Literal["dnat", "snat", "masquerade", "redirect", "tproxy"]
    family: Literal["ip", "ip6"] | None = None
    address: Expression | None = None
    port: Expression | None = None
    flags: tuple[str, ...] = ()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Queue:
    """`queue [flags …] [to …]`; *bypass*: without a listener the packet is accepted."""

    bypass: bool = False
    target: Expression | None = None
    flags: tuple[str, ...] = ()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class SetUpdate:
    """`add @set { KEY [timeout …] [STATEMENTS] }`, `update …`, `delete …`; with a *value* it is a map."""

    operation: Literal["add", "update", "delete"]
    set: str
    key: Expression
    value: Expression | None = None
    timeout: int | None = None
    statements: tuple[Statement, ...] = ()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Meter:
    """`meter NAME [size N] { KEY STATEMENT }`: the older way to write `add @set`."""

    name: str
    key: Expression
    statements: tuple[Statement, ...] = ()
    size: int | None = None
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Other:
    """What is kept and not modelled: *kind* is `dup`, `fwd`, `synproxy`, `xt match`, `xt target`; *text* as written.

    *to* is the address or the device that a packet is sent to.
    """

    kind: str
    text: str
    to: Expression | None = None
    span: Span = mark()


Statement = (
    Match
    | VerdictMap
    | Verdict
    | Reject
    | Log
    | Limit
    | Quota
    | ConnectionCount
    | Silent
    | Object
    | NoTrack
    | Assign
    | Reset
    | Nat
    | Queue
    | SetUpdate
    | Meter
    | Other
)
