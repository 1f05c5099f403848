"""What Linux means by tables, hooks and connections: shared by iptables and nftables.

Sources: the kernel's netfilter_ipv4.h (priorities), nf_nat_core.c (which packets a nat chain sees), ip_forward.c
(when the TTL is decremented).
"""

from __future__ import annotations

from typing import Literal

from policy.ir import Either, Field, Unknown, all_of, either_of, negated
from policy.packet import ESTABLISHED, FORWARD, INPUT, NEW, OUTPUT, RELATED, Intervals, Names
from policy.packet.fields import ICMP, ICMP6
from policy.source import Span

LANGUAGES = frozenset({"iptables", "ip6tables", "nftables"})
"""The languages of netfilter. Its rules know connections where they ask for them; nothing is implicit."""

MAIN_TABLE = "filter"

Stage = tuple[str, str]
"""A built-in chain: its table and its name."""

ARRIVING: tuple[Stage, ...] = (("raw", "PREROUTING"), ("mangle", "PREROUTING"), ("nat", "PREROUTING"))
"""The built-in chains that a packet goes through, in order, before it is known where the routing sends it."""

WAY: dict[int, tuple[Stage, ...]] = {
    INPUT: (("mangle", "INPUT"), ("filter", "INPUT"), ("security", "INPUT"), ("nat", "INPUT")),
    OUTPUT: (
        ("raw", "OUTPUT"),
        ("mangle", "OUTPUT"),
        ("nat", "OUTPUT"),
        ("filter", "OUTPUT"),
        ("security", "OUTPUT"),
        ("mangle", "POSTROUTING"),
        ("nat", "POSTROUTING"),
    ),
    FORWARD: (
        ("mangle", "FORWARD"),
        ("filter", "FORWARD"),
        ("security", "FORWARD"),
        ("mangle", "POSTROUTING"),
        ("nat", "POSTROUTING"),
    ),
}
"""The built-in chains that a packet goes through then; one that is sent goes through these alone."""

TRANSLATES: dict[Stage, Literal["dst", "src"]] = {
    ("nat", "PREROUTING"): "dst",
    ("nat", "OUTPUT"): "dst",
    ("nat", "INPUT"): "src",
    ("nat", "POSTROUTING"): "src",
}
"""What connection tracking rewrites where (nf_nat_core.c: `HOOK2MANIP`)."""

BUILT_IN: dict[str, tuple[str, ...]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
"""The built-in chains of each table."""

PRIORITIES = {
    "raw": -300,
    "conntrack": -200,
    "mangle": -150,
    "dstnat": -100,
    "filter": 0,
    "security": 50,
    "srcnat": 100,
}
"""The order on one hook, by the names that nft(8) gives to priorities."""


def priority_of(table: str, chain: str) -> int:
    """Return the priority of a built-in chain at its hook (iptable_nat.c: what changes sources comes last)."""
    if table == "nat":
        return PRIORITIES["dstnat" if chain in ("PREROUTING", "OUTPUT") else "srcnat"]
    return PRIORITIES[table]


BEFORE_ROUTING = frozenset({"PREROUTING"})
"""Chains that a packet meets before it is known where it goes: it has no output interface yet."""

AFTER_FORWARDING = frozenset({"FORWARD", "POSTROUTING"})
"""Chains that see a forwarded packet with its TTL already decremented."""

AFTER_FILTER = frozenset({("nat", "INPUT"), ("nat", "POSTROUTING"), ("mangle", "POSTROUTING")})
"""Built-in chains behind the filter table: what they rewrite is not seen by its rules."""

STATES = {"NEW": 0, "ESTABLISHED": 1, "RELATED": 2, "INVALID": 3, "UNTRACKED": 4}
"""Connection states by the names of iptables, with the values of the packet field `state`."""

HAS_CONNECTION = Field("state", Intervals.of(NEW, ESTABLISHED, RELATED))
"""The packets that belong to an entry of the connection table."""

NOT_TRACKED_YET = Either((), called="part of a connection yet in the raw table")
"""No packet: what asks for a connection before connection tracking has seen the packet."""

MEETS_NAT = either_of(
    Field("state", Intervals.of(NEW)),
    all_of(Field("state", Intervals.of(RELATED)), negated(Field("proto", Intervals.of(ICMP, ICMP6)))),
)
"""The packets that the nat table sees: the first of each connection, but no ICMP error about one (`nf_nat_inet_fn`)."""

LO = "lo"
"""The interface by which a host sends packets to itself."""

BY_LO = Names(frozenset({LO}))

LOOPED = Field("in", BY_LO)
"""The packets that the host has sent to itself: they are tracked, marked and translated already."""

NOT_LOOPED = negated(LOOPED)
"""The others: the chains of the nat table at PREROUTING and INPUT see these alone (`nf_nat_initialized`)."""


def tracking(span: Span) -> Unknown:
    """Return the match of packets on a host that tracks connections, where its rules do not say."""
    return Unknown("something beside these rules turns connection tracking on", "connection-tracking", span=span)


TO_HOST = "addrtype:dst:LOCAL"
"""The key of the condition that a packet is for an address of the host, where these are not known."""

DEEPEST_JUMP = 15
"""nf_tables (also under iptables-nft) loads chains that are nested so deep; legacy iptables takes more."""
