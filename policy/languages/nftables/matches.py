"""Conditions of rules, and look-ups in sets and maps, as matches.

Sources: nft(8), EXPRESSIONS; nftables 1.0.6: src/evaluate.c (expr_evaluate_relational), src/netlink_linearize.c
(netlink_gen_relational, netlink_gen_flagcmp). Without an operator a flag, or a list of flags, asks for any of them; an
anonymous set of one element is that element.
"""

from __future__ import annotations

from policy.ir import EVERYTHING, NOTHING, All, Either, Field, Match, Not, all_of, negated
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import (
    Binary,
    Concat,
    Element,
    Expression,
    List,
    Lookup,
    Reference,
    Selector,
    SetLiteral,
    Verdict,
    Word,
)
from policy.languages.nftables.ast.statement import Match as Condition
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.constants import NO_NAMES, Values, number, values
from policy.languages.nftables.context import Context
from policy.languages.nftables.lookup import found_in, looked_up
from policy.languages.nftables.problem import Bad, note
from policy.languages.nftables.rows import Key
from policy.languages.nftables.selectors import operand
from policy.languages.nftables.selectors.base import Operand, opposite, vague
from policy.packet import Intervals
from policy.source import Span

_EXISTENCE = frozenset({"exthdr", "tcpopt", "ipopt", "dccpopt", "chunk", "fib"})
_ORDERS = frozenset({"<", ">", "<=", ">="})


def condition(context: Context, statement: Condition) -> Match:
    """Return the packets that meet a condition; a mistake goes to the context, and nothing matches."""
    try:
        return _condition(context, statement)
    except Bad as bad:
        note(context, bad)
        return NOTHING


def member(context: Context, key: Expression, where: Expression, span: Span) -> Match:  # noqa: ARG001 # as its kin
    """Return the packets whose key is in a set; a mistake goes to the context, and nothing matches."""
    try:
        operands = _key(context, key)
        return _positive(operands, found_in(context, operands, where))
    except Bad as bad:
        note(context, bad)
        return NOTHING


def branches(
    context: Context,
    key: Expression,
    where: Expression,
    span: Span,  # noqa: ARG001 # as its kin
) -> list[tuple[Match, Expression | Verdict]]:
    """Return what a map has for packets: disjoint conditions with a value each; a mistake goes to the context."""
    try:
        operands = _key(context, key)
        found = looked_up(context, operands, where)
        return [(_positive(operands, _unwritten(match)), value) for match, value in found]
    except Bad as bad:
        note(context, bad)
        return []


def _unwritten(match: Match) -> Match:
    """Return a condition on the key of a map, whose values are not written where the key is."""
    match match:
        case Field():
            return Field(match.name, match.values)
        case Not(part):
            return Not(_unwritten(part))
        case All(parts):
            return All(tuple(map(_unwritten, parts)))
        case Either(parts, called=None):
            return Either(tuple(map(_unwritten, parts)))
    return match


def present(context: Context, expression: Expression) -> Match:
    """Return the packets of which an expression has a value, so that a rule that reads it is not passed over."""
    match expression:
        case Selector():
            try:
                return operand(context, expression).present
            except Bad as bad:
                note(context, bad)
        case Concat(parts) | List(parts):
            return all_of(*dict.fromkeys(present(context, part) for part in parts))
        case Binary(_, left, right):
            return all_of(*dict.fromkeys((present(context, left), present(context, right))))
        case Lookup(key):
            return present(context, key)
    return EVERYTHING


# Keys


def _key(context: Context, expression: Expression) -> tuple[Key, ...]:
    """Return the parts of what is compared, or looked up."""
    if isinstance(expression, Concat):
        return tuple(each for part in expression.parts for each in _key(context, part))
    read, bits = _operation(context, expression)
    return (Key(read, bits, expression.span),)


def _operation(context: Context, expression: Expression) -> tuple[Operand, Bits | None]:
    match expression:
        case Selector():
            return operand(context, expression), None
        case Binary(operator, left, right):
            read, bits = _operation(context, left)
            type = read.type
            if type.named or type.kind == "address":
                raise Bad("FW001", f"there are no bits to look at in {type.one}", expression.span)
            if operator in ("<<", ">>"):
                if type.name != "integer":
                    help = "use a mask: `… & 0xff00 == 0x1200`"
                    raise Bad("FW001", f"{type.one} cannot be shifted in a comparison", expression.span, help)
                by = number(t.integer(16, "number of bits"), right)
            else:
                by = number(type, right) - type.base
            whole = (1 << type.bits) - 1
            return read, (bits or Bits(0, whole)).then(operator, by, type.bits)
    raise Bad("FW001", "what is compared must be read from the packet", expression.span)


# Conditions


def _condition(context: Context, statement: Condition) -> Match:
    left, operator, right = statement.left, statement.operator, statement.right
    if isinstance(left, Selector) and isinstance(right, Word) and _asks_existence(left, right):
        return _existence(context, left, operator, right)
    key = _key(context, left)
    if isinstance(right, Reference):
        return _signed(key, operator, found_in(context, key, right), statement)
    if isinstance(right, SetLiteral):
        if len(right.elements) != 1 or len(key) > 1 or _plain(right.elements[0]) is None:
            return _signed(key, operator, found_in(context, key, right), statement)
        right = right.elements[0].key
    if len(key) > 1:
        help = "write a set of one: `{ … }`"
        raise Bad("FW001", "several fields at once are looked up in sets", statement.span, help)
    return _compared(key[0], operator, right, statement)


def _asks_existence(left: Selector, right: Word) -> bool:
    return left.kind in _EXISTENCE and right.text in ("exists", "missing")


def _plain(element: Element) -> Expression | None:
    key = element.key
    return (
        None
        if element.timeout is not None or element.statements or (isinstance(key, Word) and key.text == "*")
        else key
    )


def _signed(key: tuple[Key, ...], operator: str, found: Match, statement: Condition) -> Match:
    if operator in _ORDERS or operator == "!":
        raise Bad("FW001", f"`{operator}` does not go with a set", statement.span, "use no operator, or `!=`")
    return _negative(key, found) if operator == "!=" else _positive(key, found)


def _positive(key: tuple[Key, ...], found: Match) -> Match:
    return NOTHING if found == NOTHING else all_of(*(each.operand.guard for each in key), found)


def _negative(key: tuple[Key, ...], found: Match) -> Match:
    return all_of(*(each.operand.present for each in key), EVERYTHING if found == NOTHING else negated(found))


def _compared(key: Key, operator: str, right: Expression, statement: Condition) -> Match:
    read, type, bits = key.operand, key.operand.type, key.bits
    flags = type.kind in ("flags", "label")
    if flags and bits is None and operator in ("", "!") and isinstance(right, Word | List | Binary):
        mask = number(type, right) if type.kind != "label" or isinstance(right, List) else _label(type, right)
        if isinstance(mask, Values):
            found = read.among(mask)
            return opposite(read, found) if operator == "!" else all_of(read.guard, found)
        if operator == "":
            return read.any_of(mask)
        return all_of(read.present, read.among(Values(Intervals.of(0)), Bits(0, mask)))
    if operator == "!":
        raise Bad("FW001", "`!` without `=` goes with flags alone", statement.span, "write `!=`")
    wanted = Values(_order(type, operator, right)) if operator in _ORDERS else values(type, right)
    found = read.among(wanted, bits)
    return opposite(read, found) if operator == "!=" else _positive((key,), found)


def _label(type: t.DataType, right: Expression) -> int | Values:
    found = values(type, right)
    return (
        found if found.open or found.known == NO_NAMES or not isinstance(found.known, Intervals) else found.known.first
    )


def _order(type: t.DataType, operator: str, right: Expression) -> Intervals:
    if type.named:
        raise Bad("FW001", f"{type.one} is not more or less than another", right.span)
    limit = number(type, right)
    low, high = type.whole.ranges[0]
    match operator:
        case "<":
            return Intervals.of((low, limit - 1))
        case "<=":
            return Intervals.of((low, limit))
        case ">":
            return Intervals.of((limit + 1, high))
    return Intervals.of((limit, high))


def _existence(context: Context, selector: Selector, operator: str, word: Word) -> Match:
    if operator not in ("", "==", "!="):
        raise Bad("FW001", f"`{operator}` does not go with `{word.text}`", word.span)
    read = operand(context, selector)
    if read.type != t.BOOLEAN:
        read = _whether(context, selector, read)
    found = read.among(values(t.BOOLEAN, word))
    return opposite(read, found) if operator == "!=" else all_of(read.guard, found)


def _whether(context: Context, selector: Selector, read: Operand) -> Operand:
    """Return whether a selector with a value has one: `tcp option maxseg size exists`, `fib daddr oif missing`."""
    if selector.kind == "fib":
        return vague(t.BOOLEAN, read.text, span=selector.span)
    return operand(context, Selector(selector.kind, selector.words[:1], selector.numbers, span=selector.span))
