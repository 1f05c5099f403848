"""Who may have a port of TCP beside whom.

Source: `inet_csk_get_port`, `inet_bind_conflict`, `inet_csk_update_fastreuse` and `sk_reuseport_match` in
net/ipv4/inet_connection_sock.c, `inet_bind_bucket_destroy` and `__inet_hash_connect` in inet_hashtables.c, Linux 6.18.
"""

from __future__ import annotations

from policy.sockets.meeting import Place, meets
from policy.sockets.socket import Socket


class Bucket:
    """The sockets of one port, and what Linux remembers of them."""

    __slots__ = ("_chosen", "_group", "owners", "shared")

    def __init__(self) -> None:
        self.owners: dict[Socket, Place] = {}
        self.shared = True
        """Whether connect() chose the port for all its sockets, so that it may choose it again."""
        self._chosen = 0  # the owners for whom connect() did not choose
        self._group: tuple[Place, int] | None = None  # where the last group with SO_REUSEPORT stands, and its user

    def admits(self, sock: Socket, place: Place) -> bool:
        """Return whether a socket may bind to the port at a place, or listen there."""
        if self._in_group(sock, place):
            return True
        return not any(
            other is not sock and meets(place, there) and conflict(sock, other) for other, there in self.owners.items()
        )

    def claim(self, sock: Socket, place: Place) -> None:
        """Remember that a socket chose this port, or listens there."""
        self.shared = False
        if not sock.reuse_port:
            self._group = None
        elif not self._in_group(sock, place):
            self._group = place, sock.user

    def add(self, sock: Socket, place: Place) -> None:
        """Give the port to a socket, too."""
        self.owners[sock] = place
        self._chosen += not sock.port_by_connect

    def remove(self, sock: Socket) -> Place:
        """Take the port from a socket; return where it stood."""
        place = self.owners.pop(sock)
        self._chosen -= not sock.port_by_connect
        if not self._chosen:
            self.shared, self._group = True, None
        return place

    def _in_group(self, sock: Socket, place: Place) -> bool:
        """Return whether a socket belongs to the last group, whose members Linux does not ask any further."""
        if self._group is None or not sock.reuse_port:
            return False
        where, user = self._group
        return user == sock.user and meets(where, place, wide=False)  # on any address, it is in no group on one


def conflict(sock: Socket, other: Socket) -> bool:
    """Return whether the options of two sockets of TCP that meet forbid the second."""
    if sock.reuse_address and other.reuse_address and other.state != "listen":
        return False
    return not (sock.reuse_port and other.reuse_port and (other.state == "time-wait" or other.user == sock.user))
