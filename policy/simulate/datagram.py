"""Datagrams as hosts send them, and the answers of those that do not want one.

Sources: RFC 792 and 4443 (ICMP), RFC 9293, 3.10.7.1 (the RST of a host where nobody listens), iptables-extensions(8)
and nft(8) (how rules reject).
"""

from __future__ import annotations

from policy._record import dataclass
from policy.conntrack import Segment, Step
from policy.packet.fields import ICMP, ICMP6, TCP, UDP
from policy.packet.packet import Packet, Value, complete

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
UNREACHABLE = {4: 3, 6: 1}
"""The ICMP type "destination unreachable"."""

EXCEEDED = {4: (11, 0), 6: (3, 0)}
"""The ICMP type and code "hop limit exceeded in transit"."""

ECHO = {4: (8, 0), 6: (128, 0)}
ECHO_REPLY = {4: (0, 0), 6: (129, 0)}
NO_ROUTE = {4: 0, 6: 0}
NO_NEIGHBOUR = {4: 1, 6: 3}
NO_PORT = {4: 3, 6: 4}

_CODES = {
    "icmp-net-unreachable": 0,
    "icmp-host-unreachable": 1,
    "icmp-proto-unreachable": 2,
    "icmp-port-unreachable": 3,
    "icmp-frag-needed": 4,
    "icmp-net-prohibited": 9,
    "icmp-host-prohibited": 10,
    "icmp-admin-prohibited": 13,
    "icmp6-no-route": 0,
    "icmp6-adm-prohibited": 1,
    "icmp6-addr-unreachable": 3,
    "icmp6-port-unreachable": 4,
    "icmp6-policy-fail": 5,
    "icmp6-reject-route": 6,
}
_BOTH = {"no-route": (0, 0), "port-unreachable": (3, 4), "host-unreachable": (1, 3), "admin-prohibited": (13, 1)}
"""What `icmpx` means in IPv4 and in IPv6 (nf_tables_core: nft_reject_icmp_code, nft_reject_icmpv6_code)."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """A whole packet: its headers, and the *data* that it carries, where that is text.

    *refused*: a firewall made it, to say no.
    """

    step: Step
    data: str | None = None
    refused: bool = False

    def having(self, step: Step) -> Datagram:
        """Return it with other headers."""
        return self if step is self.step else Datagram(step, self.data, self.refused)

    @property
    def size(self) -> int:
        """Its length in bytes, with the options that Linux sends (timestamps, and those of a SYN)."""
        step = self.step
        header = 20 if step.family == 4 else 40
        if step.proto == TCP:
            return header + (40 if step.flags & SYN else 20 if step.flags & RST else 32) + step.segment.length
        if step.about is not None:
            return header + 8 + header + 8
        return header + 8 + step.segment.length


def rejection(step: Step, how: str | None, source: int) -> Step | None:
    """Return what a rule that rejects a packet sends back from an address; None where it sends nothing.

    Nothing answers a RST, or an ICMP error (nf_reject_ipv4.c, icmp.c).
    """
    if how == "tcp-reset":
        return reset(step)
    if step.about is not None or (step.proto == TCP and step.flags & RST and how is None):
        return None
    return unreachable(step, source, _code(how, step.family))


def _code(how: str | None, family: int) -> int:
    if how is None:
        return NO_PORT[family]
    if how.startswith("icmpx-"):
        return _BOTH[how.removeprefix("icmpx-")][family == 6]
    return _CODES.get(how, NO_PORT[family])


def unreachable(step: Step, source: int, code: int) -> Step:
    """Return the ICMP error that says that a packet could not be delivered."""
    return error(step, source, (UNREACHABLE[step.family], code))


def error(step: Step, source: int, icmp: tuple[int, int]) -> Step:
    """Return an ICMP error about a packet, to its sender."""
    return Step(ICMP if step.family == 4 else ICMP6, source, step.src, icmp=icmp, about=step)


def reset(step: Step) -> Step | None:
    """Return the RST that answers a segment for which there is no connection; None if that is a RST itself."""
    if step.flags & RST:
        return None
    seq, ack, segment = step.segment.seq or 0, step.segment.ack, step.segment
    if step.flags & ACK:
        numbers = Segment(seq=ack, ack=0, window=0)
        flags = RST
    else:
        length = segment.length + bool(step.flags & SYN) + bool(step.flags & FIN)
        numbers = Segment(seq=0, ack=seq + length, window=0)
        flags = RST | ACK
    return Step(TCP, step.dst, step.src, step.dport, step.sport, flags, numbers)


_OPTIONS_OF_SYN = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8
_OPTIONS = 1 << 8
"""MSS, window scale, SACK permitted and timestamps; timestamps alone (ip-sysctl.rst, tcp_timestamps)."""


def packet_of(
    datagram: Datagram, hook: int, entering: str | None, leaving: str | None, more: dict[str, Value]
) -> Packet:
    """Return a datagram as rules see it: at a hook, between interfaces, with *more* fields (state, marks …)."""
    step = datagram.step
    values: dict[str, Value] = {
        "hook": hook,
        "proto": step.proto,
        "src": step.src,
        "dst": step.dst,
        "ttl": step.ttl,
        "length": datagram.size,
        **more,
    }
    if entering is not None:
        values["in"] = entering
    if leaving is not None:
        values["out"] = leaving
    if step.proto in (TCP, UDP):
        values["sport"], values["dport"] = step.sport, step.dport
    if step.proto == TCP:
        values["flags"] = step.flags
        values["tcp_options"] = _OPTIONS_OF_SYN if step.flags & SYN else 0 if step.flags & RST else _OPTIONS
    elif step.proto in (ICMP, ICMP6):
        values["icmp_type"], values["icmp_code"] = step.icmp
    return complete(values)
