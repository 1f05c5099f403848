"""An entry of the table of connections, and what a packet makes of one."""

from __future__ import annotations

from typing import Any

from policy._record import dataclass
from policy.conntrack.ftp import Heard
from policy.conntrack.shift import Shifts
from policy.conntrack.tuples import Tuple

EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED, SRC_NAT, DST_NAT = 1, 2, 4, 8, 0x10, 0x20
"""Bits of a status, as in `enum ip_conntrack_status` of Linux."""

ORIGINAL, REPLY = 0, 1
"""The direction of the packet that made the entry, and the other one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One connection.

    *number*: a name, in the order in which entries were made. *original* and *reply*: how packets of each
    direction look where they arrive. *track*: what the protocol remembers. *timeout*: how long it lives without a
    further packet, *expires*: until when; before it is confirmed, None. *master*: the number of the entry that
    announced it, *heard*: what a helper remembers of what was said, *shifts*: how numbers change where it said
    something else.
    """

    number: int
    original: Tuple
    reply: Tuple
    status: int
    timeout: float
    expires: float | None
    track: Any
    master: int | None = None
    heard: Heard | None = None
    shifts: Shifts | None = None

    def tuple(self, direction: int) -> Tuple:
        """Return the tuple of *direction*."""
        return self.reply if direction else self.original


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tracker of a protocol says of one packet.

    *valid*: it belongs to the connection. *track*: what is remembered from now on, also of an invalid packet.
    *timeout*: how long the entry lives from now on; None leaves that as it is. *assured*: the entry becomes that.
    *gone*: the entry ends. *again*: it ends, and the packet is looked up anew.
    """

    valid: bool
    track: Any
    timeout: float | None = None
    assured: bool = False
    gone: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """What the tracker of a protocol is asked: the moment, the direction, and the entry as it is.

    *status* and *expires* are those of the entry, *track* is what it remembers: None before the first packet.
    """

    at: float
    direction: int
    status: int
    expires: float | None
    track: Any
