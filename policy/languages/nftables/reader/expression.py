"""Builds expressions while lark parses them: one method per rule of `grammar/nftables.lark`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from lark import Token

from policy.languages.nftables.ast.expression import (
    Binary,
    Concat,
    Element,
    Expression,
    List,
    Lookup,
    Prefix,
    Range,
    Reference,
    Selector,
    SetLiteral,
    Variable,
    Verdict,
    Word,
)
from policy.languages.nftables.names import RESERVED, RESERVED_NAMES
from policy.source import Source, Span

Operator = Literal["&", "|", "^", "<<", ">>"]

_OPERATORS: dict[str, Operator] = {
    "&": "&", "and": "&", "|": "|", "or": "|", "^": "^", "xor": "^",
    "<<": "<<", "lshift": "<<", ">>": ">>", "rshift": ">>",
}  # fmt: skip
_BINDING: dict[str, int] = {"<<": 4, ">>": 4, "&": 3, "^": 2, "|": 1}
_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_TIME = re.compile(r"(\d+)(ms|[wdhms])")


def milliseconds(text: str) -> int:
    """Return a time, such as `1d2h` or a number of seconds, in milliseconds."""
    if text.isdigit():
        return int(text) * 1000
    return sum(int(number) * _UNITS[unit] for number, unit in _TIME.findall(text))


def number(text: str) -> int:
    """Return a number in decimal or hexadecimal."""
    return int(text, 0) if text.startswith("0x") else int(text)


class ExpressionReader:
    """The callbacks of expressions; `at` says where the text that is being parsed stands."""

    def __init__(self) -> None:
        self.at(Span(Source("", ""), 0, 0))

    def at(self, place: Span) -> None:
        """Read the text of *place* next."""
        self.place = place
        self.source = place.source
        self.base = place.start
        self.reserved: list[Span] = []
        """Words of the language where a value or a name is to be."""

    # Places

    def span(self, *parts: Any) -> Span:
        """Return the place from the first to the last of some tokens and nodes; None among them is passed over."""
        there = [part for part in parts if part is not None]
        first, last = there[0], there[-1]
        start = self.base + first.start_pos if isinstance(first, Token) else first.span.start  # type: ignore[operator] # tokens have places
        end = self.base + last.end_pos if isinstance(last, Token) else last.span.end  # type: ignore[operator]
        return Span(self.source, start, end)

    def word(self, token: Token) -> Word:
        """Return a token as a word, without the marks of a text."""
        quoted = token.type == "STRING"
        text = str(token)
        if token.type == "NAME" and text in RESERVED:
            self.reserved.append(self.span(token))
        return Word(
            text[1:-1] if quoted and text.endswith('"') else text.replace('"', ""), quoted, span=self.span(token)
        )

    def text(self, token: Any) -> str:
        """Return what a token or word says."""
        return self.word(token).text if isinstance(token, Token) else token.text

    def node(self, part: Any) -> Any:
        """Return a token as an expression, and any other part as it is."""
        if not isinstance(part, Token):
            return part
        match part.type:
            case "VARIABLE":
                return Variable(part[1:], span=self.span(part))
            case "REFERENCE":
                return Reference(part[1:], span=self.span(part))
            case "PREFIXED":
                base, _, length = part.partition("/")
                inner = Span(self.source, self.base + part.start_pos, self.base + part.start_pos + len(base))  # type: ignore[operator]
                return Prefix(Word(base, span=inner), int(length), span=self.span(part))
        return self.word(part)

    def nodes(self, parts: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(self.node(part) for part in parts if part is not None)

    # Operations

    def name(self, parts: list[Any]) -> Any:
        if parts[0].type == "NAME" and parts[0] in RESERVED_NAMES - RESERVED:
            self.reserved.append(self.span(parts[0]))
        return self.node(parts[0])

    def keyword(self, parts: list[Any]) -> Word:
        return self.word(parts[0])

    def constants(self, parts: list[Any]) -> Any:
        return self._operation(parts)

    masked = constants
    operation = constants

    def _operation(self, parts: Sequence[Any]) -> Any:
        """Return `a & b | c` as it binds."""
        operands = [self.node(part) for part in parts[::2]]
        operators = [_OPERATORS[str(part)] for part in parts[1::2]]
        while operators:
            at = max(range(len(operators)), key=lambda i: (_BINDING[operators[i]], -i))
            left, right = operands[at], operands[at + 1]
            operands[at : at + 2] = [Binary(operators[at], left, right, span=left.span.to(right.span))]
            del operators[at]
        return operands[0]

    def range(self, parts: list[Any]) -> Range:
        low, _, high = parts
        low, high = self.node(low), self.node(high)
        return Range(low, high, span=low.span.to(high.span))

    def _joined(self, kind: type[Concat | List], parts: Iterable[Any]) -> Any:
        found = self.nodes(parts)
        return found[0] if len(found) == 1 else kind(found, span=found[0].span.to(found[-1].span))

    def concat(self, parts: list[Any]) -> Any:
        return self._joined(Concat, parts)

    lhs = concat

    def listing(self, parts: list[Any]) -> Any:
        return self._joined(List, parts)

    value = listing

    def rhs(self, parts: list[Any]) -> Any:
        first, mask = self.node(parts[0]), parts[1] if len(parts) > 1 else None
        return first if mask is None else Masked(first, self.node(mask))

    def expression(self, parts: list[Any]) -> Any:
        inside = [part for part in parts if part is not None]
        at = next((i for i, part in enumerate(inside) if isinstance(part, Token) and part.type == "MAP"), None)
        if at is None:
            return self.concat(inside)
        key, where = self.concat(inside[:at]), self.node(inside[at + 1])
        return Lookup(key, where, span=key.span.to(where.span))

    # Sets

    def braces(self, parts: list[Any]) -> SetLiteral:
        opening, *elements, closing = parts
        return SetLiteral(tuple(each for each in elements if each is not None), span=self.span(opening, closing))

    def element(self, parts: list[Any]) -> Element:
        key, *options, value = parts
        found: dict[str, Any] = {}
        statements = []
        for option in options:
            if isinstance(option, tuple):
                found[option[0]] = option[1]
            elif option is not None:
                statements.append(option)
        key = self.node(key)
        span = key.span if value is None else key.span.to(value.span)
        return Element(key, value, **found, statements=tuple(statements), span=span)

    def element_key(self, parts: list[Any]) -> Any:
        return self.node(parts[0])

    element_value = element_key

    def time(self, parts: list[Any]) -> Any:
        return str(parts[0]).replace("gc-interval", "gc"), milliseconds(str(parts[1]))

    def comment(self, parts: list[Any]) -> Any:
        return "comment", self.text(parts[1])

    def stateful(self, parts: list[Any]) -> Any:
        return parts[0]

    def verdict(self, parts: list[Any]) -> Verdict:
        kind, *chain = parts
        where = self.node(chain[0]) if chain and chain[0] is not None else None
        return Verdict(str(kind), where, span=self.span(kind, where))  # type: ignore[arg-type]

    # Selectors

    def _selector(self, kind: str, parts: Sequence[Any], words: Iterable[str], **more: Any) -> Selector:
        return Selector(kind, tuple(words), **more, span=self.span(*parts))

    def payload(self, parts: list[Any]) -> Selector:
        return self._selector("payload", parts, map(str, parts))

    def exthdr(self, parts: list[Any]) -> Selector:
        header, key = map(str, parts)
        if header == "rt" and key in ("classid", "nexthop", "mtu", "ipsec"):
            return self._selector("rt", parts, (key, ""))
        return self._selector("exthdr", parts, (header, key))

    def exthdr_exists(self, parts: list[Any]) -> Selector:
        return self._selector("exthdr", parts, (str(parts[1]),))

    def rt(self, parts: list[Any]) -> Selector:
        _, family, key = map(str, parts)
        return self._selector("rt", parts, (key, family))

    def option(self, parts: list[Any]) -> Selector:
        kind = {"tcp": "tcpopt", "ip": "ipopt", "dccp": "dccpopt"}[str(parts[0])]
        return self._selector(kind, parts, (str(part) for part in parts[2:] if part is not None))

    def option_field(self, parts: list[Any]) -> Any:
        return parts[0]

    def raw_option(self, parts: list[Any]) -> Selector:
        numbers = tuple(int(each) for each in parts[2][1:].split(","))
        return self._selector("tcpopt", parts, ("@",), numbers=numbers)

    def chunk(self, parts: list[Any]) -> Selector:
        return self._selector("chunk", parts, (str(part) for part in parts[2:] if part is not None))

    def raw(self, parts: list[Any]) -> Selector:
        base, offset, length = parts[0][1:].split(",")
        return self._selector("raw", parts, (base,), numbers=(int(offset), int(length)))

    def meta(self, parts: list[Any]) -> Selector:
        return self._selector("meta", parts, (str(parts[1]),))

    def meta_alone(self, parts: list[Any]) -> Selector:
        return self._selector("meta", parts, (str(parts[0]),))

    def ct(self, parts: list[Any]) -> Selector:
        return self._selector("ct", parts, (str(parts[1]), "", ""))

    def ct_side(self, parts: list[Any]) -> Selector:
        return self._selector("ct", parts, (str(parts[2]), str(parts[1]), ""))

    def ct_family(self, parts: list[Any]) -> Selector:
        return self._selector("ct", parts, (str(parts[3]), str(parts[1]), str(parts[2])))

    def fib(self, parts: list[Any]) -> Selector:
        _, *flags, result = map(str, parts)
        return self._selector("fib", parts, (result, *flags))

    def socket(self, parts: list[Any]) -> Selector:
        level = (str(parts[3]),) if parts[3] is not None else ()
        return self._selector("socket", parts, (str(parts[1]), *level))

    def osf(self, parts: list[Any]) -> Selector:
        words = [str(part) for part in parts[1:] if part is not None]
        return self._selector("osf", parts, (words[-1], words[1] if len(words) > 1 else ""))

    def ipsec(self, parts: list[Any]) -> Selector:
        _, direction, _, level, family, key = parts
        words = (str(direction), str(level or 0), str(key), str(family or ""))
        return self._selector("ipsec", parts, words)

    def numgen(self, parts: list[Any]) -> Selector:
        _, mode, _, modulus, _, offset = parts
        return self._selector("numgen", parts, (str(mode),), numbers=(number(modulus), number(offset or "0")))

    def jhash(self, parts: list[Any]) -> Selector:
        _, of, _, modulus, _, seed, _, offset = parts
        numbers = (number(modulus), -1 if seed is None else number(seed), number(offset or "0"))
        return self._selector("hash", parts, ("jhash",), numbers=numbers, of=self.node(of))

    def symhash(self, parts: list[Any]) -> Selector:
        _, _, modulus, _, offset = parts
        return self._selector("hash", parts, ("symhash",), numbers=(number(modulus), -1, number(offset or "0")))


class Masked:
    """The right side of `tcp flags syn / syn,ack`, until the match is built."""

    def __init__(self, value: Expression, mask: Expression) -> None:
        self.value, self.mask = value, mask
        self.span = value.span.to(mask.span)
