"""One natural packet out of a set."""

from __future__ import annotations

from policy.packet import Intervals, Packet
from policy.packet.address import V4
from policy.sets.dd import Formula
from policy.sets.encoding import Encoding
from policy.sets.layout import ADDRESSES
from policy.sets.natural import finished, preferred


def choose(encoding: Encoding, formula: Formula) -> Packet | None:
    """Return a packet for which *formula*, without unknowns, is true; None if there is none."""
    found = numbers(encoding, formula)
    return None if found is None else finished(encoding.layout, found)


def numbers(encoding: Encoding, formula: Formula) -> dict[str, int] | None:
    """Return the numbers of the fields of such a packet."""
    left = formula & encoding.wellformed
    if not left:
        return None
    left = left & encoding.inside("src", V4, encoding.bits["src"]) or left
    found: dict[str, int] = {}
    for name in encoding.layout.natural(encoding.layout.fields):
        if with_field := left & encoding.has(name):
            left, found[name] = _pick(encoding, with_field, name, found)
    return found


def _pick(encoding: Encoding, left: Formula, name: str, found: dict[str, int]) -> tuple[Formula, int]:
    """Return what is left with a number of a field, and that number."""
    for number in preferred(encoding.layout, name, found):
        if narrowed := _with(encoding, left, name, number):
            return narrowed, number
    narrowed, number = _lowest(encoding, left, name)
    if name in ADDRESSES and (host := _with(encoding, left, name, number + 1)):
        return host, number + 1
    return narrowed, number


def _with(encoding: Encoding, left: Formula, name: str, number: int) -> Formula:
    numbers = Intervals.of(number) & encoding.layout.domain(name)
    return left & encoding.inside(name, numbers, encoding.bits[name])


def _lowest(encoding: Encoding, left: Formula, name: str) -> tuple[Formula, int]:
    """Return what is left with the lowest number of a field, and that number."""
    number, bits = 0, encoding.bits[name]
    if name in ADDRESSES:
        if left & encoding.inside(name, V4, bits):
            number, bits = V4.first >> 32, bits[1:33]
        else:
            bits = bits[1:]
    for bit in bits:
        zero = left - bit
        number = number << 1 | (not zero)
        left = zero or left & bit
    return left, number
