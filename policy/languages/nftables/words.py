"""Single words as values of a type: numbers, named values, addresses, ports, names of interfaces.

Sources: nftables 1.0.6: src/datatype.c (the `parse` functions), src/scanner.l, src/meta.c, src/ct.c.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from policy.diagnostic import did_you_mean
from policy.languages.nftables import names as tables
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import Word
from policy.languages.nftables.problem import Bad
from policy.packet import LONGEST_INTERFACE, Names
from policy.packet.address import V4_BASE, parse_address
from policy.packet.names import linux_protocol_number, protocol_names, service_names, service_ports

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+", re.ASCII)
_HOST = re.compile(r"[A-Za-z_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|[0-9][A-Za-z0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*", re.ASCII)
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5}", re.ASCII)
_TIME = re.compile(r"(?:\d+(?:ms|[wdhms]))+", re.ASCII)
_PART = re.compile(r"(\d+)(ms|[wdhms])", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?: \d{1,2}:\d{2}(?::\d{2})?)?", re.ASCII)
_HANDLE = re.compile(r"([0-9a-fA-F]{0,4}):([0-9a-fA-F]{0,4})", re.ASCII)
_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_LABELS = 128


def plain(text: str) -> int | None:
    """Return a number in decimal or hexadecimal, or with a 0 before it in octal; None where the text is none."""
    if text.isdecimal() and text.isascii():
        if text[0] == "0" and len(text) > 1:
            return int(text, 8) if not set(text) & {"8", "9"} else None
        return int(text)
    return int(text, 16) if _NUMBER.fullmatch(text) else None


def read(type: t.DataType, word: Word) -> int | str:
    """Return the number of a word, or the key of what only the host could say; raises `Bad`."""
    return _READERS[type.kind](type, word)


def bounded(type: t.DataType, word: Word, number: int) -> int:
    """Return a number that is within the type; raises `Bad`."""
    top = (1 << type.bits) - 1
    if number > top:
        raise Bad("FW001", f"{word.text} is out of range", word.span, f"{type.one} goes from 0 to {top}")
    return number


def _unknown(type: t.DataType, word: Word, known: Iterable[str], code: str = "FW001") -> Bad:
    listed = list(known)
    help = did_you_mean(word.text, listed)
    if help is None and listed:
        help = "one of " + ", ".join(listed) if len(listed) <= 20 else None
    if help is None and not listed:
        help = f"a number from 0 to {(1 << type.bits) - 1}"
    return Bad(code, f"unknown {type.title} `{word.text}`", word.span, help)


def _number(type: t.DataType, word: Word) -> int:
    number = plain(word.text)
    if number is not None:
        if type.name == "day" and number > 6:
            raise Bad("FW001", f"{number} is out of range", word.span, "days go from 0 (Sunday) to 6")
        return bounded(type, word, number)
    named = type.names.get(word.text)
    if named is None and type.name == "classid" and (handle := _HANDLE.fullmatch(word.text)):
        return int(handle[1] or "0", 16) << 16 | int(handle[2] or "0", 16)
    if named is None:
        raise _unknown(type, word, type.names)
    return named


def _label(_: t.DataType, word: Word) -> int | str:
    number = plain(word.text)
    if number is None:
        return f"ct-label:{word.text}"
    if number >= _LABELS:
        raise Bad("FW001", f"label {word.text} is out of range", word.span, f"labels go from 0 to {_LABELS - 1}")
    return 1 << number


# Addresses


def _ipv4(type: t.DataType, word: Word) -> int | str:
    text = word.text
    number = plain(text)
    if number is not None:
        return V4_BASE + bounded(type, word, number)
    if ":" in text:
        _refuse_other(word, "IPv6", "IPv4")
    if text == "localhost":
        return V4_BASE + (127 << 24) + 1
    if _is_host(word):
        return f"host:{text.lower()}"
    try:
        return parse_address(text)
    except ValueError as error:
        raise Bad("FW003", str(error), word.span) from None


def _is_host(word: Word) -> bool:
    """May a word be the name of a host? Words of the language are none without quotes."""
    return _HOST.fullmatch(word.text) is not None and (word.quoted or word.text not in tables.RESERVED_NAMES)


def _ipv6(_: t.DataType, word: Word) -> int | str:
    text = word.text
    if ":" not in text:
        if text == "localhost":
            return 1
        if _is_host(word):
            return f"host:{text.lower()}"
        _refuse_other(word, "IPv4", "IPv6")
    try:
        return parse_address(text)
    except ValueError as error:
        raise Bad("FW003", str(error), word.span) from None


def _refuse_other(word: Word, other: str, wanted: str) -> None:
    try:
        parse_address(word.text)
    except ValueError:
        raise Bad("FW003", f"`{word.text}` is not an {wanted} address", word.span) from None
    field = "ip6" if other == "IPv6" else "ip"
    help = f"`{field} saddr` and `{field} daddr` take {other} addresses"
    raise Bad("FW603", f"`{word.text}` is an {other} address, where an {wanted} address is expected", word.span, help)


def _address(_: t.DataType, word: Word) -> int | str:
    return _ipv6(t.IPV6, word) if ":" in word.text else _ipv4(t.IPV4, word)


def _mac(type: t.DataType, word: Word) -> int:
    if _MAC.fullmatch(word.text):
        return int("".join(part.rjust(2, "0") for part in word.text.split(":")), 16)
    number = plain(word.text)
    if number is None:
        raise Bad("FW001", f"`{word.text}` is not an Ethernet address", word.span, "such as 00:11:22:33:44:55")
    return bounded(type, word, number)


# Protocols, ports, users


def _protocol(_: t.DataType, word: Word) -> int:
    number = plain(word.text)
    if number is not None:
        if number > 255:
            raise Bad("FW001", f"protocol {number} is out of range", word.span, "protocols go from 0 to 255")
        return number
    named = tables.PROTOCOL_WORDS.get(word.text)
    if named is None and (word.text in tables.PROTOCOL_ALIASES or word.text == word.text.lower() != "icmp6"):
        named = linux_protocol_number(word.text)
    if named is None:
        help = did_you_mean(word.text, [*protocol_names(), *tables.PROTOCOL_WORDS])
        raise Bad("FW001", f"unknown protocol `{word.text}`", word.span, help)
    return named


def _port(_: t.DataType, word: Word) -> int:
    number = plain(word.text)
    if number is not None:
        if number > 65535:
            raise Bad("FW501", f"port {number} is out of range", word.span, "ports go from 0 to 65535")
        return number

    found = service_ports(word.text) if word.text == word.text.lower() else {}
    if not found:
        help = did_you_mean(word.text, service_names()) if word.text.isascii() and len(word.text) < 32 else None
        raise Bad("FW701", f"unknown port or service `{word.text}`", word.span, help)
    return (found.get(6) or found.get(17) or next(iter(found.values())))[0]


def _owner(type: t.DataType, word: Word) -> int | str:
    number = plain(word.text)
    if number is not None:
        return bounded(type, word, number)
    if word.text in tables.RESERVED_NAMES and not word.quoted:
        raise Bad("FW001", f"`{word.text}` is a word of the language", word.span, "write the name in quotes")
    return 0 if word.text == "root" else f"{type.title}:{word.text}"


# Times


def milliseconds(text: str) -> int | None:
    """Return a time such as `1d2h`, or a number of seconds; None where the text is neither."""
    number = plain(text)
    if number is not None:
        return number * 1000
    if not _TIME.fullmatch(text):
        return None
    return sum(int(digits) * _UNITS[unit] for digits, unit in _PART.findall(text))


def _time(type: t.DataType, word: Word) -> int:
    found = milliseconds(word.text)
    if found is None:
        raise Bad("FW001", f"`{word.text}` is not a time", word.span, "such as 30s or 1h30m")
    return bounded(type, word, found)


def _hour(type: t.DataType, word: Word) -> int:
    number = plain(word.text)
    if number is not None:
        return bounded(type, word, number)
    found = _CLOCK.fullmatch(word.text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 60:
        raise Bad("FW001", f"`{word.text}` is not a time of day", word.span, 'such as "17:30"')
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)


def _date(type: t.DataType, word: Word) -> int:
    number = plain(word.text)
    if number is not None:
        return bounded(type, word, number * 1_000_000_000)
    from calendar import timegm
    from datetime import datetime

    if _DATE.fullmatch(word.text):
        for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
            try:
                return timegm(datetime.strptime(f"{word.text} +0000", f"{form} %z").timetuple()) * 1_000_000_000
            except ValueError:
                continue
    raise Bad("FW001", f"`{word.text}` is not a date", word.span, 'such as "2030-12-31" or "2030-12-31 12:00"')


# Texts


def names(type: t.DataType, word: Word) -> Names | str:
    """Return the texts that a word stands for: all that begin so where it ends with `*`; raises `Bad`.

    A number of an interface is one that only the host knows, but for 1, which is `lo`.
    """
    text = word.text
    if type.kind == "index" and (number := plain(text)) is not None:
        return Names(frozenset({"lo"})) if bounded(type, word, number) == 1 else f"interface:{number}"
    if not text:
        raise Bad("FW001", f"the {type.title} is empty", word.span)
    if text.endswith("*") and not text.endswith("\\*"):
        if text == "*":
            raise Bad("FW001", "`*` alone stands for no name", word.span, "leave the condition out to allow any")
        return Names(prefixes=frozenset({_short(type, word, text[:-1])}))
    return Names(frozenset({_short(type, word, text.replace("\\*", "*"))}))


def _short(type: t.DataType, word: Word, text: str) -> str:
    if type.kind == "interface" and len(text.encode()) > LONGEST_INTERFACE:
        help = f"Linux has names of at most {LONGEST_INTERFACE} characters"
        raise Bad("FW001", f"`{text}` is too long for an interface", word.span, help)
    if type.name == "string" and len(text.encode()) > 15:
        raise Bad("FW001", f"`{text}` is too long", word.span, "15 characters are the most that nft takes here")
    return text


_READERS: dict[t.Kind, Callable[[t.DataType, Word], int | str]] = {
    "number": _number, "flags": _number, "ipv4": _ipv4, "ipv6": _ipv6, "address": _address, "mac": _mac,
    "protocol": _protocol, "port": _port, "user": _owner, "group": _owner, "time": _time, "hour": _hour,
    "date": _date, "label": _label,
}  # fmt: skip
