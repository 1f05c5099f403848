"""A packet to inject."""

from __future__ import annotations

from policy._record import dataclass

NO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One packet to inject; the device of the side that its hook does not have is empty."""

    family: int
    hook: str
    src: str
    dst: str
    proto: int
    device_in: str = ""
    device_out: str = ""
    uid: int = 0
    gid: int = 0
    mark: int = 0
    sport: int = 0
    dport: int = 0
    fragment: str = "no"
    ttl: int = 64
    tos: int = 0
    flags: int = 0
    options: tuple[int, ...] = ()
    icmp: tuple[int, int] | None = None
    quoted: bytes = b""  # behind the header of an ICMP error
    chunk: int = 1
    padding: int = 0
    extensions: tuple[str, ...] = ()  # IPv6, in the order of the packet
    pkttype: str = "unicast"
    mac: str = NO_MAC
    broken: bool = False  # its checksum is wrong
