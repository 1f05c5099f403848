"""Addresses with a special purpose, and those that hosts of the Internet have (`data/special.tsv`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from policy._record import dataclass
from policy.packet.address import V4, parse_prefix
from policy.packet.values import Intervals

_FILE = Path(__file__).with_name("data") / "special.tsv"
_GLOBAL = parse_prefix("2000::/3")
"""The IPv6 addresses that IANA gives out (RFC 4291, 2.4; IANA's IPv6 Global Unicast Address Assignments)."""


@dataclass(frozen=True, slots=True)
class Special:
    """A prefix with a special purpose: its *kind* (`private`, `loopback`, `linklocal`, `documentation`, `multicast`,
    `reserved`), its *name*, and the *source* that says so."""

    prefix: str
    kind: str
    name: str
    source: str
    addresses: Intervals


@cache
def special() -> tuple[Special, ...]:
    """Return every prefix with a special purpose."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return tuple(Special(prefix, kind, name, source, parse_prefix(prefix)) for prefix, kind, name, source in rows)


@cache
def of_kind(*kinds: str) -> Intervals:
    """Return the addresses of all prefixes of some kinds.

    >>> of_kind("loopback").size
    16777217
    """
    return Intervals.of(*(pair for each in special() if each.kind in kinds for pair in each.addresses.ranges))


@cache
def public() -> Intervals:
    """Return the addresses that packets from the Internet may have as their source: global unicast of both families."""
    everything = Intervals.of(*(pair for each in special() for pair in each.addresses.ranges))
    return (V4 | _GLOBAL) - everything
