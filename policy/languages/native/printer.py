"""Writes the tree of a file as text: the parser reads the same tree from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy.languages.native import ast
from policy.languages.native.parse import reserved
from policy.question.printer import addresses_text, columns, names_text, services_text, tail

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

Cells = tuple[str, ...]
"""The parts of a line that stand in columns; the last one is what has no column."""


def file_text(file: ast.File) -> str:
    """Return a file, without columns and comments."""
    return "".join(f"{line}\n" for statement in file.statements for line in _lines(statement))


def _lines(node: ast.Statement) -> Iterator[str]:
    yield plain(cells(node))
    if isinstance(node, ast.Policy):
        for each in node.body:
            yield f"    {plain(cells(each))}"
        yield "}"


def plain(parts: Cells) -> str:
    """Return a line without columns."""
    return " ".join(part for part in parts if part)


def cells(node: ast.Statement | ast.Default | ast.Rule) -> Cells:
    """Return the first line of a statement in its parts."""
    match node:
        case ast.Definition(kind, name, value):
            listed = services_text(value) if isinstance(value, tuple) else addresses_text(value)
            return kind, name.text, f"= {listed}"
        case ast.Include(path):
            return (f'include "{path.text}"',)
        case ast.Policy():
            return (_header(node),)
        case ast.Default(action):
            return (f"default {action.text}",)
        case ast.Rule(action, match, target):
            first = action.text if target is None else f"{action.text} {target.text}"
            last = " ".join(part for part in (tail(match), _modifiers(node)) if part)
            return first, *columns(match), last


def _header(node: ast.Policy) -> str:
    hooks = f" at {names_text(node.hooks)}" if node.hooks else ""
    stateless = " stateless" if node.stateless else ""
    last_match = " last-match" if node.last_match else ""
    return f"policy {node.name.text}{hooks}{stateless}{last_match} {{"


def _modifiers(node: ast.Rule) -> str:
    parts = []
    if node.label is not None:
        parts.append(f"as {node.label.text}")
    if node.note is not None:
        parts.append(f'note "{node.note}"')
    if node.owner is not None:
        simple = _NAME.fullmatch(node.owner) and node.owner not in reserved()
        parts.append(f"owner {node.owner}" if simple else f'owner "{node.owner}"')
    if node.until is not None:
        parts.append(f"until {node.until.text}")
    if node.log:
        parts.append("log")
    return " ".join(parts)
