"""The table of connections, and the state of each packet.

Source: `nf_conntrack_in`, `resolve_normal_ct` and `__nf_conntrack_confirm` in
net/netfilter/nf_conntrack_core.c, and `nf_nat_setup_info` in nf_nat_core.c, of Linux 6.18. Zones, templates, timeout
policies and a full table are not modelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from policy._record import dataclass
from policy.conntrack import datagrams, sctp, window
from policy.conntrack.entry import (
    ASSURED,
    CONFIRMED,
    DST_NAT,
    EXPECTED,
    ORIGINAL,
    REPLY,
    SEEN_REPLY,
    SRC_NAT,
    Entry,
    Outcome,
    Visit,
)
from policy.conntrack.errors import Message, message
from policy.conntrack.expect import Endpoint, Expectation, Expectations
from policy.conntrack.settings import Settings
from policy.conntrack.shift import acknowledging, shifted
from policy.conntrack.step import Step
from policy.conntrack.tcp import tcp
from policy.conntrack.tcp_table import State
from policy.conntrack.tuples import ANSWERS, GRE, WITH_PORTS, Tuple, inverse, tuple_of
from policy.packet.fields import (
    ESTABLISHED,
    ICMP,
    ICMP6,
    INVALID,
    NEW,
    RELATED,
    SCTP,
    TCP,
    UDP,
    UDPLITE,
    UNTRACKED,
)

_TRACKERS: dict[int, Callable[[Step, Visit, Settings], Outcome]] = {
    TCP: tcp,
    UDP: datagrams.udp,
    UDPLITE: datagrams.udplite,
    SCTP: sctp.sctp,
    GRE: datagrams.gre,
    ICMP: datagrams.icmp,
    ICMP6: datagrams.icmp,
}
_DEFAULT = Settings()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule behind connection tracking sees of a packet.

    *state* and *direction* are values of the fields of those names; *direction* is None where the packet belongs to
    no entry. *entry* is the entry as the packet left it: one without the bit `CONFIRMED` is not in the table yet.
    """

    state: int
    direction: int | None = None
    entry: Entry | None = None

    @property
    def status(self) -> int | None:
        """The bits of the entry (`policy.conntrack.entry`); None without an entry."""
        return None if self.entry is None else self.entry.status

    def leaving(self, step: Step) -> Step:
        """Return that packet as it leaves: as it came, unless the addresses of its connection are translated.

        Of an ICMP error, the packet that it carries is translated back too, and its sender may be: whoever sent an
        error about a connection whose destination was translated is shown as the destination that the client
        knows. A packet that belongs to no connection is not translated.
        """
        entry = self.entry
        if entry is None or self.direction is None or not entry.status & (SRC_NAT | DST_NAT):
            return step
        if entry.shifts is not None and step.proto == TCP:
            step = shifted(step, entry.shifts, self.direction)
        back = entry.tuple(1 - self.direction)
        ahead = inverse(back)
        assert ahead is not None
        if self.state != RELATED or step.about is None:
            return _as(step, ahead)
        of_source, of_destination = (DST_NAT, SRC_NAT) if self.direction == REPLY else (SRC_NAT, DST_NAT)
        return replace(
            step,
            src=ahead.src if entry.status & of_source else step.src,
            dst=ahead.dst if entry.status & of_destination else step.dst,
            about=_as(step.about, back),
        )


class Tracker:
    """A table of connections. Times are seconds from any beginning, and never go back.

    `see` gives the state of a packet. A packet that the rules let pass is confirmed (`confirm`) at the end of its
    way, and only then is a new entry in the table; one that is dropped is not, and a new entry then leaves nothing.
    What a packet changes in an entry that is there already is changed by `see`, whatever becomes of the packet.
    """

    def __init__(self, settings: Settings = _DEFAULT) -> None:
        self.settings = settings
        self._entries: dict[int, Entry] = {}
        self._found: dict[Tuple, tuple[int, int]] = {}
        self._expectations = Expectations()
        self._number = 0

    def entries(self, at: float) -> Iterator[Entry]:
        """Yield the entries that are alive at that time, in the order in which they were made."""
        for entry in list(self._entries.values()):
            if _ended(entry, at):
                self._remove(entry)
            else:
                yield entry

    def see(self, step: Step, at: float) -> Seen:
        """Return the state of a packet that comes to connection tracking at that time."""
        match message(step):
            case Message.INVALID:
                return Seen(INVALID)
            case Message.UNTRACKED:
                return Seen(UNTRACKED)
            case Message.ERROR:
                return self._error(step, at)
            case Message.QUERY:
                return self._usual(step, at)

    def confirm(self, seen: Seen, at: float) -> Seen:
        """Let a packet pass at that time; its entry, if it is new, is then in the table.

        Raises ValueError where another packet made such an entry in the meantime: what Linux then does is not
        modelled.
        """
        entry = seen.entry
        if entry is None or entry.status & CONFIRMED or seen.direction != ORIGINAL:
            return seen
        if self._find(entry.original, at) or self._find(entry.reply, at):
            raise ValueError("another packet has made an entry for this connection")
        entry = replace(entry, status=entry.status | CONFIRMED, expires=at + entry.timeout)
        self._entries[entry.number] = entry
        # In this order: a packet that is its own answer is found as a reply.
        self._found[entry.original] = (entry.number, ORIGINAL)
        self._found[entry.reply] = (entry.number, REPLY)
        return replace(seen, entry=entry)

    def translate(self, seen: Seen, source: Endpoint | None = None, destination: Endpoint | None = None) -> Seen:
        """Give a new entry another source, destination or both, before it is confirmed.

        An endpoint is an address, and a port or None where that stays; of ICMP queries the source port is the
        identifier; protocols without ports keep what they have. It is for the caller to choose a port that is
        free: see `taken`. Raises ValueError where the packet does not make a new entry.
        """
        entry = seen.entry
        if entry is None or entry.status & CONFIRMED:
            raise ValueError("only the packet that makes an entry decides how addresses are translated")
        was, towards = entry.original, inverse(entry.reply)
        assert towards is not None
        if source is not None:
            towards = replace(towards, src=source[0])
            if source[1] is not None and was.proto in (*WITH_PORTS, *ANSWERS):
                towards = replace(towards, sport=source[1])
        if destination is not None:
            towards = replace(towards, dst=destination[0])
            if destination[1] is not None and was.proto in WITH_PORTS:
                towards = replace(towards, dport=destination[1])
        reply = inverse(towards)
        assert reply is not None
        status = entry.status
        if (towards.src, towards.sport) != (was.src, was.sport):
            status |= SRC_NAT
        if (towards.dst, towards.dport) != (was.dst, was.dport):
            status |= DST_NAT
        return replace(seen, entry=replace(entry, reply=reply, status=status))

    def copied(self) -> Tracker:
        """Return another tracker with the same entries, which goes its own way from here."""
        other = Tracker(self.settings)
        other._entries, other._found, other._number = dict(self._entries), dict(self._found), self._number
        other._expectations = self._expectations.copied()
        return other

    def expect(self, expectation: Expectation, at: float) -> bool:
        """Await a connection that an entry has announced: its first packet will be `RELATED`, once.

        False, where another entry has announced just such a connection, and it is not awaited.
        """
        return self._expectations.add(expectation, at)

    def keep(self, seen: Seen, entry: Entry) -> Seen:
        """Return a packet as it was seen, with something else that is remembered of its connection."""
        return replace(seen, entry=self._kept(entry))

    def taken(self, reply: Tuple, at: float) -> bool:
        """Is there an entry one of whose directions looks like this?"""
        return self._find(reply, at) is not None

    def closing(self, entry: Entry, at: float) -> Entry:
        """Return the entry of a connection that is closed: a rule has answered a packet of it with a RST.

        One that is not in the table, or of another protocol than TCP, is as it was.

        Source: `nf_conntrack_tcp_set_closing`, which nf_reject_ipv4.c and nf_reject_ipv6.c call.
        """
        track = entry.track
        if entry.number not in self._entries or not isinstance(track, window.Tcp) or track.state == State.CLOSE:
            return entry
        timeout = self.settings.timeouts["tcp_timeout_close"]
        return self._kept(
            replace(entry, track=replace(track, state=State.CLOSE), timeout=timeout, expires=at + timeout)
        )

    def spoken(self, step: Step, at: float) -> Step:
        """Return *step* with what a well-behaved sender would say where it says nothing (`Segment`, `Chunk`)."""
        found = self._find(tuple_of(step), at)
        track, direction = (None, ORIGINAL) if found is None else (found[0].track, found[1])
        if step.proto == TCP:
            return replace(step, segment=window.filled(track, direction, step.flags, step.segment))
        if step.proto == SCTP:
            chunks, tag = sctp.filled(track, step, direction)
            return replace(step, chunks=chunks, tag=tag)
        return step

    def flush(self) -> None:
        """Forget all connections."""
        self._entries.clear()
        self._found.clear()
        self._expectations.clear()

    def _usual(self, step: Step, at: float) -> Seen:
        own = tuple_of(step)
        found = self._find(own, at)
        if found is None:
            answer = inverse(own)
            if answer is None:
                return Seen(INVALID)
            found = (self._new(own, answer, at), ORIGINAL)
        entry, direction = found
        state = ESTABLISHED if direction == REPLY or entry.status & SEEN_REPLY else NEW
        if state == NEW and entry.status & EXPECTED:
            state = RELATED
        if entry.shifts is not None:
            step = acknowledging(step, entry.shifts, direction)
        visit = Visit(at, direction, entry.status, entry.expires, entry.track)
        outcome = _TRACKERS.get(step.proto, datagrams.generic)(step, visit, self.settings)
        if outcome.again:
            self._remove(entry)
            return self._usual(step, at)
        entry = self._updated(entry, outcome, at)
        if not outcome.valid:
            return Seen(INVALID)
        if direction == REPLY and not entry.status & SEEN_REPLY:
            entry = self._kept(replace(entry, status=entry.status | SEEN_REPLY))
        return Seen(state, direction, entry)

    def _new(self, own: Tuple, answer: Tuple, at: float) -> Entry:
        """Return a new entry: one that another one has announced, if it has."""
        self._number += 1
        entry = Entry(self._number, own, answer, 0, 0, None, None)
        expectation = self._expectations.take(own, at)
        master = None if expectation is None else self._entries.get(expectation.master)
        if expectation is None or master is None or _ended(master, at):
            return entry
        entry = replace(entry, status=EXPECTED, master=master.number)
        made = self.translate(Seen(RELATED, ORIGINAL, entry), expectation.source, expectation.destination).entry
        assert made is not None
        return made

    def _updated(self, entry: Entry, outcome: Outcome, at: float) -> Entry:
        """Return the entry as the packet left it, and keep it if it is in the table."""
        entry = replace(entry, track=outcome.track)
        if outcome.assured:
            entry = replace(entry, status=entry.status | ASSURED)
        if outcome.timeout is not None:
            ends = at + outcome.timeout if entry.status & CONFIRMED else None
            entry = replace(entry, timeout=outcome.timeout, expires=ends)
        if outcome.gone:
            self._remove(entry)
        return self._kept(entry)

    def _kept(self, entry: Entry) -> Entry:
        if entry.number in self._entries:
            self._entries[entry.number] = entry
        return entry

    def _error(self, step: Step, at: float) -> Seen:
        """An error belongs to the connection whose packet it carries, if it goes to where that packet came from."""
        answer = None if step.about is None else inverse(tuple_of(step.about))
        found = None if answer is None else self._find(answer, at)
        if found is None or found[0].tuple(found[1]).dst != step.dst:
            return Seen(INVALID)
        return Seen(RELATED, found[1], found[0])

    def _find(self, wanted: Tuple, at: float) -> tuple[Entry, int] | None:
        """Return the living entry of a tuple, and its direction."""
        found = self._found.get(wanted)
        if found is None:
            return None
        entry = self._entries[found[0]]
        if _ended(entry, at):
            self._remove(entry)
            return None
        return entry, found[1]

    def _remove(self, entry: Entry) -> None:
        if self._entries.pop(entry.number, None) is not None:
            self._expectations.forget(entry.number)
            for own in {entry.original, entry.reply}:
                del self._found[own]


def _as(step: Step, like: Tuple) -> Step:
    """Return a packet with the addresses and the ports or the identifier of a tuple."""
    step = replace(step, src=like.src, dst=like.dst)
    if like.proto in WITH_PORTS:
        return replace(step, sport=like.sport, dport=like.dport)
    return replace(step, identifier=like.sport) if like.proto in ANSWERS else step


def _ended(entry: Entry, at: float) -> bool:
    return entry.expires is not None and entry.expires <= at
