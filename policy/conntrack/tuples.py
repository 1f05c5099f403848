"""The tuple of a packet, by which its entry is found, and the tuple of the answer.

Source: `nf_ct_get_tuple` and `nf_ct_invert_tuple` in net/netfilter/nf_conntrack_core.c and the protocol
files beside it, of Linux 6.18. Without DCCP, which is no longer tracked by ports there.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.conntrack.step import Step
from policy.packet.fields import ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE

GRE = 47
WITH_PORTS = frozenset({TCP, UDP, UDPLITE, SCTP})
"""The protocols whose entries are told apart by ports."""

ANSWERS = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18}, ICMP6: {128: 129, 139: 140}}
"""ICMP queries and their answers: the only types that can begin a connection."""

_OPPOSITE = {
    proto: answers | {answer: query for query, answer in answers.items()} for proto, answers in ANSWERS.items()
}


@dataclass(frozen=True, slots=True)
class Tuple:
    """What packets of one direction have in common.

    *sport* and *dport* are ports; with ICMP the identifier, and the type times 256 plus the code; with enhanced
    GRE 0 and the call; else 0.
    """

    proto: int
    src: int
    dst: int
    sport: int
    dport: int


def tuple_of(step: Step) -> Tuple:
    """Return the tuple of a packet."""
    sport = dport = 0
    if step.proto in WITH_PORTS:
        sport, dport = step.sport, step.dport
    elif step.proto in ANSWERS:
        sport, dport = step.identifier, step.icmp[0] << 8 | step.icmp[1]
    elif step.proto == GRE:
        dport = step.key or 0
    return Tuple(step.proto, step.src, step.dst, sport, dport)


def inverse(of: Tuple) -> Tuple | None:
    """Return the tuple of what answers *of*; None for ICMP types to which there is no answer."""
    opposite = _OPPOSITE.get(of.proto)
    if opposite is None:
        return Tuple(of.proto, of.dst, of.src, of.dport, of.sport)
    kind = opposite.get(of.dport >> 8)
    if kind is None:
        return None
    return Tuple(of.proto, of.dst, of.src, of.sport, kind << 8 | of.dport & 255)
