"""What a named set says of itself and of its elements beside their keys: flags, times, statements, values.

Sources: nftables 1.0.6: src/parser_bison.y (set_block), src/evaluate.c (expr_evaluate_set_elem); the kernel's
nf_tables_api.c (nf_tables_newset, nft_add_set_elem) and nft_set_rbtree.c (no set of ranges that rules fill).
"""

from __future__ import annotations

from policy.languages.nftables import types as t
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.ast.command import NamedSet
from policy.languages.nftables.ast.expression import Element, Verdict, Word
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.refuse.amounts import refuse_limit, refuse_quota
from policy.languages.nftables.state import SetState
from policy.languages.nftables.values import note, number

_VERDICTS = "write accept, drop, continue, return, jump or goto"


def refuse_options(context: Context, named: SetState) -> None:
    """Note what is wrong with a set beside the keys of its elements."""
    definition, mistakes = named.definition, context.mistakes
    span, name = definition.name_span, definition.name
    timed = "timeout" in definition.flags or definition.timeout is not None
    if definition.policy not in (None, "memory", "performance"):
        message = f"`{definition.policy}` is no policy of a set"
        mistakes.add("FW001", message, span, "write memory or performance")
    if definition.gc is not None and not timed:
        message = f"`{name}` has a `gc-interval`, and its elements have no timeout"
        mistakes.add("FW001", message, span, "add `flags timeout`")
    if {"dynamic", "interval"} <= set(definition.flags):
        message = f"`{name}` is `dynamic` and has ranges, which the kernel refuses"
        mistakes.add("FW001", message, span, "leave one of the flags out")
    for each in definition.statements:
        _amount(context, each)
    for element in named.elements:
        if not timed and (element.timeout is not None or element.expires is not None):
            message = f"elements of `{name}` have no timeout"
            mistakes.add("FW001", message, element.span, "add `flags timeout` to the set")
            break
        if element.statements and not _counts(context, definition, element):
            break
        if definition.is_map and not _value(context, definition, element):
            break


def _amount(context: Context, statement: object) -> None:
    match statement:
        case s.Limit(rate, span=span):
            refuse_limit(context.mistakes, rate, span)
        case s.Quota(size, span=span):
            refuse_quota(context.mistakes, size, span)


def _counts(context: Context, definition: NamedSet, element: Element) -> bool:
    """Check the statements of an element: they are of the kinds that its set has, and any in one that rules fill."""
    before = len(context.mistakes.found)
    for each in element.statements:
        _amount(context, each)
    if "dynamic" not in definition.flags and [type(each) for each in element.statements] != [
        type(each) for each in definition.statements
    ]:
        message = f"the elements of `{definition.name}` have other statements"
        context.mistakes.add("FW001", message, element.span, "write in the set what its elements have")
    return len(context.mistakes.found) == before


def _value(context: Context, definition: NamedSet, element: Element) -> bool:
    """Check the value of an element of a map."""
    value, said = element.value, definition.value
    if value is None or not isinstance(said, tuple) or len(said) != 1:
        return True
    if (said == ("verdict",)) != isinstance(value, Verdict):
        wanted = "is no verdict" if said == ("verdict",) else f"is a verdict, and the values of the map are {said[0]}"
        help = _VERDICTS if said == ("verdict",) else "write `type KEY : verdict` for the map"
        context.mistakes.add("FW001", f"`{value.span.text}` {wanted}", value.span, help)
        return False
    type_ = t.TYPES.get(said[0])
    if not isinstance(value, Word) or type_ is None or type_.named:
        return True
    try:
        number(type_, value)
    except Bad as bad:
        note(context, bad)
        return False
    return True
