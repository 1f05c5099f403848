"""Connections that another one has announced.

Source: nf_conntrack_expect.c, and `init_conntrack` in nf_conntrack_core.c, of Linux 6.18.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.conntrack.tuples import Tuple

Endpoint = tuple[int, int | None]
"""An address, and a port or none."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A connection from an address *src*, from any port, to a port of an address.

    *master* is the number of the entry that announced it, *expires* until when it is awaited. *source* and
    *destination* are what its addresses are translated to, like those of the master (nf_nat_helper.c,
    `nf_nat_follow_master`).
    """

    master: int
    proto: int
    src: int
    dst: int
    dport: int
    expires: float
    source: Endpoint | None = None
    destination: Endpoint | None = None

    @property
    def key(self) -> tuple[int, int, int, int]:
        """What the first packet of that connection looks like."""
        return self.proto, self.src, self.dst, self.dport


class Expectations:
    """What is awaited: of each master one connection (nf_conntrack_ftp.c, `ftp_exp_policy`)."""

    def __init__(self) -> None:
        self._awaited: dict[tuple[int, int, int, int], Expectation] = {}
        self._of: dict[int, Expectation] = {}

    def add(self, expectation: Expectation, at: float) -> bool:
        """Await a connection, in place of the one that its master has announced before.

        False, where another master awaits just such a connection.
        """
        other = self._awaited.get(expectation.key)
        if other is not None and other.master != expectation.master:
            if other.expires > at:
                return False
            self.forget(other.master)
        self.forget(expectation.master)
        self._awaited[expectation.key] = self._of[expectation.master] = expectation
        return True

    def take(self, own: Tuple, at: float) -> Expectation | None:
        """Return what awaits the connection that a packet begins, which is then awaited no more."""
        found = self._awaited.get((own.proto, own.src, own.dst, own.dport)) if self._awaited else None
        if found is None:
            return None
        self.forget(found.master)
        return found if found.expires > at else None

    def forget(self, master: int) -> None:
        """Await nothing any more that a connection has announced."""
        found = self._of.pop(master, None)
        if found is not None:
            del self._awaited[found.key]

    def copied(self) -> Expectations:
        """Return the same, which goes its own way from here."""
        other = Expectations()
        other._awaited, other._of = dict(self._awaited), dict(self._of)
        return other

    def clear(self) -> None:
        """Await nothing any more."""
        self._awaited.clear()
        self._of.clear()
