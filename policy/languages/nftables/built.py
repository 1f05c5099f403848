"""What is made of what the parser has read: commands, tables, chains, sets and objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from policy.languages.nftables.ast.command import (
    Add,
    Chain,
    Command,
    Define,
    Definition,
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
from policy.languages.nftables.ast.expression import SetLiteral, Variable, Word
from policy.languages.nftables.ast.statement import Statement
from policy.languages.nftables.reader import Head, Option
from policy.languages.nftables.split import Block
from policy.source import Span
from policy.written import Suppression


def head_of(of: Table | Chain | NamedSet) -> tuple[Head, Block]:
    """Return how a block began, and what kind of block it is."""
    word = Word(of.name, span=of.name_span)
    match of:
        case Table():
            return Head("", "table", of.family, (word,)), "table"
        case Chain():
            return Head("", "chain", None, (word,)), "chain"
        case NamedSet():
            return Head("", "map" if of.is_map else "set", None, (word,)), "set"


def family_of(head: Head) -> Family:
    return cast(Family, head.family or "ip")


def command_of(head: Head, suppressions: tuple[Suppression, ...], span: Span) -> Command | None:
    names = [word.text for word in head.names]
    family = family_of(head)
    if head.verb in ("", "add", "create", "insert", "replace"):
        verb = cast(Any, head.verb or "add")
        if head.kind == "rule":
            rule = replace(head.body, suppressions=suppressions)
            return Add(verb, rule, Place(family, names[0], names[1], span=span), head.handle, head.index, span=span)
        if head.kind == "element":
            return Add(verb, head.body, Place(family, names[0], names[1], span=span), span=span)
        block = {"table": "table", "chain": "chain", "set": "set", "map": "set"}.get(head.kind, "object")
        made = made_of(block, head, [], "", suppressions, span)
        return Add(verb, made, Place(family, None if head.kind == "table" else names[0], span=span), span=span)
    table = names[0] if names else None
    name = names[1] if len(names) > 1 else None
    place = Place(cast(Any, head.family) if head.kind == "ruleset" else family, table, name, head.handle, span=span)
    to = names[2] if len(names) > 2 else None
    return Remove(cast(Any, head.verb), head.kind, place, cast(Any, head.body), to, span=span)


def made_of(
    block: str, head: Head, found: list[Any], text: str, suppressions: tuple[Suppression, ...], span: Span
) -> Table | Definition:
    """Return what a block makes of what stands in it."""
    word = head.names[-1]
    options = {each.name: each for each in found if isinstance(each, Option)}
    said = {name: option.value for name, option in options.items()}
    said |= dict(each for each in found if isinstance(each, tuple))
    common: dict[str, Any] = {"comment": said.get("comment"), "name_span": word.span, "span": span}
    if block == "table":
        body = tuple(each for each in found if isinstance(each, Chain | NamedSet | NamedObject | Define | Include))
        flags = said.get("flags", ())
        return Table(family_of(head), word.text, body, flags, suppressions=suppressions, **common)
    if block == "chain":
        rules = tuple(each for each in found if isinstance(each, Rule | Define | Include))
        policy = options.get("policy")
        return Chain(
            word.text,
            _hook(options, said.get("devices", ())),
            said.get("policy"),
            rules,
            said.get("flags", ()),
            suppressions=suppressions,
            policy_span=None if policy is None else policy.span,
            **common,
        )
    if block == "set":
        kind, value = said.get("type", (None, None))
        return NamedSet(
            word.text,
            kind,
            value,
            head.kind == "map",
            said.get("flags", ()),
            said.get("timeout"),
            said.get("gc"),
            said.get("size"),
            said.get("policy"),
            "auto-merge" in said,
            elements=cast("SetLiteral | Variable | None", said.get("elements")),
            statements=tuple(each for each in found if not isinstance(each, Option | tuple | Define | Include)),
            includes=tuple(each for each in found if isinstance(each, Include)),
            suppressions=suppressions,
            **common,
        )
    statement: Statement | None = None
    return NamedObject(head.kind, word.text, text, statement, **common)


def _hook(options: dict[str, Option], devices: Any) -> Hook | None:
    option = options.get("hook")
    if option is None:
        return None
    kind, hook, own, (name, number, variable) = option.value
    return Hook(kind, hook, (name, number), (*own, *devices), variable, span=option.span)
