"""Whose addresses packets from outside must not have as their source."""

from __future__ import annotations

from policy.check.settings import Settings, Zone
from policy.ir import NOTHING, Field, Match, all_of, either_of
from policy.packet import EMPTY, Intervals
from policy.packet.address import UNSPECIFIED, V4
from policy.packet.special import of_kind

BOGONS = (of_kind("private", "documentation", "reserved") | of_kind("linklocal") & V4) - UNSPECIFIED
"""Sources that no packet has that comes from the Internet and opens a connection.

Loopback and multicast addresses are not among them: systems drop those before the rules (RFC 1122, 3.2.1.3), as FW302
and FW110 say. Nor are link-local ones of IPv6, which the next router has, and those of hosts without an address.
"""


def outside(settings: Settings) -> list[Zone]:
    """Return the untrusted zones of which the interfaces are known."""
    return [zone for zone in settings.zones if zone.untrusted and zone.interfaces is not None]


def own(settings: Settings, local: Intervals | None) -> Intervals:
    """Return the addresses of the zones that are not untrusted, and those of the host itself."""
    found = local or EMPTY
    for zone in settings.zones:
        if not zone.untrusted and zone.addresses is not None:
            found |= zone.addresses
    return found


def forged(zones: list[Zone], addresses: Intervals) -> Match:
    """Return the packets that arrive from some zones with a source among *addresses* but not the zone's own."""
    parts = [
        all_of(Field("in", zone.interfaces), Field("src", left))
        for zone in zones
        if zone.interfaces is not None and (left := addresses - (zone.addresses or EMPTY))
    ]
    return either_of(*parts) if parts else NOTHING
