"""Builds commands and what stands in blocks while lark parses them: one method per rule of `grammar/nftables.lark`."""

from __future__ import annotations

from typing import Any

from lark import Token

from policy._record import dataclass
from policy.languages.nftables.ast.command import Define, Include
from policy.languages.nftables.ast.expression import Expression, SetLiteral, Variable, Word
from policy.languages.nftables.reader.expression import Masked, number
from policy.languages.nftables.reader.statement import StatementReader
from policy.source import Span


@dataclass(frozen=True, slots=True)
class Head:
    """How a block or a command begins; *kind* is `table`, `chain`, `set` …, *verb* "" if none is written."""

    verb: str
    kind: str
    family: str | None = None
    names: tuple[Word, ...] = ()
    handle: int | None = None
    index: int | None = None
    body: Any = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a block says of its chain, set or table: `policy drop`, `flags interval`."""

    name: str
    value: Any
    span: Span


class Reader(StatementReader):
    """The callbacks of the grammar."""

    # Commands

    def _head(self, parts: list[Any], **more: Any) -> Head:
        verb, kind, family, *names = parts
        words = tuple(each for each in names if isinstance(each, Word))
        text = kind if isinstance(kind, str) and not isinstance(kind, Token) else str(kind)
        return Head(str(verb or ""), text, None if family is None else str(family), words, **more, span=self.place)

    def table(self, parts: list[Any]) -> Head:
        *head, _, handle = parts
        return self._head(head, handle=None if handle is None else number(handle))

    def chain(self, parts: list[Any]) -> Head:
        return self._head(parts)

    thing = chain

    def inner(self, parts: list[Any]) -> Head:
        kind, name = parts
        return self._head([None, kind, None, name])

    def thing_by_handle(self, parts: list[Any]) -> Head:
        *head, _, handle = parts
        return self._head(head, handle=number(handle))

    chain_by_handle = thing_by_handle

    def table_by_handle(self, parts: list[Any]) -> Head:
        *head, _, handle = parts
        return self._head([None, *head] if len(head) < 3 else head, handle=number(handle))

    def rule_by_handle(self, parts: list[Any]) -> Head:
        *head, _, handle = parts
        return self._head(head, handle=number(handle))

    def rename(self, parts: list[Any]) -> Head:
        return self._head(parts)

    def everything(self, parts: list[Any]) -> Head:
        return self._head(parts)

    def rule_command(self, parts: list[Any]) -> Head:
        *head, how, where, rule = parts
        place = {} if how is None else {"index" if str(how) == "index" else "handle": number(where)}
        return self._head(head, body=rule, **place)

    def elements_command(self, parts: list[Any]) -> Head:
        *head, elements = parts
        return self._head(head, body=self.node(elements))

    def things(self, parts: list[Any]) -> str:
        return " ".join(map(str, parts))

    def include(self, parts: list[Any]) -> Include:
        return Include(self.word(parts[1]), span=self.place)

    def define(self, parts: list[Any]) -> Define:
        how, token, value = parts
        name = self.name([token]).text
        value = value.value if isinstance(value, Masked) else value
        return Define(str(how), name, value, name_span=self.span(token), span=self.place)  # type: ignore[arg-type]

    def define_negative(self, parts: list[Any]) -> Define:
        how, name, minus, value = parts
        return self.define([how, name, Word(f"-{value}", span=self.span(minus, value))])

    def undefine(self, parts: list[Any]) -> Define:
        return Define("undefine", str(parts[1]), None, name_span=self.span(parts[1]), span=self.place)

    # What stands in a block

    def _option(self, name: str, value: Any) -> Option:
        return Option(name, value, self.place)

    def hook(self, parts: list[Any]) -> Option:
        _, kind, _, hook, *devices, _, priority = parts
        found = tuple(each for device in devices for each in device)
        return self._option("hook", (str(kind), str(hook), found, priority))

    def device(self, parts: list[Any]) -> tuple[Expression, ...]:
        return (self.node(parts[1]),)

    def devices(self, parts: list[Any]) -> tuple[Expression, ...]:
        found = self.node(parts[1])
        return tuple(each.key for each in found.elements) if isinstance(found, SetLiteral) else (found,)

    def only_devices(self, parts: list[Any]) -> Option:
        return self._option("devices", parts[0])

    def priority(self, parts: list[Any]) -> tuple[str, int, Variable | None]:
        said = [part for part in parts if part is not None]
        minus = any(part.type == "MINUS" for part in said)
        numbers = [number(part) for part in said if part.type == "NUMBER"]
        name = next((str(part) for part in said if part.type == "NAME"), "")
        variable = next((self.node(part) for part in said if part.type == "VARIABLE"), None)
        return name, (-1 if minus else 1) * (numbers[0] if numbers else 0), variable

    def policy(self, parts: list[Any]) -> Option:
        return self._option("policy", self.node(parts[1]))

    def flags(self, parts: list[Any]) -> Option:
        return self._option("flags", tuple(str(each) for each in parts[1:]))

    def size(self, parts: list[Any]) -> Option:
        return self._option("size", number(parts[1]))

    def optimised(self, parts: list[Any]) -> Option:
        return self._option("policy", str(parts[1]))

    def auto_merge(self, _: list[Any]) -> Option:
        return self._option("auto-merge", True)

    def elements(self, parts: list[Any]) -> Option:
        return self._option("elements", self.node(parts[1]))

    def kind(self, parts: list[Any]) -> Option:
        words = [None if part is None else str(part) for part in parts[1:]]
        # The value is behind a placeholder of `interval` that is there with it alone.
        at = next((i for i, word in enumerate(words) if word is None or word == "interval"), len(words))
        value = tuple(word for word in words[at + 1 :] if word is not None)
        return self._option("type", (tuple(words[:at]), value or None))

    def typeof_kind(self, parts: list[Any]) -> Option:
        _, key, *value = parts
        said = [part for part in value if part is not None and str(part) != "interval"]
        found = None if not said else ("verdict",) if isinstance(said[0], Token) else said[0]
        return self._option("type", (key, found))

    def typeof(self, parts: list[Any]) -> Expression:
        found: Expression = self.concat(parts)
        return found
