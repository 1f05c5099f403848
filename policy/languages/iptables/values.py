"""Readers for the values of options: numbers, ports, addresses, as iptables 1.8.9 reads them.

Sources: libxtables/xtables.c (xtables_strtoui, xtables_ipparse_multiple) and xtoptions.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from policy.diagnostic import did_you_mean
from policy.languages.iptables.options import Bad, Context, Reader
from policy.packet import Intervals, Masked, ValueSet
from policy.packet.address import V4_BASE, bits, format_address, parse_address, prefix, whole
from policy.packet.names import linux_protocol_number, protocol_names, service_names, service_ports

_NUMBER = re.compile(r"\s*\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?", re.ASCII)
_V4_LIKE = re.compile(r"[0-9.]+|[0-9.]+:[0-9]+", re.ASCII)
_PROTOCOLS = {"all": 0, "icmpv6": 58, "mh": 135, "ipv6-mh": 135, "mobility-header": 135}
WORD = 32
MOST_PORTS = 15
"""So many ports multiport takes; a range counts twice."""


class Host(str):
    """The name of a host or network, which only the real machine could resolve."""

    __slots__ = ()


def strtoui(text: str) -> int | None:
    """Return a number as strtoul(3) with base 0 reads it, or None when the text is anything else."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    digits = found.group(1)
    return int(digits, 16) if digits[:2] in ("0x", "0X") else int(digits, 8 if digits[0] == "0" else 10)


def bounded(text: str, low: int, high: int) -> int:
    """Return a number within bounds; raises `Bad`."""
    number = strtoui(text)
    if number is None:
        raise Bad("FW001", f"`{text}` is not a number", f"give a number from {low} to {high}")
    if not low <= number <= high:
        raise Bad("FW001", f"{number} is out of range", f"give a number from {low} to {high}")
    return number


def number(size: int = WORD, low: int = 0, high: int | None = None) -> Reader:
    """Return a reader of one number of *size* bits."""
    top = (1 << size) - 1 if high is None else high
    return lambda _, text: bounded(text, low, top)


def number_range(size: int) -> Reader:
    """Return a reader of `LOW[:HIGH]`; either end may be left out, and a reversed range is empty."""
    top = (1 << size) - 1

    def read(_: Context, text: str) -> Intervals:
        low, colon, high = text.partition(":")
        first = bounded(low, 0, top) if low or not colon else 0
        last = bounded(high, 0, top) if high else top if colon else first
        return Intervals.of((first, last))

    return read


def text(most: int = 1 << 16, least: int = 0) -> Reader:
    """Return a reader of any text whose length is right."""

    def read(_: Context, word: str) -> str:
        if len(word) < least:
            raise Bad("FW001", "the text is empty", f"give at least {least} character")
        if len(word) > most:
            raise Bad("FW001", f"the text is {len(word)} characters long", f"{most} is the most that iptables takes")
        return word

    return read


def anything(_: Context, *words: str) -> str:
    """Read any words."""
    return " ".join(words)


def choice(*names: str, code: str = "FW001", what: str = "value", strict: bool = False) -> Reader:
    """Return a reader of one of *names*, in any case unless *strict*."""

    def read(_: Context, word: str) -> str:
        found = word if strict else word.lower()
        if found not in names:
            raise Bad(code, f"unknown {what} `{word}`", did_you_mean(word, names) or "one of " + ", ".join(names))
        return found

    return read


def pick(word: str, names: Iterable[str], what: str) -> str:
    """Return the first of *names* that begins with *word* in any case, as iptables abbreviates; raises `Bad`."""
    wanted = word.lower()
    names = list(names)
    for name in names:
        if wanted and name.lower().startswith(wanted):
            return name
    raise Bad("FW001", f"unknown {what} `{word}`", did_you_mean(word, names) or "one of " + ", ".join(names))


def masked_number(_: Context, word: str) -> Masked:
    """Read `VALUE[/MASK]`; the value is not cut to the mask, for the kernel does not either."""
    value, slash, mask = word.partition("/")
    return Masked(mark_number(value), mark_number(mask) if slash else (1 << WORD) - 1)


def mark_number(word: str) -> int:
    """Return a number of 32 bits, as marks are; raises `Bad`."""
    value = strtoui(word)
    if value is None or value >> WORD:
        raise Bad("FW001", f"`{word}` is not a mark", "give a number of 32 bits, such as 5 or 0x10/0xff")
    return value


# Protocols and ports


@lru_cache(512)
def protocol(word: str) -> int:
    """Return the number of a protocol by its name or number, 0 for any; raises `Bad`."""
    found = strtoui(word)
    if found is not None and found <= 255:
        return found
    lower = word.lower()
    number = _PROTOCOLS.get(lower, linux_protocol_number(lower) if found is None else None)
    if number is None or lower == "icmp6":
        raise Bad("FW001", f"unknown protocol `{word}`", did_you_mean(word, ["all", *protocol_names()]))
    return number


def _port(word: str, number: int) -> int:
    found = strtoui(word)
    if found is not None:
        if found > 65535:
            raise Bad("FW501", f"port {found} is out of range", "ports go from 0 to 65535")
        return found
    if re.fullmatch(r"-?\d+", word, re.ASCII):
        raise Bad("FW501", f"port {word} is out of range", "ports go from 0 to 65535")
    ports = service_ports(word).get(number) if word == word.lower() else None
    if ports is None:
        _no_port(word)
    return ports[0]  # type: ignore[index]


def _no_port(word: str) -> None:
    if "," in word:
        raise Bad("FW001", f"invalid port `{word}`: this option takes one port or range", "use `-m multiport --dports`")
    if not word:
        raise Bad("FW001", "a port is missing here", "give a number, a service name, or a range such as 80:90")
    if "-" in word and word.replace("-", "").isdigit():
        raise Bad("FW001", f"invalid port `{word}`", f"a range is written `{word.replace('-', ':')}`")
    help = did_you_mean(word, service_names()) if word.isascii() and len(word) < WORD else None
    raise Bad("FW701", f"invalid port or service `{word}`", help)


@lru_cache(4096)
def _ports(word: str, number: int) -> Intervals:
    low, colon, high = word.partition(":")
    first = _port(low, number) if low or not colon else 0
    last = _port(high, number) if high else 65535 if colon else first
    if first > last:
        raise Bad("FW502", f"the port range {first}:{last} is reversed", f"write {last}:{first}")
    return Intervals.of((first, last))


def ports(context: Context, word: str) -> Intervals:
    """Read `PORT` or `LOW:HIGH`; either end may be left out."""
    return _ports(word, context.protocol.number)


@lru_cache(1024)
def _port_list(word: str, number: int) -> Intervals:
    ranges = []
    slots = 0
    for item in word.split(","):
        low, colon, high = item.partition(":")
        first = _port(low, number)
        last = _port(high, number) if colon else first
        if first > last:
            raise Bad("FW502", f"the port range {first}:{last} is reversed", f"write {last}:{first}")
        ranges.append((first, last))
        slots += 2 if colon else 1
    if slots > MOST_PORTS:
        help = f"multiport takes {MOST_PORTS}, and a range counts twice: split the rule"
        raise Bad("FW001", f"{slots} ports are too many", help)
    return Intervals.of(*ranges)


def port_list(context: Context, word: str) -> Intervals:
    """Read a list of ports and ranges, of at most `MOST_PORTS` slots."""
    return _port_list(word, context.protocol.number)


# Addresses


def host_or_set(context: Context, word: str) -> ValueSet | Host:
    """Read `ADDRESS[/MASK]`, or the name of a host."""
    return _address(word, context.family)


@lru_cache(65536)
def _address(word: str, family: int) -> ValueSet | Host:
    text, slash, mask_text = word.rpartition("/") if "/" in word else (word, "", "")
    mask = _mask(mask_text, family) if slash else (1 << bits(family)) - 1
    if mask == 0:
        return whole(family)
    number = _number_of(text, family)
    if number is None:
        return Host(text.lower() + (f"/{mask_text}" if slash else ""))
    return within_mask(number, mask, family)


def within_mask(number: int, mask: int, family: int) -> ValueSet:
    """Return the addresses that agree with *number* under *mask*: a prefix where the mask is one."""
    size = bits(family)
    inverse = mask ^ ((1 << size) - 1)
    if inverse & (inverse + 1) == 0:
        return prefix(number, size - inverse.bit_length())
    full = mask | V4_BASE
    return Masked(number & full, full)


def _number_of(word: str, family: int) -> int | None:
    """Return an address, or None for what can only be a name; raises `Bad`."""
    if ":" in word:
        if family == 4:
            _refuse_v6(word)
        try:
            return parse_address(word)
        except ValueError as error:
            raise Bad("FW003", str(error).replace("with `in` or `out`", "with `-i` or `-o`")) from None
    dotted = _dotted(word) if family == 4 else None
    if dotted is not None:
        return V4_BASE + dotted
    if _V4_LIKE.fullmatch(word) or not word:
        if family == 6 and _dotted(word) is not None:
            raise Bad("FW603", f"`{word}` is an IPv4 address in a file of IPv6 rules", "it belongs into the IPv4 file")
        raise Bad("FW003", f"`{word}` is not an address", "an IPv4 address is four numbers from 0 to 255")
    if word == "localhost":
        return parse_address("127.0.0.1" if family == 4 else "::1")
    if not _NAME.fullmatch(word):
        raise Bad("FW003", f"`{word}` is neither an address nor the name of a host")
    return None


def _refuse_v6(word: str) -> None:
    try:
        parse_address(word)
    except ValueError:
        raise Bad("FW003", f"`{word}` is not an address", "ports go into `--dport` or `--sport`") from None
    raise Bad("FW603", f"`{word}` is an IPv6 address in a file of IPv4 rules", "it belongs into the ip6tables file")


def _dotted(word: str) -> int | None:
    """Read a dotted address as iptables does: parts in any base, and missing ones are 0."""
    parts = word.split(".")
    numbers = [strtoui(part) for part in parts]
    if len(parts) > 4 or any(n is None or n > 255 for n in numbers):
        return None
    value = 0
    for n in [*numbers, 0, 0, 0][:4]:
        value = value << 8 | (n or 0)
    return value


@lru_cache(256)
def _mask(word: str, family: int) -> int:
    size = bits(family)
    length = strtoui(word)
    if length is not None and length <= size:
        return (1 << size) - (1 << size - length)
    dotted = _dotted(word) if family == 4 and word.count(".") == 3 else None
    if dotted is None and family == 6 and ":" in word:
        try:
            dotted = parse_address(word)
        except ValueError:
            dotted = None
    if dotted is None:
        raise Bad("FW003", f"invalid mask `{word}`", f"give a length from 0 to {size}, or a mask like an address")
    return dotted


def address_list(context: Context, word: str) -> tuple[ValueSet | Host, ...]:
    """Read what `-s` and `-d` take: addresses, networks and host names, with commas between them."""
    return tuple(_address(item.lstrip(), context.family) for item in word.split(","))


def address_range(context: Context, word: str) -> Intervals:
    """Read `FIRST[-LAST]`; a reversed range is empty, as the kernel has it."""
    first, dash, last = word.partition("-")
    low = _plain_address(first, context.family)
    return Intervals.of((low, _plain_address(last, context.family) if dash else low))


def _plain_address(word: str, family: int) -> int:
    number = None if "/" in word else _number_of(word, family)
    if number is None:
        raise Bad("FW003", f"`{word}` is not an address", "a range is written FIRST-LAST")
    return number


def one_address(context: Context, word: str) -> int:
    """Read a single address, not a name."""
    return _plain_address(word, context.family)


def show(values: ValueSet | Host) -> str:
    """Return an address set as short text, for keys."""
    if isinstance(values, Intervals) and len(values.ranges) == 1:
        low, high = values.ranges[0]
        return format_address(low) if low == high else f"{format_address(low)}-{format_address(high)}"
    return str(values)
