"""Fields and their values as people read and write them."""

from __future__ import annotations

from policy.packet.address import format_address, format_range
from policy.packet.fields import FIELDS
from policy.packet.names import TCP_FLAGS, protocol_name
from policy.packet.packet import Value
from policy.packet.values import Intervals, Masked, Names, ValueSet

_LETTERS = {"FIN": "F", "SYN": "S", "RST": "R", "PSH": "P", "ACK": "A", "URG": "U", "ECE": "E", "CWR": "C"}
_ADDRESSES = ("src", "dst")
STATUSES = ("EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SNAT", "DNAT")
"""The bits of the status of a connection, the lowest first, in the words of iptables."""

FEW = 4
"""Of a set with more parts only so many are named."""


def flags_text(flags: int) -> str:
    """Return TCP flags as letters, SYN first as in `SA`; `none` without any."""
    order = ("SYN", "FIN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
    return "".join(_LETTERS[name] for name in order if flags & TCP_FLAGS[name]) or "none"


def flags_number(text: str) -> int:
    """Return the flags that letters (`SA`) or `none` stand for; raises ValueError for others."""
    if text in ("", "none"):
        return 0
    number = 0
    by_letter = {letter: TCP_FLAGS[name] for name, letter in _LETTERS.items()}
    for letter in text.upper() if text.isascii() else text:
        if letter not in by_letter:
            raise ValueError(f"`{letter}` is not the letter of a TCP flag: S, F, R, P, A, U, E, C")
        number |= by_letter[letter]
    return number


def number_text(name: str, number: int) -> str:
    """Return one value of a field."""
    if name in _ADDRESSES:
        return format_address(number)
    if labels := FIELDS[name].labels:
        return labels[number]
    match name:
        case "proto":
            return protocol_name(number)
        case "flags":
            return flags_text(number)
        case "mac":
            return ":".join(f"{number >> shift & 255:02x}" for shift in range(40, -8, -8))
        case "mark" | "ctmark" | "ctstatus" | "tos":
            return hex(number)
    return str(number)


def value_text(name: str, value: Value) -> str:
    """Return what a packet holds of a field; `any` for all values."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return number_text(name, value)
    if value == FIELDS[name].domain:
        return "any"
    return set_text(name, value)


def set_text(name: str, values: ValueSet) -> str:
    """Return a set of values of a field, shortened when it has many parts."""
    match values:
        case Masked(value, mask):
            if name in _ADDRESSES:
                return f"{format_address(value)} under a mask"
            if name == "flags":
                return f"{flags_text(value)} of {flags_text(mask)}"
            if name == "ctstatus" and value == mask:
                return " and ".join(word for place, word in enumerate(STATUSES) if value >> place & 1)
            return f"{value:#x}/{mask:#x}"
        case Names(exact, prefixes, negated):
            parts = sorted(exact) + sorted(f"{prefix}+" for prefix in prefixes)
            if negated:
                return f"any but {_some(parts)}" if parts else "any"
            return _some(parts)
        case Intervals(ranges):
            return _some([_range_text(name, low, high) for low, high in ranges[: FEW + 1]], len(ranges))
    raise AssertionError(values)


def _range_text(name: str, low: int, high: int) -> str:
    if name in _ADDRESSES:
        return format_range(low, high)
    if low == high:
        return number_text(name, low)
    if (FIELDS[name].labels or name == "proto") and high - low < FEW:
        return ", ".join(number_text(name, number) for number in range(low, high + 1))
    return f"{number_text(name, low)}-{number_text(name, high)}"


def _some(parts: list[str], count: int | None = None) -> str:
    count = len(parts) if count is None else count
    if not parts:
        return "nothing"
    if count <= FEW:
        return ", ".join(parts)
    return f"{', '.join(parts[: FEW - 1])} and {count - FEW + 1} more"
