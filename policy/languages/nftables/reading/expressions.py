"""Callbacks for expressions: selectors, words, sets, maps."""

from __future__ import annotations

from typing import Any

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
from policy.languages.nftables.reading.base import Base, Part, Parts, Refused, milliseconds

_OPERATORS: dict[str, Any] = {"|": "|", "or": "|", "^": "^", "xor": "^", "&": "&", "and": "&", "<<": "<<", "lshift": "<<"}
_RT_FIELDS = frozenset({"hdrlength", "nexthdr", "type", "seg-left"})
"""With these fields `rt` is the routing header; else it is what the routing says."""


class Expressions(Base):
    """The part of the callbacks that makes expressions."""

    # Words

    def word(self, parts: Parts) -> Word:
        token = parts[0]
        return token if isinstance(token, Word) else self.name_of(token)

    def plain_word(self, parts: Parts) -> Word:
        return self.name_of(parts[0])

    def named(self, parts: Parts) -> Word:
        return self.name_of(parts[0])

    def existence(self, parts: Parts) -> Word:
        return self.name_of(parts[0])

    def star(self, parts: Parts) -> Word:
        return self.name_of(parts[0])

    def negative(self, parts: Parts) -> Word:
        return Word(f"-{parts[1]}", span=self.span(parts))

    def variable(self, parts: Parts) -> Variable:
        return Variable(parts[0][1:], span=self.span(parts))

    def reference(self, parts: Parts) -> Reference:
        return Reference(parts[0][1:], span=self.span(parts))

    def ident(self, parts: Parts) -> Word:
        return self.name_of(parts[0])

    # What is made of several

    def concat(self, parts: Parts) -> Concat:
        return Concat(tuple(parts), span=self.span(parts))

    def list(self, parts: Parts) -> List:
        return List(tuple(parts), span=self.span(parts))

    def range(self, parts: Parts) -> Range:
        return Range(parts[0], parts[2], span=self.span(parts))

    def prefix(self, parts: Parts) -> Prefix:
        return Prefix(parts[0], self.number_of(parts[1]), span=self.span(parts))

    def binary(self, parts: Parts) -> Binary:
        left, sign, right = parts
        return Binary(_OPERATORS.get(str(sign), ">>"), left, right, span=self.span(parts))

    def lookup(self, parts: Parts) -> Lookup:
        return Lookup(parts[0], parts[2], span=self.span(parts))

    def mask(self, parts: Parts) -> Expression:
        parts = [self.name_of(each) if isinstance(each, Token) else each for each in parts]
        found: Expression = parts[0] if len(parts) == 1 else List(tuple(parts), span=self.span(parts))
        return found

    # Sets

    def set(self, parts: Parts) -> SetLiteral:
        elements: list[Element] = []
        for each in parts[1:-1]:
            if each is None:
                continue
            if isinstance(each.key, SetLiteral) and each.value is None:
                elements += each.key.elements
            else:
                elements.append(each)
        return SetLiteral(tuple(elements), span=self.span(parts))

    def element(self, parts: Parts) -> Element:
        key = parts[0]
        found: dict[str, Any] = {}
        statements = []
        value = None
        for each in parts[1:]:
            if each is None:
                continue
            if not isinstance(each, tuple):
                value = each
            elif each[0] == "statement":
                statements.append(each[1])
            else:
                found[each[0]] = each[1]
        return Element(key, value, **found, statements=tuple(statements), span=self.span(parts))

    def timeout(self, parts: Parts) -> Part:
        return "timeout", parts[1], self.span(parts[:1])

    def expires(self, parts: Parts) -> Part:
        return "expires", parts[1], self.span(parts[:1])

    def comment(self, parts: Parts) -> Part:
        return "comment", parts[1].text, self.span(parts)

    def string(self, parts: Parts) -> Word:
        return self.name_of(parts[0])

    def option_statement(self, parts: Parts) -> Part:
        return "statement", parts[0], parts[0].span

    def time(self, parts: Parts) -> int:
        word = self.name_of(parts[0])
        found = milliseconds(word.text)
        if found is None:
            raise Refused(f"`{word.text}` is not a time", word.span, "write it like `1d2h3m4s`")
        return found

    # Verdicts

    def plain_verdict(self, parts: Parts) -> Verdict:
        kind: Any = str(parts[0])
        return Verdict(kind, span=self.span(parts))

    def call(self, parts: Parts) -> Verdict:
        kind: Any = str(parts[0])
        return Verdict(kind, parts[1], span=self.span(parts))

    # Selectors

    def _selector(self, kind: str, words: tuple[str, ...], parts: Parts, **more: Any) -> Selector:
        return Selector(kind, words, span=self.span(parts), **more)

    def payload(self, parts: Parts) -> Selector:
        protocol, field = parts
        return self._selector("payload", (str(protocol), " ".join(str(field).split())), parts)

    def inner(self, parts: Parts) -> Selector:
        return self._selector("inner", tuple(map(str, parts)), parts)

    def raw(self, parts: Parts) -> Selector:
        base, offset, length = _raw(parts[0])
        return self._selector("raw", (base,), parts, numbers=(int(offset), int(length)))

    def exthdr(self, parts: Parts) -> Selector:
        return self._selector("exthdr", tuple(map(str, parts)), parts)

    def exthdr_there(self, parts: Parts) -> Selector:
        return self._selector("exthdr", (str(parts[1]),), parts)

    def option(self, parts: Parts) -> Selector:
        if len(parts) == 3:
            kind, offset, length = _raw(parts[2])
            return self._selector("tcpopt", ("@",), parts, numbers=(int(kind), int(offset), int(length)))
        protocol, _, name, field = parts
        return self._selector("tcpopt" if protocol == "tcp" else "ipopt", (str(name), str(field)), parts)

    def option_name(self, parts: Parts) -> Token:
        token: Token = parts[0]
        return token

    def bare(self, parts: Parts) -> Selector:
        protocol, kind, name = parts
        kinds = {"tcp": "tcpopt", "ip": "ipopt", "dccp": "dccpopt", "sctp": "chunk"}
        return self._selector(kinds[str(protocol)], (str(name),), parts)

    def chunk(self, parts: Parts) -> Selector:
        return self._selector("chunk", (str(parts[2]), str(parts[3])), parts)

    def meta(self, parts: Parts) -> Selector:
        return self._selector("meta", (str(parts[1]),), parts)

    def meta_key(self, parts: Parts) -> Selector:
        return self._selector("meta", (str(parts[0]),), parts)

    def ct(self, parts: Parts) -> Selector:
        _, direction, family, key = parts
        return self._selector("ct", (str(key), str(direction or ""), str(family or "")), parts)

    def fib(self, parts: Parts) -> Selector:
        *flags, result = map(str, parts[1:])
        return self._selector("fib", (result, *flags), parts)

    def rt(self, parts: Parts) -> Selector:
        _, family, key = parts
        if family is None and key in _RT_FIELDS:
            return self._selector("exthdr", ("rt", str(key)), parts)
        return self._selector("rt", (str(key), str(family or "")), parts)

    def socket(self, parts: Parts) -> Selector:
        _, key, _, level = parts
        return self._selector("socket", (str(key), str(level or "")), parts)

    def osf(self, parts: Parts) -> Selector:
        _, _, ttl, what = parts
        return self._selector("osf", (str(what), str(ttl or "")), parts)

    def ipsec(self, parts: Parts) -> Selector:
        _, direction, _, number, family, key = parts
        return self._selector("ipsec", (str(direction), str(number or ""), str(key), str(family or "")), parts)

    def numgen(self, parts: Parts) -> Selector:
        _, mode, _, modulus, _, offset = parts
        numbers = (self.number_of(modulus), self.number_of(offset) if offset else 0)
        return self._selector("numgen", (str(mode),), parts, numbers=numbers)

    def jhash(self, parts: Parts) -> Selector:
        _, of, _, modulus, _, seed, _, offset = parts
        numbers = (self.number_of(modulus), self.number_of(seed) if seed else -1, self.number_of(offset) if offset else 0)
        return self._selector("hash", ("jhash",), parts, numbers=numbers, of=of)

    def symhash(self, parts: Parts) -> Selector:
        _, _, modulus, _, offset = parts
        numbers = (self.number_of(modulus), -1, self.number_of(offset) if offset else 0)
        return self._selector("hash", ("symhash",), parts, numbers=numbers)


def _raw(token: Token) -> list[str]:
    """Return the three parts of `@nh,96,32`."""
    return [each.strip() for each in token[1:].split(",")]
