"""Which host does each step of a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policy.simulate import scenario as s


def doers(deeds: Iterable[s.Deed]) -> list[str | None]:
    """Return the host that does each of these steps, in order; None where no host does it (time passes)."""
    return list(_doers(deeds))


def _doers(deeds: Iterable[s.Deed]) -> Iterator[str | None]:
    owners: dict[str, str] = {}
    for deed in deeds:
        match deed:
            case s.Listen() | s.Reload() | s.Flush():
                host: str | None = deed.on
            case s.Connect() | s.Ping() | s.Scan():
                host = deed.host
            case s.Send() | s.Receive():
                host = _owner(deed.by, owners)
            case s.Close():
                host = _owner(deed.what, owners)
            case s.Wait():
                host = None
        if isinstance(deed, s.Listen | s.Connect) and host is not None:
            owners[deed.name] = host
        yield host


def _owner(socket: str, owners: dict[str, str]) -> str | None:
    """Return the host of a socket; `LISTENER/CONNECTION` is one of the host that listens."""
    return owners.get(socket) or owners.get(socket.partition("/")[0])
