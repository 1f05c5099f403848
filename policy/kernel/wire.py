"""A probe as the bytes of an IP packet."""

from __future__ import annotations

import socket
import struct

from policy.kernel.probe import Probe

CHECKSUMS = {1: 2, 6: 16, 17: 6, 58: 2, 132: 8, 136: 6}
"""Where the checksum of a protocol stands that connection tracking looks at."""

_FRAGMENT_OFFSET = 185
_EXTENSIONS = {"hop": 0, "dst": 60, "route": 43, "frag": 44, "auth": 51}
TCP_OPTIONS = {1: b"\1", 2: b"\2\4\5\xb4", 3: b"\3\3\7", 4: b"\4\2", 8: b"\x08\x0a" + bytes(8)}


def build(probe: Probe, number: int) -> bytes:
    """Return the packet; *number* is its IP id, or its flow label, by which the kernel's sets know it."""
    body = _broken(probe.proto, _transport(probe)) if probe.broken else _transport(probe)
    if probe.fragment == "first":
        body += bytes(-len(body) % 8)
    if probe.family == 4:
        offset = {"no": 0, "first": 0x2000, "later": _FRAGMENT_OFFSET}[probe.fragment]
        words = (0x45, probe.tos, 20 + len(body), number, offset, probe.ttl, probe.proto, 0)
        header = struct.pack("!BBHHHBBH", *words) + _address(probe.src) + _address(probe.dst)
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body
    following = probe.proto
    for name in reversed(probe.extensions):
        body = _extension(name, following, probe, number) + body
        following = _EXTENSIONS[name]
    header = struct.pack("!IHBB", 6 << 28 | probe.tos << 20 | number, len(body), following, probe.ttl)
    return header + _address(probe.src) + _address(probe.dst) + body


def quoted(family: int, proto: int, src: str, dst: str, sport: int, dport: int) -> bytes:
    """Return what an ICMP error says of the packet it is about."""
    ports = struct.pack("!HHIIHHI", sport, dport, 0, 0, 0x5010, 0, 0) + bytes(8)
    if family == 6:
        header = struct.pack("!IHBB", 6 << 28, len(ports), proto, 60) + _address(src) + _address(dst)
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(ports), 9, 0, 60, proto, 0) + _address(src) + _address(dst)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return bytes(4) + header + ports


def checksum(data: bytes) -> int:
    """Return the checksum of IP, TCP and UDP."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def crc32c(data: bytes) -> int:
    """Return the checksum of SCTP."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x82F63B78 if crc & 1 else crc >> 1
    return crc ^ 0xFFFFFFFF


def _address(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def _extension(name: str, following: int, probe: Probe, number: int) -> bytes:
    match name:
        case "route":
            return bytes([following, 2, 253, 0, 0, 0, 0, 0]) + bytes(16)
        case "auth":
            return bytes([following, 4, 0, 0]) + struct.pack("!II", 5, 1) + bytes(12)
        case "frag":
            offset = {"no": 0, "first": 1, "later": _FRAGMENT_OFFSET << 3}[probe.fragment]
            return struct.pack("!BBHI", following, 0, offset, 77 + number)
    return bytes([following, 0, 1, 4, 0, 0, 0, 0])


def _transport(probe: Probe) -> bytes:
    """Return what is behind the IP headers."""
    padding, ports = bytes(probe.padding), struct.pack("!HH", probe.sport, probe.dport)
    match probe.proto:
        case 6:
            options = b"".join(TCP_OPTIONS[kind] for kind in probe.options)
            options += (b"\1" if 1 in probe.options else b"\0") * (-len(options) % 4)
            acknowledged = 2000 if probe.flags & 16 else 0
            size = (5 + len(options) // 4) << 4
            rest = struct.pack("!IIBBHHH", 1000, acknowledged, size, probe.flags, 8192, 0, 0)
            return _summed(probe, ports + rest + options + padding, 16)
        case 17 | 136:
            return _summed(probe, ports + struct.pack("!HH", 8 + len(padding), 0) + padding, 6)
        case 33:
            rest = struct.pack("!BBHBBH", 4, 0, 0, 0, 0, 1) + bytes(4)
            return _summed(probe, ports + rest + padding, 6)
        case 132:
            init = probe.chunk in (1, 2)
            chunk = bytes([probe.chunk, 0])
            chunk += struct.pack("!HIIHHI", 20, 7, 8192, 1, 1, 1) if init else struct.pack("!H", 4)
            data = ports + struct.pack("!II", 0 if probe.chunk == 1 else 7, 0) + chunk
            return data[:8] + struct.pack("<I", crc32c(data)) + data[12:]
        case 47:  # version 0 (RFC 2784): NAT drops those that it does not know
            return struct.pack("!HHI", 0, 0x0800, 0) + padding
        case 51:
            return bytes([17, 1, 0, 0]) + struct.pack("!II", 5, 1) + padding + bytes(8)
    if probe.icmp is not None:
        body = probe.quoted or struct.pack("!HH", probe.sport, 1) + bytes(16) + padding
        data = bytes([*probe.icmp, 0, 0]) + body
        if probe.family == 6:
            return _summed(probe, data, 2)
        return data[:2] + struct.pack("!H", checksum(data)) + data[4:]
    return struct.pack("!II", 0x00160016, 0x12345678) + padding


def _broken(proto: int, data: bytes) -> bytes:
    at = CHECKSUMS[proto]
    return data[:at] + bytes([data[at] ^ 0x55, data[at + 1] ^ 0xAA]) + data[at + 2 :]


def _summed(probe: Probe, data: bytes, at: int) -> bytes:
    """Put the checksum of the data and its pseudo header where it belongs."""
    addresses = _address(probe.src) + _address(probe.dst)
    layout = "!BBH" if probe.family == 4 else "!IHBB"
    words = (0, probe.proto, len(data)) if probe.family == 4 else (len(data), 0, 0, probe.proto)
    found = checksum(addresses + struct.pack(layout, *words) + data)
    if probe.proto in (17, 136):
        found = found or 0xFFFF
    return data[:at] + struct.pack("!H", found) + data[at + 2 :]
