"""The lists of a rule, item by item, as checks want to see them, and its prefixes with host bits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from policy.diagnostic import Collector
from policy.ir import Item, ItemList
from policy.languages.nftables import values
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.packet import STATES, Intervals

MOST = 2000
"""Longer lists are made by programs, and not looked at."""

_FIELDS = {"saddr": "src", "daddr": "dst", "sport": "sport", "dport": "dport"}
_PREFIX = re.compile(r"[0-9A-Fa-f.:]+/\d+")


def lists_of(context: Context, statements: Iterable[s.Statement]) -> Iterator[ItemList]:
    """Yield the lists that stand in the conditions of a rule."""
    for field, parts in _conditions(statements):
        if 1 < len(parts) <= MOST:
            items = tuple(_items(context, field, parts))
            if len(items) == len(parts):
                yield ItemList(field, items)


def host_bits(context: Context, statements: Iterable[s.Statement]) -> Iterator[Item]:
    """Yield the prefixes of a rule behind which bits are set."""
    for field, parts in _conditions(statements):
        if field in ("src", "dst") and len(parts) <= MOST:
            prefixes = [part for part in parts if isinstance(part, e.Prefix) and _PREFIX.fullmatch(part.span.text)]
            for item, part in zip(_items(context, field, prefixes), prefixes, strict=False):
                first = next(_items(context, field, [part.base]), None)
                if first is not None and first.values != Intervals.of(_first(item)):
                    yield item


def _first(item: Item) -> int:
    assert isinstance(item.values, Intervals)
    return item.values.first


def _conditions(statements: Iterable[s.Statement]) -> Iterator[tuple[str, list[e.Expression]]]:
    """Yield what conditions compare a field with that has lists."""
    for each in statements:
        match each:
            case s.Match(e.Selector("payload", (_, name)), "" | "==" | "!=", right) if name in _FIELDS:
                yield _FIELDS[name], _parts(right)
            case s.Match(e.Selector("ct", ("state", *_)), "", right):
                yield "state", _parts(right)


def _parts(value: e.Expression) -> list[e.Expression]:
    match value:
        case e.SetLiteral(elements):
            return [element.key for element in elements]
        case e.List(parts):
            return [*parts]
    return [value]


def _items(context: Context, field: str, parts: Iterable[e.Expression]) -> Iterator[Item]:
    """Yield the items that are values; what is wrong has been noted where the rule was lowered."""
    quiet = replace(context, mistakes=Collector())
    for part in parts:
        if not isinstance(part, e.Word | e.Prefix | e.Range):
            continue
        if field == "state":
            word = part.text if isinstance(part, e.Word) else ""
            found = Intervals.of(STATES.index(word)) if word in STATES else Intervals()
        else:
            found = values.addresses(quiet, None, part) if field in ("src", "dst") else values.ports(quiet, part)
        if found:
            yield Item(found, span=part.span)
