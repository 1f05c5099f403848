"""The sockets of this machine's Linux, in a network namespace that is this process' own."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from policy.kernel.namespace import enter
from policy.kernel.tools import Unavailable, run
from policy.packet.address import V4_BASE, format_address, parse_address
from policy.packet.fields import TCP
from policy.sockets import Endpoint

NOBODY = 65534
OWN = ("10.9.0.1", "fd00::1")
"""The addresses of the host beside those of loopback."""

_MAPPED = 0xFFFF << 32
_PATIENCE = struct.pack("ll", 0, 200_000)  # seconds and microseconds that a connection may take
_SETTINGS = {"net/ipv4/tcp_tw_reuse": "0", "net/ipv4/tcp_syncookies": "0"}
_BATCH = "link set lo up\n" + "".join(f"addr add {address} dev lo nodad\n" for address in OWN if ":" in address)
_BATCH += "".join(f"addr add {address} dev lo\n" for address in OWN if ":" not in address)


class World:
    """A new namespace with the addresses `OWN`, where dynamic ports are taken from a range; raises `Unavailable`."""

    def __init__(self, ports: tuple[int, int]) -> None:
        self.users = enter()
        run("ip", "-batch", "-", stdin=_BATCH)
        for name, value in {**_SETTINGS, "net/ipv4/ip_local_port_range": f"{ports[0]} {ports[1]}"}.items():
            try:
                Path("/proc/sys", name).write_text(value, encoding="ascii")
            except OSError as error:
                raise Unavailable(f"{name} cannot be set: {error.strerror}") from None
        for address in ("::1", *OWN):
            _await(address)


def _await(address: str) -> None:
    """Wait until the host hears itself at an address, which takes a moment for IPv6; raises `Unavailable`."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.02)
        end = monotonic() + 5
        while monotonic() < end:
            try:
                sock.sendto(b"x", (address, sock.getsockname()[1]))
                sock.recv(1)
            except OSError:
                continue
            return
    raise Unavailable(f"no packet comes to {address}")


@contextmanager
def acting(user: int) -> Iterator[None]:
    """Act as another user for a while, who has no privileges."""
    if user:
        os.seteuid(user)
    try:
        yield
    finally:
        if user:
            os.seteuid(0)


def code_of(act: Callable[[], object]) -> str:
    """Return the name of the errno that an act ends with, nothing where it succeeds."""
    try:
        act()
    except OSError as error:
        return _name(error.errno or 0)
    return ""


def _name(number: int) -> str:
    """Return the name of an errno: one number has two."""
    return "EOPNOTSUPP" if number == errno.EOPNOTSUPP else errno.errorcode.get(number, "")


class Real:
    """A real socket, with the operations that are compared; each returns the name of an errno, nothing for success."""

    def __init__(self, sock: socket.socket, family: int, proto: int, user: int) -> None:
        self.sock, self.family, self.proto, self.user = sock, family, proto, user
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _PATIENCE)

    @classmethod
    def open(cls, proto: int, family: int, user: int) -> Real:
        """Return a new socket of a user."""
        kind = socket.SOCK_STREAM if proto == TCP else socket.SOCK_DGRAM
        with acting(user):
            made = cls(socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind), family, proto, user)
        if family == 6:
            made.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return made

    def option(self, name: str, value: bool) -> str:
        """Set an option."""
        level, number = {
            "reuse_address": (socket.SOL_SOCKET, socket.SO_REUSEADDR),
            "reuse_port": (socket.SOL_SOCKET, socket.SO_REUSEPORT),
            "v6only": (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
        }[name]
        return code_of(lambda: self.sock.setsockopt(level, number, value))

    def bind(self, address: int | None, port: int) -> str:
        """Bind as its user."""
        with acting(self.user):
            return code_of(lambda: self.sock.bind(self._written(address, port)))

    def listen(self) -> str:
        """Listen."""
        return code_of(lambda: self.sock.listen(64))

    def connect(self, address: int | None, port: int) -> str:
        """Connect, and wait for it."""
        return code_of(lambda: self.sock.connect(self._written(address, port)))

    def disconnect(self) -> str:
        """Connect to AF_UNSPEC."""
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.connect(self.sock.fileno(), bytes(16), 16)
        return _name(ctypes.get_errno()) if failed else ""

    def accept(self) -> Real:
        """Return the connection that has arrived."""
        with acting(self.user):
            return Real(self.sock.accept()[0], self.family, self.proto, self.user)

    def send(self, address: int | None, port: int) -> str:
        """Send a datagram, to the peer where there is no port."""
        if not port:
            return code_of(lambda: self.sock.send(b"x"))
        return code_of(lambda: self.sock.sendto(b"x", self._written(address, port)))

    def read(self) -> str:
        """Take a datagram: EAGAIN where there is none, an error of its peer where that waits instead."""
        return code_of(lambda: self.sock.recv(16, socket.MSG_DONTWAIT))

    def local(self) -> Endpoint | None:
        """Return its own endpoint."""
        name = self.sock.getsockname()
        address = plain(parse_address(name[0]))
        return None if address is None and not name[1] else Endpoint(address, name[1])

    def _written(self, address: int | None, port: int) -> tuple[str, int]:
        if address is None:
            return ("0.0.0.0" if self.family == 4 else "::"), port
        mapped = self.family == 6 and address >= V4_BASE
        return ("::ffff:" if mapped else "") + format_address(address), port


def plain(address: int) -> int | None:
    """Return an address as the table has it."""
    if address in (0, V4_BASE):
        return None
    return V4_BASE + (address & 0xFFFFFFFF) if address >> 32 == _MAPPED >> 32 else address


def wait(among: Iterable[Real]) -> list[Real]:
    """Return those that have something to take, as soon as there is one, or none after a second."""
    owners = {real.sock.fileno(): real for real in among}
    return [owners[number] for number in select.select(list(owners), [], [], 1)[0]]
