"""Names that `define` gives, and what stands in their places (src/rule.c: `symbol_bind`, `symbol_lookup`)."""

from __future__ import annotations

import re
from dataclasses import field, fields, is_dataclass, replace
from typing import Any

from policy._record import dataclass
from policy.diagnostic import Collector, Related, did_you_mean
from policy.languages.nftables.ast.command import Define
from policy.languages.nftables.ast.expression import Element, SetLiteral, Variable
from policy.languages.nftables.ast.statement import Log
from policy.languages.nftables.state import Defined
from policy.source import Span

_IN_TEXT = re.compile(r"\$([A-Za-z_.][\w./-]*)", re.ASCII)


@dataclass(slots=True)
class Scope:
    """The names of a block; those of the text around it (*outer*) hold in it too. *all* has every name ever given."""

    mistakes: Collector
    all: list[Defined]
    outer: Scope | None = None
    names: dict[str, Defined] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def inner(self) -> Scope:
        """Return the scope of a block."""
        return Scope(self.mistakes, self.all, self, broken=self.broken)

    def find(self, name: str) -> Defined | None:
        """Return what a name is here."""
        found = self.names.get(name)
        return found if found is not None or self.outer is None else self.outer.find(name)

    def take(self, said: Define) -> None:
        """Give a name, or take it back."""
        if said.value is None:
            self.names.pop(said.name, None)
            return
        known = self.find(said.name)
        if known is not None and said.operation == "define":
            related = (Related(known.span, "the first definition"),)
            help = f"`redefine {said.name} = …` gives it another value"
            self.mistakes.add("FW703", f"`{said.name}` is defined already", said.name_span, help, related)
            return
        value = self.replaced(said.value, said.span)
        made = Defined(said.name, value, said.span, suppressions=said.suppressions)
        self.names[said.name] = made
        self.all.append(made)

    def replaced(self, node: Any, span: Span) -> Any:
        """Return a part of a tree with values in the places of names; *span* is where it stands."""
        return self._put(node) if "$" in span.text else node

    def _put(self, node: Any) -> Any:
        if isinstance(node, Variable):
            return self._value(node)
        if isinstance(node, tuple):
            return tuple(self._put(each) for each in node)
        if isinstance(node, SetLiteral):
            return self._set(node)
        if not is_dataclass(node) or isinstance(node, Span):
            return node
        found: dict[str, Any] = {}
        for each in fields(node):
            before = getattr(node, each.name)
            if before is None or isinstance(before, (str, int, Span)):
                continue
            if (after := self._put(before)) is not before:
                found[each.name] = after
        if isinstance(node, Log) and node.prefix and "$" in node.prefix:
            found["prefix"] = self._text(node.prefix, node.span)
        return replace(node, **found) if found else node

    def _set(self, node: SetLiteral) -> SetLiteral:
        """A name for several elements stands for them all."""
        elements: list[Element] = []
        for each in node.elements:
            put = self._put(each)
            if isinstance(put.key, SetLiteral) and put.value is None:
                elements += put.key.elements
            else:
                elements.append(put)
        return replace(node, elements=tuple(elements))

    def _value(self, node: Variable) -> Any:
        known = self.find(node.name)
        if known is None:
            self._unknown(node.name, node.span)
            return node
        known.uses.append(node.span)
        return known.value

    def _unknown(self, name: str, span: Span) -> None:
        if name in self.broken:
            return
        names: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            names += scope.names
            scope = scope.outer
        help = did_you_mean(name, names) or f"`define {name} = …` before it gives it a value"
        self.mistakes.add("FW701", f"there is no variable `{name}`", span, help)

    def _text(self, text: str, span: Span) -> str:
        def value(found: re.Match[str]) -> str:
            known = self.find(found[1])
            if known is None:
                self._unknown(found[1], span)
                return found[0]
            known.uses.append(span)
            return getattr(known.value, "text", found[0])

        return _IN_TEXT.sub(value, text)
