"""Rules that nft or the kernel refuses: what stands behind a verdict, statements with a wrong protocol, wrong numbers.

Sources: nftables 1.0.6: src/evaluate.c, src/parser_bison.y; the kernel's nft_fib.c, nft_log.c, nft_limit.c.
"""

from __future__ import annotations

from policy.diagnostic import Related, did_you_mean
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.ast.command import Rule
from policy.languages.nftables.context import Context
from policy.languages.nftables.protocols import selectors_of
from policy.languages.nftables.refuse import plain
from policy.languages.nftables.refuse.layers import Layers
from policy.languages.nftables.refuse.translations import refuse_reject, refuse_translation
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
        for selector, _ in selectors_of(statement):
            _selector(context, selector)
        layers.step(statement)
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


def _selector(context: Context, selector: e.Selector) -> None:
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
    elif selector.kind in ("tcpopt", "dccpopt"):
        plain.refuse_option(context, selector)


def _statement(context: Context, layers: Layers, statement: s.Statement) -> None:
    match statement:
        case s.Assign(target, value):
            _assigned(context, target, value)
        case s.Reject():
            refuse_reject(context, layers, statement)
        case s.Nat():
            refuse_translation(context, layers, statement)
        case s.Object():
            _object(context, statement)
        case s.Reset(target):
            plain.refuse_option(context, target)
        case s.Log() | s.Limit() | s.Quota() | s.Silent() | s.Queue():
            plain.refuse_plain(context, statement)


def _assigned(context: Context, target: e.Selector, value: e.Expression) -> None:
    if isinstance(value, e.SetLiteral):
        message = f"`{target.span.text}` is set to one value, not to a set"
        context.mistakes.add("FW001", message, value.span, "write a value, or look one up with `map`")
        return
    if not isinstance(value, e.Lookup):
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
