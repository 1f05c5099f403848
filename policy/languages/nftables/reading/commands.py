"""Callbacks for commands, and for the lines of chains, tables and sets that are no rules."""

from __future__ import annotations

from typing import Any

from lark import Token

from policy.languages.nftables.ast.command import (
    Add,
    Chain,
    Define,
    Family,
    Hook,
    Include,
    NamedObject,
    NamedSet,
    Place,
    Remove,
    Rule,
    Table,
)
from policy.languages.nftables.ast.expression import Expression, SetLiteral, Word
from policy.languages.nftables.ast.statement import Limit, Quota
from policy.languages.nftables.reading.base import Part, Parts
from policy.languages.nftables.reading.statements import Statements
from policy.source import Span

_PRIORITY = 1 << 40


class Commands(Statements):
    """The callbacks of the grammar."""

    # Lines of a chain, a table, a set

    def hook(self, parts: Parts) -> Part:
        _, kind, _, hook, _, device, _, devices, _, priority = parts
        found: tuple[Expression, ...] = ()
        if device is not None:
            found = (device,)
        elif devices is not None:
            found = _devices(devices)
        span = self.span(parts)
        name, variable = priority[1]
        return "hook", Hook(str(kind), str(hook), name, found, variable, span=span), span

    def priority_number(self, parts: Parts) -> Part:
        number = min(self.number_of(parts[1]), _PRIORITY)
        return "priority", (("", -number if parts[0] == "-" else number), None), self.span(parts)

    def priority_name(self, parts: Parts) -> Part:
        name, sign, number = parts
        amount = 0 if number is None else min(self.number_of(number), _PRIORITY)
        return "priority", ((str(name), -amount if sign == "-" else amount), None), self.span(parts)

    def priority_variable(self, parts: Parts) -> Part:
        return "priority", (("", 0), parts[0]), self.span(parts)

    def policy(self, parts: Parts) -> Part:
        return "policy", parts[1], self.span(parts)

    def flags(self, parts: Parts) -> Part:
        return "flags", [self.name_of(each) for each in parts[1:]], self.span(parts)

    def devices(self, parts: Parts) -> Part:
        return "devices", _devices(parts[1]), self.span(parts)

    def types(self, parts: Parts) -> Part:
        return "types", tuple(map(str, parts)), self.span(parts)

    def set_type(self, parts: Parts) -> Part:
        words = [each for each in parts[1:] if each is not None and not isinstance(each, Token)]
        return "type", (words[0][1], words[1][1] if len(words) > 1 else None), self.span(parts)

    def set_typeof(self, parts: Parts) -> Part:
        found = [each for each in parts[1:] if each is not None and not isinstance(each, Token)]
        return "type", (found[0], found[1] if len(found) > 1 else None), self.span(parts)

    def gc(self, parts: Parts) -> Part:
        return "gc", parts[1], self.span(parts[:1])

    def size(self, parts: Parts) -> Part:
        return "size", self.number_of(parts[1]), self.span(parts)

    def set_policy(self, parts: Parts) -> Part:
        return "set_policy", str(parts[1]), self.span(parts)

    def auto_merge(self, parts: Parts) -> Part:
        return "auto_merge", True, self.span(parts)

    def elements(self, parts: Parts) -> Part:
        return "elements", parts[1], self.span(parts)

    def set_statements(self, parts: Parts) -> Part:
        return "statements", tuple(parts), self.span(parts)

    def inner_head(self, parts: Parts) -> Chain | NamedSet | NamedObject:
        kind, name = parts
        span = self.span(parts)
        if kind == "chain":
            return Chain(name.text, name_span=name.span, span=span)
        if isinstance(kind, Word):
            return NamedObject(kind.text, name.text, name_span=name.span, span=span)
        return NamedSet(name.text, None, is_map=kind == "map", name_span=name.span, span=span)

    # Places

    def place_one(self, parts: Parts) -> Place:
        return self._place(parts[0], None, *self._name(parts[1:]), parts)

    def place_two(self, parts: Parts) -> Place:
        return self._place(parts[0], parts[1].text, *self._name(parts[2:]), parts)

    def _name(self, parts: Parts) -> tuple[Word | None, int | None]:
        if len(parts) == 2:
            return None, self.number_of(parts[1])
        return parts[0], None

    def _place(
        self, family: Token | None, table: str | None, name: Word | None, handle: int | None, parts: Parts
    ) -> Place:
        found: Any = "ip" if family is None else str(family)
        if table is None:
            table, name = None if name is None else name.text, None
        self.named = self.span(parts[-1:])
        return Place(found, table, None if name is None else name.text, handle, span=self.span(parts))

    # Commands

    def add_table(self, parts: Parts) -> Add:
        operation, place = self._operation(parts), parts[-1]
        span = self.span(parts)
        table = Table(place.family, place.table, name_span=self.named, span=span)
        return Add(operation, table, place, span=span)

    def add_chain(self, parts: Parts) -> Add:
        operation, place = self._operation(parts), parts[-1]
        span = self.span(parts)
        return Add(operation, Chain(place.name, name_span=self.named, span=span), place, span=span)

    def add_set(self, parts: Parts) -> Add:
        operation, place = self._operation(parts), parts[-1]
        span = self.span(parts)
        made = NamedSet(place.name, None, is_map=parts[-2] == "map", name_span=self.named, span=span)
        return Add(operation, made, place, span=span)

    def add_object(self, parts: Parts) -> Add:
        operation = self._operation(parts)
        words = parts[-1] if isinstance(parts[-1], tuple) else None
        kind, place = (parts[-3], parts[-2]) if words else (parts[-2], parts[-1])
        span = self.span(parts)
        statement, text = (words[1], words[2].text) if words else (None, "")
        made = NamedObject(kind.text, place.name, text, statement, name_span=self.named, span=span)
        return Add(operation, made, place, span=span)

    def object_kind(self, parts: Parts) -> Word:
        return Word(" ".join(parts), span=self.span(parts))

    def object_words(self, parts: Parts) -> Part:
        statement = parts[0] if isinstance(parts[0], (Limit, Quota)) else None
        return "words", statement, self.span(parts)

    def add_element(self, parts: Parts) -> Add:
        return Add(self._operation(parts), parts[-1], parts[-2], span=self.span(parts))

    def add_rule(self, parts: Parts) -> Add:
        *_, place, where, number, rule = parts
        span = self.span(parts)
        handle = index = None
        if where == "index":
            index = self.number_of(number)
        elif where is not None:
            handle = self.number_of(number)
        return Add(self._operation(parts), self._whole(rule, span), place, handle, index, span=span)

    def replace_rule(self, parts: Parts) -> Add:
        span = self.span(parts)
        return Add("replace", self._whole(parts[-1], span), parts[2], self.number_of(parts[4]), span=span)

    def _whole(self, rule: Rule, span: Span) -> Rule:
        return Rule(rule.statements, rule.comment, rule.handle, span=span)

    def delete_rule(self, parts: Parts) -> Remove:
        place: Place = parts[2]
        place = Place(place.family, place.table, place.name, self.number_of(parts[4]), span=place.span)
        return Remove(_operation(parts[0]), "rule", place, span=self.span(parts))

    def delete_element(self, parts: Parts) -> Remove:
        return Remove(_operation(parts[0]), "element", parts[2], parts[3], span=self.span(parts))

    def remove(self, parts: Parts) -> Remove:
        operation, kind, place = parts
        kind = kind.text if isinstance(kind, Word) else str(kind)
        return Remove(_operation(operation), kind, place, span=self.span(parts))

    def ruleset(self, parts: Parts) -> Remove:
        family: Family | None = None if parts[2] is None else parts[2].value
        span = self.span(parts)
        return Remove(_operation(parts[0]), "ruleset", Place(family, span=span), span=span)

    def rename(self, parts: Parts) -> Remove:
        return Remove("rename", "chain", parts[2], to=parts[3].text, span=self.span(parts))

    def define(self, parts: Parts) -> Define:
        operation: Any = str(parts[0])
        return Define(operation, str(parts[1]), parts[2], name_span=self.span(parts[1:2]), span=self.span(parts))

    redefine = define

    def undefine(self, parts: Parts) -> Define:
        return Define("undefine", str(parts[1]), None, name_span=self.span(parts[1:2]), span=self.span(parts))

    def include(self, parts: Parts) -> Include:
        return Include(self.name_of(parts[1]), span=self.span(parts))

    def _operation(self, parts: Parts) -> Any:
        first = str(parts[0]) if isinstance(parts[0], Token) else ""
        return first if first in ("create", "insert") else "add"


def _operation(token: Token) -> Any:
    return str(token)


def _devices(expression: Expression) -> tuple[Expression, ...]:
    if isinstance(expression, SetLiteral):
        return tuple(element.key for element in expression.elements)
    return (expression,)
