"""A network namespace of this process alone: TAP devices, routes, and the ways in for a packet."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.kernel.packets import Probe
from tests.kernel.world import DEVICES, World

TIMEOUT = 30
"""Seconds that one tool may take."""

_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TAP_NO_PI = 0x1002
_SO_BINDTODEVICE, _SO_MARK = 25, 36
_FRAME = {4: (b"\x01\x00\x5e\x01\x01\x01", b"\x08\x00"), 6: (b"\x33\x33\x00\x00\x00\x05", b"\x86\xdd")}
_PATH = ":".join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


class Unavailable(Exception):
    """What this machine lacks; `str()` says it."""


class Failed(Exception):
    """A tool that failed; `str()` is what it said."""


def run(*command: str, stdin: str = "") -> str:
    """Return what a tool prints; raises `Failed`."""
    tool = shutil.which(command[0], path=_PATH)
    if tool is None:
        raise Unavailable(f"no `{command[0]}` here")
    try:
        done = subprocess.run(
            [tool, *command[1:]], input=stdin, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"`{command[0]}` took more than {TIMEOUT} s") from None
    if done.returncode:
        raise Failed(" | ".join(done.stderr.split("\n")).strip(" |") or f"`{command[0]}` failed")
    return done.stdout


def enter() -> None:
    """Move this process into a new network namespace, which ends with it; raises `Unavailable`."""
    if os.geteuid() != 0:
        raise Unavailable("a network namespace with devices needs root")
    before = Path("/proc/self/ns/net")
    if not before.exists():
        raise Unavailable("no network namespaces here")
    outside = before.readlink()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise Unavailable(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    # All that follows changes the network this process sees: it must not be anyone else's.
    devices = {name for _, name in socket.if_nameindex()}
    if before.readlink() == outside or devices & set(DEVICES):
        raise Unavailable("the network namespace is not a new one")


class Net:
    """The devices and addresses of a `World`, in the namespace that `enter` made."""

    def __init__(self, world: World) -> None:
        self._family = world.family
        self._version = {4: socket.AF_INET, 6: socket.AF_INET6}[world.family]
        self._raw: dict[tuple[int, int, str], socket.socket] = {}
        self._members: list[socket.socket] = []
        if not Path(f"/proc/sys/net/ipv{world.family}").is_dir():
            raise Unavailable(f"no IPv{world.family} here")
        for group in ("all", "default"):
            self._configure(group)
        run("ip", "link", "set", "lo", "up")
        self._taps = {name: self._tap(name) for name in DEVICES}
        found = json.loads(run("ip", "-j", "link", "show"))
        self._mac = {each["ifname"]: bytes.fromhex(each["address"].replace(":", "")) for each in found}
        for words in world.setup:
            run("ip", *words.split())
        for name in (*DEVICES, "lo"):
            self._join(name)
        self._loopback = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._loopback.bind(("lo", 0))

    def send(self, probe: Probe, data: bytes) -> None:
        """Inject a packet at its hook; the sender of a packet that is dropped at OUTPUT gets an error."""
        with suppress(OSError):
            if probe.hook == "output":
                sender = self._sender(probe.uid, probe.gid, probe.device_out)
                sender.setsockopt(socket.SOL_SOCKET, _SO_MARK, probe.mark)
                sender.sendto(data, (probe.dst, 0))
                return
            to = {
                "unicast": self._mac[probe.device_in],
                "broadcast": b"\xff" * 6,
                "multicast": _FRAME[self._family][0],
            }
            frame = to[probe.pkttype] + bytes.fromhex(probe.mac.replace(":", "")) + _FRAME[self._family][1] + data
            if probe.device_in == "lo":
                self._loopback.send(frame)
            else:
                os.write(self._taps[probe.device_in], frame)

    def drain(self) -> None:
        """Throw away what the host itself sent out of its devices."""
        for tap in self._taps.values():
            try:
                while os.read(tap, 1 << 16):
                    pass
            except BlockingIOError:
                pass

    def _configure(self, name: str) -> None:
        if self._family == 4:
            wanted = "rp_filter=0 accept_local=1 route_localnet=1 forwarding=1 accept_source_route=1 send_redirects=0"
        else:
            wanted = "forwarding=1 accept_dad=0 dad_transmits=0 accept_ra=0 accept_source_route=1"
        for setting in wanted.split():
            key, value = setting.split("=")
            try:
                Path(f"/proc/sys/net/ipv{self._family}/conf/{name}/{key}").write_text(value, encoding="ascii")
            except OSError as error:
                raise Unavailable(f"`{key}` cannot be set: {error.strerror}") from None

    def _tap(self, name: str) -> int:
        try:
            tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP_NO_PI))
        except OSError as error:
            raise Unavailable(f"no TAP devices: {error.strerror}") from None
        run("ip", "link", "set", name, "up")
        self._configure(name)
        return tap

    def _join(self, name: str) -> None:
        """Have the host accept what is sent to 224.1.1.1 or ff05::5."""
        member = socket.socket(self._version, socket.SOCK_DGRAM)
        index = socket.if_nametoindex(name)
        if self._family == 4:
            group = socket.inet_aton("224.1.1.1") + bytes(4) + struct.pack("i", index)
            member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        else:
            group = socket.inet_pton(socket.AF_INET6, "ff05::5") + struct.pack("i", index)
            member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
        self._members.append(member)

    def _sender(self, uid: int, gid: int, device: str) -> socket.socket:
        """Return a raw socket of that user; who opened it is what the `owner` match looks at."""
        key = (uid, gid, device)
        if key not in self._raw:
            libc = ctypes.CDLL(None)
            libc.setfsgid(gid)
            libc.setfsuid(uid)
            try:
                opened = socket.socket(self._version, socket.SOCK_RAW, socket.IPPROTO_RAW)
            finally:
                libc.setfsuid(0)
                libc.setfsgid(0)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            opened.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, device.encode() + b"\0")
            opened.settimeout(TIMEOUT)
            self._raw[key] = opened
        return self._raw[key]
