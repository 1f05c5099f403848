"""Entries in the kernel's table of connections, through ctnetlink."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from pathlib import Path

from policy._record import dataclass
from policy.conntrack.tuples import ANSWERS
from policy.kernel.tools import Failed

_NETLINK_NETFILTER = 12
_NEW, _DELETE = 0x100, 0x102
_REQUEST_ACK, _CREATE_EXCLUSIVE = 0x5, 0x600
_EXPECTS_NO_REPLY, _SEEN_REPLY_ASSURED = 0x8, 0x8 | 0x6
_SECONDS = 600
_COUNT = Path("/proc/sys/net/netfilter/nf_conntrack_count")
_LAST_PACKETS = 0.2
"""So many seconds the last packets of connections are waited for."""

_ICMP = {4: 1, 6: 58}
_ECHO = {4: 8, 6: 128}
_VERSION = {4: socket.AF_INET, 6: socket.AF_INET6}


@dataclass(frozen=True, slots=True)
class Connection:
    """What the host knows of already, in its first direction; for ICMP, `sport` is the identifier."""

    hook: str  # where its first packet passed
    proto: int
    src: str
    dst: str
    sport: int
    dport: int
    request: int | None = None  # its ICMP type, if it is not that of echo
    mark: int = 0


class Conntrack:
    """The table of this namespace."""

    def __init__(self, family: int) -> None:
        self._family = family
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._socket.settimeout(10)
        self._sequence = 0

    def flush(self) -> None:
        """Forget all connections; the kernel does so when the last of their packets is gone, which is waited for."""
        self._ask(_DELETE, 0, b"")
        until = time.monotonic() + _LAST_PACKETS
        while _COUNT.read_text(encoding="ascii").strip() != "0" and time.monotonic() < until:
            time.sleep(0.001)

    def add(self, connection: Connection, replied: bool) -> None:
        """Enter a connection; one that has seen no reply is still `new`."""
        status = _SEEN_REPLY_ASSURED if replied else _EXPECTS_NO_REPLY
        body = self._tuple(1, connection, reply=False) + self._tuple(2, connection, reply=True)
        body += _attribute(3, struct.pack("!I", status)) + _attribute(7, struct.pack("!I", _SECONDS))
        body += _attribute(8, struct.pack("!I", connection.mark))
        if connection.proto == 6:  # established, any window
            tcp = _attribute(1, b"\x03") + _attribute(4, b"\x0a\x0a") + _attribute(5, b"\x0a\x0a")
            body += _nested(4, _nested(1, tcp))
        elif connection.proto == 132:  # established, with the tag that all our packets carry
            tag = struct.pack("!I", 7)
            body += _nested(4, _nested(3, _attribute(1, b"\x04") + _attribute(2, tag) + _attribute(3, tag)))
        self._ask(_NEW, _CREATE_EXCLUSIVE, body)

    def _tuple(self, kind: int, connection: Connection, *, reply: bool) -> bytes:
        src, dst = (socket.inet_pton(_VERSION[self._family], each) for each in (connection.src, connection.dst))
        sport, dport = connection.sport, connection.dport
        if reply:
            src, dst, sport, dport = dst, src, dport, sport
        first = {4: 1, 6: 3}[self._family]
        addresses = _nested(1, _attribute(first, src) + _attribute(first + 1, dst))
        if connection.proto == _ICMP[self._family]:
            request = connection.request or _ECHO[self._family]
            at = {4: 4, 6: 7}[self._family]
            ports = _attribute(at, struct.pack("!H", connection.sport))
            ports += _attribute(at + 1, bytes([ANSWERS[connection.proto][request] if reply else request])) + _attribute(
                at + 2, b"\0"
            )
        else:
            ports = _attribute(2, struct.pack("!H", sport)) + _attribute(3, struct.pack("!H", dport))
        return _nested(kind, addresses + _nested(2, _attribute(1, bytes([connection.proto])) + ports))

    def _ask(self, kind: int, flags: int, attributes: bytes) -> None:
        self._sequence += 1
        body = struct.pack("BBH", _VERSION[self._family], 0, 0) + attributes
        header = struct.pack("IHHII", 16 + len(body), kind, flags | _REQUEST_ACK, self._sequence, 0)
        self._socket.send(header + body)
        code: int = struct.unpack_from("i", self._socket.recv(1 << 16), 16)[0]
        if code not in (0, -errno.EEXIST):
            raise Failed(f"conntrack: {os.strerror(-code)}")


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def _nested(kind: int, data: bytes) -> bytes:
    return _attribute(kind | 0x8000, data)
