"""Rules that nft or the kernel refuses: what stands behind a verdict, statements with a wrong protocol, wrong numbers.

Sources: nftables 1.0.6: src/evaluate.c, src/parser_bison.y; the kernel's nft_fib.c, nft_log.c, nft_limit.c.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.diagnostic import Related, did_you_mean
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.ast.command import Rule
from policy.languages.nftables.context import Context
from policy.languages.nftables.layers import Layers, selectors
from policy.languages.nftables.problem import Bad, note_empty
from policy.languages.nftables.refuse import plain
from policy.languages.nftables.refuse.sets import refuse_map, refuse_verdicts
from policy.languages.nftables.refuse.targets import refuse_inner, refuse_meter, refuse_target, refuse_update
from policy.languages.nftables.refuse.translations import refuse_copy, refuse_reject, refuse_translation
from policy.languages.nftables.selectors import operand
from policy.languages.nftables.types import DataType
from policy.source import Span

LONGEST_COMMENT = 128
_OBJECTS = frozenset({"counter", "quota", "limit", "synproxy", "ct helper", "ct timeout", "ct expectation", "flow"})
_FIB_HOOKS = {
    "route": frozenset({"prerouting", "input", "forward", "ingress"}),
    "type by iif": frozenset({"prerouting", "input", "forward", "ingress"}),
    "type by oif": frozenset({"forward", "output", "postrouting"}),
}


def refuse_rule(context: Context, rule: Rule) -> None:
    """Note what is wrong with a rule."""
    if rule.comment is not None and len(rule.comment.encode()) > LONGEST_COMMENT:
        message = f"the comment is longer than {LONGEST_COMMENT} bytes"
        context.mistakes.add("FW001", message, rule.span, "shorten it")
    _ended(context, rule)
    layers = Layers(context)
    for statement in rule.statements:
        for selector, inside in selectors(statement):
            layers.reads(selector)
            _selector(context, layers, selector, inside)
        if isinstance(statement, s.Match):
            layers.matched(statement)
        for literal in _sets(statement):
            note_empty(literal, context.mistakes)
        _statement(context, layers, statement)


def _ended(context: Context, rule: Rule) -> None:
    for at, statement in enumerate(rule.statements[:-1]):
        if _ends(statement):
            after = rule.statements[at + 1]
            word = statement.span.text.split()[0]
            related = (Related(statement.span, "the rule ends here"),)
            message = f"nothing behind `{word}` is ever done"
            context.mistakes.add("FW001", message, after.span, f"put it before `{word}`", related)
            return


def _ends(statement: s.Statement) -> bool:
    """Does nft take a statement for the last of its rule (`STMT_F_TERMINAL`)?"""
    if isinstance(statement, e.Verdict):
        return statement.kind != "continue"
    if isinstance(statement, s.Nat):
        return statement.kind != "tproxy"
    return isinstance(statement, (s.Reject, s.Queue)) or (isinstance(statement, s.Other) and statement.kind == "fwd")


def _sets(node: object) -> Iterator[e.SetLiteral]:
    """Yield the sets and maps in braces of a statement."""
    match node:
        case e.SetLiteral():
            yield node
        case s.Match(right=part) | s.VerdictMap(map=part) | e.Lookup(map=part) | s.Assign(value=part):
            yield from _sets(part)
        case s.Object(name=part) | s.Queue(target=part) | s.Other(to=part):
            yield from _sets(part)
        case s.Nat(address=address, port=port):
            yield from _sets(address)
            yield from _sets(port)


def _selector(context: Context, layers: Layers, selector: e.Selector, inside: str) -> None:
    words = selector.words
    if selector.kind == "fib" and context.hooks:
        by = "route"
        if words[0] == "type":
            by = "type by iif" if "iif" in words[1:] else "type by oif" if "oif" in words[1:] else ""
        wrong = context.hooks - _FIB_HOOKS.get(by, context.hooks)
        if wrong:
            help = "it works at " + ", ".join(sorted(_FIB_HOOKS[by]))
            message = f"the kernel refuses `{selector.span.text}` at {', '.join(sorted(wrong))}"
            context.mistakes.add("FW001", message, selector.span, help)
        elif words[0] in ("oif", "oifname") and "oif" in words[1:]:
            message = f"the kernel refuses `{selector.span.text}`: the route is what tells the output interface"
            context.mistakes.add("FW001", message, selector.span, "leave `oif` out of what is asked for")
    elif selector.kind == "ct" and words[0] in ("saddr", "daddr") and not words[2]:
        side = f"ct {words[1]}"
        if layers.network not in ("ip", "ip6") or inside in ("concat", "lookup"):
            message = f"`{selector.span.text}` does not say of which IP version"
            help = f"write `{side} ip {words[0]}` or `{side} ip6 {words[0]}`"
            context.mistakes.add("FW001", message, selector.span, help)
    elif (
        selector.kind == "ct" and words[2:] and layers.network in ("ip", "ip6") and words[2] not in ("", layers.network)
    ):
        message = f"the rule asks for {layers.network} already, so `{selector.span.text}` cannot be read"
        context.mistakes.add("FW603", message, selector.span, "write two rules")
    elif selector.kind == "ct" and words[0].startswith("proto-") and not (layers.transports or layers.entry):
        help = "say it before: `meta l4proto tcp`"
        context.mistakes.add("FW504", f"`{selector.span.text}` does not say of which protocol", selector.span, help)
    elif selector.kind == "rt" and words[0] == "nexthop" and not words[1]:
        if layers.network not in ("ip", "ip6"):
            help = "write `rt ip nexthop` or `rt ip6 nexthop`"
            context.mistakes.add("FW001", "`rt nexthop` does not say of which IP version", selector.span, help)
    elif selector.kind == "rt" and words[0] == "nexthop":
        family = context.table.family
        if family in ("ip", "ip6") and family != words[1]:
            message = f"`{selector.span.text}` is of the other IP version than the table"
            context.mistakes.add("FW603", message, selector.span, f"write `rt {family} nexthop`")
    elif selector.kind in ("numgen", "hash", "ipsec"):
        plain.refuse_words(context, selector)
    elif selector.kind in ("tcpopt", "dccpopt"):
        plain.refuse_option(context, selector)


def _statement(context: Context, layers: Layers, statement: s.Statement) -> None:
    match statement:
        case s.VerdictMap(key, where):
            _verdicts(context, key, where)
        case s.Assign(target, value):
            _assigned(context, target, value)
        case s.Match(e.Selector("numgen" | "hash") as drawn, _, e.Word() as word):
            plain.refuse_drawn(context, drawn, word)
        case s.SetUpdate(statements=inner) | s.Meter(statements=inner):
            if isinstance(statement, s.SetUpdate):
                refuse_update(context, statement)
            else:
                refuse_meter(context, statement)
            refuse_inner(context, inner)
            for each in inner:
                _statement(context, layers, each)
        case s.Other("synproxy"):
            plain.refuse_synproxy(context, statement)
        case s.Reject():
            refuse_reject(context, layers, statement)
        case s.Nat():
            refuse_translation(context, layers, statement)
        case s.Other("dup" | "fwd"):
            refuse_copy(context, statement)
        case s.Object():
            _object(context, statement)
        case s.Reset(target):
            plain.refuse_option(context, target)
        case s.Log() | s.Limit() | s.Quota() | s.Silent() | s.Queue():
            plain.refuse_plain(context, statement)


def _map(context: Context, key: e.Expression, literal: e.SetLiteral) -> None:
    types = _types(context, key)
    if types:
        refuse_map(context, types, literal)


def _verdicts(context: Context, key: e.Expression, where: e.Expression) -> None:
    if isinstance(where, e.SetLiteral):
        _map(context, key, where)
        refuse_verdicts(context, where)
    elif isinstance(where, e.Reference):
        _of_verdicts(context, where, wanted=True)


def _of_verdicts(context: Context, where: e.Reference, *, wanted: bool) -> None:
    """Note a named map whose values are verdicts where others are wanted, or the other way round."""
    named = context.table.sets.get(where.name)
    if named is None or not named.definition.is_map or (named.definition.value == ("verdict",)) == wanted:
        return
    message = f"the values of `{where.name}` are {'no' if wanted else 'all'} verdicts"
    help = "write `type KEY : verdict` for the map" if wanted else "look it up with `vmap`"
    context.mistakes.add("FW001", message, where.span, help)


def _types(context: Context, key: e.Expression) -> tuple[DataType, ...]:
    parts = key.parts if isinstance(key, e.Concat) else (key,)
    found: list[DataType] = []
    for part in parts:
        while isinstance(part, e.Binary):
            part = part.left  # noqa: PLW2901
        if not isinstance(part, e.Selector):
            return ()
        try:
            found.append(operand(context, part).type)
        except Bad:
            return ()
    return tuple(found)


def _assigned(context: Context, target: e.Selector, value: e.Expression) -> None:
    if refuse_target(context, target):
        return
    if isinstance(value, e.SetLiteral):
        message = f"`{target.span.text}` is set to one value, not to a set"
        context.mistakes.add("FW001", message, value.span, "write a value, or look one up with `map`")
        return
    if isinstance(value, e.Lookup):
        if isinstance(value.map, e.SetLiteral):
            _map(context, value.key, value.map)
        elif isinstance(value.map, e.Reference):
            _of_verdicts(context, value.map, wanted=False)
        return
    plain.refuse_value(context, target, value)


def _object(context: Context, statement: s.Object) -> None:
    name = statement.name
    kind = "flowtable" if statement.kind == "flow" else statement.kind
    if not isinstance(name, e.Word) or statement.kind not in _OBJECTS or (kind, name.text) in context.table.objects:
        return
    names = [each for other, each in context.table.objects if other == kind]
    help = did_you_mean(name.text, names) or f"`{kind} {name.text} {{ … }}` in the table makes it"
    span: Span = name.span
    context.mistakes.add("FW701", f"the table `{context.table.name}` has no {kind} `{name.text}`", span, help)
