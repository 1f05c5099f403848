"""Selectors as script text."""

from __future__ import annotations

from collections.abc import Callable

from policy.languages.nftables.ast.expression import Selector

_UNQUALIFIED = {"iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup"}
"""Keys of `meta` that nft prints without the word."""


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)


def _meta(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    return words[0] if words[0] in _UNQUALIFIED else f"meta {words[0]}"


def _exthdr(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    return " ".join(words) if len(words) > 1 else f"exthdr {words[0]}"


def _raw(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    return f"@{words[0]},{_comma(numbers)}"


def _comma(numbers: tuple[int, ...]) -> str:
    return ",".join(str(number) for number in numbers)


def _tcp_option(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    return f"tcp option @{_comma(numbers)}" if words[0] == "@" else _joined("tcp option", *words)


def _ct(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    key, direction, family = (*words, "", "")[:3]
    return _joined("ct", direction, family, key)


def _rt(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    key, family = (*words, "")[:2]
    return _joined("rt", family, key)


def _fib(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    return f"fib {' . '.join(words[1:])} {words[0]}"


def _socket(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    key, level = (*words, "")[:2]
    return _joined("socket", key, level and f"level {level}")


def _osf(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    what, ttl = (*words, "")[:2]
    return _joined("osf", ttl and f"ttl {ttl}", what)


def _ipsec(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    direction, number, key, family = (*words, "")[:4]
    return _joined("ipsec", direction, f"spnum {number}" if number not in ("", "0") else "", family, key)


def _numgen(words: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    modulus, offset = numbers
    return _joined("numgen", words[0], f"mod {modulus}", f"offset {offset}" if offset else "")


_WRITERS: dict[str, Callable[[tuple[str, ...], tuple[int, ...]], str]] = {
    "chunk": lambda words, numbers: _joined("sctp chunk", *words),
    "ct": _ct,
    "dccpopt": lambda words, numbers: _joined("dccp option", *words),
    "exthdr": _exthdr,
    "fib": _fib,
    "ipopt": lambda words, numbers: _joined("ip option", *words),
    "ipsec": _ipsec,
    "meta": _meta,
    "numgen": _numgen,
    "osf": _osf,
    "payload": lambda words, numbers: " ".join(words),
    "raw": _raw,
    "rt": _rt,
    "socket": _socket,
    "tcpopt": _tcp_option,
}


def hashed(selector: Selector, of: str) -> str:
    """Return a hash as text; *of* is what it is of."""
    modulus, seed, offset = selector.numbers
    return _joined(
        selector.words[0],
        of,
        f"mod {modulus}",
        f"seed 0x{seed:x}" if seed >= 0 else "",
        f"offset {offset}" if offset else "",
    )


def plain(selector: Selector) -> str:
    """Return a selector without an expression in it as text."""
    return _WRITERS[selector.kind](selector.words, selector.numbers)
