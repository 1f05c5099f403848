"""Sockets in the order in which Linux looks through them."""

from __future__ import annotations

from collections.abc import Iterator

from policy.sockets.socket import Socket


class Chain:
    """Sockets of one endpoint or port, the latest first; then those of IPv6 with SO_REUSEPORT, the earliest first.

    Source: `sk_add_node_rcu` and its kin in include/net/sock.h of Linux 6.18.
    """

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first: dict[Socket, None] = {}
        self._last: dict[Socket, None] = {}

    def __iter__(self) -> Iterator[Socket]:
        """Yield them in this order."""
        yield from reversed(self._first)
        yield from self._last

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._first or self._last)

    def add(self, sock: Socket, *, again: bool = False) -> None:
        """Put a socket in; one that comes *again* from elsewhere comes first in any case."""
        (self._last if sock.family == 6 and sock.reuse_port and not again else self._first)[sock] = None

    def remove(self, sock: Socket) -> None:
        """Take a socket out."""
        del (self._last if sock in self._last else self._first)[sock]
