"""Which packets have what an expression reads: a rule that reads what is not there is passed over (nft: NFT_BREAK)."""

from __future__ import annotations

from policy.ir import EVERYTHING, Field, Match, Unknown, all_of
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.context import Context
from policy.netfilter import HAS_CONNECTION, NOT_TRACKED_YET
from policy.packet import FIELDS, Intervals
from policy.packet.address import V4, V6
from policy.packet.fields import DCCP, ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE

IPV4, IPV6 = Field("src", V4), Field("src", V6)
TCP_HEADER = Field("flags", FIELDS["flags"].domain)
_FIRST = Field("fragment", Intervals.of((0, 1)))
_TRANSPORTS = {
    "tcp": TCP,
    "udp": UDP,
    "udplite": UDPLITE,
    "sctp": SCTP,
    "dccp": DCCP,
    "icmp": ICMP,
    "icmpv6": ICMP6,
    "igmp": 2,
    "esp": 50,
    "ah": 51,
    "comp": 108,
}


def present(context: Context, expression: e.Expression) -> Match:
    """Return the packets of which an expression has a value."""
    match expression:
        case e.Selector():
            return _has(context, expression)
        case e.Concat(parts) | e.List(parts):
            return all_of(*dict.fromkeys(present(context, part) for part in parts))
        case e.Binary(_, left, right):
            return all_of(*dict.fromkeys((present(context, left), present(context, right))))
        case e.Lookup(key):
            return present(context, key)
    return EVERYTHING


def _has(context: Context, selector: e.Selector) -> Match:
    inet = context.table.family not in ("ip", "ip6")
    match selector.kind, selector.words:
        case "payload", ("ip", *_):
            return IPV4 if inet else EVERYTHING
        case "payload", ("ip6", *_):
            return IPV6 if inet else EVERYTHING
        case "payload", ("th", *_):
            return _FIRST
        case "payload", ("ether", *_):
            return EVERYTHING
        case "payload", (protocol, *_) if protocol in _TRANSPORTS:
            number = Field("proto", Intervals.of(_TRANSPORTS[protocol]))
            versions = {"icmp": IPV4, "icmpv6": IPV6}.get(protocol, EVERYTHING) if inet else EVERYTHING
            return all_of(number, _FIRST, versions)
        case "ct", ("state", *_):
            return EVERYTHING
        case "ct", _:
            return NOT_TRACKED_YET if context.tracked is False else HAS_CONNECTION
        case "meta", _:
            return EVERYTHING
        case (("numgen" | "fib"), _):
            return EVERYTHING
        case "hash", _ if selector.of is not None:
            return present(context, selector.of)
    text = f"there is {' '.join(selector.words)}"
    return Unknown(text, ":".join((selector.kind, *selector.words)), span=selector.span)
