"""Real connections on one of the hosts of `tests/talks.py`: a network namespace for it and for each machine beside it.

    python -m tests.kernel.street nft|legacy|none

loads the rules of each host in turn (or none at all), opens every connection, and prints as JSON who heard it, at which
address and port, and from whom. Everything is in namespaces of its own, which end with the process; status 2, with the
reason, where they cannot be.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from policy.kernel.namespace import enter
from policy.kernel.tools import Failed, Unavailable, run
from tests.talks import TALKS, Host, Talk

CANNOT = 2
PATIENCE = 0.1
"""So many seconds a connection is waited for: between namespaces it takes less than a thousandth of that."""

_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_REC_PRIVATE = 0x44000
_LIBC = ctypes.CDLL(None, use_errno=True)
_HOST = "host"


def begin() -> None:
    """Move into new namespaces, where names of namespaces are this process' own; raises `Unavailable`."""
    enter()
    if _LIBC.unshare(_CLONE_NEWNS) or _LIBC.mount(b"none", b"/", None, _MS_REC_PRIVATE, None):
        raise Unavailable(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    Path("/run/netns").mkdir(exist_ok=True)
    if _LIBC.mount(b"none", b"/run/netns", b"tmpfs", 0, None):
        raise Unavailable(f"no names for namespaces: {os.strerror(ctypes.get_errno())}")


class Street:
    """A host and the machines beside it, wired as it says, with the rules that *backend* loads (`none`: without)."""

    def __init__(self, host: Host, backend: str) -> None:
        self._host = host
        for name in (_HOST, *host.members):
            run("ip", "netns", "add", name)
        self._do(_HOST, "ip", "link", "set", "lo", "up")
        bridges = {member.device for member in host.members.values()} - {"eth0"}
        for bridge in bridges:
            self._do(_HOST, "ip", "link", "add", bridge, "type", "bridge")
        for number, (name, member) in enumerate(host.members.items()):
            bridged = member.device in bridges
            plug = f"plug{number}" if bridged else member.device
            words = ("ip", "link", "add", plug, "type", "veth", "peer", "name", "eth0", "netns", name)
            self._do(_HOST, *words)
            if bridged:
                self._do(_HOST, "ip", "link", "set", plug, "master", member.device, "up")
        for device, address in host.own.items():
            self._do(_HOST, "ip", "addr", "add", address, "dev", device)
            self._do(_HOST, "ip", "link", "set", device, "up")
        for name, member in host.members.items():
            self._machine(name, member.device, member.addresses)
        for setting in ("all/forwarding=1", "all/rp_filter=0", "default/rp_filter=0", "eth0/rp_filter=0"):
            self._set(_HOST, setting)
        self._do(_HOST, "ip", "route", "add", "default", "via", "192.0.2.1")
        if backend != "none":
            text = host.file.read_text(encoding="utf-8")
            self._do(_HOST, f"iptables-{backend}-restore", "-w", "20", stdin=text)

    def _machine(self, name: str, device: str, addresses: tuple[str, ...]) -> None:
        self._set(name, "all/rp_filter=0")
        self._set(name, "eth0/rp_filter=0")
        self._do(name, "ip", "link", "set", "eth0", "up")
        looped = any(address.startswith("127.") for address in addresses)
        if looped:  # a machine that sends to the loopback addresses of another one: its own must not be in the way
            self._set(name, "all/route_localnet=1")
        else:
            self._do(name, "ip", "link", "set", "lo", "up")
        for address in addresses:
            if not address.startswith("127."):
                self._do(name, "ip", "addr", "add", address, "dev", "eth0")
        gateway = self._host.own[device].partition("/")[0]
        self._do(name, "ip", "route", "add", "default", "via", gateway)
        if looped:
            self._do(name, "ip", "route", "add", "127.0.0.1", "via", gateway)

    def _do(self, name: str, *command: str, stdin: str = "") -> None:
        run("ip", "netns", "exec", name, *command, stdin=stdin)

    def _set(self, name: str, setting: str) -> None:
        path, _, value = setting.partition("=")
        self._do(name, "sysctl", "-qw", f"net.ipv4.conf.{path.replace('/', '.')}={value}")

    def heard(self, talk: Talk) -> dict[str, Any]:
        """Open a connection; return who hears it (None: nobody), to which address and port, and from which address."""
        port = int(talk.to[1]) if talk.to else talk.port
        ports = {port, talk.port}
        with listening([_HOST, *self._host.members], ports) as listeners:
            with inside(talk.by):
                client = socket.socket()
            client.bind((talk.source, 0))
            client.settimeout(PATIENCE)
            with client, suppress(OSError):
                client.connect((talk.target, talk.port))
                found, _, _ = select.select(list(listeners), [], [], PATIENCE)
                for each in found:
                    connection, (seen, _) = each.accept()
                    with connection:
                        return {"heard": listeners[each], "to": list(connection.getsockname()), "seen": seen}
        return {"heard": None, "to": None, "seen": None}

    def end(self) -> None:
        """Take everything away again."""
        for name in (_HOST, *self._host.members):
            run("ip", "netns", "delete", name)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Be in a namespace for a while: sockets that are made there stay in it."""
    with Path("/proc/self/ns/net").open() as outside, Path(f"/run/netns/{name}").open() as there:
        if _LIBC.setns(there.fileno(), _CLONE_NEWNET):
            raise Unavailable(f"no way into a namespace: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            _LIBC.setns(outside.fileno(), _CLONE_NEWNET)


@contextmanager
def listening(names: list[str], ports: set[int]) -> Iterator[dict[socket.socket, str]]:
    """Listen on some ports of all machines."""
    found: dict[socket.socket, str] = {}
    try:
        for name in names:
            for port in ports:
                with inside(name):
                    listener = socket.socket()
                found[listener] = name
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("0.0.0.0", port))
                listener.listen()
        yield found
    finally:
        for listener in found:
            listener.close()


def main(backend: str) -> int:
    """Print what Linux does with every talk; 2 where it cannot be asked."""
    try:
        begin()
        rows = []
        for host, talks in TALKS:
            if not host.file.is_file():
                continue
            street = Street(host, backend)
            rows += [street.heard(talk) for talk in talks]
            street.end()
    except (Unavailable, Failed, OSError) as error:
        sys.stdout.write(f"the kernel cannot be asked: {error}\n")
        return CANNOT
    sys.stdout.write(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
