"""Readers for addresses, ports, marks and the like, as ipset 7.17 reads them.

Source: ipset's lib/parse.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from policy.diagnostic import did_you_mean
from policy.ipset import Interface
from policy.packet import LONGEST_INTERFACE
from policy.packet.address import bits, family_of, parse_address, prefix
from policy.packet.fields import ICMP, ICMP6, TCP, UDP
from policy.packet.names import icmp_type, icmp_type_names, linux_protocol_number, service_names, service_ports

WITH_PORTS = frozenset({6, 17, 132, 136})
"""The protocols of whose ports sets know."""

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*", re.ASCII)
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5}", re.ASCII)
_WIDEST = 1 << 31
_SEVERAL_CODES = {4: (3, 5, 11, 12), 6: (1, 3, 4)}
"""ICMP types of which no name means all codes: sets hold a type with a code."""


class Wrong(Exception):
    """What ipset refuses: the code and text of the mistake, the number of the word, and what to do."""

    def __init__(self, code: str, message: str, at: int, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.help = help


def strtoull(text: str) -> int | None:
    """Return a number as strtoull(3) with base 0 reads it, or None when the text is anything else."""
    if not _NUMBER.fullmatch(text):
        return None
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    return int(text, 8 if text[0] == "0" else 10)


def bounded(text: str, low: int, high: int, at: int) -> int:
    """Return a number within bounds; raises `Wrong`."""
    found = strtoull(text)
    if found is None or not low <= found <= high:
        what = "is not a number" if found is None else "is out of range"
        raise Wrong("FW001", f"`{text}` {what}", at, f"give a number from {low} to {high}")
    return found


def address(text: str, family: int, at: int) -> int:
    """Return an address; raises `Wrong`."""
    try:
        found = parse_address(text)
    except ValueError as error:
        help = "names of hosts mean other addresses from day to day: write those that are meant"
        if re.fullmatch(r"[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9.-]*", text, re.ASCII):
            raise Wrong("FW003", f"`{text}` is a name, and not an address", at, help) from None
        raise Wrong("FW003", str(error), at) from None
    if family_of(found) != family:
        name = "inet6" if family == 6 else "inet"
        raise Wrong("FW603", f"`{text}` is an IPv{family_of(found)} address, and the set is of family {name}", at)
    return found


def addresses(text: str, family: int, at: int) -> tuple[int, int]:
    """Return the range that `A`, `A/LENGTH` or `A-B` means, in either order; raises `Wrong`."""
    first, slash, length = text.partition("/")
    if slash:
        return prefix(address(first, family, at), _length(length, family, at)).ranges[0]
    low, dash, high = text.partition("-")
    one = address(low, family, at)
    if not dash:
        return one, one
    other = address(high, family, at)
    return (one, other) if one <= other else (other, one)


def network(text: str, family: int, least: int, at: int) -> list[tuple[int, int]]:
    """Return the networks that `A`, `A/LENGTH` or, of IPv4, `A-B` means; a length is *least* or more."""
    if "-" not in text:
        first, slash, length = text.partition("/")
        number = address(first, family, at)
        if not slash:
            return [(number, number)]
        return [prefix(number, _length(length, family, at, least)).ranges[0]]
    if family == 6:
        raise Wrong("FW001", f"`{text}` is a range, and sets of family inet6 take none", at, "write its networks")
    low, high = addresses(text, family, at)
    if high - low >= _WIDEST:
        help = "write it as networks: the kernel takes a wider range to pieces one by one, until the set is full"
        raise Wrong("FW001", f"`{text}` is more than half of all addresses", at, help)
    return list(_networks(low, high, bits(family)))


def _networks(low: int, high: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the fewest networks that make up a range."""
    while low <= high:
        aligned = (low & -low).bit_length() - 1 if low & ((1 << size) - 1) else size
        length = min(aligned, (high - low + 1).bit_length() - 1)
        yield low, low + (1 << length) - 1
        low += 1 << length


def _length(text: str, family: int, at: int, least: int = 0) -> int:
    found = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
    if found is None or not least <= found <= bits(family):
        raise Wrong(
            "FW003", f"`{text}` is not a length of a network here", at, f"it goes from {least} to {bits(family)}"
        )
    return found


def interface(text: str, wildcard: bool, at: int) -> Interface:
    """Return the interface that `NAME` or `physdev:NAME` means; raises `Wrong`."""
    name = text.removeprefix("physdev:")
    if not name or len(name) > LONGEST_INTERFACE:
        what = "is empty" if not name else "is too long"
        raise Wrong(
            "FW001", f"the name of the interface {what}", at, f"Linux has names of 1 to {LONGEST_INTERFACE} characters"
        )
    return Interface(name, wildcard, name != text)


def mac(text: str, at: int) -> int:
    """Return a MAC address; raises `Wrong`."""
    if not _MAC.fullmatch(text):
        raise Wrong("FW001", f"`{text}` is not a MAC address", at, "it is written like 00:11:22:aa:bb:cc")
    return int("".join(part.rjust(2, "0") for part in text.split(":")), 16)


@lru_cache(65536)
def services(text: str, family: int) -> range:
    """Return what `[PROTOCOL:]PORT[-PORT]` means, in either order, as numbers of `ipset.Part`; raises `Wrong`."""
    name, colon, rest = text.rpartition(":")
    protocol = _protocol(name) if colon else TCP
    if protocol in (ICMP, ICMP6):
        wanted = 4 if protocol == ICMP else 6
        if wanted != family:
            raise Wrong("FW603", f"`{name}` is for IPv{wanted}, and the set is not", 0)
        code = _icmp(rest, family)
        return range(protocol << 16 | code, (protocol << 16 | code) + 1)
    if protocol not in WITH_PORTS:
        if strtoull(rest) != 0:
            raise Wrong("FW001", f"`{name}` has no ports", 0, f"write `{name}:0`")
        return range(protocol << 16, (protocol << 16) + 1)
    low, high = _ports(rest, protocol)
    return range(protocol << 16 | low, (protocol << 16 | high) + 1)


def ports(text: str) -> range:
    """Return what `[tcp:|udp:]PORT[-PORT]` means, in either order, for a bitmap of ports; raises `Wrong`."""
    name, colon, rest = text.rpartition(":")
    protocol = _protocol(name) if colon else TCP
    if protocol not in (TCP, UDP):
        raise Wrong("FW001", f"`{name}` is not for a bitmap of ports, which holds for TCP and UDP", 0)
    low, high = _ports(rest, protocol)
    return range(low, high + 1)


def _protocol(name: str) -> int:
    lower = name.lower()
    number = strtoull(name)
    found = number if number is not None else 58 if lower in ("icmpv6", "icmp6") else linux_protocol_number(lower)
    if found is None or not 0 < found <= 255:
        raise Wrong("FW001", f"unknown protocol `{name}`", 0, did_you_mean(name, ("tcp", "udp", "sctp", "icmp", "gre")))
    return found


def _ports(text: str, protocol: int) -> tuple[int, int]:
    if text.startswith("["):
        low, dash, high = text.partition("]-")
        low += "]" * bool(dash)
    else:
        low, dash, high = text.partition("-")
    one = _port(low, protocol)
    other = _port(high, protocol) if dash else one
    return min(one, other), max(one, other)


def _port(text: str, protocol: int) -> int:
    number = strtoull(text)
    if number is not None:
        if number > 65535:
            raise Wrong("FW501", f"port {text} is out of range", 0, "ports go from 0 to 65535")
        return number
    name = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    found = service_ports(name).get(protocol)
    if found is None:
        raise Wrong(
            "FW701", f"invalid port or service `{text}`", 0, did_you_mean(name, service_names()) if name else None
        )
    return found[0]


def _icmp(text: str, family: int) -> int:
    type, slash, code = text.partition("/")
    if slash:
        one, other = strtoull(type), strtoull(code)
        if one is not None and other is not None and one <= 255 and other <= 255:
            return one << 8 | other
    found = icmp_type(text, family)
    if found is not None and (found[1] is not None or found[0] not in _SEVERAL_CODES[family]):
        return found[0] << 8 | (found[1] or 0)
    help = did_you_mean(text, icmp_type_names(family)) or "write its type and code, such as `8/0`"
    raise Wrong("FW001", f"`{text}` is no ICMP type with a code", 0, help)
