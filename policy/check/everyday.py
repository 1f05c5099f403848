"""Names of services of which readers take the port for granted (`data/everyday.tsv`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from policy.ir import Field, Service
from policy.packet import Intervals
from policy.packet.names import service_assignments

_FILE = Path(__file__).with_name("data") / "everyday.tsv"


@cache
def everyday() -> frozenset[str]:
    """Return the names, in lower case."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def assigned(name: str) -> tuple[Service, ...]:
    """Return what a registered name of a service, or an everyday one, stands for; empty where it is none."""
    return tuple(
        (Field("proto", Intervals.of(protocol)), Field("dport", Intervals.of((first, last))))
        for protocol, first, last in service_assignments(name)
    )
