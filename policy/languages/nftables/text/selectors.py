"""Selectors as script text."""

from __future__ import annotations

from collections.abc import Callable

from policy.languages.nftables.ast.expression import Selector

_UNQUALIFIED = {"iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup"}
"""Keys of `meta` that nft prints without the word."""


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)


def _meta(selector: Selector) -> str:
    return selector.words[0] if selector.words[0] in _UNQUALIFIED else f"meta {selector.words[0]}"


def _exthdr(selector: Selector) -> str:
    return " ".join(selector.words) if len(selector.words) > 1 else f"exthdr {selector.words[0]}"


def _raw(selector: Selector) -> str:
    return f"@{selector.words[0]},{_comma(selector.numbers)}"


def _comma(numbers: tuple[int, ...]) -> str:
    return ",".join(str(number) for number in numbers)


def _tcp_option(selector: Selector) -> str:
    return (
        f"tcp option @{_comma(selector.numbers)}"
        if selector.words[0] == "@"
        else _joined("tcp option", *selector.words)
    )


def _ct(selector: Selector) -> str:
    key, direction, family = (*selector.words, "", "")[:3]
    return _joined("ct", direction, family, key)


def _rt(selector: Selector) -> str:
    key, family = (*selector.words, "")[:2]
    return _joined("rt", family, key)


def _fib(selector: Selector) -> str:
    return f"fib {' . '.join(selector.words[1:])} {selector.words[0]}"


def _socket(selector: Selector) -> str:
    key, level = (*selector.words, "")[:2]
    return _joined("socket", key, level and f"level {level}")


def _osf(selector: Selector) -> str:
    what, ttl = (*selector.words, "")[:2]
    return _joined("osf", ttl and f"ttl {ttl}", what)


def _ipsec(selector: Selector) -> str:
    direction, number, key, family = (*selector.words, "")[:4]
    return _joined("ipsec", direction, f"spnum {number}" if number not in ("", "0") else "", family, key)


def _numgen(selector: Selector) -> str:
    modulus, offset = selector.numbers
    return _joined("numgen", selector.words[0], f"mod {modulus}", f"offset {offset}" if offset else "")


_WRITERS: dict[str, Callable[[Selector], str]] = {
    "chunk": lambda selector: _joined("sctp chunk", *selector.words),
    "ct": _ct,
    "dccpopt": lambda selector: _joined("dccp option", *selector.words),
    "exthdr": _exthdr,
    "fib": _fib,
    "ipopt": lambda selector: _joined("ip option", *selector.words),
    "ipsec": _ipsec,
    "meta": _meta,
    "numgen": _numgen,
    "osf": _osf,
    "payload": lambda selector: " ".join(selector.words),
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
    return _WRITERS[selector.kind](selector)
