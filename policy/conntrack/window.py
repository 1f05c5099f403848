"""The window of a TCP connection: is a segment one that its receiver can expect?

Source: `tcp_in_window`, `tcp_init_sender` and `tcp_new` in net/netfilter/nf_conntrack_proto_tcp.c of
Linux 6.18. SACK blocks are not modelled: nothing is acknowledged out of order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from policy.conntrack.settings import Settings
from policy.conntrack.step import Segment
from policy.conntrack.tcp_table import FIN, RST, Kind, State, kind_of
from policy.packet.fields import ACK, SYN

SCALES, SELECTIVE, CLOSES, LIBERAL, UNACKNOWLEDGED, HAS_ACKED, CHALLENGED, BOTH_OPEN = (1 << n for n in range(8))
"""What is remembered of a side, as the flags IP_CT_TCP_FLAG_… of Linux."""

_ALL = (1 << 32) - 1
_OLDEST_ACK = 66000
_FIRST = (1_000_000, 2_000_000)
_RESTARTED = 1_000_000
_MOST_SCALE = 14


@dataclass(slots=True)
class Side:
    """What was seen of one side: the end of what it sent, how far it may send, its largest window and last ACK."""

    end: int = 0
    may: int = 0
    window: int = 0
    acked: int = 0
    scale: int = 0
    flags: int = 0


@dataclass(slots=True)
class Tcp:
    """What is remembered of a TCP connection. One that was given out is never changed: see `copied`."""

    state: State = State.NONE
    sides: tuple[Side, Side] = field(default_factory=lambda: (Side(), Side()))
    last: Kind = Kind.NONE
    last_direction: int = 0
    last_seq: int = 0
    last_ack: int = 0
    last_end: int = 0
    last_window: int = 0
    last_scale: int = 0
    last_flags: int = 0
    repeated: int = 0

    def copied(self) -> Tcp:
        """Return a copy that can be changed."""
        return replace(self, sides=(replace(self.sides[0]), replace(self.sides[1])))


class Fit(Enum):
    """How a segment fits: it counts, it passes without counting, or it is invalid."""

    ACCEPT = 0
    IGNORE = 1
    INVALID = 2


def after(one: int, other: int) -> bool:
    """Is a number of the sequence behind the other? Of two that are opposite, each is behind the other."""
    return 0 < (one - other) & _ALL <= 1 << 31


def end_of(flags: int, segment: Segment) -> int:
    """Return the number behind a segment whose numbers are filled in."""
    assert segment.seq is not None
    return (segment.seq + segment.length + bool(flags & SYN) + bool(flags & FIN)) & _ALL


def filled(tcp: Tcp | None, direction: int, flags: int, segment: Segment) -> Segment:
    """Return *segment* with the numbers that a well-behaved sender would put where it has None.

    It goes on where it ended, acknowledges all that was sent, repeats a SYN that has no answer, and begins a new
    connection with new numbers. A SYN that was ignored, because the connection is open, is what SYN+ACK
    and RST answer.
    """
    seq, ack = segment.seq, segment.ack
    if tcp is None:
        return replace(
            segment,
            seq=_FIRST[0] if seq is None else seq,
            ack=(_FIRST[1] if flags & ACK else 0) if ack is None else ack,
        )
    sender, receiver = tcp.sides[direction], tcp.sides[1 - direction]
    opening = tcp.state in (State.SYN_SENT, State.SYN_SENT2, State.SYN_RECV)
    answers_ignored = tcp.last == Kind.SYN and tcp.last_direction != direction and not opening
    kind = kind_of(flags)
    if seq is None:
        seq = sender.end
        if kind in (Kind.SYN, Kind.SYN_ACK):
            if not sender.window:
                seq = _FIRST[direction]
            elif opening or (kind == Kind.SYN_ACK and not answers_ignored):
                seq = sender.end - 1 - segment.length
            else:
                seq = sender.end + _RESTARTED
        elif kind != Kind.RST and not sender.window and not sender.end:
            seq = _FIRST[direction]
    if ack is None:
        ack = 0
        if flags & ACK:
            ack = receiver.end or _FIRST[1 - direction]
            if answers_ignored and kind in (Kind.SYN_ACK, Kind.RST):
                ack = tcp.last_end
    return replace(segment, seq=seq & _ALL, ack=ack & _ALL)


def begin(flags: int, segment: Segment) -> Tcp:
    """Return what is known with the first segment; with an ACK, much is taken on trust."""
    tcp = Tcp()
    side = tcp.sides[0]
    side.end = side.may = end_of(flags, segment)
    side.window = segment.window or 1
    if flags & SYN:
        _options(side, segment)
    else:
        side.may = (side.end + side.window) & _ALL
        for each in tcp.sides:
            each.flags = SELECTIVE | LIBERAL
    return tcp


def fit(tcp: Tcp, direction: int, flags: int, segment: Segment, settings: Settings) -> Fit:
    """Say how a segment fits, and note what it shows; changes *tcp*."""
    sender, receiver = tcp.sides[direction], tcp.sides[1 - direction]
    assert segment.seq is not None
    assert segment.ack is not None
    seq, ack, end = segment.seq, segment.ack, end_of(flags, segment)
    if sender.window == 0:
        if flags & SYN:
            _introduce(sender, receiver, segment, end, direction)
            if not flags & ACK:
                return Fit.ACCEPT
        else:
            sender.end = end
            sender.window = segment.window << sender.scale or 1
            sender.may = (end + sender.window) & _ALL
            if receiver.window == 0:
                receiver.end = receiver.may = ack
            elif ack == (receiver.end + 1) & _ALL:
                receiver.end = ack
    elif flags & SYN and after(end, sender.end) and tcp.state in (State.SYN_SENT, State.SYN_RECV):
        _introduce(sender, receiver, segment, end, direction)
        if direction and not flags & ACK:
            return Fit.ACCEPT
    if not flags & ACK or (flags & RST and ack == 0):
        ack = receiver.end
    if flags & RST and seq == 0 and tcp.state == State.SYN_SENT:
        seq = end = sender.end
    found = _inside(sender, receiver, seq, end, ack)
    if found != Fit.ACCEPT:
        return Fit.ACCEPT if settings.liberal or sender.flags & LIBERAL else found
    _note(tcp, direction, flags, replace(segment, seq=seq, ack=ack), end)
    return Fit.ACCEPT


def _inside(sender: Side, receiver: Side, seq: int, end: int, ack: int) -> Fit:
    oldest = max(sender.window, _OLDEST_ACK)
    received = after(end, sender.end - receiver.window - 1)
    if not after(sender.may + 1, seq):
        over = (end - sender.may + 1) & _ALL
        recent = after(ack, receiver.end - oldest - 1)
        if receiver.window and received and recent and over <= receiver.window and after(receiver.end + 1, ack):
            sender.end = end
            sender.flags |= UNACKNOWLEDGED
            return Fit.IGNORE
        return Fit.INVALID
    if not after(receiver.end + 1, ack):
        return Fit.INVALID
    if receiver.window and not received:
        return Fit.IGNORE
    return Fit.ACCEPT if after(ack, receiver.end - oldest - 1) else Fit.IGNORE


def _note(tcp: Tcp, direction: int, flags: int, segment: Segment, end: int) -> None:
    """Note what a segment inside the window shows of both sides, and whether it is a repetition."""
    sender, receiver = tcp.sides[direction], tcp.sides[1 - direction]
    assert segment.seq is not None
    assert segment.ack is not None
    seq, ack = segment.seq, segment.ack
    window = segment.window if flags & SYN else segment.window << sender.scale
    sender.window = max(sender.window, window)
    if after(end, sender.end):
        sender.end = end
        sender.flags |= UNACKNOWLEDGED
    if flags & ACK and (not sender.flags & HAS_ACKED or after(ack, sender.acked)):
        sender.acked = ack
        sender.flags |= HAS_ACKED
    if receiver.window and after(end, sender.may):
        receiver.window += (end - sender.may) & _ALL
    if after(ack + window, receiver.may - 1):
        receiver.may = (ack + (window or 1)) & _ALL
    if ack == receiver.end:
        receiver.flags &= ~UNACKNOWLEDGED
    if kind_of(flags) == Kind.ACK:
        this = (direction, seq, ack, end, segment.window)
        if this == (tcp.last_direction, tcp.last_seq, tcp.last_ack, tcp.last_end, tcp.last_window):
            tcp.repeated += 1
        else:
            tcp.last_direction, tcp.last_seq, tcp.last_ack, tcp.last_end, tcp.last_window = this
            tcp.repeated = 0


def _introduce(sender: Side, receiver: Side, segment: Segment, end: int, direction: int) -> None:
    sender.end = sender.may = end
    sender.window = segment.window or 1
    _options(sender, segment)
    if direction and not sender.flags & receiver.flags & SCALES:
        sender.scale = receiver.scale = 0


def _options(side: Side, segment: Segment) -> None:
    """Note the options of a SYN; a header without options says nothing."""
    if segment.scale is not None or segment.selective:
        side.flags &= LIBERAL
        side.scale = 0
    if segment.scale is not None:
        side.flags |= SCALES
        side.scale = min(segment.scale, _MOST_SCALE)
    if segment.selective:
        side.flags |= SELECTIVE
