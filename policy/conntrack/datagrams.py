"""UDP, UDP-Lite, GRE, ICMP and all protocols without a tracker of their own.

Source: nf_conntrack_proto_udp.c, _gre.c, _icmp.c, _icmpv6.c and _generic.c of Linux 6.18.
"""

from __future__ import annotations

from policy.conntrack.entry import ASSURED, CONFIRMED, SEEN_REPLY, Outcome, Visit
from policy.conntrack.settings import Settings
from policy.conntrack.step import Step
from policy.conntrack.tuples import ANSWERS
from policy.packet.fields import ICMP

STREAM = 2
"""Seconds after which UDP that is answered counts as a stream."""


def udp(_: Step, visit: Visit, settings: Settings) -> Outcome:
    """Answered and older than `STREAM`: a stream, which is assured and lives longer."""
    since = visit.track if visit.status & CONFIRMED else visit.at
    if visit.status & SEEN_REPLY and visit.at > since + STREAM:
        return Outcome(True, since, settings.timeouts["udp_timeout_stream"], assured=not visit.status & ASSURED)
    return Outcome(True, since, settings.timeouts["udp_timeout"])


def udplite(step: Step, visit: Visit, settings: Settings) -> Outcome:
    """Answered: a stream. But of packets that arrive, a right checksum is taken for a wrong one.

    Linux sums a pseudo header with the number of UDP where RFC 3828, 3.1, wants that of UDP-Lite.
    """
    if settings.checksum and not step.sent:
        return Outcome(False, None)
    return _answered(visit, settings, "udp_timeout", "udp_timeout_stream")


def gre(_: Step, visit: Visit, settings: Settings) -> Outcome:
    """Answered: a stream."""
    return _answered(visit, settings, "gre_timeout", "gre_timeout_stream")


def icmp(step: Step, visit: Visit, settings: Settings) -> Outcome:
    """Only queries begin a connection, and only ICMP of the family that the packet is of."""
    own = (step.proto == ICMP) == (step.family == 4)
    known = visit.status & CONFIRMED
    if not own or not (known or step.icmp[0] in ANSWERS[step.proto]):
        return Outcome(False, None)
    return Outcome(True, None, settings.timeouts["icmp_timeout" if step.proto == ICMP else "icmpv6_timeout"])


def generic(_step: Step, _visit: Visit, settings: Settings) -> Outcome:
    """Any other protocol: addresses and the protocol make a connection."""
    return Outcome(True, None, settings.timeouts["generic_timeout"])


def _answered(visit: Visit, settings: Settings, first: str, then: str) -> Outcome:
    if visit.status & SEEN_REPLY:
        return Outcome(True, None, settings.timeouts[then], assured=True)
    return Outcome(True, None, settings.timeouts[first])
