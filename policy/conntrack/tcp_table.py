"""The states of a TCP connection as Linux sees it from the middle, and what leads from one to the next.

Source: `tcp_conntracks`, `tcp_valid_flags` and `get_conntrack_index` in
net/netfilter/nf_conntrack_proto_tcp.c of Linux 6.18.
"""

from __future__ import annotations

from enum import IntEnum

from policy.packet.fields import ACK, SYN

FIN, RST, URG = 1, 4, 32
_COUNT = FIN | SYN | RST | ACK | URG
_VALID = frozenset(
    {SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG},
)


class State(IntEnum):
    """The state of a connection."""

    NONE = 0
    SYN_SENT = 1
    SYN_RECV = 2
    ESTABLISHED = 3
    FIN_WAIT = 4
    CLOSE_WAIT = 5
    LAST_ACK = 6
    TIME_WAIT = 7
    CLOSE = 8
    SYN_SENT2 = 9
    """A SYN has been seen from both sides."""

    INVALID = 10
    IGNORE = 11
    """Not a state: the packet passes and changes nothing, because the entry may be what is wrong."""


class Kind(IntEnum):
    """What a segment is by its flags: RST before SYN before FIN before ACK."""

    SYN = 0
    SYN_ACK = 1
    FIN = 2
    ACK = 3
    RST = 4
    NONE = 5


_NAMES = {"--": State.INVALID, "..": State.IGNORE} | dict(
    zip(["NO", "SS", "SR", "ES", "FW", "CW", "LA", "TW", "CL", "S2"], State, strict=False)
)
_ROWS = """
    from the side that began
           NO SS SR ES FW CW LA TW CL S2
    SYN    SS SS .. .. .. .. .. SS SS S2
    SYNACK -- -- SR -- -- -- -- -- -- SR
    FIN    -- -- FW FW LA LA LA TW CL --
    ACK    ES -- ES ES CW CW TW TW CL --
    RST    -- CL CL CL CL CL CL CL CL CL
    from the other side
           NO SS SR ES FW CW LA TW CL S2
    SYN    -- S2 -- -- -- -- -- SS -- S2
    SYNACK -- SR .. .. .. .. .. .. .. SR
    FIN    -- -- FW FW LA LA LA TW CL --
    ACK    -- .. SR ES CW CW TW TW CL ..
    RST    -- CL CL CL CL CL CL CL CL CL
"""
_WORDS = [line.split() for line in _ROWS.strip().split("\n")]
_NEXT = tuple(tuple(tuple(_NAMES[word] for word in words[1:]) for words in _WORDS[at : at + 5]) for at in (2, 9))


def kind_of(flags: int) -> Kind:
    """Return what a segment is."""
    if flags & RST:
        return Kind.RST
    if flags & SYN:
        return Kind.SYN_ACK if flags & ACK else Kind.SYN
    if flags & FIN:
        return Kind.FIN
    return Kind.ACK if flags & ACK else Kind.NONE


def valid(flags: int) -> bool:
    """Can these flags stand together? PSH, ECE and CWR may stand with any."""
    return flags & _COUNT in _VALID


def following(direction: int, kind: Kind, state: State) -> State:
    """Return the state that a segment leads to; also `State.INVALID` and `State.IGNORE`."""
    return State.INVALID if kind == Kind.NONE else _NEXT[direction][kind][state]
