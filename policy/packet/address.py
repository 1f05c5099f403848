"""IPv4 and IPv6 addresses as numbers of one line, so that one `Intervals` holds both families.

An IPv6 address is its own value, an IPv4 address is `V4_BASE` plus its value: the families never
meet, a set of addresses may mix them, and the family of an address is read off its number.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

from policy.packet.values import Intervals

V4_BASE = 1 << 128
V4 = Intervals.of((V4_BASE, V4_BASE + (1 << 32) - 1))
V6 = Intervals.of((0, V4_BASE - 1))
ANY_ADDRESS = V4 | V6
LOOPBACK = Intervals.of((V4_BASE + (127 << 24), V4_BASE + (128 << 24) - 1), 1)
MULTICAST = Intervals.of((V4_BASE + (224 << 24), V4_BASE + (240 << 24) - 1), (0xFF << 120, (1 << 128) - 1))
BROADCAST = Intervals.of(V4_BASE + (1 << 32) - 1)
UNSPECIFIED = Intervals.of(V4_BASE, 0)
"""What hosts that have no address yet write as their source (RFC 1122, 3.2.1.3; RFC 4291, 2.5.2)."""

_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_DOTTED = re.compile(r"\.".join([_OCTET] * 4), re.ASCII)
_SHORT = re.compile(r"0|[1-9]\d{0,2}", re.ASCII)


def whole(family: int) -> Intervals:
    """Return all addresses of *family* (4 or 6)."""
    return V4 if family == 4 else V6


def bits(family: int) -> int:
    """Return the length of an address of *family* in bits."""
    return 32 if family == 4 else 128


def family_of(address: int) -> int:
    """Return 4 or 6."""
    return 4 if address >= V4_BASE else 6


def families_of(addresses: Intervals) -> frozenset[int]:
    """Return the families of which *addresses* has any."""
    return frozenset(f for f in (4, 6) if addresses.meets(whole(f)))


def parse_address(text: str) -> int:
    """Return the number of a dotted IPv4 or an RFC 4291 IPv6 address; raises ValueError with the reason."""
    if ":" not in text:
        found = _DOTTED.fullmatch(text)
        if found is None:
            raise ValueError(f"`{text}` is not an IPv4 address: {_wrong_in(text)}")
        first, second, third, fourth = found.groups()
        return V4_BASE + (int(first) << 24 | int(second) << 16 | int(third) << 8 | int(fourth))
    if "%" in text:
        raise ValueError(f"`{text}` has a zone: name the interface with `in` or `out` instead")
    from socket import AF_INET6, inet_pton  # a tenth of the time of ipaddress; late, as many files have no IPv6

    try:
        return int.from_bytes(inet_pton(AF_INET6, text))
    except (OSError, ValueError):
        raise ValueError(f"`{text}` is not an IPv6 address") from None


def _wrong_in(text: str) -> str:
    """Say why a text is not an IPv4 address."""
    numbers = text.split(".")
    if len(numbers) == 4 and all(_SHORT.fullmatch(number) for number in numbers):
        return f"{next(number for number in numbers if int(number) > 255)} is above 255"
    return "it wants four numbers from 0 to 255"


def prefix(address: int, length: int) -> Intervals:
    """Return the addresses that share the first *length* bits with *address*; raises ValueError beyond its family."""
    family = family_of(address)
    if not 0 <= length <= bits(family):
        raise ValueError(f"a prefix of IPv{family} has 0 to {bits(family)} bits, not {length}")
    host = (1 << bits(family) - length) - 1
    low = address & ~host
    return Intervals.of((low, low | host))


def parse_prefix(text: str) -> Intervals:
    """Return the addresses of `ADDRESS` or `ADDRESS/LENGTH`; raises ValueError with the reason."""
    address, slash, length = text.partition("/")
    number = parse_address(address)
    if not slash:
        return Intervals.of(number)
    if not (length.isascii() and length.isdigit() and len(length) <= 3):
        raise ValueError(f"`{length}` is not the length of a prefix")
    return prefix(number, int(length))


def format_address(number: int) -> str:
    """Return an address as people write it (RFC 5952 for IPv6)."""
    return str(IPv4Address(number - V4_BASE) if number >= V4_BASE else IPv6Address(number))


def format_range(low: int, high: int) -> str:
    """Return a range of addresses as an address, a prefix where it is one, or `LOW-HIGH`.

    >>> format_range(*prefix(parse_address("10.1.0.0"), 16).ranges[0])
    '10.1.0.0/16'
    """
    if low == high:
        return format_address(low)
    size = high - low + 1
    if size & (size - 1) == 0 and (low - (V4_BASE if low >= V4_BASE else 0)) % size == 0:
        return f"{format_address(low)}/{bits(family_of(low)) - size.bit_length() + 1}"
    return f"{format_address(low)}-{format_address(high)}"
