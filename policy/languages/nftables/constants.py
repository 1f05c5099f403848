"""Constants: what the words, ranges and prefixes of an expression are, once it is known of which type they are.

Sources: nft(8), DATA TYPES; nftables 1.0.6: src/datatype.c, src/evaluate.c, src/meta.c (times).
"""

from __future__ import annotations

from policy._record import dataclass
from policy.languages.nftables import types as t
from policy.languages.nftables import words
from policy.languages.nftables.ast.expression import (
    Binary,
    Element,
    Expression,
    List,
    Prefix,
    Range,
    SetLiteral,
    Word,
)
from policy.languages.nftables.problem import Bad
from policy.packet import Intervals, Names
from policy.packet.address import V4_BASE
from policy.packet.values import EMPTY

NO_NAMES = Names()


@dataclass(frozen=True, slots=True)
class Values:
    """What is *known* of a constant, numbers or texts; *open* is what only the host could say: `host:NAME`."""

    known: Intervals | Names
    open: tuple[str, ...] = ()

    def __or__(self, other: Values) -> Values:
        known: Intervals | Names
        if isinstance(self.known, Names) and isinstance(other.known, Names):
            known = Names(self.known.exact | other.known.exact, self.known.prefixes | other.known.prefixes)
        else:
            assert isinstance(self.known, Intervals)
            assert isinstance(other.known, Intervals)
            known = self.known | other.known
        return Values(known, tuple(dict.fromkeys(self.open + other.open)))


def values(type: t.DataType, expression: Expression) -> Values:
    """Return what a constant means for a type; raises `Bad`."""
    match expression:
        case Word():
            return _word(type, expression)
        case Prefix(base, length):
            return Values(_prefix(type, expression, base, length))
        case Range(low, high):
            return Values(_range(type, expression, low, high))
        case List() | Binary():
            return Values(Intervals.of(number(type, expression)))
        case SetLiteral(elements):
            return _all(type, elements)
    raise Bad("FW001", f"{type.one} is expected here, that is a constant", expression.span)


def _all(type: t.DataType, elements: tuple[Element, ...]) -> Values:
    found = Values(NO_NAMES if type.named else EMPTY)
    for element in elements:
        found |= values(type, element.key)
    return found


def _word(type: t.DataType, word: Word) -> Values:
    if type.named:
        texts = words.names(type, word)
        return Values(NO_NAMES, (texts,)) if isinstance(texts, str) else Values(texts)
    found = words.read(type, word)
    return Values(EMPTY, (found,)) if isinstance(found, str) else Values(Intervals(((found, found),)))


def number(type: t.DataType, expression: Expression) -> int:
    """Return the one number of a constant, also of flags that stand beside each other; raises `Bad`."""
    match expression:
        case Word():
            found = None if type.named else words.read(type, expression)
            if isinstance(found, int):
                return found
        case List(parts):
            if type.kind not in ("flags", "label"):
                help = "write a set: { A, B }"
                raise Bad("FW001", f"{type.one} cannot be a list of several ones", expression.span, help)
            bits = 0
            for part in parts:
                bits |= number(type, part)
            return bits
        case Binary(operator, left, right) if not type.named:
            base = type.base
            one, other = number(type, left) - base, _operand(type, operator, right) - base
            return base + _calculated(operator, one, other, type.bits)
        case SetLiteral((Element(key),)):
            return number(type, key)
    raise Bad("FW001", f"one {type.title} is expected here", expression.span)


def _operand(type: t.DataType, operator: str, expression: Expression) -> int:
    if operator in ("<<", ">>"):
        return number(t.integer(16, "number of bits"), expression) + type.base
    return number(type, expression)


def _calculated(operator: str, one: int, other: int, bits: int) -> int:
    match operator:
        case "&":
            return one & other
        case "|":
            return one | other
        case "^":
            return one ^ other
        case "<<":
            return (one << other) & ((1 << bits) - 1)
    return one >> other


def _prefix(type: t.DataType, whole: Prefix, base: Expression, length: int) -> Intervals:
    if type.kind == "address" and isinstance(base, Word):
        type = t.IPV6 if ":" in base.text else t.IPV4
    if type.named or not 0 <= length <= type.bits:
        code = "FW003" if type.kind in ("ipv4", "ipv6") else "FW001"
        help = f"{type.one} has {type.bits} bits"
        raise Bad(code, f"invalid length of a prefix: {length}", whole.span, help)
    rest = (1 << type.bits - length) - 1
    low = number(type, base) & ~rest
    return Intervals(((low, low | rest),))


def _range(type: t.DataType, whole: Range, low: Expression, high: Expression) -> Intervals:
    if type.named:
        raise Bad("FW001", f"there is no range of texts ({type.title})", whole.span, "name them in a set")
    first, last = _end(type, low), _end(type, high)
    if first > last and type.kind == "hour":  # over midnight
        return Intervals.of((0, last), (first, 86_399))
    if first > last or (first < V4_BASE <= last):
        backwards = f"{whole.high.span.text}-{whole.low.span.text}"
        raise Bad("FW502", f"the range `{whole.span.text}` is reversed", whole.span, f"write {backwards}")
    return Intervals(((first, last),))


def _end(type: t.DataType, end: Expression) -> int:
    if isinstance(end, Prefix):
        raise Bad("FW001", "an end of a range is one value", end.span)
    return number(type, end)
