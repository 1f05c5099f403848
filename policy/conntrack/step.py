"""What connection tracking sees of a packet."""

from __future__ import annotations

from policy._record import dataclass
from policy.packet.address import family_of


@dataclass(frozen=True, slots=True)
class Segment:
    """The numbers of a TCP segment. What is None is what a well-behaved sender would say (`window.filled`).

    *length*: bytes of data. *scale* and *selective*: the options "window scale" and "SACK permitted", which
    count in segments with SYN.
    """

    seq: int | None = None
    ack: int | None = None
    length: int = 0
    window: int = 8192
    scale: int | None = None
    selective: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of SCTP (RFC 9260, 3.2): its *kind*, the T bit, and of INIT and INIT ACK the initiate tag.

    A *tag* of None is a usual one, which differs by direction.
    """

    kind: int
    reflected: bool = False
    tag: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A packet as connection tracking sees it. Addresses are numbers as in `policy.packet.address`.

    Ports count for TCP, UDP, UDP-Lite and SCTP. *flags*: those of TCP, as in the header. *icmp*: type and
    code, *identifier*: that of an echo or another query. *about*: the packet that an ICMP error carries.
    *key*: the call of enhanced GRE (version 1, RFC 2637); None is plain GRE. *chunks* and *tag* are those of
    SCTP; None is what a well-behaved sender would say. *ttl* counts for IPv6 redirects alone. *sent*: by this host
    itself, so that its checksum is not looked at.
    """

    proto: int
    src: int
    dst: int
    sport: int = 0
    dport: int = 0
    flags: int = 0
    segment: Segment = Segment()
    icmp: tuple[int, int] = (0, 0)
    identifier: int = 0
    about: Step | None = None
    key: int | None = None
    chunks: tuple[Chunk, ...] | None = None
    tag: int | None = None
    ttl: int = 64
    sent: bool = False

    @property
    def family(self) -> int:
        """4 or 6."""
        return family_of(self.src)
