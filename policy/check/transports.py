"""Services that exist with TCP only or with UDP only (`data/transports.tsv`)."""

from __future__ import annotations

from functools import cache

from policy._record import dataclass
from policy.check.tables import rows
from policy.packet.names import protocol_number


@dataclass(frozen=True, slots=True)
class OneTransport:
    """A service whose *port* has the *transport* only; *source* says so."""

    port: int
    transport: int
    name: str
    source: str


@cache
def one_transport() -> dict[int, OneTransport]:
    """Return these services by their port."""
    found = (
        OneTransport(int(port), protocol_number(transport) or 0, name, source)
        for port, transport, name, source in rows("transports.tsv")
    )
    return {each.port: each for each in found}
