"""Matches on the IP header and the frame: length, ttl, hl, dscp, tos, ecn, mac, pkttype, iprange.

Sources: iptables-extensions(8); the kernel's xt_length.c, xt_hl.c, xt_dscp.c, xt_ecn.c, xt_mac.c, xt_pkttype.c and
xt_iprange.c. A forwarded packet is seen behind PREROUTING with its TTL one less than it came with.
"""

from __future__ import annotations

import re

from policy.diagnostic import did_you_mean
from policy.ir import Either, Field, Match, Not, Unknown, all_of, either_of, negated
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import signed, term
from policy.languages.iptables.values import address_range, bounded, number, number_range, strtoui
from policy.netfilter import AFTER_FORWARDING, BEFORE_ROUTING
from policy.packet import FORWARD, Intervals, Masked, Names
from policy.packet.names import DSCP_CLASSES

_LATER_TCP = all_of(Field("proto", Intervals.of(6)), Field("fragment", Intervals.of(2)))
"""What `--ecn-tcp-…` is tested on too: xt_ecn.c does not look at the fragment offset."""

_NOT_LOOPBACK = Not(Field("in", Names.of("lo")))
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", re.ASCII)
_TYPES = {
    "host": 0, "unicast": 0, "broadcast": 1, "bcast": 1, "multicast": 2, "mcast": 2, "otherhost": 3,
}  # fmt: skip
_TOS_NAMES = {
    "minimize-delay": 0x10, "maximize-throughput": 0x08, "maximize-reliability": 0x04, "minimize-cost": 0x02,
    "normal-service": 0x00,
}  # fmt: skip


def _mac_address(_: Context, text: str) -> Intervals:
    if not _MAC.fullmatch(text):
        raise Bad("FW003", f"invalid MAC address `{text}`", "six numbers in hexadecimal: 00:16:3e:12:34:56")
    value = 0
    for part in text.split(":"):
        value = value << 8 | int(part, 16)
    return Intervals.of(value)


def _packet_type(_: Context, text: str) -> Intervals:
    found = _TYPES.get(text.lower())
    if found is None:
        raise Bad("FW001", f"bad packet type `{text}`", did_you_mean(text, _TYPES) or "one of " + ", ".join(_TYPES))
    return Intervals.of(found) if found < 3 else Intervals()


def _dscp(_: Context, text: str) -> Masked:
    return Masked(bounded(text, 0, 63) << 2, 0xFC)


def _dscp_class(_: Context, text: str) -> Masked:
    found = DSCP_CLASSES.get(text.lower())
    if found is None:
        raise Bad("FW001", f"unknown DSCP class `{text}`", did_you_mean(text, DSCP_CLASSES))
    return Masked(found << 2, 0xFC)


def tos(_: Context, text: str) -> Masked:
    """Read `VALUE[/MASK]` or a name; names leave the two ECN bits out."""
    value, slash, mask = text.partition("/")
    number_ = strtoui(value)
    if number_ is not None and number_ <= 255:
        return Masked(number_, bounded(mask, 0, 255) if slash else 255)
    found = _TOS_NAMES.get(text.lower())
    if found is None:
        raise Bad("FW001", f"unknown TOS `{text}`", did_you_mean(text, _TOS_NAMES) or "give a number from 0 to 255")
    return Masked(found, 0x3F)


def _length(given: Given) -> Match:
    return term(given, "length", "length")


_COMPARED = {"eq": "of", "lt": "less than", "gt": "greater than"}


def _ttl(given: Given) -> Match:
    option = next(iter(given.args))
    value: int = given.value(option)
    ranges = {"eq": (value, value), "lt": (0, value - 1), "gt": (value + 1, 255)}
    low, high = ranges[option[-2:]]
    span = given.span(option)
    roots = given.context.roots
    arrived: Match = Field("ttl", Intervals.of((low, high)), span=span)
    if not roots & AFTER_FORWARDING:
        return signed(given, option, arrived)
    one_less = Field("ttl", Intervals.of((low + 1, min(high + 1, 255))), span=span)
    forwarded = Field("hook", Intervals.of(FORWARD))
    stays = negated(forwarded)  # also what was sent, and is to be routed anew
    if roots & BEFORE_ROUTING:
        when = Unknown("the packet is already forwarded", "forwarded", pure=False, span=span)
        ways: tuple[Match, ...] = (
            all_of(arrived, stays),
            all_of(one_less, forwarded, when),
            all_of(arrived, forwarded, Not(when)),
        )
    else:
        ways = (all_of(arrived, stays), all_of(one_less, forwarded))
    return signed(given, option, Either(ways, called=f"seen with a TTL {_COMPARED[option[-2:]]} {value}"))


def _dscp_match(given: Given) -> Match:
    return term(given, "dscp" if "dscp" in given else "dscp-class", "tos")


def _tos(given: Given) -> Match:
    return term(given, "tos", "tos")


def _mac(given: Given) -> Match:
    return all_of(_NOT_LOOPBACK, term(given, "mac-source", "mac"))


def _pkttype(given: Given) -> Match:
    return term(given, "pkt-type", "pkttype")


def _iprange(given: Given) -> Match:
    pairs = (("src-range", "src"), ("dst-range", "dst"))
    return all_of(*(term(given, option, field) for option, field in pairs if option in given))


def _ecn(given: Given) -> Match:
    parts: list[Match] = []
    if "ecn-ip-ect" in given:
        parts.append(term(given, "ecn-ip-ect", "tos", Masked(given.value("ecn-ip-ect"), 3)))
    for option, bit in (("ecn-tcp-ece", 64), ("ecn-tcp-cwr", 128)):
        if option in given:
            found = term(given, option, "flags", Masked(bit, bit))
            bytes_there = Unknown("the bytes where the TCP flags would be", "bytes:flags", span=given.span(option))
            parts.append(either_of(found, all_of(_LATER_TCP, bytes_there)))
    return all_of(*parts)


_BYTE = number(8)
_EACH = {name: tuple(f"{name}-{how}" for how in ("eq", "lt", "gt")) for name in ("ttl", "hl")}


def _hop_options(name: str) -> tuple[Opt, ...]:
    eq, lt, gt = _EACH[name]
    also = ("ttl",) if name == "ttl" else ()
    return (
        Opt(eq, _BYTE, also, invert=True, excludes=_EACH[name]),
        Opt(lt, _BYTE, excludes=_EACH[name]),
        Opt(gt, _BYTE, excludes=_EACH[name]),
    )


MATCHES = (
    MatchModule(name="length", options=(Opt("length", number_range(16), invert=True, required=True),), lower=_length),
    MatchModule(name="ttl", options=_hop_options("ttl"), one_of=_EACH["ttl"], families=(4,), lower=_ttl),
    MatchModule(name="hl", options=_hop_options("hl"), one_of=_EACH["hl"], families=(6,), lower=_ttl),
    MatchModule(
        name="dscp",
        options=(
            Opt("dscp", _dscp, invert=True, excludes=("dscp-class",)),
            Opt("dscp-class", _dscp_class, invert=True, excludes=("dscp",)),
        ),
        one_of=("dscp", "dscp-class"),
        lower=_dscp_match,
    ),
    MatchModule(name="tos", options=(Opt("tos", tos, invert=True, required=True),), lower=_tos),
    MatchModule(
        name="ecn",
        options=(
            Opt("ecn-tcp-cwr", invert=True),
            Opt("ecn-tcp-ece", invert=True),
            Opt("ecn-ip-ect", number(8, 0, 3), invert=True),
        ),
        one_of=("ecn-tcp-cwr", "ecn-tcp-ece", "ecn-ip-ect"),
        lower=_ecn,
    ),
    MatchModule(
        name="mac",
        options=(Opt("mac-source", _mac_address, invert=True, required=True),),
        chains=("PREROUTING", "INPUT", "FORWARD"),
        lower=_mac,
    ),
    MatchModule(name="pkttype", options=(Opt("pkt-type", _packet_type, invert=True, required=True),), lower=_pkttype),
    MatchModule(
        name="iprange",
        options=(Opt("src-range", address_range, invert=True), Opt("dst-range", address_range, invert=True)),
        one_of=("src-range", "dst-range"),
        lower=_iprange,
    ),
)
