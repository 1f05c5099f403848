"""Named sets: elements of another type, intervals that lie over each other, keys with two values, too many elements.

Sources: nftables 1.0.6: src/intervals.c (set_overlap), src/evaluate.c (expr_evaluate_set_elem).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from policy.diagnostic import Collector, Related, did_you_mean
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.command import NamedSet
from policy.languages.nftables.ast.expression import (
    Concat,
    Element,
    Expression,
    Prefix,
    Range,
    SetLiteral,
    Verdict,
    Word,
)
from policy.languages.nftables.chains import Places
from policy.languages.nftables.contents import Row, contents
from policy.languages.nftables.context import Context
from policy.languages.nftables.lookup import set_types
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.refuse.options import refuse_options
from policy.languages.nftables.state import SetState
from policy.languages.nftables.values import note, values
from policy.packet import Intervals
from policy.source import Span

_OBJECTS = frozenset({"counter", "quota", "limit", "secmark", "synproxy", "ct helper", "ct timeout", "ct expectation"})
_FLAGS = ("constant", "interval", "timeout", "dynamic")


def refuse(places: Places, named: SetState, mistakes: Collector) -> None:
    """Note what is wrong with a named set or map."""
    definition = named.definition
    table = places.table
    context = Context(places.state, table, None, frozenset(), None, places.host, mistakes)
    for flag in definition.flags:
        if flag not in _FLAGS:
            help = "one of " + ", ".join(_FLAGS)
            mistakes.add("FW001", f"`{flag}` is no flag of a set", definition.name_span, help)
    if definition.auto_merge and "interval" not in definition.flags:
        message = f"`auto-merge` is for sets with ranges, and `{definition.name}` has none"
        mistakes.add("FW001", message, definition.name_span, "add `flags interval`, or leave it out")
    if isinstance(definition.value, tuple):
        _values(definition, definition.value, mistakes)
    refuse_options(context, named)
    valued = next((each for each in named.elements if each.value is not None), None)
    if valued is not None and not definition.is_map:
        message = f"`{definition.name}` is a set, and its elements have no values"
        mistakes.add("FW001", message, valued.span, "make it a map: `map NAME { type KEY : VALUE; }`")
        return
    if definition.size is not None and len(named.elements) > definition.size:
        message = f"`{definition.name}` has room for {definition.size} elements, not for {len(named.elements)}"
        mistakes.add("FW820", message, definition.name_span, "raise its `size`")
    try:
        types = set_types(context, named)
        memo = ("contents", table.family, table.name, definition.name)
        made = contents(types, named.elements, is_map=definition.is_map, definition=definition)
        places.state.worked_out[memo] = made
    except Bad as bad:
        note(context, bad)
        return
    intervals = "interval" in definition.flags
    if not intervals and (wide := next((each for each in named.elements if _wide(types, each.key)), None)):
        related = (Related(definition.name_span, "it is made here"),)
        message = f"`{definition.name}` takes no ranges and prefixes"
        mistakes.add("FW001", message, wide.span, "add `flags interval` to the set", related)
        return
    rows = [(row, entry.value) for entry in made if entry.rows is not None for row in entry.rows]
    if definition.is_map or (intervals and not definition.auto_merge):
        _overlaps(f"`{definition.name}`", types, rows, named.elements, mistakes, definition.is_map)


def refuse_map(context: Context, types: Sequence[t.DataType], literal: SetLiteral) -> None:
    """Note keys of an anonymous map that lie over each other."""
    try:
        made = contents(types, literal.elements, is_map=True)
    except Bad as bad:
        note(context, bad)
        return
    rows = [(row, entry.value) for entry in made if entry.rows is not None for row in entry.rows]
    _overlaps("the map", types, rows, literal.elements, context.mistakes, True)


def refuse_verdicts(context: Context, literal: SetLiteral) -> None:
    """Note a value of a map of verdicts that is none."""
    for each in literal.elements:
        if each.value is not None and not isinstance(each.value, (Verdict, SetLiteral)):
            help = "write accept, drop, continue, return, jump or goto"
            context.mistakes.add("FW001", f"`{each.value.span.text}` is no verdict", each.value.span, help)
            return


def _values(definition: NamedSet, said: Sequence[str], mistakes: Collector) -> None:
    """Note a type of a map's values that there is not."""
    if " ".join(said) in _OBJECTS:
        return
    for word in said:
        if word not in t.TYPES and word != "verdict":
            help = did_you_mean(word, (*t.TYPES, "verdict"))
            mistakes.add("FW001", f"unknown type `{word}`", definition.name_span, help)


def _wide(types: Sequence[t.DataType], key: Expression) -> bool:
    """Is a key, or a part of one, a range, a prefix or the beginning of names (`eth*`)?"""
    parts = key.parts if isinstance(key, Concat) else (key,)
    return any(
        isinstance(part, (Prefix, Range)) or _begins(type, part) for type, part in zip(types, parts, strict=False)
    )


def _begins(type: t.DataType, key: Expression) -> bool:
    return (
        isinstance(key, Word) and type.named and key.text != "*" and key.text.endswith("*") and key.text[-2:] != "\\*"
    )


def _overlaps(
    name: str,
    types: Sequence[t.DataType],
    rows: Sequence[tuple[Row, Expression | Verdict | None]],
    elements: Iterable[Element],
    mistakes: Collector,
    is_map: bool,
) -> None:
    if len(types) > 1:
        seen: dict[Row, Expression | Verdict | None] = {}
        wrong = next((row for row, value in rows if seen.setdefault(row, value) != value), None)
        if wrong is not None:
            mistakes.add(
                "FW703", f"{name} has two values for one key", _spans(types, wrong, elements)[-1], "leave one out"
            )
        return
    found: list[tuple[int, int, Row, Expression | Verdict | None]] = []
    for row, value in rows:
        known = row[0].known
        if not isinstance(known, Intervals) or row[0].open or len(known.ranges) != 1:
            continue
        found.append((*known.ranges[0], row, value))
    found.sort(key=lambda each: each[:2])
    for one, two in pairwise(found):
        if two[0] > one[1] or (two[:2] == one[:2] and (not is_map or two[3] == one[3])):
            continue
        first, second = _spans(types, one[2], elements)[0], _spans(types, two[2], elements)[-1]
        later, earlier = (second, first) if second.start >= first.start else (first, second)
        same = two[:2] == one[:2]
        message = f"{name} has two values for one key" if same else f"{name} has elements that lie over each other"
        help = "leave one out" if is_map else "leave one out, or add `auto-merge` to the set"
        mistakes.add("FW703", message, later, help, (Related(earlier, "it lies over this one"),))
        return


def _spans(types: Sequence[t.DataType], row: Row, elements: Iterable[Element]) -> list[Span]:
    """Return the places of the elements that are a row."""
    found: list[Span] = []
    waiting = list(elements)
    for each in waiting:
        if isinstance(each.key, SetLiteral):
            waiting += each.key.elements
            continue
        parts = each.key.parts if isinstance(each.key, Concat) else (each.key,)
        if len(parts) != len(types) or getattr(each.key, "text", "") == "*":
            continue
        if tuple(values(type, part) for type, part in zip(types, parts, strict=True)) == row:
            found.append(each.span)
    return found
