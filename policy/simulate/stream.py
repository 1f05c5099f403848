"""What a stream socket remembers of its connection, and how long it waits for what."""

from __future__ import annotations

from collections import deque
from dataclasses import field

from policy._record import dataclass
from policy.simulate.datagram import FIN, SYN
from policy.simulate.failure import Failure
from policy.sockets import Socket

SYN_WAITS = (1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""How long a SYN, and each that is sent again, waits for an answer (ip-sysctl.rst: tcp_syn_retries 6,
tcp_syn_linear_timeouts 4): 131 seconds in all."""

SYN_ACK_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""The same of a SYN+ACK (tcp_synack_retries 5)."""

DATA_WAIT, MOST_WAIT, TRIES, ORPHAN_TRIES = 0.2, 120.0, 15, 8
"""Data waits 0.2 s at first, then twice as long each time (tcp_retries2, tcp_orphan_retries)."""

TIME_WAIT = FIN_WAIT_2 = 60.0
"""TCP_TIMEWAIT_LEN; tcp_fin_timeout, for sockets that were closed."""

MSS, WINDOW, SCALE = 1460, 64256, 7


def _doubled(tries: int) -> tuple[float, ...]:
    return tuple(min(DATA_WAIT * 2**number, MOST_WAIT) for number in range(tries + 1))


DATA_WAITS, ORPHAN_WAITS = _doubled(TRIES), _doubled(ORPHAN_TRIES)


@dataclass(slots=True, eq=False)
class Piece:
    """A segment that is not acknowledged yet."""

    seq: int
    flags: int
    length: int = 0
    text: str | None = None

    @property
    def end(self) -> int:
        """The number behind it."""
        return self.seq + self.length + bool(self.flags & (SYN | FIN))


@dataclass(slots=True, eq=False)
class Stream:
    """What a stream socket remembers of its connection.

    *una*, *nxt*, *rcv* as in the RFC. *sent* is what is not acknowledged, *waiting* what is not sent. *got* counts
    bytes that came and were not taken yet, *texts* are those that are text, *ended*: the other side sends no more.
    *orphan*: the application has closed the socket.
    """

    socket: Socket
    una: int
    nxt: int
    rcv: int = 0
    sent: deque[Piece] = field(default_factory=deque)
    waiting: deque[tuple[int, str | None]] = field(default_factory=deque)
    finishing: bool = False
    got: int = 0
    texts: list[str] = field(default_factory=list)
    ended: bool = False
    failure: Failure | None = None
    soft: Failure | None = None
    orphan: bool = False
    round: int = 0
    tries: int = 0
    opened: bool = False

    @property
    def pauses(self) -> tuple[float, ...]:
        """How many seconds pass before what was sent first is sent again, each time."""
        if self.socket.state == "syn-sent":
            return SYN_WAITS
        if self.socket.state == "syn-received":
            return SYN_ACK_WAITS
        return ORPHAN_WAITS if self.orphan else DATA_WAITS


def taken(stream: Stream) -> tuple[int, list[str]]:
    """Take what has come to a stream: how many bytes, and those that are text."""
    found = stream.got, stream.texts
    stream.got, stream.texts = 0, []
    return found


def waits(stream: Stream) -> bool:
    """Does receiving end at once: with bytes, with the end, or with an error?"""
    return bool(stream.got) or stream.ended or stream.failure is not None or stream.socket.state == "closed"


def ending(stream: Stream) -> Failure | None:
    """Return what receiving ends with where no bytes are left: an error, which is told once, or (None) the end.

    What is asked in which order is that of `tcp_recvmsg_locked` in tcp.c.
    """
    if stream.ended:
        return None
    if stream.failure is not None:
        failure, stream.failure = stream.failure, None
        return failure
    return None if stream.opened else Failure("ENOTCONN")
