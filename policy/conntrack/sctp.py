"""SCTP: what the chunks of a packet make of an association.

Source: net/netfilter/nf_conntrack_proto_sctp.c of Linux 6.18; RFC 9260, 8.4 and 8.5 (verification tags).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from policy.conntrack.entry import ASSURED, CONFIRMED, ORIGINAL, Outcome, Visit
from policy.conntrack.settings import Settings
from policy.conntrack.step import Chunk, Step

DATA, INIT, INIT_ACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR = 0, 1, 2, 4, 5, 6, 7, 8, 9
COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE = 10, 11, 14


class State(IntEnum):
    """The state of an association, as Linux sees it from the middle."""

    NONE = 0
    CLOSED = 1
    COOKIE_WAIT = 2
    COOKIE_ECHOED = 3
    ESTABLISHED = 4
    SHUTDOWN_SENT = 5
    SHUTDOWN_RECD = 6
    SHUTDOWN_ACK_SENT = 7
    HEARTBEAT_SENT = 8
    INVALID = 9


_STATES = {"--": State.INVALID} | dict(zip(["NO", "CL", "CW", "CE", "ES", "SS", "SR", "SA", "HS"], State, strict=False))
_KINDS = (
    INIT,
    INIT_ACK,
    ABORT,
    SHUTDOWN,
    SHUTDOWN_ACK,
    ERROR,
    COOKIE_ECHO,
    COOKIE_ACK,
    SHUTDOWN_COMPLETE,
    HEARTBEAT,
    HEARTBEAT_ACK,
)
_ROWS = (
    """
    CL CL CW CE ES CL CL SA CW
    CL CL CW CE ES SS SR SA CL
    CL CL CL CL CL CL CL CL CL
    CL CL CW CE SS SS SR SA CL
    SA CL CW CE ES SA SA SA SA
    CL CL CW CE ES SS SR SA CL
    CL CL CE CE ES SS SR SA CL
    CL CL CW ES ES SS SR SA CL
    CL CL CW CE ES SS SR CL CL
    HS CL CW CE ES SS SR SA HS
    CL CL CW CE ES SS SR SA HS
    """,
    """
    -- CL CW CE ES SS SR SA --
    -- CW CW CE ES SS SR SA --
    -- CL CL CL CL CL CL CL --
    -- CL CW CE SR SS SR SA --
    -- CL CW CE ES SA SA SA --
    -- CL CW CL ES SS SR SA --
    -- CL CE CE ES SS SR SA --
    -- CL CW ES ES SS SR SA --
    -- CL CW CE ES SS SR CL --
    -- CL CW CE ES SS SR SA HS
    -- CL CW CE ES SS SR SA ES
    """,
)
"""The next state, from the side that began and from the other one: rows for `_KINDS`, columns for the states."""

_NEXT = tuple(
    {
        kind: tuple(_STATES[word] for word in line.split())
        for kind, line in zip(_KINDS, rows.strip().split("\n"), strict=True)
    }
    for rows in _ROWS
)
_ANY_TAG = frozenset({INIT, SHUTDOWN_COMPLETE, COOKIE_ECHO, ABORT, SHUTDOWN_ACK, HEARTBEAT, HEARTBEAT_ACK})
_ALONE = frozenset({INIT, INIT_ACK, SHUTDOWN_COMPLETE})
_FIRST = frozenset({COOKIE_ACK, COOKIE_ECHO})
_NEVER_NEW = frozenset({ABORT, SHUTDOWN_COMPLETE, COOKIE_ACK})
_TAGS = (0x0A0A0A0A, 0x0B0B0B0B)
"""The tags that each side asks for where nothing is said."""


@dataclass(frozen=True, slots=True)
class Sctp:
    """What is remembered of an association.

    *tags* of each direction, which of them sent an INIT (*begun*), and whether a HEARTBEAT had another tag (*failed*).
    """

    state: State = State.NONE
    tags: tuple[int, int] = (0, 0)
    begun: tuple[bool, bool] = (False, False)
    failed: bool = False
    failed_direction: int = 0

    def tagged(self, direction: int, tag: int) -> Sctp:
        """Return this with the tag of one direction."""
        return replace(self, tags=(self.tags[0], tag) if direction else (tag, self.tags[1]))


def following(direction: int, kind: int, state: State) -> State:
    """Return the state that a chunk leads to; chunks like DATA leave it as it is."""
    row = _NEXT[direction].get(kind)
    return state if row is None else row[state]


def filled(track: Sctp | None, step: Step, direction: int) -> tuple[tuple[Chunk, ...], int]:
    """Return the chunks and the tag that a well-behaved sender would say where *step* has None."""
    chunks = step.chunks
    if chunks is None:
        chunks = (Chunk(INIT if track is None else DATA),)
    chunks = tuple(replace(each, tag=_TAGS[direction]) if each.tag is None else each for each in chunks)
    if step.tag is not None:
        return chunks, step.tag
    if any(each.kind == INIT for each in chunks):
        return chunks, 0
    if track is None:
        return chunks, _TAGS[1 - direction]
    return chunks, track.tags[1 - direction if any(each.reflected for each in chunks) else direction]


def sctp(step: Step, visit: Visit, settings: Settings) -> Outcome:
    """Say what a packet makes of its association."""
    track: Sctp | None = visit.track if visit.status & CONFIRMED else None
    chunks, tag = filled(track, step, visit.direction)
    kinds = {each.kind for each in chunks}
    if not chunks or any(
        number and (each.kind in _FIRST or any(one.kind in _ALONE for one in chunks[: number + 1]))
        for number, each in enumerate(chunks)
    ):
        return Outcome(False, track)
    if track is None:
        track = None if kinds & _NEVER_NEW else _new(chunks, tag)
        if track is None:
            return Outcome(False, None)
    if not kinds & _ANY_TAG and tag != track.tags[visit.direction]:
        return Outcome(False, track)
    return _walk(track, chunks, tag, visit, settings)


def _new(chunks: tuple[Chunk, ...], tag: int) -> Sctp | None:
    track = Sctp()
    for each in chunks:
        if following(ORIGINAL, each.kind, State.NONE) == State.NONE or (each.kind == INIT and tag):
            return None
        if each.kind == HEARTBEAT:
            track = track.tagged(ORIGINAL, tag)
        elif each.kind == INIT:
            assert each.tag is not None
            track = track.tagged(1, each.tag)
        elif each.kind == SHUTDOWN_ACK:
            track = track.tagged(1, tag)
    return track


def _walk(track: Sctp, chunks: tuple[Chunk, ...], tag: int, visit: Visit, settings: Settings) -> Outcome:
    """Take the chunks one by one; those before an invalid one have had their effect."""
    direction, state, assured, refreshed = visit.direction, State.NONE, False, True
    data = any(each.kind == DATA for each in chunks)
    for each in chunks:
        if not _right_tag(track, each, tag, direction):
            return Outcome(False, track, assured=assured)
        if each.kind in (HEARTBEAT, HEARTBEAT_ACK):
            found = _heartbeat(track, each.kind, tag, direction, firm=data or not refreshed)
            if found is None:
                return Outcome(False, track, assured=assured)
            failed = found.failed and each.kind == HEARTBEAT and tag != found.tags[direction]
            track = found
            if failed:
                refreshed = False
                continue
        old, state = track.state, following(direction, each.kind, track.state)
        if state == State.INVALID:
            return Outcome(False, track, assured=assured)
        if each.kind == INIT:
            track = _initiated(track, each, old, direction)
            if state == old == State.CLOSED and visit.status & CONFIRMED:
                refreshed = False
        elif each.kind == INIT_ACK:
            if not _acknowledges(track, each, direction):
                return Outcome(False, track, assured=assured)
            assert each.tag is not None
            track = track.tagged(1 - direction, each.tag)
        elif each.kind == COOKIE_ACK:
            track = replace(track, begun=(False, False))
        track = replace(track, state=state)
        assured = assured or (state == State.ESTABLISHED != old and not visit.status & ASSURED)
    timeout = settings.timeouts[f"sctp_timeout_{state.name.lower() if state else 'closed'}"]
    return Outcome(True, track, timeout if refreshed else None, assured=assured)


def _initiated(track: Sctp, chunk: Chunk, old: State, direction: int) -> Sctp:
    """Note an INIT; one with the tag that is known already is a repetition."""
    assert chunk.tag is not None
    begun = track.begun
    if old == State.NONE or track.tags[1 - direction] != chunk.tag:
        other = begun[1 - direction] and not begun[direction]
        begun = (other, True) if direction else (True, other)
    return replace(track.tagged(1 - direction, chunk.tag), begun=begun)


def _acknowledges(track: Sctp, chunk: Chunk, direction: int) -> bool:
    """Does an INIT ACK answer the INIT that counts, where both sides may have sent one?"""
    known = track.tags[1 - direction]
    if known == chunk.tag:
        return True
    return not (track.begun[direction] if track.begun[1 - direction] else known)


def _right_tag(track: Sctp, chunk: Chunk, tag: int, direction: int) -> bool:
    """RFC 9260, 8.5.1."""
    match chunk.kind:
        case 1:  # INIT
            return tag == 0
        case 6 | 14:  # ABORT, SHUTDOWN COMPLETE
            return tag == track.tags[1 - direction if chunk.reflected else direction]
        case 10:  # COOKIE ECHO
            return tag == track.tags[direction]
    return True


def _heartbeat(track: Sctp, kind: int, tag: int, direction: int, firm: bool) -> Sctp | None:
    """A HEARTBEAT with another tag may be of a peer that began anew: its answer will show. None: invalid."""
    if track.tags[direction] == 0:
        return track.tagged(direction, tag)
    if tag == track.tags[direction]:
        return replace(track, failed=False)
    if firm:
        return None
    if kind == HEARTBEAT:
        return replace(track, failed=True, failed_direction=direction)
    if not track.failed or track.failed_direction == direction:
        return None
    return replace(track, failed=False).tagged(direction, tag).tagged(1 - direction, 0)
