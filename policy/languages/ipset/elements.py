"""What an element is, by the type of its set.

Sources: ipset(8); ipset's lib/parse.c and lib/ipset_*.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod

from policy.ipset import Element, Part
from policy.languages.ipset.making import Making
from policy.languages.ipset.values import (
    Wrong,
    address,
    addresses,
    bounded,
    interface,
    mac,
    network,
    ports,
    services,
)
from policy.packet.address import V4_BASE, bits

_MARK = (1 << 32) - 1
_ZERO_NET = frozenset({"hash:net,iface", "hash:net,net", "hash:net,port,net"})
"""The types that take a network of length 0."""


def elements(making: Making, text: str, at: int, wildcard: bool = False) -> Iterable[Element]:
    """Return the elements that a word means; raises `Wrong`, the number of the word being *at*."""
    type = making.known.type
    words = text.split(",")
    if len(words) != len(type.parts) and not (type.name == "bitmap:ip,mac" and len(words) == 1):
        wanted = ",".join(type.parts)
        raise Wrong("FW001", f"`{text}` has {len(words)} parts, and elements of {type.name} have `{wanted}`", at)
    try:
        choices = [_part(making, number, word.strip(), wildcard) for number, word in enumerate(words)]
    except Wrong as wrong:
        wrong.at = at
        raise
    if type.name == "bitmap:ip,mac" and len(words) == 1:
        choices.append((None,))
    if all(len(each) == 1 for each in choices):
        return (tuple(each[0] for each in choices),)
    several = prod(map(len, choices))
    if several > making.most:
        help = f"`maxelem` is {making.most}" if type.method == "hash" else None
        raise Wrong("FW001", f"`{text}` is {several:,} elements, more than the set takes", at, help)
    return product(*choices)


def _part(making: Making, number: int, text: str, wildcard: bool) -> Sequence[Part]:
    known = making.known
    family = known.family or 4
    match known.type.parts[number]:
        case "ip":
            return _addresses(making, number, text, family)
        case "net":
            least = 0 if known.type.name in _ZERO_NET else 1
            return network(text, family, least, 0)
        case "port":
            return ports(text) if known.type.method == "bitmap" else services(text, family)
        case "mark":
            return (bounded(text, 0, _MARK, 0) & known.markmask,)
        case "mac":
            return (mac(text, 0),)
        case "iface":
            return (interface(text, wildcard, 0),)
        case "set":
            return (text,)


def _addresses(making: Making, number: int, text: str, family: int) -> Sequence[Part]:
    """Return the addresses that a word means, or, with a mask, the networks that the set knows instead of them."""
    known = making.known
    if number > 0 or family == 6 or known.type.name == "bitmap:ip,mac":
        if "-" in text or "/" in text:
            raise Wrong("FW001", f"`{text}` is not one address", 0, "write each address by itself")
        low = high = address(text, family, 0)
    else:
        low, high = addresses(text, family, 0)
    nothing = V4_BASE if family == 4 else 0
    if known.mask is None and low == high != nothing:
        return ((low, low),)
    free = 0 if known.mask is None or number > 0 else known.mask ^ ((1 << bits(family)) - 1)
    step = free + 1 if free & (free + 1) == 0 else 1
    count = (high - (low & ~free)) // step + 1 if step > 1 else high - low + 1
    if count > making.most:
        raise Wrong("FW001", f"`{text}` is {count:,} addresses, more than the set takes", 0)
    if step > 1 or free == 0:
        found = [(each, each | free) for each in range(low & ~free, high + 1, step)]
    else:
        found = [(each, each) for each in dict.fromkeys(each & ~free for each in range(low, high + 1))]
    if known.type.method == "hash" and any(part[0] == nothing for part in found):
        raise Wrong("FW001", f"`{text}` has the address of all zeros, which no hash takes", 0, "begin behind it")
    return found
