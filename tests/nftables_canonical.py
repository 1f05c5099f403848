"""One form for trees that say the same: what a listing as text and a listing in JSON write in different ways.

The rules are few, so that a difference in meaning stays one: numbers are decimal, words have no quotes, no operator
is `==` but where bits are compared, flags that stand beside each other are in order, what nft leaves out in one of its
listings because it is the default (`burst 5 packets`, the code of `reject`) is left out.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

from policy.languages.nftables.ast.command import NamedSet, Rule
from policy.languages.nftables.ast.expression import (
    Binary,
    Element,
    List,
    Selector,
    SetLiteral,
    Word,
)
from policy.languages.nftables.ast.statement import Limit, Log, Match, Nat, Other, Queue, Quota, Reject
from policy.languages.nftables.reader.expression import milliseconds
from policy.languages.nftables.state import ChainState, State, TableState

_NUMBER = re.compile(r"0x[0-9a-fA-F]+\Z|[0-9]+\Z")
_UNITS = {"bytes": 1, "kbytes": 1 << 10, "mbytes": 1 << 20}
_ICMP = ("icmp", "icmpv6", "icmpx")
_BITS = {("payload", "tcp", "flags"), ("ct", "state"), ("ct", "status"), ("ct", "label"), ("ct", "event")}


def bits(tree: Any) -> bool:
    """Is this a selector whose values are bits?"""
    if not isinstance(tree, Selector):
        return False
    return (tree.kind, *(word for word in tree.words if word)) in _BITS


def canonical(tree: Any) -> Any:
    """Return a tree in the one form."""
    if isinstance(tree, tuple):
        return tuple(canonical(each) for each in tree)
    if not is_dataclass(tree) or isinstance(tree, type):
        return tree
    made = replace(tree, **{each.name: canonical(getattr(tree, each.name)) for each in fields(tree) if each.compare})
    return _one(made)


def _one(tree: Any) -> Any:
    match tree:
        case Word(text):
            return Word(str(int(text, 0)) if _NUMBER.match(text) and not re.match("0[0-9]", text) else text)
        case List(parts):
            return List(_sorted(parts))
        case Binary("|", left, right) if not _selects(tree):
            return List(_sorted((*_parts(left), *_parts(right))))
        case SetLiteral(elements):
            return SetLiteral(_sorted(_flat(elements)))
        case Queue(bypass, target, flags):
            return Queue(bypass, target, _sorted(flags))
        case Match(Selector("ct", ("expiration", *_)), operator, right):
            return replace(tree, operator="" if operator == "==" else operator, right=_seconds(right))
        case Match(left, operator, right):
            several = isinstance(right, SetLiteral) and len(right.elements) > 1
            return Match(left, "" if operator == "==" and not (bits(left) and not several) else operator, right)
        case Reject(kind, code):
            return Reject() if kind in _ICMP and code in (None, Word("port-unreachable")) else tree
        case Nat():
            return replace(tree, flags=tuple(sorted(tree.flags)))
        case Limit(rate, over):
            return Limit(rate.removesuffix(" burst 5 packets").removesuffix(" burst 0 packets"), over)
        case Quota(size, over):
            words = size.split()
            return Quota(f"{int(words[0]) * _UNITS[words[1]]} bytes", over)
        case Log(prefix, options):
            return Log(prefix, tuple(sorted(options)))
        case Other(kind, text):
            return Other(kind, re.sub(r"[\"\s]+", " ", text).strip())
        case Selector(kind, words, numbers, of):
            return Selector(kind, (words[0], *sorted(words[1:])) if kind == "fib" else words, numbers, of)
    return tree


def _seconds(tree: Any) -> Any:
    """Return times such as `1m7s` as numbers."""
    if isinstance(tree, Word) and re.fullmatch(r"([0-9]+[a-z]+)+", tree.text):
        return Word(str(milliseconds(tree.text) // 1000))
    if isinstance(tree, tuple):
        return tuple(_seconds(each) for each in tree)
    if not is_dataclass(tree) or isinstance(tree, type):
        return tree
    made = replace(tree, **{each.name: _seconds(getattr(tree, each.name)) for each in fields(tree) if each.compare})
    return _one(made) if isinstance(made, SetLiteral) else made


def _flat(elements: Any) -> Any:
    """Return elements, with those of sets in the set."""
    for each in elements:
        if isinstance(each.key, SetLiteral) and each.value is None:
            yield from each.key.elements
        else:
            yield each


def _selects(tree: Any) -> bool:
    """Is there something of a packet in an operation, so that its parts are no flags?"""
    if isinstance(tree, Binary):
        return _selects(tree.left) or _selects(tree.right)
    return not isinstance(tree, Word | List)


def _parts(tree: Any) -> tuple[Any, ...]:
    return tree.parts if isinstance(tree, List) else (tree,)


def _sorted(parts: Any) -> tuple[Any, ...]:
    return tuple(sorted(parts, key=repr))


def rule(tree: Rule) -> Any:
    """Return the statements of a rule and its comment."""
    return canonical(tree.statements), tree.comment


def state(made: State, listed: bool = False) -> dict[str, Any]:
    """Return tables; *listed*: without what nft 1.0.6 leaves out of its JSON (docs/languages/nftables-json.md)."""
    return {f"{family} {name}": _table(table, listed) for (family, name), table in made.tables.items()}


def _table(table: TableState, listed: bool) -> dict[str, Any]:
    chains = {
        name: (
            _hook(chain, listed),
            chain.drops,
            [rule(each) for each in chain.rules],
        )
        for name, chain in table.chains.items()
    }
    sets = {
        name: (_set(each.definition, listed), set(map(repr, (_element(e, listed) for e in each.elements))))
        for name, each in table.sets.items()
    }
    objects = sorted((each.kind, each.name) for each in table.objects.values())
    return {"dormant": table.dormant, "chains": chains, "sets": sets, "objects": objects}


def _hook(chain: ChainState, listed: bool) -> Any:
    if chain.hook is None:
        return None
    return chain.hook.type, chain.hook.hook, chain.priority, () if listed else canonical(chain.hook.devices)


def _element(tree: Element, listed: bool) -> Any:
    """Return an element; how long it still lives is told in whole seconds in JSON."""
    made = canonical(tree)
    return replace(made, expires=None) if listed else made


def _set(tree: NamedSet, listed: bool) -> Any:
    made = canonical(replace(tree, elements=None))
    flags = tuple(sorted({*made.flags, *(("timeout",) if made.timeout else ())}))
    if not listed:
        return replace(made, flags=flags)
    typed = made.type if isinstance(made.type, tuple) else None
    flags = tuple(each for each in flags if each != "dynamic")
    return replace(made, flags=flags, type=None if typed is None or "integer" in typed else typed, auto_merge=False)
