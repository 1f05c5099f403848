"""Names of services of which readers take the port for granted (`data/everyday.tsv`)."""

from __future__ import annotations

from functools import cache

from policy.check.tables import rows
from policy.ir import Field, Service
from policy.packet import Intervals
from policy.packet.names import service_assignments


@cache
def everyday() -> frozenset[str]:
    """Return the names, in lower case."""
    return frozenset(name for name, *_ in rows("everyday.tsv"))


def assigned(name: str) -> tuple[Service, ...]:
    """Return what a registered name of a service, or an everyday one, stands for; empty where it is none."""
    return tuple(
        (Field("proto", Intervals.of(protocol)), Field("dport", Intervals.of((first, last))))
        for protocol, first, last in service_assignments(name)
    )
