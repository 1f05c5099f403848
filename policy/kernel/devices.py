"""Devices of a network namespace, and the ways in for a packet.

They are TAP devices; where these cannot be had, ends of veth pairs, into the other ends of which packets are put.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from policy.kernel.probe import Probe
from policy.kernel.tools import TIMEOUT, Failed, Unavailable, run

LO = "lo"
_TUNSETIFF, _SIOCGIFHWADDR = 0x400454CA, 0x8927
_IFF_TAP_NO_PI = 0x1002
_SO_BINDTODEVICE, _SO_MARK = 25, 36
_MOMENT = 0.01
"""Seconds that a veth pair may take; a TAP device takes none."""
_FRAME = {4: (b"\x01\x00\x5e\x01\x01\x01", b"\x08\x00"), 6: (b"\x33\x33\x00\x00\x00\x05", b"\x86\xdd")}
_SETTINGS = {
    4: "rp_filter=0 accept_local=1 route_localnet=1 forwarding=1 accept_source_route=1 send_redirects=0",
    6: "forwarding=1 accept_dad=0 dad_transmits=0 accept_ra=0 accept_source_route=1",
}
"""What lets any packet in: without it the kernel itself drops some before the rules see them (ip-sysctl.rst).

A redirect that the host sends would belong to the connection of the packet that it is about, and pass OUTPUT before it.
"""


class Devices:
    """The devices of one IP version, in the namespace that `namespace.enter` made; raises `Unavailable`."""

    def __init__(self, family: int) -> None:
        self._family = family
        self._version = {4: socket.AF_INET, 6: socket.AF_INET6}[family]
        self._raw: dict[tuple[int, int, str], socket.socket] = {}
        self._members: dict[tuple[str, str], socket.socket] = {}
        self._taps: dict[str, int] = {}
        self._peers: dict[str, socket.socket] = {}
        self._mac: dict[str, bytes] = {}
        if not Path(f"/proc/sys/net/ipv{family}").is_dir():
            raise Unavailable(f"no IPv{family} here")
        for group in ("all", "default"):
            self._configure(group)
        self.set_up([f"link set {LO} up"])
        self._loopback = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._loopback.bind((LO, 0))

    def add(self, names: Iterable[str]) -> None:
        """Make devices of some names, where there are none yet; raises `Unavailable`."""
        for name in names:
            if name != LO and name not in self._mac:
                try:
                    self._make(name)
                except (OSError, Failed) as error:
                    raise Unavailable(f"no device `{name}`: {error}") from None

    def set_up(self, words: Iterable[str]) -> None:
        """Have `ip` do what each line of *words* says; raises `Failed`."""
        run("ip", f"-{self._family}", "-batch", "-", stdin="".join(f"{line}\n" for line in words))

    def join(self, group: str, device: str) -> None:
        """Have the host accept what is sent to a multicast address."""
        if (group, device) in self._members:
            return
        member = socket.socket(self._version, socket.SOCK_DGRAM)
        index = struct.pack("i", socket.if_nametoindex(device))
        address = socket.inet_pton(self._version, group)
        if self._family == 4:
            member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, address + bytes(4) + index)
        else:
            member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, address + index)
        self._members[group, device] = member

    def send(self, probe: Probe, data: bytes) -> None:
        """Inject a packet at its hook; the sender of a packet that is dropped at OUTPUT gets an error.

        What is sent leaves by `device_out` whatever the routing says, also of a new destination, where that is given.
        """
        with suppress(OSError):
            if probe.hook == "output":
                sender = self._sender(probe.uid, probe.gid, probe.device_out)
                sender.setsockopt(socket.SOL_SOCKET, _SO_MARK, probe.mark)
                sender.sendto(data, (probe.dst, 0))
                return
            to = {
                "unicast": self._mac.get(probe.device_in, bytes(6)),
                "broadcast": b"\xff" * 6,
                "multicast": _FRAME[self._family][0],
            }
            frame = to[probe.pkttype] + bytes.fromhex(probe.mac.replace(":", "")) + _FRAME[self._family][1] + data
            if probe.device_in == LO:
                self._loopback.send(frame)
            elif probe.device_in in self._taps:
                os.write(self._taps[probe.device_in], frame)
            else:
                self._peers[probe.device_in].send(frame)

    def drain(self) -> None:
        """Throw away what the host itself sent out of its devices; what was put into them has arrived then."""
        if self._peers:
            time.sleep(_MOMENT)
        for tap in self._taps.values():
            try:
                while os.read(tap, 1 << 16):
                    pass
            except BlockingIOError:
                pass

    def _configure(self, name: str) -> None:
        for setting in _SETTINGS[self._family].split():
            key, value = setting.split("=")
            try:
                Path(f"/proc/sys/net/ipv{self._family}/conf/{name}/{key}").write_text(value, encoding="ascii")
            except OSError as error:
                raise Unavailable(f"`{key}` cannot be set: {error.strerror}") from None

    def _make(self, name: str) -> None:
        try:
            tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            peer = f"~{len(self._peers)}"
            self.set_up([f"link add {name} type veth peer name {peer}", f"link set {peer} addrgenmode none arp off up"])
            self._peers[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._peers[name].bind((peer, 0))
        else:
            fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", os.fsencode(name), _IFF_TAP_NO_PI))
            self._taps[name] = tap
        address = fcntl.ioctl(self._loopback, _SIOCGIFHWADDR, struct.pack("256s", os.fsencode(name)))
        self._mac[name] = address[18:24]
        self.set_up([f"link set {name} up"])
        self._configure(name)

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
