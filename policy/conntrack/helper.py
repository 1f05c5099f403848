"""The FTP helper at work: what it makes of the packets of a control connection that the rules let pass.

Source: `help` in nf_conntrack_ftp.c and `nf_nat_ftp` in nf_nat_ftp.c of Linux 6.18. Where a port is taken, the kernel
tries others at random; here the next ones are tried.
"""

from __future__ import annotations

from dataclasses import replace

from policy._record import dataclass
from policy.conntrack import ftp
from policy.conntrack.entry import DST_NAT, SRC_NAT, Entry
from policy.conntrack.expect import Expectation
from policy.conntrack.ftp import Command, Heard, Partial
from policy.conntrack.shift import Shift
from policy.conntrack.step import Step
from policy.conntrack.tracker import Seen, Tracker
from policy.packet.fields import ESTABLISHED, NEW, RELATED, TCP

_TRIES = 128
_ALL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Hearing:
    """What becomes of a packet: how it is *seen* from now on, and the *data* that leave in the place of its own.

    *dropped* says why the helper drops it, if it does.
    """

    seen: Seen
    data: bytes | None
    dropped: str | None = None


def hear(tracker: Tracker, seen: Seen, step: Step, data: bytes | None, at: float) -> Hearing:
    """Let the helper see a packet at the end of its way; *step* is how it came, *data* what it carries.

    Control connections are those to port 21 of a server, from their first packet on. Data that is not known (None, of a
    segment with a length) is no line, and ends none.
    """
    entry = seen.entry
    if entry is None or step.proto != TCP or entry.reply.sport != ftp.PORT or step.about is not None:
        return Hearing(seen, data)
    if seen.state in (NEW, RELATED) and entry.heard is None:
        return Hearing(tracker.keep(seen, replace(entry, heard=Heard())), data)
    heard, seq = entry.heard, step.segment.seq
    if heard is None or seen.state != ESTABLISHED or not data or seq is None:
        return Hearing(seen, data)
    assert seen.direction is not None
    left = data
    if seq in heard.begins[seen.direction]:
        own = entry.tuple(seen.direction)
        try:
            command = ftp.read(data, seen.direction, own.src)
        except Partial as part:
            return Hearing(seen, data, f"FTP: {part} that says no port")
        if command is not None and command.address == own.src:
            port = _awaited(tracker, entry, seen.direction, command, at)
            if port is None:
                return Hearing(seen, data, "FTP: another connection has announced the same")
            entry, left = _told(entry, seen.direction, command, port, data, seq)
    if data.endswith(b"\n"):
        entry = replace(entry, heard=heard.with_line(seen.direction, seq + len(data) & _ALL))
    return Hearing(tracker.keep(seen, entry), left)


def _awaited(tracker: Tracker, entry: Entry, direction: int, command: Command, at: float) -> int | None:
    """Await the connection that was announced; return the port that the other side is told, None if none is free."""
    own, back = entry.tuple(direction), entry.tuple(1 - direction)
    expected = Expectation(entry.number, TCP, back.src, back.dst, command.port, at + ftp.LASTS)
    if not entry.status & (SRC_NAT | DST_NAT):
        return command.port if tracker.expect(expected, at) else None
    expected = replace(expected, source=(own.dst, None), destination=(own.src, command.port))
    for port in range(command.port, min(command.port + _TRIES, 65536)):
        if tracker.expect(replace(expected, dport=port), at):
            return port
    return None


def _told(entry: Entry, direction: int, command: Command, port: int, data: bytes, seq: int) -> tuple[Entry, bytes]:
    """Return what the other side is told, and the entry with what that makes of the numbers that follow."""
    if not entry.status & (SRC_NAT | DST_NAT):
        return entry, data
    said = ftp.written(command.kind, entry.tuple(1 - direction).dst, port)
    by = len(said) - (command.end - command.begin)
    if by:
        shifts = list(entry.shifts or (Shift(), Shift()))
        shifts[direction] = shifts[direction].with_change(seq, by)
        entry = replace(entry, shifts=(shifts[0], shifts[1]))
    return entry, data[: command.begin] + said + data[command.end :]
