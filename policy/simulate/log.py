"""What happens while a scenario is played, in order."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.conntrack import Entry
from policy.ir import Rule
from policy.simulate.datagram import Datagram
from policy.simulate.wall import Ruling

Fate = Literal["under way", "delivered", "dropped", "rejected", "unreachable", "expired", "not forwarded", "ignored"]
"""What became of a datagram. *dropped* and *rejected*: by a firewall; *ignored*: the host that it was for wants none
of it."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A host that a datagram came through, or to, and what its firewall said (None: it has none)."""

    at: float
    host: str
    hook: int
    entering: str | None
    leaving: str | None
    came: Datagram
    ruling: Ruling | None = None


@dataclass(slots=True, eq=False)
class Travel:
    """A datagram on its way: *hops* in order, and what became of it, *at* which time it ended.

    *again*: how often its sender had sent it before. *answers* is the number of the datagram that a host sent it for,
    by itself.
    """

    number: int
    start: float
    sent: Datagram
    sender: str
    hops: list[Hop] = field(default_factory=list)
    fate: Fate = "under way"
    end: float = 0.0
    again: int = 0
    answers: int | None = None
    receiver: str | None = None

    @property
    def last(self) -> Hop | None:
        """The last host that it came to."""
        return self.hops[-1] if self.hops else None


@dataclass(frozen=True, slots=True)
class Change:
    """A socket has another state."""

    at: float
    host: str
    socket: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Tracked:
    """An entry of the table of connections of a host is *new*, or has *changed*, or has *ended*."""

    at: float
    host: str
    entry: Entry
    what: Literal["new", "changed", "ended"]


@dataclass(frozen=True, slots=True)
class Logged:
    """A rule of a host wrote a datagram to the log."""

    at: float
    host: str
    rule: Rule
    datagram: Datagram


Event = Travel | Change | Tracked | Logged
