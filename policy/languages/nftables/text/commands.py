"""Commands, definitions and rules as script text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from policy.languages.nftables.ast.command import (
    Add,
    Chain,
    Command,
    Define,
    Hook,
    Include,
    NamedObject,
    NamedSet,
    Place,
    Remove,
    Rule,
    Script,
    Table,
)
from policy.languages.nftables.ast.expression import SetLiteral, Variable
from policy.languages.nftables.text.expressions import duration, expression, literal, quoted
from policy.languages.nftables.text.statements import statement

_INDENT = "\t"


def script(tree: Script) -> str:
    """Return everything that a text says as text, a line for each rule."""
    return "".join(f"{line}\n" for command in tree.commands for line in _command(command))


def rule(tree: Rule) -> str:
    """Return a rule as text, in one line."""
    parts = [statement(each) for each in tree.statements]
    if tree.comment is not None:
        parts.append(f"comment {quoted(tree.comment)}")
    return " ".join(parts)


def _command(tree: Command) -> list[str]:
    match tree:
        case Add():
            return _add(tree)
        case Remove():
            return [_remove(tree)]
        case Define():
            return [_define(tree)]
        case Include():
            return [_include(tree)]
        case _:
            assert_never(tree)


def _define(tree: Define) -> str:
    value = f" = {expression(tree.value)}" if tree.value is not None else ""
    return f"{tree.operation} {tree.name}{value}"


def _include(tree: Include) -> str:
    return f"include {quoted(tree.path.text)}"


def _place(place: Place) -> str:
    parts: list[str] = [place.family] if place.family else []
    parts += [each for each in (place.table, place.name) if each is not None]
    if place.handle is not None:
        parts.append(f"handle {place.handle}")
    return " ".join(parts)


def _add(tree: Add) -> list[str]:
    what, place = tree.what, tree.place
    match what:
        case Table():
            return _block(f"{tree.operation} table {what.family} {what.name}", _table(what))
        case Chain():
            return _block(f"{tree.operation} chain {_owner(place)} {what.name}", _chain(what))
        case NamedSet():
            kind = "map" if what.is_map else "set"
            return _block(f"{tree.operation} {kind} {_owner(place)} {what.name}", _set(what))
        case NamedObject():
            return _block(f"{tree.operation} {what.kind} {_owner(place)} {what.name}", _object(what))
        case Rule():
            index = f" index {tree.index}" if tree.index is not None else ""
            handle = f" handle {tree.handle}" if tree.handle is not None else ""
            return [f"{tree.operation} rule {_place(place)}{handle}{index} {rule(what)}"]
        case SetLiteral() | Variable():
            return [f"{tree.operation} element {_place(place)} {expression(what)}"]
        case _:
            assert_never(what)


def _owner(place: Place) -> str:
    return " ".join(each for each in (place.family, place.table) if each is not None)


def _remove(tree: Remove) -> str:
    parts = [tree.operation, tree.kind, _place(tree.place)]
    if tree.elements is not None:
        parts.append(expression(tree.elements))
    if tree.to is not None:
        parts.append(tree.to)
    return " ".join(part for part in parts if part)


def _block(head: str, body: Iterable[str]) -> list[str]:
    """Return something with a body in braces, which may be empty for what is only named."""
    lines = [_INDENT + line for line in body]
    return [f"{head} {{", *lines, "}"] if lines else [head]


def _table(tree: Table) -> list[str]:
    lines = [f"flags {','.join(tree.flags)}"] if tree.flags else []
    lines += _comment(tree.comment)
    for each in tree.body:
        match each:
            case Chain():
                lines += _inner(f"chain {each.name}", _chain(each))
            case NamedSet():
                lines += _inner(f"{'map' if each.is_map else 'set'} {each.name}", _set(each))
            case NamedObject():
                lines += _inner(f"{each.kind} {each.name}", _object(each))
            case Define():
                lines.append(_define(each))
            case Include():
                lines.append(_include(each))
            case _:
                assert_never(each)
    return lines


def _inner(head: str, body: Iterable[str]) -> list[str]:
    return [f"{head} {{", *(_INDENT + line for line in body), "}"]


def _comment(comment: str | None) -> list[str]:
    return [] if comment is None else [f"comment {quoted(comment)}"]


def _chain(tree: Chain) -> list[str]:
    lines = _comment(tree.comment)
    if tree.hook:
        policy = f" policy {expression(tree.policy)};" if tree.policy is not None else ""
        lines.append(f"{_hook(tree.hook)};{policy}")
    if tree.flags:
        lines.append(f"flags {','.join(tree.flags)};")
    for each in tree.rules:
        match each:
            case Rule():
                lines.append(rule(each))
            case Define():
                lines.append(_define(each))
            case Include():
                lines.append(_include(each))
            case _:
                assert_never(each)
    return lines


def _hook(tree: Hook) -> str:
    parts = [f"type {tree.type} hook {tree.hook}"]
    devices = [expression(each) for each in tree.devices]
    if len(devices) == 1 and not isinstance(tree.devices[0], SetLiteral | Variable):
        parts.append(f"device {devices[0]}")
    elif len(devices) == 1:
        parts.append(f"devices = {devices[0]}")
    elif devices:
        parts.append(f"devices = {{ {', '.join(devices)} }}")
    parts.append(f"priority {_priority(tree)}")
    return " ".join(parts)


def _priority(tree: Hook) -> str:
    if tree.priority_variable is not None:
        return expression(tree.priority_variable)
    name, number = tree.priority
    if not name:
        return str(number)
    if not number:
        return name
    return f"{name} {'+' if number > 0 else '-'} {abs(number)}"


def _set(tree: NamedSet) -> list[str]:
    lines = [_types(tree)]
    if tree.policy is not None:
        lines.append(f"policy {tree.policy}")
    if tree.size is not None:
        lines.append(f"size {tree.size}")
    if tree.flags:
        lines.append(f"flags {','.join(tree.flags)}")
    lines += [statement(each) for each in tree.statements]
    if tree.timeout is not None:
        lines.append(f"timeout {duration(tree.timeout)}")
    if tree.gc is not None:
        lines.append(f"gc-interval {duration(tree.gc)}")
    if tree.auto_merge:
        lines.append("auto-merge")
    lines += _comment(tree.comment)
    if isinstance(tree.elements, SetLiteral):
        lines.append(f"elements = {literal(tree.elements)}")
    elif tree.elements is not None:
        lines.append(f"elements = {expression(tree.elements)}")
    return lines


def _types(tree: NamedSet) -> str:
    key = tree.type
    typed = isinstance(key, tuple)
    said = " . ".join(key) if isinstance(key, tuple) else expression(key) if key is not None else ""
    if tree.value is not None:
        value = " . ".join(tree.value) if isinstance(tree.value, tuple) else expression(tree.value)
        said = f"{said} : {value}"
    return f"{'type' if typed else 'typeof'} {said}"


def _object(tree: NamedObject) -> list[str]:
    return [*([tree.text] if tree.text else []), *_comment(tree.comment)]
