"""ICMP messages that are no query and no answer: errors about a connection, and what is not tracked.

Source: `nf_conntrack_icmpv4_error`, `nf_conntrack_icmpv6_error`, `nf_conntrack_icmpv6_redirect` and
`nf_conntrack_inet_error` in net/netfilter/nf_conntrack_proto_icmp.c and _icmpv6.c of Linux 6.18.
"""

from __future__ import annotations

from enum import Enum

from policy.conntrack.step import Step
from policy.packet.address import parse_prefix
from policy.packet.fields import ICMP, ICMP6

NOT_TRACKED = frozenset({130, 131, 132, 133, 134, 135, 136, 143, 151, 152})
"""ICMPv6: who listens to which group, who is the router, who has which address."""

_ERRORS = frozenset({3, 4, 5, 11, 12})
_LAST_TYPE = 18
_FIRST_INFORMATIONAL = 128
_REDIRECT = 137
_LINK_LOCAL = parse_prefix("fe80::/10")


class Message(Enum):
    """What an ICMP packet is to connection tracking."""

    QUERY = 0
    """A query or an answer, or no ICMP at all: it has a tuple of its own."""

    ERROR = 1
    UNTRACKED = 2
    INVALID = 3


def message(step: Step) -> Message:
    """Return what a packet is."""
    kind, code = step.icmp
    if step.proto == ICMP and step.family == 4:
        if kind > _LAST_TYPE:
            return Message.INVALID
        return Message.ERROR if kind in _ERRORS else Message.QUERY
    if step.proto == ICMP6 and step.family == 6:
        if kind in NOT_TRACKED:
            return Message.UNTRACKED
        if kind == _REDIRECT and code == 0:
            local = step.src in _LINK_LOCAL and step.ttl == 255
            return Message.ERROR if local else Message.INVALID
        return Message.ERROR if kind < _FIRST_INFORMATIONAL else Message.QUERY
    return Message.QUERY
