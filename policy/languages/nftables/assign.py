"""What `meta mark set …`, `ct mark set …`, `ip dscp set …` and their kin do to a packet, or to its connection.

Sources: nft(8); the kernel's nft_meta.c (nft_meta_set_eval), nft_ct.c (nft_ct_set_eval), nft_payload.c
(nft_payload_set_eval), nft_exthdr.c. A value that cannot be read makes the rule be passed over.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.ir import EVERYTHING, Action, Copy, Match, Note, Set, UnknownAction, all_of
from policy.languages.nftables import matches, values
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.guards import TCP_HEADER
from policy.languages.nftables.ways import Way
from policy.nat import REWRITES

_WORD = (1 << 32) - 1
_AFTER = frozenset({"forward"})
_REWRITTEN = frozenset({"saddr", "daddr", "sport", "dport", "protocol", "nexthdr", "version", "hdrlength"})
_FIELDS = {
    ("meta", "mark"): "mark",
    ("ct", "mark"): "ctmark",
    ("payload", "ip", "ttl"): "ttl",
    ("payload", "ip6", "hoplimit"): "ttl",
    ("payload", "ip", "dscp"): "tos",
    ("payload", "ip6", "dscp"): "tos",
    ("payload", "ip", "ecn"): "tos",
    ("payload", "ip6", "ecn"): "tos",
    ("payload", "tcp", "flags"): "flags",
    ("payload", "icmp", "type"): "icmp_type",
    ("payload", "icmp", "code"): "icmp_code",
    ("payload", "icmpv6", "type"): "icmp_type",
    ("payload", "icmpv6", "code"): "icmp_code",
    ("payload", "ip", "length"): "length",
    ("payload", "ip6", "length"): "length",
    ("payload", "ether", "saddr"): "mac",
    ("meta", "pkttype"): "pkttype",
}
"""The fields of packets that a statement may set."""

_BITS = {"dscp": (2, 0xFC), "ecn": (0, 0x03)}
"""Where the bits of a part of the TOS byte are."""


@dataclass(frozen=True, slots=True)
class _Number:
    """`(SOURCE & kept) ^ flipped`; without a source only *flipped*."""

    source: str | None
    kept: int
    flipped: int


def target_of(target: e.Selector) -> str | None:
    """Return the field that a statement sets, None where it is none that is known here."""
    return _FIELDS.get((target.kind, *(word for word in target.words if word)))


def rewrites(target: e.Selector) -> bool:
    """Does a statement set what connections are told by?"""
    if target.kind == "payload":
        return target.words[1] in _REWRITTEN and target.words[0] != "ether"
    return target.kind == "raw" or (target.kind == "ct" and target.words[0] == "zone")


def assigned(context: Context, statement: s.Assign) -> tuple[Way, ...]:
    """Return the ways that an assignment takes: several where a map gives the value."""
    target = statement.target
    guard = _settable(context, target)
    if isinstance(statement.value, e.Lookup):
        found = matches.branches(context, statement.value.key, statement.value.map, statement.span)
        several = [(match, value) for match, value in found if not isinstance(value, e.Verdict)]
        return tuple(
            Way(all_of(guard, match, matches.present(context, value)), _actions(context, statement, value))
            for match, value in several
        )
    return (
        Way(all_of(guard, matches.present(context, statement.value)), _actions(context, statement, statement.value)),
    )


def _settable(context: Context, target: e.Selector) -> Match:
    """Return the packets of which a target can be set: an option of TCP need not be there for the rule to go on."""
    there = matches.present(context, target)
    if target.kind == "ct":
        return EVERYTHING
    return TCP_HEADER if target.kind == "tcpopt" else there


def _actions(context: Context, statement: s.Assign, value: e.Expression) -> tuple[Action, ...]:
    target, text = statement.target, statement.span.text
    if rewrites(target):
        return (UnknownAction(text, f"set:{':'.join(target.words)}", REWRITES),)
    field = target_of(target)
    if field is None:
        return (Note(text),)
    if field == "ctmark" and context.tracked is not True:
        return (Note(text),) if context.tracked is False else (Set(field, None),)
    number = _number(context, target, value)
    if number is None or field in ("length", "mac", "pkttype"):
        return (Set(field, None),)
    shift, mask = _BITS.get(target.words[1], (0, 0xFF)) if field == "tos" else (0, _WORD)
    if field == "tos":
        number = _Number(number.source, number.kept << shift, number.flipped << shift)
    if field == "ttl":
        return _hops(context, number)
    return _changes(field, number, mask)


def _changes(field: str, number: _Number, mask: int) -> tuple[Action, ...]:
    if number.source is None:
        return (Set(field, number.flipped & mask, mask),)
    if number.source == field:
        cleared = mask & ~number.kept
        flipped = number.flipped & mask
        return (Set(field, flipped, cleared, xor=bool(flipped & ~cleared)),) if cleared or flipped else ()
    if mask != _WORD:
        return (Set(field, None),)
    copied = Copy(field, number.source, taken=number.kept)
    return (copied, Set(field, number.flipped, 0, xor=True)) if number.flipped else (copied,)


def _hops(context: Context, number: _Number) -> tuple[Action, ...]:
    """Return what sets the TTL: what rules see of it in forward is one less than what packets have here."""
    if number.source is not None:
        return (Set("ttl", None, 0xFF),)
    if context.hooks <= {"prerouting", "input", "output"}:
        return (Set("ttl", number.flipped, 0xFF),)
    known = context.hooks <= _AFTER and number.flipped < 255
    return (Set("ttl", number.flipped + 1 if known else None, 0xFF),)


def _number(context: Context, target: e.Selector, value: e.Expression) -> _Number | None:
    """Return what a value is, None where that is not known."""
    match value:
        case e.Selector():
            source = target_of(value)
            plain = source in ("mark", "ctmark") or value.words == target.words
            return _Number(source, _WORD, 0) if source is not None and plain else None
        case e.Binary(operator, left, right) if _reads(value):
            number = _number(context, target, left)
            if number is None or _reads(right) or operator in ("<<", ">>"):
                return None
            by = values.constant(context, target, right)
            match operator:
                case "&":
                    return _Number(number.source, number.kept & by, number.flipped & by)
                case "|":
                    return _Number(number.source, number.kept & ~by, number.flipped & ~by | by)
            return _Number(number.source, number.kept, number.flipped ^ by)
        case e.Lookup() | e.SetLiteral() | e.Reference():
            return None
    return _Number(None, 0, values.constant(context, target, value))


def _reads(value: e.Expression) -> bool:
    match value:
        case e.Selector() | e.Lookup():
            return True
        case e.Binary(_, left, right):
            return _reads(left) or _reads(right)
    return False


def changed(target: e.Selector) -> frozenset[str]:
    """Return the fields that an assignment may change, for `Layout`."""
    field = target_of(target)
    return frozenset() if field is None else frozenset({field})
