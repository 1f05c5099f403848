"""The TCP of a host: what its stream sockets send, and what they make of what comes (RFC 9293).

Where Linux does more than the RFC asks, or else, it is as Linux: when segments are sent again and how long
a closed connection is kept (`stream`), which errors of ICMP end one (tcp_ipv4.c,
`tcp_v4_err`), a RST where data comes to, or lies unread in, a socket that is closed (tcp.c, `tcp_close`). Segments are
acknowledged at once, and come in the order in which they were sent; there is no congestion.
"""

from __future__ import annotations

from collections.abc import Callable

from policy.conntrack import Segment, Step
from policy.packet.fields import TCP
from policy.simulate.datagram import ACK, FIN, PSH, RST, SYN, Datagram, reset
from policy.simulate.failure import Failure
from policy.simulate.log import Travel
from policy.simulate.machine import Machine
from policy.simulate.stream import (
    FIN_WAIT_2,
    MSS,
    SCALE,
    TIME_WAIT,
    WINDOW,
    Piece,
    Stream,
)
from policy.sockets import Endpoint, Socket, SocketState, SocketTable

_SPEAKING = ("established", "close-wait")
_SENDS_FIN: dict[SocketState, SocketState] = {"established": "fin-wait-1", "close-wait": "last-ack"}

Noticed = Callable[[Socket, str, str], None]
"""Is told of a socket, what state it had, and what state it has."""

Accepted = Callable[[Socket, Travel], None]
"""Is told of a socket that a listening one has made, and of the SYN that it was made for."""


class Tcp:
    """The stream sockets of a host, with the connections that they are ends of."""

    def __init__(self, machine: Machine, table: SocketTable, noticed: Noticed, accepted: Accepted) -> None:
        self.machine = machine
        self.table = table
        self.noticed = noticed
        self.accepted = accepted
        self.streams: dict[Socket, Stream] = {}
        self._number = 0

    # What applications do

    def connect(self, socket: Socket) -> None:
        """Send the SYN of a socket that has both its endpoints."""
        stream = self._stream(socket)
        self.noticed(socket, "closed", socket.state)
        self._transmit(stream, SYN)

    def send(self, socket: Socket, size: int, text: str | None) -> Failure | None:
        """Send bytes; return why that is not possible."""
        stream = self.streams.get(socket)
        if stream is None or socket.state not in _SPEAKING or stream.finishing:
            if stream is not None and stream.failure is not None:
                failure, stream.failure = stream.failure, None
                return failure
            return Failure("EPIPE")
        left = size
        while left > 0:
            stream.waiting.append((min(left, MSS), text if left == size else None))
            left -= MSS
        self._push(stream)
        return None

    def shutdown(self, socket: Socket) -> Failure | None:
        """Close the own direction of a connection; return why that is not possible (`inet_shutdown`)."""
        if socket.state in ("closed", "bound", "time-wait"):
            return Failure("ENOTCONN")
        self.close(socket, sending=True)
        return None

    def close(self, socket: Socket, *, sending: bool = False) -> None:
        """Close a socket, or (*sending*) only its own direction."""
        stream = self.streams.get(socket)
        if socket.state == "listen":
            for child in [each for each in self.streams if each.parent is socket and each.state == "syn-received"]:
                self.abort(child)
            self._gone(socket)
            return
        if stream is not None:
            stream.orphan = stream.orphan or not sending
        if stream is None or socket.state in ("syn-sent", "bound", "closed"):
            self._gone(socket)
            return
        if stream.got and not sending and socket.state != "time-wait":
            self.abort(socket)
        elif not stream.finishing and socket.state in _SENDS_FIN:
            stream.finishing = True
            self._push(stream)
        elif socket.state == "fin-wait-2" and not sending:
            self._later(stream, FIN_WAIT_2, self._gone)

    def abort(self, socket: Socket) -> None:
        """End a connection with a RST."""
        stream = self.streams.get(socket)
        if stream is not None:
            stream.orphan = True
            if socket.state not in ("syn-sent", "time-wait", "listen", "bound", "closed"):
                self._emit(stream, RST | ACK, stream.nxt)
        if socket.state != "time-wait":  # which is no matter of the application any more
            self._gone(socket)

    # What the network brings

    def take(self, travel: Travel, datagram: Datagram) -> bool:
        """Take a segment; one that belongs to nobody is answered with a RST."""
        step = datagram.step
        socket = self.table.found(TCP, step.src, step.sport, step.dst, step.dport)
        if socket is not None and socket.state == "time-wait" and self._reopens(socket, step):
            self._gone(socket)
            socket = self.table.found(TCP, step.src, step.sport, step.dst, step.dport)
        if socket is None or (socket.state == "listen" and not self._listen(socket, step, travel)):
            self._reset(travel, step)
            return socket is not None
        if socket.state != "listen":
            self._segment(self.streams[socket], travel, datagram)
        return True

    def fail(self, travel: Travel, step: Step, code: str, hard: bool) -> bool:  # noqa: ARG002 (as `Transport` has it)
        """Be told of an ICMP error about a segment that was sent: while a connection is being opened it ends that."""
        socket = self.table.found(TCP, step.dst, step.dport, step.src, step.sport)
        stream = None if socket is None else self.streams.get(socket)
        if socket is None or stream is None:
            return False
        if socket.state == "syn-sent":
            self._fail(stream, Failure(code, travel))
        else:
            stream.soft = Failure(code, travel)
        return True

    # States

    def _stream(self, socket: Socket) -> Stream:
        self._number += 1
        first = 1_000_000 * self._number
        stream = self.streams[socket] = Stream(socket, first, first)
        return stream

    def _state(self, socket: Socket, state: SocketState) -> None:
        if socket.state != state:
            was, socket.state = socket.state, state
            self.noticed(socket, was, state)

    def _gone(self, socket: Socket) -> None:
        """End a socket; an application that has not closed it can still take what came, and is told how it ended."""
        stream = self.streams.get(socket)
        if stream is not None:
            stream.round += 1
            if stream.orphan or (socket.state == "syn-received" and socket.parent is not None):
                del self.streams[socket]
        was = socket.state
        self.table.close(socket)
        if was != "closed":
            self.noticed(socket, was, "closed")

    def _fail(self, stream: Stream, failure: Failure) -> None:
        self._gone(stream.socket)
        stream.failure = failure

    def _listen(self, listener: Socket, step: Step, travel: Travel) -> bool:
        """Take a segment for a listening socket; False if it has to be answered with a RST."""
        if step.flags & (RST | ACK | SYN) != SYN:
            return bool(step.flags & RST) or not step.flags & ACK
        half = sum(each.parent is listener and each.state == "syn-received" for each in self.streams)
        if half >= listener.backlog:
            return True
        socket = self.table.accept(listener, Endpoint(step.dst, step.dport), Endpoint(step.src, step.sport))
        stream = self._stream(socket)
        stream.rcv = (step.segment.seq or 0) + 1
        self.accepted(socket, travel)
        self.noticed(socket, "closed", socket.state)
        self._transmit(stream, SYN | ACK)
        return True

    def _reopens(self, socket: Socket, step: Step) -> bool:
        """May a SYN open a connection anew whose old one is in TIME-WAIT? (RFC 6191: if its number is higher.)"""
        stream = self.streams[socket]
        return step.flags & (SYN | ACK | RST) == SYN and (step.segment.seq or 0) >= stream.rcv

    def _segment(self, stream: Stream, travel: Travel, datagram: Datagram) -> None:
        step, socket = datagram.step, stream.socket
        seq, ack = step.segment.seq or 0, step.segment.ack or 0
        if socket.state == "syn-sent":
            self._answered(stream, travel, step)
        elif step.flags & RST:
            self._was_reset(stream, travel, seq)
        elif step.flags & SYN:
            if socket.state == "syn-received" and seq + 1 == stream.rcv:
                self._wait(stream)  # it is no timeout of ours (inet_rtx_syn_ack), so that none is used up
                self._emit(stream, SYN | ACK, stream.una, again=1)
            else:
                self._emit(stream, ACK, stream.nxt)
        elif step.flags & ACK:
            if not self._acknowledged(stream, travel, step, ack):
                return
            self._data(stream, datagram)

    def _answered(self, stream: Stream, travel: Travel, step: Step) -> None:
        """Take what comes to a socket that waits for the answer to its SYN (RFC 9293, 3.10.7.3)."""
        ack = step.segment.ack or 0
        fits = bool(step.flags & ACK) and ack == stream.nxt
        if step.flags & ACK and not fits:
            self._reset(travel, step)
        elif step.flags & RST:
            if fits:
                self._fail(stream, Failure("ECONNREFUSED", travel))
        elif step.flags & SYN:
            stream.rcv = (step.segment.seq or 0) + 1
            if fits:
                self._confirm(stream, ack)
                stream.opened = True
                self._state(stream.socket, "established")
                self._emit(stream, ACK, stream.nxt)
                self._push(stream)
            else:
                self._state(stream.socket, "syn-received")
                stream.sent.clear()
                stream.nxt = stream.una
                self._transmit(stream, SYN | ACK)

    def _was_reset(self, stream: Stream, travel: Travel, seq: int) -> None:
        """Take a RST: only one with just the number that is expected counts (RFC 5961)."""
        socket = stream.socket
        if seq != stream.rcv:
            self._emit(stream, ACK, stream.nxt)
        elif socket.state == "time-wait" or (socket.state == "syn-received" and socket.parent is not None):
            self._gone(socket)
        else:
            code = {"syn-received": "ECONNREFUSED", "close-wait": "EPIPE"}.get(socket.state, "ECONNRESET")
            self._fail(stream, Failure(code, travel))

    def _acknowledged(self, stream: Stream, travel: Travel, step: Step, ack: int) -> bool:
        """Take what an ACK acknowledges; False if the segment is not to be looked at any further."""
        socket = stream.socket
        if socket.state == "syn-received":
            if ack != stream.nxt:
                self._reset(travel, step)
                return False
            stream.opened = True
            self._state(socket, "established")
        if ack > stream.nxt:
            self._emit(stream, ACK, stream.nxt)
            return False
        if ack > stream.una:
            self._confirm(stream, ack)
        done = stream.una == stream.nxt and stream.finishing and not stream.waiting
        if done and socket.state == "fin-wait-1":
            self._state(socket, "fin-wait-2")
            if stream.orphan:
                self._later(stream, FIN_WAIT_2, self._gone)
        elif done and socket.state == "closing":
            self._time_wait(stream)
        elif done and socket.state == "last-ack":
            self._gone(socket)
            return False
        self._push(stream)
        return True

    def _data(self, stream: Stream, datagram: Datagram) -> None:
        """Take the bytes of a segment, and its FIN."""
        step, socket = datagram.step, stream.socket
        seq, length = step.segment.seq or 0, step.segment.length
        fin = bool(step.flags & FIN)
        if not length and not fin:
            return
        if seq != stream.rcv:
            self._emit(stream, ACK, stream.nxt)
            return
        if length and stream.orphan:
            self.abort(socket)
            return
        stream.rcv += length
        stream.got += length
        if datagram.data is not None:
            stream.texts.append(datagram.data)
        if fin:
            stream.rcv += 1
            stream.ended = True
            self._emit(stream, ACK, stream.nxt)
            if socket.state == "established":
                self._state(socket, "close-wait")
            elif socket.state == "fin-wait-1":
                self._state(socket, "closing")
            elif socket.state == "fin-wait-2":
                self._time_wait(stream)
        else:
            self._emit(stream, ACK, stream.nxt)

    def _time_wait(self, stream: Stream) -> None:
        was = stream.socket.state
        self.table.time_wait(stream.socket)
        self.noticed(stream.socket, was, "time-wait")
        self._later(stream, TIME_WAIT, self._gone)

    # Segments

    def _push(self, stream: Stream) -> None:
        """Send what waits, as far as the window of the other side goes."""
        if stream.socket.state not in _SPEAKING:
            return
        while stream.waiting and stream.nxt - stream.una < WINDOW - MSS:
            length, text = stream.waiting.popleft()
            self._transmit(stream, ACK | PSH, length, text)
        if stream.finishing and not stream.waiting:
            self._state(stream.socket, _SENDS_FIN[stream.socket.state])
            self._transmit(stream, FIN | ACK)

    def _transmit(self, stream: Stream, flags: int, length: int = 0, text: str | None = None) -> None:
        """Send something that has to be acknowledged."""
        piece = Piece(stream.nxt, flags, length, text)
        stream.sent.append(piece)
        stream.nxt = piece.end
        if len(stream.sent) == 1:
            stream.tries = 0
            self._wait(stream)
        self._emit(stream, flags, piece.seq, length, text)

    def _emit(
        self, stream: Stream, flags: int, seq: int, length: int = 0, text: str | None = None, again: int = 0
    ) -> None:
        local, remote = stream.socket.local, stream.socket.remote
        assert local is not None
        assert local.address is not None
        assert remote is not None
        assert remote.address is not None
        opening = bool(flags & SYN)
        numbers = Segment(
            seq, stream.rcv if flags & ACK else None, length, 64240 if opening else WINDOW >> SCALE,
            SCALE if opening else None, opening,
        )  # fmt: skip
        step = Step(TCP, local.address, remote.address, local.port, remote.port, flags, numbers)
        if self.machine.send(step, text, again=again) == "ENETUNREACH" and stream.socket.state == "syn-sent":
            self._fail(stream, Failure("ENETUNREACH"))

    def _reset(self, travel: Travel, step: Step) -> None:
        answer = reset(step)
        if answer is not None:
            self.machine.send(answer, answers=travel)

    def _confirm(self, stream: Stream, ack: int) -> None:
        """Forget what is acknowledged."""
        stream.una = ack
        stream.soft = None
        while stream.sent and stream.sent[0].end <= ack:
            stream.sent.popleft()
        stream.tries = 0
        stream.round += 1
        if stream.sent:
            self._wait(stream)

    # Time

    def _later(self, stream: Stream, seconds: float, then: Callable[[Socket], None]) -> None:
        stream.round += 1
        at = stream.round

        def due() -> None:
            if stream.round == at:
                then(stream.socket)

        self.machine.network.plan(seconds, due)

    def _wait(self, stream: Stream) -> None:
        """Wait for an acknowledgement, and send again what has none."""
        waits = stream.pauses
        if stream.tries >= len(waits):
            if stream.socket.state == "syn-received" and stream.socket.parent is not None:
                self._gone(stream.socket)
            else:
                self._fail(stream, stream.soft or Failure("ETIMEDOUT"))
            return
        self._later(stream, waits[stream.tries], lambda _: self._again(stream))

    def _again(self, stream: Stream) -> None:
        stream.tries += 1
        self._wait(stream)
        if stream.sent and stream.failure is None and stream.socket in self.streams:
            piece = stream.sent[0]
            if stream.tries < len(stream.pauses):
                self._emit(stream, piece.flags, piece.seq, piece.length, piece.text, stream.tries)
