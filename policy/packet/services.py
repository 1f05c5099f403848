"""Services as protocols with their destination ports: which of them only one IP version has (`data/one_family.tsv`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from policy.packet.fields import FIELDS, PORT_PROTOCOLS
from policy.packet.names import protocol_name
from policy.packet.text import set_text
from policy.packet.values import Intervals

Services = Mapping[int, Intervals]
"""Destination ports by protocol; a protocol with none is left out."""

_FILE = Path(__file__).with_name("data") / "one_family.tsv"
_PORTS = FIELDS["dport"].domain
assert isinstance(_PORTS, Intervals)
PORTS: Intervals = _PORTS


def every_service() -> Services:
    """Return every port of every protocol that has ports."""
    return {number: PORTS for low, high in PORT_PROTOCOLS.ranges for number in range(low, high + 1)}


@cache
def of_one_family() -> Services:
    """Return the services that only one IP version has."""
    found: dict[int, Intervals] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            _, protocol, first, last, *_ = line.split("\t")
            found[int(protocol)] = found.get(int(protocol), Intervals()) | Intervals.of((int(first), int(last)))
    return found


def both(one: Services, other: Services) -> Services:
    """Return the services in both of two sets."""
    return {number: some for number in one if (some := one[number] & other.get(number, Intervals()))}


def without(one: Services, other: Services) -> Services:
    """Return the services of the first set that are not in the other."""
    return {number: some for number in one if (some := one[number] - other.get(number, Intervals()))}


def services_text(services: Services) -> str:
    """Return services as rules write them, shortened where they are many.

    >>> services_text({6: Intervals.of(22, 80), 17: Intervals.of(53)})
    'tcp/{22,80}, udp/53'
    """
    return ", ".join(_text(number, ports) for number, ports in services.items())


def _text(number: int, ports: Intervals) -> str:
    name = protocol_name(number)
    if ports == PORTS:
        return name
    if len(ports.ranges) == 1:
        return f"{name}/{set_text('dport', ports)}"
    return f"{name}/{{{set_text('dport', ports).replace(', ', ',')}}}"
