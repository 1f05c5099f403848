"""Selectors of the JSON: `{"payload": {"protocol": "ip", "field": "saddr"}}` and its like (libnftables-json(5))."""

from __future__ import annotations

from collections.abc import Callable

from policy.languages.nftables.ast.expression import Selector
from policy.languages.nftables.jsontext.reader import Members, Reader
from policy.languages.nftables.jsontext.tree import Node

_MOST_BITS = 2**32 - 1


def _payload(reader: Reader, node: Node) -> Selector:
    what = "`payload`"
    members = reader.members(node, what, ("protocol", "field", "base", "offset", "len", "tunnel"))
    if "tunnel" in members:
        message = "headers inside a tunnel are not known"
        reader.fail(members["tunnel"], message, "rules before nftables 1.1 have none", "FW820")
    if "base" in members:
        base = reader.one_of(members["base"], "base of raw bytes", ("ll", "nh", "th", "ih"))
        return Selector(
            "raw", (base,), _numbers(reader, members, node, what, ("offset", "len")), span=reader.span(node)
        )
    protocol = reader.text(reader.needed(members, "protocol", node, what), "`protocol`")
    field = reader.text(reader.needed(members, "field", node, what), "`field`")
    return Selector("payload", (protocol, *field.split(" ")), span=reader.span(node))


def _numbers(reader: Reader, members: Members, node: Node, what: str, names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(reader.number(reader.needed(members, name, node, what), f"`{name}`", 0, _MOST_BITS) for name in names)


def _exthdr(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`exthdr`", ("name", "field", "offset"))
    words = _named(reader, members, node, "`exthdr`")
    if "offset" in members and len(words) == 2:
        offset = reader.number(members["offset"], "`offset`", 0, _MOST_BITS)
        words = (words[0], f"{words[1]}[{offset}]")
    return Selector("exthdr", words, span=reader.span(node))


def _named(reader: Reader, members: Members, node: Node, what: str) -> tuple[str, ...]:
    """Return the words of something with a name and perhaps a field."""
    name = reader.text(reader.needed(members, "name", node, what), "`name`")
    return (name, reader.text(members["field"], "`field`")) if "field" in members else (name,)


def _tcp_option(reader: Reader, node: Node) -> Selector:
    what = "`tcp option`"
    members = reader.members(node, what, ("name", "field", "base", "offset", "len"))
    if "base" in members:
        numbers = _numbers(reader, members, node, what, ("base", "offset", "len"))
        return Selector("tcpopt", ("@",), numbers, span=reader.span(node))
    return Selector("tcpopt", _named(reader, members, node, what), span=reader.span(node))


def _ip_option(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`ip option`", ("name", "field"))
    return Selector("ipopt", _named(reader, members, node, "`ip option`"), span=reader.span(node))


def _chunk(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`sctp chunk`", ("name", "field"))
    return Selector("chunk", _named(reader, members, node, "`sctp chunk`"), span=reader.span(node))


def _dccp_option(reader: Reader, node: Node) -> Selector:
    what = "`dccp option`"
    members = reader.members(node, what, ("type", "field"))
    number = reader.number(reader.needed(members, "type", node, what), "`type`", 0, 255)
    return Selector("dccpopt", (str(number),), span=reader.span(node))


def _meta(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`meta`", ("key",))
    key = reader.text(reader.needed(members, "key", node, "`meta`"), "`key`")
    return Selector("meta", (_META.get(key, key),), span=reader.span(node))


_META = {"ibriport": "ibrname", "obriport": "obrname", "ibridgename": "ibrname", "obridgename": "obrname"}
"""Names of keys that libnftables-json(5) has from before they were changed."""


def _ct(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`ct`", ("key", "dir", "family"))
    key = reader.text(reader.needed(members, "key", node, "`ct`"), "`key`")
    family, _, rest = key.partition(" ")
    if rest and family in ("ip", "ip6"):
        key = rest
    else:
        family = _choice(reader, members, "family", ("ip", "ip6"))
    return Selector("ct", (key, _choice(reader, members, "dir", ("original", "reply")), family), span=reader.span(node))


def _choice(reader: Reader, members: Members, name: str, known: tuple[str, ...]) -> str:
    return reader.one_of(members[name], f"`{name}`", known) if name in members else ""


def _fib(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`fib`", ("result", "flags"))
    result = reader.one_of(reader.needed(members, "result", node, "`fib`"), "`result`", _RESULTS)
    flags = reader.texts(reader.needed(members, "flags", node, "`fib`"), "a flag of `fib`")
    return Selector("fib", ("oif" if result == "check" else result, *flags), span=reader.span(node))


_RESULTS = ("oif", "oifname", "type", "check")
"""What a look-up gives; `check` is how nftables 1.1 writes an `oif` that is only asked for being there."""


def _rt(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`rt`", ("key", "family"))
    key = reader.text(reader.needed(members, "key", node, "`rt`"), "`key`")
    return Selector("rt", (key, _choice(reader, members, "family", ("ip", "ip6"))), span=reader.span(node))


def _socket(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`socket`", ("key", "level"))
    key = reader.text(reader.needed(members, "key", node, "`socket`"), "`key`")
    level = (str(reader.number(members["level"], "`level`", 0, 255)),) if "level" in members else ()
    return Selector("socket", (key, *level), span=reader.span(node))


def _osf(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`osf`", ("key", "ttl"))
    key = reader.one_of(reader.needed(members, "key", node, "`osf`"), "`key`", ("name", "version"))
    return Selector("osf", (key, _choice(reader, members, "ttl", ("loose", "skip"))), span=reader.span(node))


def _ipsec(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`ipsec`", ("key", "dir", "spnum", "family"))
    key = reader.text(reader.needed(members, "key", node, "`ipsec`"), "`key`")
    reader.needed(members, "dir", node, "`ipsec`")
    number = reader.number(members["spnum"], "`spnum`", 0, 255) if "spnum" in members else 0
    family = _choice(reader, members, "family", ("ip", "ip6"))
    words = (_choice(reader, members, "dir", ("in", "out")), str(number), key, family)
    return Selector("ipsec", words, span=reader.span(node))


def _numgen(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`numgen`", ("mode", "mod", "offset"))
    mode = reader.one_of(reader.needed(members, "mode", node, "`numgen`"), "`mode`", ("inc", "random"))
    return Selector(
        "numgen", (mode,), (_modulus(reader, members, node), _offset(reader, members)), span=reader.span(node)
    )


def _modulus(reader: Reader, members: Members, node: Node) -> int:
    return reader.number(reader.needed(members, "mod", node, "a number that is made"), "`mod`", 1, _MOST_BITS)


def _offset(reader: Reader, members: Members) -> int:
    return reader.number(members["offset"], "`offset`", 0, _MOST_BITS) if "offset" in members else 0


def _symhash(reader: Reader, node: Node) -> Selector:
    members = reader.members(node, "`symhash`", ("mod", "offset"))
    numbers = (_modulus(reader, members, node), -1, _offset(reader, members))
    return Selector("hash", ("symhash",), numbers, span=reader.span(node))


def jhash_numbers(reader: Reader, members: Members, node: Node) -> tuple[int, int, int]:
    """Return modulus, seed and offset of a hash of something."""
    seed = reader.number(members["seed"], "`seed`", 0, _MOST_BITS) if "seed" in members else -1
    return _modulus(reader, members, node), seed, _offset(reader, members)


SELECTORS: dict[str, Callable[[Reader, Node], Selector]] = {
    "ct": _ct,
    "dccp option": _dccp_option,
    "exthdr": _exthdr,
    "fib": _fib,
    "ip option": _ip_option,
    "ipsec": _ipsec,
    "meta": _meta,
    "numgen": _numgen,
    "osf": _osf,
    "payload": _payload,
    "rt": _rt,
    "sctp chunk": _chunk,
    "socket": _socket,
    "symhash": _symhash,
    "tcp option": _tcp_option,
}
"""What reads each kind of selector, but for `jhash`, which has an expression in it."""
