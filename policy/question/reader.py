"""Builds the tree of a question while lark parses it: one method per rule of `grammar/question.lark`."""

from __future__ import annotations

from typing import Any

from lark import Token

from policy.question import ast
from policy.source import Source, Span

_HUGE = 1 << 300  # stands for numbers too long to be any value
_LONGEST = 80


class Repeated(Exception):
    """A clause stands twice in a match."""

    def __init__(self, keyword: Token) -> None:
        super().__init__(f"`{keyword}` stands twice")
        self.keyword = keyword


class Reader:
    """The callbacks of the grammar; `at` says where the text that is being parsed stands."""

    def __init__(self) -> None:
        self.at(Span(Source("", ""), 0, 0))

    def at(self, place: Span) -> None:
        """Read the text of *place* next."""
        self.place = place
        self.source = place.source
        self.base = place.start

    def __getattr__(self, name: str) -> Any:
        """Return the method of a rule that another grammar has imported."""
        if name.startswith("question__"):
            return getattr(self, name.removeprefix("question__"))
        raise AttributeError(name)

    def span(self, first: Token, last: Token | None = None) -> Span:
        end = (first if last is None else last).end_pos
        return Span(self.source, self.base + first.start_pos, self.base + end)  # type: ignore[operator]

    def word_of(self, token: Token) -> ast.Word:
        return ast.Word(token.value, self.span(token))

    # Match

    def question(self, parts: list[Any]) -> Any:
        return parts[0]

    def match(self, parts: list[Any]) -> ast.Match:
        services = parts[0]
        return self._match(services, parts[1:], services[0].span)

    def match_any(self, parts: list[Any]) -> ast.Match:
        return self._match((), parts, self.span(parts[0][1]))

    def _match(self, services: tuple[ast.Service, ...], clauses: list[Any], first: Span) -> ast.Match:
        found = once(clauses)
        last = clauses[-1][2] if clauses else services
        end = last[-1].span if isinstance(last, tuple) else last.span
        return ast.Match(services, **found, span=first.to(end))

    def source_clause(self, parts: list[Any]) -> Any:
        return "source", *parts

    def destination_clause(self, parts: list[Any]) -> Any:
        return "destination", *parts

    def arrives(self, parts: list[Any]) -> Any:
        return "arrives", *parts

    def leaves(self, parts: list[Any]) -> Any:
        return "leaves", *parts

    def hooks(self, parts: list[Any]) -> Any:
        return "hooks", *parts

    def states(self, parts: list[Any]) -> Any:
        return "states", *parts

    def flags(self, parts: list[Any]) -> Any:
        keyword, named, of = parts
        return "flags", keyword, ast.Flags(named, of or ())

    def settings(self, parts: list[Any]) -> Any:
        return "settings", parts[0], tuple(parts[1:])

    # Services

    services = tuple

    def any_service(self, parts: list[Any]) -> ast.Service:
        return ast.Service(self.word_of(parts[0]))

    named_service = any_service

    def protocol(self, parts: list[Any]) -> ast.Service:
        (token,) = parts
        name = self.word_of(token) if token.type.endswith("NAME") else self.number(parts)
        return ast.Service(name, number=True)

    def ported_service(self, parts: list[Any]) -> ast.Service:
        return ast.Service(self.word_of(parts[0]), tuple(parts[1:]))

    def coded_service(self, parts: list[Any]) -> ast.Service:
        name, kind, code = parts
        return ast.Service(self.word_of(name), (kind,), code)

    ports = tuple

    def number(self, parts: list[Any]) -> ast.Range:
        (token,) = parts
        value = number(token)
        return ast.Range(value, value, self.span(token))

    def range(self, parts: list[Any]) -> ast.Range:
        low, high = parts
        return ast.Range(number(low), number(high), self.span(low, high))

    def word(self, parts: list[Any]) -> ast.Word:
        return self.word_of(parts[0])

    # Endpoints

    def endpoint(self, parts: list[Any]) -> ast.Endpoint:
        items, excluded, ports = parts
        return ast.Endpoint(ast.Addresses(items, excluded or ()), ports or ())

    def socket(self, parts: list[Any]) -> ast.Endpoint:
        address, port = parts
        return ast.Endpoint(ast.Addresses((address,)), (port,), socket=True)

    def socket6(self, parts: list[Any]) -> ast.Endpoint:
        token, port = parts
        return self.socket([ast.Address(token.value, self.span(token)), port])

    def addresses(self, parts: list[Any]) -> ast.Addresses:
        items, excluded = parts
        return ast.Addresses(items, excluded or ())

    items = tuple

    def any_address(self, parts: list[Any]) -> ast.Word:
        return self.word_of(parts[0])

    named_address = any_address

    def prefix(self, parts: list[Any]) -> ast.Address:
        (token,) = parts
        return ast.Address(token.value, self.span(token))

    def address_range(self, parts: list[Any]) -> ast.Between:
        low, high = parts
        return ast.Between(ast.Address(low.value, self.span(low)), ast.Address(high.value, self.span(high)))

    # Names and values

    def names(self, parts: list[Any]) -> tuple[ast.Word, ...]:
        return tuple([self.word_of(token) for token in parts])

    interfaces = names

    def setting(self, parts: list[Any]) -> ast.Setting:
        return ast.Setting(self.word_of(parts[0]), tuple(parts[1:]))

    def masked(self, parts: list[Any]) -> ast.Bits:
        value, mask = parts
        return ast.Bits(number(value), number(mask), self.span(value, mask))

    mac = word


def once(parts: list[Any]) -> dict[str, Any]:
    """Return (name, keyword, value) triples by name; raises `Repeated` if a name stands twice."""
    found: dict[str, Any] = {}
    for name, keyword, value in parts:
        if name in found:
            raise Repeated(keyword)
        found[name] = value
    return found


def number(token: Token) -> int:
    """Return the value of a decimal or hexadecimal number."""
    if len(token) > _LONGEST:
        return _HUGE
    return int(token, 16) if token[:2] == "0x" else int(token)
