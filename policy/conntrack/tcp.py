"""TCP: what a segment makes of a connection.

Source: `nf_conntrack_tcp_packet` in net/netfilter/nf_conntrack_proto_tcp.c of Linux 6.18.
"""

from __future__ import annotations

from policy.conntrack.entry import ASSURED, CONFIRMED, ORIGINAL, REPLY, SEEN_REPLY, Outcome, Visit
from policy.conntrack.settings import Settings
from policy.conntrack.step import Segment, Step
from policy.conntrack.tcp_table import RST, Kind, State, following, kind_of, valid
from policy.conntrack.window import (
    BOTH_OPEN,
    CHALLENGED,
    CLOSES,
    HAS_ACKED,
    LIBERAL,
    SCALES,
    SELECTIVE,
    UNACKNOWLEDGED,
    Fit,
    Tcp,
    after,
    begin,
    end_of,
    filled,
    fit,
)

_CLOSING = (State.FIN_WAIT, State.LAST_ACK, State.TIME_WAIT, State.CLOSE, State.CLOSE_WAIT)
_SYN_SENT2 = 120
"""Seconds: the only state whose timeout cannot be set."""
_SOON = 120


def tcp(step: Step, visit: Visit, settings: Settings) -> Outcome:
    """Say what a segment makes of its connection."""
    if not valid(step.flags):
        return Outcome(False, visit.track)
    known: Tcp | None = visit.track if visit.status & CONFIRMED else None
    segment = filled(known, visit.direction, step.flags, step.segment)
    kind = kind_of(step.flags)
    if known is None:
        first = following(ORIGINAL, kind, State.NONE)
        if first == State.INVALID or (first != State.SYN_SENT and not settings.loose):
            return Outcome(False, None)
        known = begin(step.flags, segment)
    return _Segment(known.copied(), step.flags, segment, kind, visit, settings).outcome()


class _Segment:
    """One segment on its way through the tracker, which changes *tcp*."""

    def __init__(self, tcp: Tcp, flags: int, segment: Segment, kind: Kind, visit: Visit, settings: Settings) -> None:
        self.tcp, self.flags, self.segment, self.kind = tcp, flags, segment, kind
        self.visit, self.settings, self.direction = visit, settings, visit.direction
        self.old = tcp.state
        self.new = following(visit.direction, kind, tcp.state)
        assert segment.seq is not None
        assert segment.ack is not None
        self.seq, self.ack, self.end = segment.seq, segment.ack, end_of(flags, segment)

    def outcome(self) -> Outcome:
        """Return what becomes of the connection."""
        tcp = self.tcp
        inside = False
        match self.new:
            case State.INVALID:
                return Outcome(False, tcp)
            case State.SYN_SENT if self.old >= State.TIME_WAIT and self._reopens():
                return Outcome(True, tcp, again=True)
            case State.SYN_SENT if self.old < State.TIME_WAIT:
                pass
            case State.SYN_SENT | State.IGNORE:
                if not self._answers_ignored_syn():
                    return self._ignored()
                self._resume()
            case State.TIME_WAIT if self._is_challenge():
                tcp.last_flags &= ~CHALLENGED
                return Outcome(True, tcp)
            case State.SYN_SENT2:
                tcp.last_flags |= BOTH_OPEN
            case State.SYN_RECV if self.direction and self.kind == Kind.ACK and tcp.last_flags & BOTH_OPEN:
                self.new = State.ESTABLISHED
            case State.CLOSE if self.kind == Kind.RST:
                found = self._reset()
                if found is None:
                    return Outcome(False, tcp)
                inside = found
            case _:
                pass
        if not inside:
            match fit(tcp, self.direction, self.flags, self.segment, self.settings):
                case Fit.IGNORE:
                    return Outcome(True, tcp)
                case Fit.INVALID:
                    return self._outside()
                case Fit.ACCEPT:
                    pass
        return self._accepted()

    def _reopens(self) -> bool:
        """Is this SYN of a new connection, the old one having been closed in order or reset by this side?"""
        tcp = self.tcp
        closed = (tcp.sides[0].flags | tcp.sides[1].flags) & CLOSES
        return bool(closed) or (tcp.last_direction == self.direction and tcp.last == Kind.RST)

    def _answers_ignored_syn(self) -> bool:
        tcp = self.tcp
        answers = tcp.last == Kind.SYN and tcp.last_direction != self.direction
        return self.kind == Kind.SYN_ACK and answers and self.ack == tcp.last_end

    def _resume(self) -> None:
        """The SYN that was ignored began a new connection after all."""
        tcp = self.tcp
        self.old, self.new = State.SYN_SENT, State.SYN_RECV
        tcp.last_flags &= ~CHALLENGED
        peer, own = tcp.sides[tcp.last_direction], tcp.sides[self.direction]
        peer.end = peer.may = tcp.last_end
        peer.window = tcp.last_window or 1
        peer.scale, peer.flags = tcp.last_scale, tcp.last_flags
        own.end = own.may = own.window = own.acked = own.scale = 0
        own.flags &= LIBERAL

    def _ignored(self) -> Outcome:
        """Let it pass, and remember it: the answer will show who is right."""
        tcp, segment = self.tcp, self.segment
        tcp.last, tcp.last_direction = self.kind, self.direction
        tcp.last_seq, tcp.last_end, tcp.last_window = self.seq, self.end, segment.window
        if self.kind == Kind.SYN and self.direction == ORIGINAL:
            tcp.last_flags = tcp.last_scale = 0
            if segment.scale is not None:
                tcp.last_flags |= SCALES
                tcp.last_scale = min(segment.scale, 14)
            if segment.selective:
                tcp.last_flags |= SELECTIVE
            if self.old == State.LAST_ACK:
                tcp.last_flags |= CHALLENGED
        if self.old == State.SYN_SENT and self.kind == Kind.ACK and self.direction == REPLY:
            tcp.last_ack = self.ack
        return Outcome(True, tcp)

    def _is_challenge(self) -> bool:
        """Is this ACK the answer to a SYN out of place (RFC 5961, 4), and not to the last FIN?"""
        tcp = self.tcp
        asked = tcp.last_direction != self.direction and tcp.last == Kind.SYN and tcp.last_flags & CHALLENGED
        return self.old == State.LAST_ACK and self.kind == Kind.ACK and bool(asked)

    def _reset(self) -> bool | None:
        """Look at a RST: True if it counts wherever it lies, None if it is invalid, else its window is looked at."""
        tcp, peer = self.tcp, self.tcp.sides[1 - self.direction]
        if self.old in _CLOSING:
            return True
        status = self.visit.status
        if peer.flags & HAS_ACKED and tcp.last != Kind.SYN:
            established = self.old == State.ESTABLISHED and status & ASSURED
            if self.seq == 0 and not established:
                return False
            if after(peer.acked, self.seq) and not self.settings.ignore_invalid_rst:
                return None
            if not established or self.seq == peer.acked:
                return False
            if tcp.last == Kind.ACK and tcp.last_direction == self.direction and self.seq == tcp.last_end:
                return False
            self.new = self.old
        answered = status & SEEN_REPLY and tcp.last == Kind.SYN and tcp.last_direction != self.direction
        half_open = not status & ASSURED and tcp.last == Kind.ACK
        if (answered or half_open) and self.ack == tcp.last_end:
            return True
        challenged = tcp.last == Kind.ACK and tcp.last_direction == REPLY and self.seq == tcp.last_ack
        return self.old == State.SYN_SENT and challenged

    def _outside(self) -> Outcome:
        """An invalid FIN or RST, answered by another one, shortens the life of an entry."""
        tcp, visit = self.tcp, self.visit
        if not visit.status & ASSURED or self.kind not in (Kind.RST, Kind.FIN):
            return Outcome(False, tcp)
        if tcp.last_direction == self.direction or tcp.last not in (Kind.FIN, Kind.RST):
            tcp.last, tcp.last_direction = self.kind, self.direction
            return Outcome(False, tcp)
        assert visit.expires is not None
        left, shorter = visit.expires - visit.at, self.settings.timeouts["tcp_timeout_unacknowledged"]
        return Outcome(False, tcp, shorter if left >= _SOON and left > shorter else None)

    def _accepted(self) -> Outcome:
        tcp, status = self.tcp, self.visit.status
        tcp.last, tcp.last_direction, tcp.state = self.kind, self.direction, self.new
        if self.new == State.FIN_WAIT and self.old != self.new:
            tcp.sides[self.direction].flags |= CLOSES
        timeout = self._timeout()
        if not status & SEEN_REPLY:
            if self.flags & RST:
                return Outcome(True, tcp, gone=True)
            if self.kind == Kind.SYN and self.old == State.SYN_SENT:
                return Outcome(True, tcp)
            if self.new == State.ESTABLISHED:
                timeout = min(timeout, self.settings.timeouts["tcp_timeout_unacknowledged"])
            return Outcome(True, tcp, timeout)
        assured = self.old in (State.SYN_RECV, State.ESTABLISHED) and self.new == State.ESTABLISHED
        return Outcome(True, tcp, timeout, assured=assured)

    def _timeout(self) -> float:
        timeouts, tcp = self.settings.timeouts, self.tcp
        usual = _SYN_SENT2 if self.new == State.SYN_SENT2 else timeouts[f"tcp_timeout_{self.new.name.lower()}"]
        repeated, unanswered = timeouts["tcp_timeout_max_retrans"], timeouts["tcp_timeout_unacknowledged"]
        if tcp.repeated >= self.settings.max_retrans and usual > repeated:
            return repeated
        if self.kind == Kind.RST:
            return timeouts["tcp_timeout_close"]
        if (tcp.sides[0].flags | tcp.sides[1].flags) & UNACKNOWLEDGED and usual > unanswered:
            return unanswered
        if tcp.last_window == 0 and usual > repeated:
            return repeated
        return usual
