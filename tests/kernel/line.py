"""A namespace through which the steps of a sequence are sent, and what its connection tracking says of them."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from policy.conntrack import TIMEOUTS, Tuple
from policy.kernel.tools import Failed, Unavailable, run
from policy.packet.address import V4_BASE, format_address
from policy.packet.fields import ICMP, ICMP6
from tests.conntrack_steps import Move
from tests.kernel.step_wire import DROPPED, address

STATES = {"new": 0, "established": 1, "related": 2, "invalid": 3, "untracked": 4, 1: 3, 2: 1, 4: 2, 8: 0, 64: 4}
"""How nft prints a state, and the value of the packet field."""

_DIRECTIONS = {"original": 0, "reply": 1}
_TUNSETIFF, _TAP_NO_PI = 0x400454CA, 0x1002
_ETHERNET = {4: b"\x08\x00", 6: b"\x86\xdd"}
_SYSCTL = Path("/proc/sys/net/netfilter")
_GET, _DELETE, _DUMP, _ACKNOWLEDGE = 0x101, 0x102, 0x301, 0x5
_ERROR, _DONE = 2, 3
DEFAULTS = {
    **TIMEOUTS,
    "tcp_loose": 1,
    "tcp_be_liberal": 0,
    "tcp_ignore_invalid_rst": 0,
    "tcp_max_retrans": 3,
    "checksum": 1,
}
_QUIET = {
    4: "rp_filter=0 accept_local=1 send_redirects=0 forwarding=1 accept_redirects=0",
    6: "forwarding=1 accept_dad=0 dad_transmits=0 accept_ra=0 accept_redirects=0",
}


@dataclass(frozen=True)
class Known:
    """An entry as the kernel lists it; *lasts* are whole seconds, *state* is of TCP or SCTP, *tags* are of SCTP."""

    original: Tuple
    reply: Tuple
    status: int
    lasts: int
    state: int | None
    tags: tuple[int, int] | None = None


class Line:
    """Two devices, a route from one to the other, and a recorder behind connection tracking."""

    def __init__(self, family: int) -> None:
        self._family = family
        self._version = socket.AF_INET if family == 4 else socket.AF_INET6
        self._table = "ip kernel_steps" if family == 4 else "ip6 kernel_steps"
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self._socket.settimeout(10)
        self._number = 0
        self._raw = socket.socket(self._version, socket.SOCK_RAW, socket.IPPROTO_RAW)
        try:
            for name in ("all", "default"):
                self._quiet(name)
            run("ip", "link", "set", "lo", "up")
            self._in, self._out = (self._tap(name) for name in ("eth0", "eth1"))
            run("ip", f"-{family}", "route", "add", "default", "dev", "eth1")
            (device,) = json.loads(run("ip", "-j", "link", "show", "eth0"))
            self._mac = bytes.fromhex(device["address"].replace(":", ""))
            self.forget()
            self.flush()
        except (Failed, OSError) as error:
            raise Unavailable(f"connection tracking cannot be tried here: {error}") from None

    def set(self, values: Mapping[str, float]) -> None:
        """Set what `sysctl` knows as `nf_conntrack_…`."""
        for name, value in values.items():
            (_SYSCTL / f"nf_conntrack_{name}").write_text(f"{value:g}", encoding="ascii")

    def forget(self, translations: Mapping[str, str] = MappingProxyType({})) -> None:
        """Empty the recorder, and translate addresses from now on as it is said: match → action."""
        key = "ip id" if self._family == 4 else "ip6 flowlabel"
        dscp = "ip dscp" if self._family == 4 else "ip6 dscp"
        words = {"dnat": "", "snat": ""}
        for match, then in translations.items():
            words[then.split()[0]] += f"{match} {then};\n"
        places = (("prerouting", -100, "dnat"), ("output", -100, "dnat"), ("postrouting", 100, "snat"))
        chains = "".join(
            f"chain nat_{hook} {{ type nat hook {hook} priority {priority}; {words[word]} }}\n"
            for hook, priority, word in places
            if translations
        )
        note = f"update @state {{ {key} . ct state }}; update @direction {{ {key} . ct direction }};"
        text = f"""table {self._table} {{
            set state {{ typeof {key} . ct state; size 65535; flags dynamic; }}
            set direction {{ typeof {key} . ct direction; size 65535; flags dynamic; }}
            chain arrived {{ type filter hook prerouting priority -150; {note} }}
            chain sent {{ type filter hook output priority -150; meta skuid 0 {note} }}
            chain passing {{ type filter hook postrouting priority 200; {dscp} {DROPPED >> 2} drop; }}
            {chains}
        }}"""
        run("nft", "-f", "-", stdin=f"add table {self._table}\ndelete table {self._table}\n{text}\n")

    def send(self, data: bytes, to: int | None = None) -> None:
        """Let a packet arrive; with *to*, have the host itself send it to that address."""
        if to is not None:
            with suppress(OSError):  # what is dropped is an error to the sender
                self._raw.sendto(data, (format_address(to), 0))
            return
        os.write(self._in, self._mac + b"\x02\x11\x22\x33\x44\x55" + _ETHERNET[self._family] + data)

    def left(self) -> list[bytes]:
        """Return the packets that went out since the last call."""
        found = []
        try:
            while data := os.read(self._out, 1 << 16):
                found.append(data[14:])
        except BlockingIOError:
            pass
        return found

    def seen(self) -> dict[int, tuple[int, int | None]]:
        """Return state and direction by the number of the packet."""
        found: dict[str, list[Any]] = {}
        for each in json.loads(run("nft", "-j", "list", "table", *self._table.split()))["nftables"]:
            if "set" in each:
                found[each["set"]["name"]] = [one["concat"] for one in each["set"].get("elem", [])]
        directions = dict(found["direction"])
        states = {number: STATES[state] for number, state in found["state"]}
        return {
            number: (state, _DIRECTIONS[directions[number]] if state < 3 else None) for number, state in states.items()
        }

    def flush(self) -> None:
        """Forget all connections."""
        self._ask(_DELETE, _ACKNOWLEDGE, socket.AF_UNSPEC)
        for _ in self._answers():
            pass

    def table(self) -> list[Known]:
        """Return all entries."""
        self._ask(_GET, _DUMP, self._version)
        return [_known(data) for data in self._answers()]

    def entry(self, original: Tuple) -> Known | None:
        """Return the entry of a tuple; much quicker than the table, which has very many places."""
        self._ask(_GET, 1, self._version, _nested(1, _tuple_data(original)))
        data = self._socket.recv(1 << 16)
        return None if struct.unpack_from("H", data, 4)[0] == _ERROR else _known(data[20:])

    def size(self) -> int:
        """Return how many entries there are."""
        return int((_SYSCTL / "nf_conntrack_count").read_text(encoding="ascii"))

    def _ask(self, kind: int, flags: int, version: int, data: bytes = b"") -> None:
        self._number += 1
        body = struct.pack("BBH", version, 0, 0) + data
        self._socket.send(struct.pack("IHHII", 16 + len(body), kind, flags, self._number, 0) + body)

    def _answers(self) -> Iterator[bytes]:
        while True:
            data = self._socket.recv(1 << 18)
            at = 0
            while at < len(data):
                length, kind = struct.unpack_from("IH", data, at)
                if kind in (_DONE, _ERROR):
                    return
                yield data[at + 20 : at + length]
                at += (length + 3) & ~3

    def _tap(self, name: str) -> int:
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TAP_NO_PI))
        if self._family == 6:
            run("ip", "link", "set", name, "addrgenmode", "none")
        run("ip", "link", "set", name, "arp", "off", "up")
        self._quiet(name)
        return tap

    def _quiet(self, name: str) -> None:
        for setting in _QUIET[self._family].split():
            key, value = setting.split("=")
            Path(f"/proc/sys/net/ipv{self._family}/conf/{name}/{key}").write_text(value, encoding="ascii")


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("HH", data, at)
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def _known(data: bytes) -> Known:
    outer = _attributes(data)
    state = tags = None
    for kind, info in _attributes(outer.get(4, b"")).items():
        inner = _attributes(info)
        state = inner[1][0]
        if kind == 3:
            tags = (int.from_bytes(inner[2], "big"), int.from_bytes(inner[3], "big"))
    (status,) = struct.unpack("!I", outer[3])
    (lasts,) = struct.unpack("!I", outer[7])
    return Known(_tuple(outer[1]), _tuple(outer[2]), status, lasts, state, tags)


def _tuple(data: bytes) -> Tuple:
    parts = _attributes(data)
    addresses, proto = _attributes(parts[1]), _attributes(parts[2])
    if 1 in addresses:
        src, dst = (V4_BASE + int.from_bytes(addresses[at], "big") for at in (1, 2))
    else:
        src, dst = (int.from_bytes(addresses[at], "big") for at in (3, 4))
    number = proto[1][0]
    if number in (ICMP, ICMP6):
        first = 4 if number == ICMP else 7
        sport = int.from_bytes(proto[first], "big")
        return Tuple(number, src, dst, sport, proto[first + 1][0] << 8 | proto[first + 2][0])
    sport, dport = (int.from_bytes(proto.get(at, b""), "big") for at in (2, 3))
    return Tuple(number, src, dst, sport, dport)


def _tuple_data(of: Tuple) -> bytes:
    family = 4 if of.src >= V4_BASE else 6
    first = 1 if family == 4 else 3
    addresses = _attribute(first, address(of.src)) + _attribute(first + 1, address(of.dst))
    proto = _attribute(1, bytes([of.proto]))
    if of.proto in (ICMP, ICMP6):
        at = 4 if of.proto == ICMP else 7
        proto += _attribute(at, struct.pack("!H", of.sport))
        proto += _attribute(at + 1, bytes([of.dport >> 8])) + _attribute(at + 2, bytes([of.dport & 255]))
    else:
        proto += _attribute(2, struct.pack("!H", of.sport)) + _attribute(3, struct.pack("!H", of.dport))
    return _nested(1, addresses) + _nested(2, proto)


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def _nested(kind: int, data: bytes) -> bytes:
    return _attribute(kind | 0x8000, data)


def rules(moves: list[Move]) -> dict[str, str]:
    """Return the rules, match → action, that translate what the moves say."""
    found = {}
    for move in moves:
        if move.step is None:
            continue
        version = "ip" if move.step.family == 4 else "ip6"
        for word, side, match, endpoint in (
            ("dnat", "daddr", move.step.dst, move.destination),
            ("snat", "saddr", move.step.src, move.source),
        ):
            if endpoint is not None:
                found[f"{version} {side} {format_address(match)}"] = f"{word} to {format_address(endpoint[0])}"
    return found
