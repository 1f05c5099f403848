"""Statements as script text."""

from __future__ import annotations

from typing import assert_never

from policy.languages.nftables.ast.expression import Binary, Expression, List, Verdict, Word
from policy.languages.nftables.ast.statement import (
    Assign,
    ConnectionCount,
    Limit,
    Log,
    Match,
    Meter,
    Nat,
    NoTrack,
    Object,
    Other,
    Queue,
    Quota,
    Reject,
    Reset,
    SetUpdate,
    Silent,
    Statement,
    VerdictMap,
)
from policy.languages.nftables.text.expressions import duration, expression, quoted, selector, verdict
from policy.languages.nftables.text.stateful import stateful


def statement(tree: Statement) -> str:  # noqa: C901 (one case each)
    """Return a statement as text."""
    match tree:
        case Match():
            return _match(tree)
        case VerdictMap():
            return f"{expression(tree.key)} vmap {expression(tree.map)}"
        case Verdict():
            return verdict(tree)
        case Reject():
            return _reject(tree)
        case Log():
            return _log(tree)
        case Limit() | Quota() | ConnectionCount() | Silent():
            return stateful(tree) or ""
        case Object():
            return _object(tree)
        case NoTrack():
            return "notrack"
        case Assign():
            return f"{selector(tree.target)} set {expression(tree.value)}"
        case Reset():
            return f"reset {selector(tree.target)}"
        case Nat():
            return _nat(tree)
        case Queue():
            return _queue(tree)
        case SetUpdate():
            return _update(tree)
        case Meter():
            size = f" size {tree.size}" if tree.size is not None else ""
            return f"meter {tree.name}{size} {{ {_keyed(tree.key, None, tree.statements)} }}"
        case Other():
            return tree.text
        case _:
            assert_never(tree)


def _match(tree: Match) -> str:
    left, right = tree.left, expression(tree.right)
    if isinstance(left, Binary) and left.operator == "&" and isinstance(left.right, List):
        operator = f"{tree.operator} " if tree.operator not in ("", "==") else ""
        return f"{expression(left.left)} {operator}{right} / {expression(left.right)}"
    if tree.operator == "!":
        return f"{expression(left)} ! {right}"
    return " ".join(part for part in (expression(left), tree.operator, right) if part)


def _reject(tree: Reject) -> str:
    if tree.kind is None:
        return "reject"
    code = f" {expression(tree.code)}" if tree.code is not None else ""
    return f"reject with {tree.kind}{code}"


def _log(tree: Log) -> str:
    parts = ["log"]
    if tree.prefix is not None:
        parts.append(f"prefix {quoted(tree.prefix)}")
    for name, value in tree.options:
        first, _, rest = value.partition(" ")
        parts += [name, first, *([rest.replace(" ", ",")] if rest else [])]
    return " ".join(part for part in parts if part)


_SET_OBJECTS = ("ct helper", "ct timeout", "ct expectation", "secmark")


def _object(tree: Object) -> str:
    name = quoted(tree.name.text) if isinstance(tree.name, Word) else expression(tree.name)
    if tree.kind == "flow":
        return f"flow add @{tree.name.text}" if isinstance(tree.name, Word) else f"flow add {name}"
    if tree.kind == "secmark":
        return f"meta secmark set {name}"
    return f"{tree.kind} {'set' if tree.kind in _SET_OBJECTS else 'name'} {name}"


def _nat(tree: Nat) -> str:
    parts: list[str] = [tree.kind]
    if tree.family:
        parts.append(tree.family)
    flags = list(tree.flags)
    if "netmap" in flags:
        flags.remove("netmap")
        parts.append("prefix")
    to = expression(tree.address) if tree.address is not None else ""
    if tree.port is not None:
        to = f"{_bracketed(to)}:{expression(tree.port)}"
    if to:
        parts += ["to", to]
    if flags:
        parts.append(",".join(flags))
    return " ".join(parts)


def _bracketed(address: str) -> str:
    """Return an address before a port; those of IPv6 stand in brackets there."""
    if ":" not in address or " " in address:
        return address
    return "-".join(f"[{each}]" for each in address.split("-"))


def _queue(tree: Queue) -> str:
    parts = ["queue"]
    if tree.flags:
        parts.append(f"flags {','.join(tree.flags)}")
    if tree.target is not None:
        parts.append(f"to {expression(tree.target)}")
    return " ".join(parts)


def _update(tree: SetUpdate) -> str:
    key = _keyed(tree.key, tree.timeout, tree.statements)
    value = f" : {expression(tree.value)}" if tree.value is not None else ""
    return f"{tree.operation} @{tree.set} {{ {key}{value} }}"


def _keyed(key: Expression, timeout: int | None, statements: tuple[Statement, ...]) -> str:
    parts = [expression(key)]
    if timeout is not None:
        parts.append(f"timeout {duration(timeout)}")
    return " ".join([*parts, *(statement(each) for each in statements)])
