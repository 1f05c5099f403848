"""Which protocols a rule speaks of, statement by statement: what nft refuses because they cannot meet.

Sources: nftables 1.0.6: src/payload.c (payload_gen_dependency, payload_gen_icmp_dependency), src/evaluate.c
(resolve_ll_protocol_conflict, ct_gen_nh_dependency, expr_evaluate_rt), src/proto.c. Each selector of a header makes the
rest of the rule one of that protocol; a comparison by `==`, or with a set, does so too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy._record import dataclass
from policy.languages.nftables import types as t
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.selectors.payload import TRANSPORTS
from policy.languages.nftables.values import note, values
from policy.packet import Intervals
from policy.packet.names import protocol_name

_VERSIONS = {"ip": "IPv4", "ip6": "IPv6"}
_OF_VERSION = {"icmp": "ip", "igmp": "ip", "icmpv6": "ip6"}
_NUMBERS = {number: name for name, number in TRANSPORTS.items()}
_GRE = 47
"""The header of IP does not lead to it, so far as nft knows."""
_FAMILIES = {2: "ip", 10: "ip6"}
_ETHER = {0x0800: "ip", 0x86DD: "ip6"}
_TYPES = {
    ("icmp", "id"): (8, 0), ("icmp", "sequence"): (8, 0), ("icmp", "mtu"): (3,), ("icmp", "gateway"): (5,),
    ("icmpv6", "id"): (128, 129), ("icmpv6", "sequence"): (128, 129), ("icmpv6", "mtu"): (2,),
    ("icmpv6", "max-delay"): (130,), ("icmpv6", "packet-too-big"): (2,), ("icmpv6", "parameter-problem"): (4,),
}  # fmt: skip
"""The types of ICMP of which a field is."""


@dataclass(slots=True)
class Protocols:
    """What a rule has said so far: *version* of IP, the *transports* (by name or number), the *types* of ICMP."""

    version: str | None = None
    transports: frozenset[str] | None = None
    types: frozenset[int] | None = None


def spoken_of(context: Context, statements: Sequence[s.Statement]) -> Protocols:
    """Return the protocols of which a rule speaks at its end; what cannot meet goes to the context."""
    family = context.table.family
    found = Protocols(family if family in _VERSIONS else None)
    if family not in ("ip", "ip6", "inet"):
        return found
    for statement in statements:
        speak(context, found, statement)
    return found


def speak(context: Context, found: Protocols, statement: s.Statement) -> None:
    """Add what a statement says of protocols to *found*; what cannot meet goes to the context."""
    try:
        for selector, joined in selectors_of(statement):
            _read(context, found, selector, joined)
        if isinstance(statement, s.Match) and statement.operator in ("", "=="):
            _told(found, statement)
    except Bad as bad:
        note(context, bad)


def selectors_of(statement: s.Statement) -> Iterator[tuple[e.Selector, bool]]:
    """Yield what a statement reads, and whether beside other fields."""
    match statement:
        case s.Match(left):
            yield from _inside(left)
        case s.VerdictMap(key) | s.SetUpdate(_, _, key):
            yield from _inside(key)
        case s.Assign(target, value):
            yield target, False
            yield from _inside(value)
        case s.Nat(address=address, port=port):
            for each in (address, port):
                if each is not None:
                    yield from _inside(each)


def _inside(expression: e.Expression, joined: bool = False) -> Iterator[tuple[e.Selector, bool]]:
    match expression:
        case e.Selector():
            yield expression, joined
        case e.Concat(parts):
            for part in parts:
                yield from _inside(part, True)
        case e.Binary(_, left, right):
            yield from _inside(left, joined)
            yield from _inside(right, joined)
        case e.Lookup(key):
            yield from _inside(key, True)


# What is read


def _read(context: Context, found: Protocols, selector: e.Selector, joined: bool) -> None:
    match selector.kind, selector.words:
        case "payload", (("ip" | "ip6") as version, *_):
            _of_version(context, found, version, selector)
        case "payload", (protocol, name, *_) if protocol in TRANSPORTS:
            _of_transport(found, protocol, name, selector)
        case "exthdr", _:
            _of_version(context, found, "ip6", selector)
        case "ct", (("saddr" | "daddr") as key, direction, family):
            _of_entry(found, key, direction, family, selector, joined)
        case "ct", (("proto-src" | "proto-dst") as key, direction, _) if found.transports is None and direction:
            help = "say it before: `meta l4proto tcp`"
            raise Bad("FW504", f"`ct {direction} {key}` does not say of which protocol", selector.span, help)
        case "rt", ("nexthop", family):
            _of_route(context, found, family, selector)


def _of_version(context: Context, found: Protocols, version: str, selector: e.Selector) -> None:
    if found.version not in (None, version):
        if context.table.family != "inet":
            return  # said of the selector itself
        one, other = _VERSIONS[found.version or ""], _VERSIONS[version]
        message = f"`{selector.span.text}` is of {other}, and the rule is of {one} before"
        raise Bad("FW603", message, selector.span, "write a rule for each")
    found.version = version


def _of_transport(found: Protocols, protocol: str, name: str, selector: e.Selector) -> None:
    if found.transports is not None and found.transports != {protocol}:
        others = ", ".join(sorted(found.transports))
        several = len(found.transports) > 1 and name in ("sport", "dport")
        help = f"write `th {name}`" if several else "write a rule for each"
        message = f"`{selector.span.text}` is of {protocol}, and the rule is of {others} before"
        raise Bad("FW001", message, selector.span, help)
    found.transports = frozenset({protocol})
    found.version = found.version or _OF_VERSION.get(protocol)
    wanted = _TYPES.get((protocol, name))
    if wanted is not None and found.types is not None and not found.types <= set(wanted):
        types = ", ".join(map(str, sorted(found.types)))
        message = f"`{selector.span.text}` is there with type {wanted[0]} alone, and the rule is of type {types}"
        raise Bad("FW001", message, selector.span)


def _of_entry(found: Protocols, key: str, direction: str, family: str, selector: e.Selector, joined: bool) -> None:
    if family:
        if found.version not in (None, family):
            one, other = _VERSIONS[found.version or ""], _VERSIONS[family]
            message = f"`{selector.span.text}` is of {other}, and the rule is of {one} before"
            raise Bad("FW603", message, selector.span)
    elif direction and (found.version is None or joined):
        help = f"write `ct {direction} ip {key}` or `ct {direction} ip6 {key}`"
        raise Bad("FW001", f"`ct {direction} {key}` does not say of which IP version", selector.span, help)


def _of_route(context: Context, found: Protocols, family: str, selector: e.Selector) -> None:
    if not family and found.version is None:
        help = "write `rt ip nexthop` or `rt ip6 nexthop`"
        raise Bad("FW001", "`rt nexthop` does not say of which IP version", selector.span, help)
    table = context.table.family
    if family and table in _VERSIONS and family != table:
        raise Bad("FW603", f"`{selector.span.text}` in a table of the family `{table}`", selector.span)


# What is told by a comparison


def _told(found: Protocols, statement: s.Match) -> None:
    left = statement.left
    if not isinstance(left, e.Selector) or isinstance(statement.right, e.Range | e.Prefix | e.Reference):
        return
    match left.kind, left.words:
        case "meta", ("nfproto",):
            found.version = _one(t.NF_PROTO, statement.right, _FAMILIES) or found.version
        case "ct", ("l3proto", *_):
            found.version = _one(t.NF_PROTO, statement.right, _FAMILIES) or found.version
        case "payload", ("ether", "type"):
            found.version = _one(t.ETHER_TYPE, statement.right, _ETHER) or found.version
        case "meta", ("l4proto",):
            numbers = _numbers(t.PROTOCOL, statement.right)
            if numbers:
                found.transports = frozenset(_NUMBERS.get(each, protocol_name(each)) for each in numbers)
        case "payload", ("ip", "protocol") | ("ip6", "nexthdr"):
            numbers = (each for each in _numbers(t.PROTOCOL, statement.right) if each != _GRE)
            known = [_NUMBERS[each] for each in numbers if each in _NUMBERS]
            if known:
                found.transports = frozenset(known)
        case "payload", (("icmp" | "icmpv6") as protocol, "type"):
            numbers = _numbers(t.ICMP_TYPE if protocol == "icmp" else t.ICMPV6_TYPE, statement.right)
            found.types = frozenset(numbers) if numbers else found.types


def _one(type: t.DataType, right: e.Expression, names: dict[int, str]) -> str | None:
    numbers = _numbers(type, right)
    return names.get(numbers[0]) if len(numbers) == 1 else None


def _numbers(type: t.DataType, right: e.Expression) -> list[int]:
    """Return the few numbers that a constant, or an anonymous set, has; none where it is wrong (said elsewhere)."""
    try:
        found = values(type, right).known
    except Bad:
        return []
    if not isinstance(found, Intervals) or found.size > 256:
        return []
    return [number for low, high in found.ranges for number in range(low, high + 1)]
