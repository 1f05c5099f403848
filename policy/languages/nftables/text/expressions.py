"""Expressions as script text."""

from __future__ import annotations

import re
from typing import assert_never

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
from policy.languages.nftables.text.selectors import hashed, plain
from policy.languages.nftables.text.stateful import stateful

_BARE = re.compile(r"[A-Za-z0-9_./+-]+\Z|[0-9A-Fa-f.:]+\Z|\*\Z")
"""What needs no quotes: names and numbers, addresses, `*`."""
_BINDS = {"<<": 4, ">>": 4, "&": 3, "^": 2, "|": 1}
"""How tight operators bind, as in C."""


def expression(tree: Expression) -> str:
    """Return an expression as text."""
    match tree:
        case Word():
            return word(tree)
        case Prefix():
            return f"{expression(tree.base)}/{tree.length}"
        case Range():
            return f"{expression(tree.low)}-{expression(tree.high)}"
        case Concat():
            return " . ".join(expression(part) for part in tree.parts)
        case List():
            return ",".join(expression(part) for part in tree.parts)
        case Binary():
            return _binary(tree)
        case Selector():
            return selector(tree)
        case Reference():
            return f"@{tree.name}"
        case Variable():
            return f"${tree.name}"
        case SetLiteral():
            return literal(tree)
        case Lookup():
            return f"{expression(tree.key)} map {expression(tree.map)}"
        case _:
            assert_never(tree)


def word(tree: Word) -> str:
    """Return a word as text, in quotes where it had them or cannot be without."""
    return tree.text if not tree.quoted and _BARE.match(tree.text) else quoted(tree.text)


def quoted(text: str) -> str:
    """Return a text in quotes; script texts have no way to write a quote or the end of a line in them."""
    return '"' + " ".join(text.replace('"', "'").splitlines()) + '"'


def selector(tree: Selector) -> str:
    """Return a selector as text."""
    if tree.kind == "hash":
        return hashed(tree, expression(tree.of) if tree.of else "")
    return plain(tree)


def _binary(tree: Binary) -> str:
    binds = _BINDS[tree.operator]
    return f"{_operand(tree.left, binds - 1)} {tree.operator} {_operand(tree.right, binds)}"


def _operand(tree: Expression, above: int) -> str:
    text = expression(tree)
    bare = not isinstance(tree, Binary) or _BINDS[tree.operator] > above
    return text if bare else f"({text})"


def literal(tree: SetLiteral) -> str:
    """Return a set that stands in a rule, or the elements of a named one, as text."""
    return f"{{ {', '.join(element(each) for each in tree.elements)} }}" if tree.elements else "{ }"


def element(tree: Element) -> str:
    """Return an element as text."""
    parts = [expression(tree.key), *filter(None, map(stateful, tree.statements))]
    if tree.timeout is not None:
        parts.append(f"timeout {duration(tree.timeout)}")
    if tree.expires is not None:
        parts.append(f"expires {duration(tree.expires)}")
    if tree.comment is not None:
        parts.append(f"comment {quoted(tree.comment)}")
    if tree.value is not None:
        value = verdict(tree.value) if isinstance(tree.value, Verdict) else expression(tree.value)
        parts.append(f": {value}")
    return " ".join(parts)


def verdict(tree: Verdict) -> str:
    """Return a verdict as text."""
    return tree.kind if tree.chain is None else f"{tree.kind} {expression(tree.chain)}"


_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def duration(milliseconds: int) -> str:
    """Return a time as nft writes it: `1d2h3m4s5ms`."""
    parts = []
    for unit, size in _UNITS:
        number, milliseconds = divmod(milliseconds, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
