"""The sockets that steps make: which there are, and what may be done with each."""

from __future__ import annotations

from collections import Counter

from policy._record import dataclass
from policy.app.config.kinds import At
from policy.app.config.places import Places
from policy.app.scenario.networks import hint
from policy.diagnostic import Related

TCP, UDP = 6, 17


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket of a protocol (None: of one not known) that *listens*, or has a peer; *at* is where it is made."""

    proto: int | None
    listens: bool
    at: At


class Sockets:
    """The sockets that are made so far, and those of *later* steps, by name."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._made: dict[str, Socket] = {}
        self._later: dict[str, At] = {}
        self._closed: dict[str, At] = {}
        self._alike: Counter[str] = Counter()

    def expect(self, name: str, at: At) -> None:
        """Remember that a step will make a socket."""
        self._later.setdefault(name, at)

    def make(self, name: str, socket: Socket) -> None:
        """Add a socket; that the name is taken already is noted."""
        first = self._made.setdefault(name, socket)
        if first is not socket:
            related = (Related(self._places.span(first.at), "here first"),)
            message = f"there is a socket `{name}` already"
            socket.at.wrong(message, "give this one another name with `as`", "FW703", related)

    def free(self, name: str) -> str:
        """Return a name, or, where it was returned before, one like it; no name that people give has a space."""
        self._alike[name] += 1
        return name if self._alike[name] == 1 else f"{name} ({self._alike[name]})"

    def close(self, name: str, at: At) -> None:
        """Remember that a step closes a socket, or resets its connection."""
        self._closed.setdefault(name, at)

    def open(self, name: str, at: At) -> Socket | None:
        """Return a socket that something is done with; None, after noting why, without one, or if it was closed."""
        found = self.get(name, at)
        if found is not None and name in self._closed:
            related = (Related(self._places.span(self._closed[name]), "it is closed here"),)
            at.wrong(f"`{name}` is closed before this step", "a closed socket can do nothing", "FW701", related)
            return None
        return found

    def get(self, name: str, at: At) -> Socket | None:
        """Return a socket, or the end of a connection that a listener has; None, after noting why, without one."""
        if name in self._made:
            return self._made[name]
        listener, slash, connection = name.rpartition("/")
        waits = self._made.get(listener)
        if slash and waits:
            return self._end(name, waits, listener, connection, at)
        if name in self._later:
            related = (Related(self._places.span(self._later[name]), "it is made here"),)
            at.wrong(f"there is no socket `{name}` yet", "make it before it is used", "FW701", related)
        else:
            at.wrong(f"there is no socket `{name}`", hint(name, self._made, "there are"), "FW701")
        return None

    def _connects(self, name: str) -> bool:
        """Is there a socket of that name which may have a connection?"""
        found = self._made.get(name)
        return found is not None and not found.listens and found.proto in (TCP, None)

    def _end(self, name: str, waits: Socket, listener: str, connection: str, at: At) -> Socket | None:
        """Return the listener's end of a connection."""
        if not waits.listens:
            at.wrong(f"`{listener}` does not listen, so there is no `{name}`", "write `LISTENER/CONNECTION`", "FW701")
        elif waits.proto not in (TCP, None):
            at.wrong(f"`{listener}` has datagrams, no connections", f"write `{listener}`", "FW701")
        elif not self._connects(connection):
            message = f"there is no connection `{connection}` before this step"
            some = [name for name in self._made if self._connects(name)]
            at.wrong(message, hint(connection, some, "there are"), "FW701")
        else:
            return Socket(TCP, listens=False, at=at)
        return None
