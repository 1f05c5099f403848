"""What is written in sets and maps: elements as values, one for each part of a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from policy._record import dataclass
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.command import NamedSet
from policy.languages.nftables.ast.expression import Concat, Element, Expression, SetLiteral, Verdict, Word
from policy.languages.nftables.ast.statement import Silent
from policy.languages.nftables.constants import Values, values
from policy.languages.nftables.problem import Bad
from policy.packet import Intervals, Names
from policy.packet.values import EMPTY

Row = tuple[Values, ...]
"""What an element has for each part of a key."""

SURE, TIMED, LIMITED = range(3)
"""Whether an element is found: always, until its time is over, as often as its statements allow."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Elements that are found alike, with the value that a map has for them; no rows: all other keys (`*`)."""

    rows: list[Row] | None
    how: int = SURE
    value: Expression | Verdict | None = None


def contents(
    types: Sequence[t.DataType],
    elements: Sequence[Element],
    *,
    is_map: bool = False,
    definition: NamedSet | None = None,
) -> list[Entry]:
    """Return what a set or map has, elements with one value together; raises `Bad`.

    A *definition* has a time, or statements, for all of its elements.
    """
    limited = definition is not None and _limits(definition.statements)
    timed = definition is not None and definition.timeout is not None
    groups: dict[tuple[int, Expression | Verdict | None], list[Row]] = {}
    rest: list[Entry] = []
    for element in _flat(elements):
        value = element.value
        if is_map and value is None:
            raise Bad("FW001", "an element of a map needs a value", element.span, "write `KEY : VALUE`")
        if not is_map and value is not None and definition is None:
            raise Bad("FW001", "an element of a set has no value", element.span, "write `vmap` for verdicts")
        how = LIMITED if limited or (element.statements and _limits(element.statements)) else SURE
        if how == SURE and (element.timeout is not None or element.expires is not None or timed):
            how = TIMED
        key = element.key
        if type(key) is Word and key.text == "*" and not key.quoted:
            rest.append(Entry(None, how, value if is_map else None))
            continue
        groups.setdefault((how, value if is_map else None), []).append(_row(types, key))
    if is_map and definition is None and len(types) == 1:
        _apart(types[0], elements)
    return [*(Entry(rows, how, value) for (how, value), rows in groups.items()), *rest]


def _apart(type: t.DataType, elements: Sequence[Element]) -> None:
    """Raise `Bad` where two elements of a map have a key in common."""
    found: list[tuple[int, int, Element]] = []
    for element in _flat(elements):
        if isinstance(element.key, Word) and element.key.text == "*":
            continue
        known = values(type, element.key).known
        if isinstance(known, Intervals):
            found += [(low, high, element) for low, high in known.ranges]
    found.sort(key=lambda each: each[:2])
    for one, other in pairwise(found):
        if other[0] <= one[1] and (one[:2] != other[:2] or one[2].value != other[2].value):
            first, second = sorted((one[2], other[2]), key=lambda each: each.span.start)
            message = f"`{second.key.span.text}` and `{first.key.span.text}` have keys in common"
            raise Bad("FW001", message, second.key.span, "what a key leads to must be one thing")


def _flat(elements: Sequence[Element]) -> Iterator[Element]:
    for element in elements:
        if isinstance(element.key, SetLiteral):
            yield from _flat(element.key.elements)
        else:
            yield element


def _limits(statements: Sequence[object]) -> bool:
    return any(not isinstance(each, Silent) for each in statements)


def _row(types: Sequence[t.DataType], key: Expression) -> Row:
    if len(types) == 1 and not isinstance(key, Concat):
        return (values(types[0], key),)
    parts = key.parts if isinstance(key, Concat) else (key,)
    if len(parts) != len(types):
        wanted = " . ".join(type.title for type in types)
        number = "parts" if len(parts) > 1 else "part"
        message = f"the element has {len(parts)} {number}, the key has {len(types)}"
        raise Bad("FW001", message, key.span, f"an element is {wanted}")
    return tuple(values(type, part) for type, part in zip(types, parts, strict=True))


def united(rows: Sequence[Row], at: int) -> Values:
    """Return all that rows have for one part of a key."""
    if len(rows) == 1:
        return rows[0][at]
    opened = tuple(dict.fromkeys(name for row in rows for name in row[at].open))
    first = rows[0][at].known
    if isinstance(first, Names):
        exact: set[str] = set()
        prefixes: set[str] = set()
        for row in rows:
            known = row[at].known
            assert isinstance(known, Names)
            exact |= known.exact
            prefixes |= known.prefixes
        return Values(Names(frozenset(exact), frozenset(prefixes)), opened)
    ranges: list[tuple[int, int]] = []
    for row in rows:
        known = row[at].known
        assert isinstance(known, Intervals)
        ranges += known.ranges
    return Values(Intervals.of(*ranges, (1, 0)) if ranges else EMPTY, opened)
