"""Services that are seldom meant for everybody on the Internet (`data/services.tsv`)."""

from __future__ import annotations

from functools import cache

from policy._record import dataclass
from policy.check.tables import rows
from policy.ir import Field, Match, all_of
from policy.packet import Intervals
from policy.packet.fields import TCP, UDP
from policy.packet.text import set_text

_PROTOCOLS: dict[str, int] = {"tcp": TCP, "udp": UDP}


@dataclass(frozen=True, slots=True)
class Notable:
    """A service by its usual *ports*: its *group*, its *name*, *why* it is dangerous, and the *source* of that."""

    group: str
    transport: str
    ports: Intervals
    name: str
    why: str
    source: str

    @property
    def protocol(self) -> int:
        """The number of its protocol."""
        return _PROTOCOLS[self.transport]

    @property
    def match(self) -> Match:
        """Its packets."""
        return all_of(Field("proto", Intervals.of(self.protocol)), Field("dport", self.ports))

    def __str__(self) -> str:
        return f"{self.name} ({self.transport}/{set_text('dport', self.ports)})"


@cache
def notable() -> tuple[Notable, ...]:
    """Return every such service."""
    table = rows("services.tsv")
    return tuple(Notable(group, proto, _ports(ports), *rest) for group, proto, ports, *rest in table)


def _ports(text: str) -> Intervals:
    first, _, last = text.partition("-")
    return Intervals.of((int(first), int(last or first)))
