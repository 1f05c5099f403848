"""Constants as lowering asks for them: numbers, addresses, ports; mistakes go to the context."""

from __future__ import annotations

from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import Expression, Selector
from policy.languages.nftables.constants import number, values
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad, note
from policy.languages.nftables.selectors import operand
from policy.packet import Intervals
from policy.packet.values import EMPTY

_CHOSEN = frozenset({"numgen", "hash"})


def of(context: Context, selector_or_type: Selector | t.DataType) -> t.DataType:
    """Return the type of a selector."""
    if isinstance(selector_or_type, t.DataType):
        return selector_or_type
    return operand(context, selector_or_type).type


def constant(context: Context, selector_or_type: Selector | t.DataType, expression: Expression) -> int:
    """Return a number of the type of a selector; a mistake goes to the context, and gives 0."""
    try:
        return number(of(context, selector_or_type), expression)
    except Bad as bad:
        note(context, bad)
        return 0


def addresses(context: Context, family: int | None, expression: Expression) -> Intervals:
    """Return addresses of *family* (4, 6, None: of either): one of them is meant; none where they are wrong.

    A name that only the host could look up may be any, a number that is drawn or worked out one of its range.
    """
    type = t.ADDRESS if family is None else t.IPV4 if family == 4 else t.IPV6
    return _known(context, type, expression)


def ports(context: Context, expression: Expression) -> Intervals:
    """Return ports, one of which is meant; none where they are wrong."""
    return _known(context, t.PORT, expression)


def _known(context: Context, type: t.DataType, expression: Expression) -> Intervals:
    if isinstance(expression, Selector) and expression.kind in _CHOSEN:
        modulus, offset = expression.numbers[0], expression.numbers[-1]
        return Intervals.of((type.base + offset, type.base + offset + modulus - 1))
    try:
        found = values(type, expression)
    except Bad as bad:
        note(context, bad)
        return EMPTY
    assert isinstance(found.known, Intervals)
    return found.known | type.whole if found.open else found.known


__all__ = ["addresses", "constant", "note", "number", "of", "ports", "values"]
