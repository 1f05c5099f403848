"""Rejecting: how the sender is told, and which packets a rule that does so is for.

Sources: nft(8), REJECT STATEMENT; nftables 1.0.6: src/evaluate.c (reject_payload_gen_dependency); the
kernel's nft_reject.c. What `tcp reset` and the types of one IP version want of packets is asked first in the rule, if
nothing in it says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from policy.diagnostic import did_you_mean
from policy.ir import EVERYTHING, Field, Match, Reject, conjuncts
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.guards import IPV4, IPV6
from policy.languages.nftables.ways import Way, does
from policy.packet import Intervals
from policy.packet.address import families_of
from policy.packet.fields import TCP

_REJECTS = frozenset({"prerouting", "input", "forward", "output"})
_ICMP_CODES = {
    "net-unreachable": "icmp-net-unreachable",
    "host-unreachable": "icmp-host-unreachable",
    "prot-unreachable": "icmp-proto-unreachable",
    "port-unreachable": "icmp-port-unreachable",
    "net-prohibited": "icmp-net-prohibited",
    "host-prohibited": "icmp-host-prohibited",
    "admin-prohibited": "icmp-admin-prohibited",
    "frag-needed": "icmp-frag-needed",
}
_ICMPV6_CODES = {
    "no-route": "icmp6-no-route",
    "admin-prohibited": "icmp6-adm-prohibited",
    "addr-unreachable": "icmp6-addr-unreachable",
    "port-unreachable": "icmp6-port-unreachable",
    "policy-fail": "icmp6-policy-fail",
    "reject-route": "icmp6-reject-route",
}
_ICMPX_CODES = {
    name: f"icmpx-{name}" for name in ("port-unreachable", "admin-prohibited", "no-route", "host-unreachable")
}
_CODES = {"icmp": _ICMP_CODES, "icmpv6": _ICMPV6_CODES, "icmpx": _ICMPX_CODES}
_NUMBERS = {
    "icmp": {0: "net-unreachable", 1: "host-unreachable", 2: "prot-unreachable", 3: "port-unreachable",
             4: "frag-needed", 9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited"},
    "icmpv6": {0: "no-route", 1: "admin-prohibited", 3: "addr-unreachable", 4: "port-unreachable",
               5: "policy-fail", 6: "reject-route"},
    "icmpx": {0: "no-route", 1: "port-unreachable", 2: "host-unreachable", 3: "admin-prohibited"},
}  # fmt: skip
_ICMP = {"ip": "icmp", "ip6": "icmpv6"}
_RESET = "tcp reset"


def rejected(context: Context, statement: s.Reject) -> tuple[Way, ...]:
    """Return what a rule does that rejects; mistakes go to the context."""
    wrong = context.hooks - _REJECTS
    if wrong:
        message = f"the kernel refuses `reject` at {', '.join(sorted(wrong))}"
        context.mistakes.add("FW001", message, statement.span, "it works at " + ", ".join(sorted(_REJECTS)))
    kind = _kind(context, statement)
    if kind == _RESET:
        return does(Reject("tcp-reset"))
    if (context.table.family, kind) in {("ip", "icmpv6"), ("ip6", "icmp")}:
        message = f"`{kind}` is a reject type of the other IP version"
        context.mistakes.add("FW603", message, statement.span, "say `icmp` in a table of IPv4, `icmpv6` in one of IPv6")
    return does(Reject(_how(context, kind, statement)))


def asks_first(context: Context, statement: s.Reject, asked: Iterable[Match]) -> Match:
    """Return what a rule that rejects asks for before all else; *asked* is what the rule asks for by itself."""
    kind = _kind(context, statement)
    parts = [part for match in asked for part in conjuncts(match) if isinstance(part, Field)]
    if kind == _RESET:
        protocols = [part.values for part in parts if part.name == "proto"]
        return EVERYTHING if protocols else Field("proto", Intervals.of(TCP))
    if context.table.family != "inet" or kind not in ("icmp", "icmpv6"):
        return EVERYTHING
    sides = [part.values for part in parts if part.name in ("src", "dst")]
    if any(isinstance(values, Intervals) and len(families_of(values)) == 1 for values in sides):
        return EVERYTHING
    return IPV4 if kind == "icmp" else IPV6


def _kind(context: Context, statement: s.Reject) -> str:
    return statement.kind or _ICMP.get(context.table.family, "icmpx")


def _how(context: Context, kind: str, statement: s.Reject) -> str:
    codes = _CODES.get(kind, _ICMPX_CODES)
    code = statement.code
    if code is None:
        return codes["port-unreachable"]
    word = code.text if isinstance(code, e.Word) else code.span.text
    name = _NUMBERS[kind].get(int(word), word) if word.isdecimal() else word
    if name not in codes:
        message = f"unknown {kind} code `{word}`"
        context.mistakes.add("FW001", message, code.span, did_you_mean(word, codes) or "one of " + ", ".join(codes))
    return codes.get(name, name)
