"""Puts the values of variables in their places (nft(8), SYMBOLIC VARIABLES)."""

from __future__ import annotations

import re
from dataclasses import field, fields, is_dataclass, replace
from itertools import islice
from typing import Any

from policy._record import dataclass
from policy.diagnostic import Collector, did_you_mean
from policy.languages.nftables.ast.command import Define
from policy.languages.nftables.ast.expression import Element, SetLiteral, Variable, Word
from policy.languages.nftables.ast.statement import Log
from policy.languages.nftables.state import Defined
from policy.source import Span

_DEEPEST = 64
MOST_ELEMENTS = 1 << 18
"""So many elements may a set have in which variables stand; those that are written out may be more."""
_IN_TEXT = re.compile(r"\$([A-Za-z_.][\w./-]*)", re.ASCII)


@dataclass(slots=True)
class Scope:
    """The names that are defined in a block, and in those around it."""

    mistakes: Collector
    outer: Scope | None = None
    names: dict[str, Defined] = field(default_factory=dict)

    def inner(self) -> Scope:
        """Return the scope of a block in this one."""
        return Scope(self.mistakes, self)

    def find(self, name: str) -> Defined | None:
        """Return what a name is defined as, here or around."""
        found = self.names.get(name)
        return found if found is not None or self.outer is None else self.outer.find(name)

    def define(self, command: Define) -> Defined | None:
        """Take a definition; return it where it gives a value."""
        known = self.find(command.name)
        match command.operation:
            case "undefine":
                self.names.pop(command.name, None)
                return None
            case "define" if known is not None:
                message = f"`{command.name}` is defined already, in line {known.span.line}"
                self.mistakes.add("FW703", message, command.name_span, "give it another name, or `redefine` it")
                return None
        value = self.filled(command.value)
        made = Defined(command.name, value, command.name_span, suppressions=command.suppressions)
        self.names[command.name] = made
        return made

    def missing(self, name: str, span: Span) -> None:
        """Note a name that is not defined."""
        known: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            known |= scope.names.keys()
            scope = scope.outer
        help = did_you_mean(name, known) or f"write `define {name} = …` before it"
        self.mistakes.add("FW701", f"`{name}` is not defined", span, help)

    def filled(self, tree: Any) -> Any:
        """Return a tree with values in the place of variables; a set in a set gives its elements."""
        return self._filled(tree, 0)

    def _filled(self, tree: Any, depth: int) -> Any:
        match tree:
            case Variable(name):
                return self._value(name, tree.span)
            case Word(text) if text.startswith("$") and not tree.quoted:
                return self._value(text[1:], tree.span)
            case SetLiteral(elements):
                inside = (one for each in elements for one in self._elements(each, depth))
                found = tuple(islice(inside, MOST_ELEMENTS + 1))
                if len(found) > MOST_ELEMENTS:
                    message = f"with its variables the set has more than {MOST_ELEMENTS:,} elements"
                    self.mistakes.add("FW820", message, tree.span, "name each set once")
                    found = found[:1]
                return replace(tree, elements=found)
            case tuple():
                return tuple(self._filled(each, depth + 1) for each in tree)
            case Log(str(prefix)) if "$" in prefix:
                return replace(tree, prefix=_IN_TEXT.sub(lambda found: self._text(found[1], tree.span), prefix))
        if not is_dataclass(tree) or isinstance(tree, type | Span) or depth > _DEEPEST:
            return tree
        changed = {}
        for each in fields(tree):
            if each.name.endswith("span") or each.name == "suppressions":
                continue
            old = getattr(tree, each.name)
            if isinstance(old, tuple) or is_dataclass(old):
                new = self._filled(old, depth + 1)
                if new is not old:
                    changed[each.name] = new
        return replace(tree, **changed) if changed else tree

    def _value(self, name: str, span: Span) -> Any:
        found = self.find(name)
        if found is None:
            self.missing(name, span)
            return Word("0", span=span)
        found.uses.append(span)
        value = found.value
        # What is wrong with the value is said where it is used; a set keeps the places of its elements.
        return value if isinstance(value, SetLiteral) else replace(value, span=span)

    def _text(self, name: str, span: Span) -> str:
        """Return the value of a name in a text."""
        value = self._value(name, span)
        return value.text if isinstance(value, Word) else f"${name}"

    def _elements(self, element: Element, depth: int) -> tuple[Element, ...]:
        filled = self._filled(replace(element), depth + 1)
        if isinstance(filled.key, SetLiteral) and filled.value is None:
            return filled.key.elements
        return (filled,)
