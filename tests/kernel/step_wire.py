"""A step of a sequence as the bytes of an IP packet."""

from __future__ import annotations

import struct

from policy.conntrack import GRE, Chunk, Segment, Step
from policy.kernel.wire import checksum, crc32c
from policy.packet.address import V4_BASE
from policy.packet.fields import ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE

DROPPED = 4
"""The TOS byte of packets that the rules drop: DSCP 1."""

_INITIATES = (1, 2)


def build(step: Step, number: int, *, passes: bool = True, data: bytes | None = None) -> bytes:
    """Return the packet of a step whose numbers are all said; *number* is its IP id or flow label.

    *data* is what a TCP segment carries; zeros where it is left out.
    """
    tos = 0 if passes else DROPPED
    body = _body(step, data)
    if step.family == 4:
        words = (0x45, tos, 20 + len(body), number, 0, step.ttl, step.proto, 0)
        header = struct.pack("!BBHHHBBH", *words) + address(step.src) + address(step.dst)
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body
    header = struct.pack("!IHBB", 6 << 28 | tos << 20 | number, len(body), step.proto, step.ttl)
    return header + address(step.src) + address(step.dst) + body


def number_of(data: bytes) -> int:
    """Return the number that `build` gave a packet."""
    if data[0] >> 4 == 4:
        return int.from_bytes(data[4:6], "big")
    return int.from_bytes(data[1:4], "big") & 0xFFFFF


def address(number: int) -> bytes:
    """Return an address in network order."""
    return (number - V4_BASE).to_bytes(4, "big") if number >= V4_BASE else number.to_bytes(16, "big")


def _body(step: Step, data: bytes | None) -> bytes:
    ports = struct.pack("!HH", step.sport, step.dport)
    if step.proto == TCP:
        return _summed(step, ports + _tcp(step.flags, step.segment, data), 16)
    if step.proto == UDP:
        return _summed(step, ports + struct.pack("!HH", 8, 0), 6)
    if step.proto == UDPLITE:
        return _summed(step, ports + struct.pack("!HH", 8, 0), 6)
    if step.proto in (ICMP, ICMP6):
        return _icmp(step)
    if step.proto == SCTP:
        data = ports + struct.pack("!II", step.tag or 0, 0) + b"".join(map(_chunk, step.chunks or ()))
        return data[:8] + struct.pack("<I", crc32c(data)) + data[12:]
    if step.proto == GRE:
        if step.key is None:
            return struct.pack("!HH", 0, 0x0800) + bytes(20)
        return struct.pack("!HHHHI", 0x3001, 0x880B, 4, step.key, 1) + bytes(4)
    return struct.pack("!HH", 4, 4) + bytes(28)


def _tcp(flags: int, segment: Segment, data: bytes | None) -> bytes:
    options = b"\4\2" if segment.selective else b""
    if segment.scale is not None:
        options += bytes((3, 3, segment.scale))
    options += b"\1" * (-len(options) % 4)
    size = (5 + len(options) // 4) << 4
    numbers = (segment.seq or 0, segment.ack or 0, size, flags, segment.window, 0, 0)
    return struct.pack("!IIBBHHH", *numbers) + options + (bytes(segment.length) if data is None else data)


def _icmp(step: Step) -> bytes:
    if step.about is None:
        rest = struct.pack("!HH", step.identifier, 1) + bytes(8)
    elif step.proto == ICMP6 and step.icmp[0] == 137:
        rest = bytes(36) + bytes((4, 10, 0, 0, 0, 0, 0, 0)) + build(step.about, 9)
    else:
        rest = bytes(4) + build(step.about, 9)
    data = struct.pack("!BBH", *step.icmp, 0) + rest
    if step.proto == ICMP6 and step.family == 6:
        return _summed(step, data, 2)
    return data[:2] + struct.pack("!H", checksum(data)) + data[4:]


def _chunk(chunk: Chunk) -> bytes:
    data = struct.pack("!IIHHI", chunk.tag or 0, 1500, 1, 1, 1) if chunk.kind in _INITIATES else bytes(12)
    return struct.pack("!BBH", chunk.kind, chunk.reflected, 4 + len(data)) + data


def _summed(step: Step, data: bytes, at: int) -> bytes:
    pseudo = address(step.src) + address(step.dst) + struct.pack("!II", len(data), step.proto)
    return data[:at] + struct.pack("!H", checksum(pseudo + data)) + data[at + 2 :]
