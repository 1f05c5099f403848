"""Numbers, units and words that nft refuses: of logs, limits, quotas, queues, options, and of values that are set."""

from __future__ import annotations

import re

from policy.diagnostic import did_you_mean
from policy.languages.nftables import types as t
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.refuse.amounts import one_of, refuse_limit, refuse_numbers, refuse_quota
from policy.languages.nftables.selectors import operand
from policy.languages.nftables.values import note, number, values
from policy.languages.nftables.words import plain

_SYNPROXY = re.compile(r"synproxy(?: (?:(?:mss|wscale) (?:0x)?[0-9a-fA-F]+|timestamp|sack-perm))*")
_IPSEC_HOOKS = {"in": ("prerouting", "input"), "out": ("output", "postrouting")}
_LOG_FLAGS = ("all", "skuid", "ether", "tcp sequence", "tcp options", "ip options")
_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit")
_LONGEST_PREFIX = 127
_LAST = re.compile(r"last(?:\s+used\s+(?:never|[0-9]\w*))?")
_TCP_OPTIONS = frozenset({
    "eol", "nop", "noop", "maxseg", "mss", "window", "sack-permitted", "sack-perm", "sack", "sack0", "sack1", "sack2",
    "sack3", "timestamp", "echo", "fastopen", "md5sig", "mptcp",
})  # fmt: skip


def refuse_plain(context: Context, statement: s.Log | s.Limit | s.Quota | s.Silent | s.Queue) -> None:
    """Note what is wrong with a statement that says numbers and words."""
    match statement:
        case s.Log():
            _log(context, statement)
        case s.Limit(rate, span=span):
            refuse_limit(context.mistakes, rate, span)
        case s.Quota(size, span=span):
            refuse_quota(context.mistakes, size, span)
        case s.Silent("counter", span=span):
            refuse_numbers(context.mistakes, span.text, span)
        case s.Silent("last", span=span):
            if _LAST.fullmatch(span.text) is None:
                context.mistakes.add("FW001", f"`{span.text}` is no time", span, "write `last`")
        case s.Queue():
            _queue(context, statement)


def _log(context: Context, statement: s.Log) -> None:
    options = dict(statement.options)
    refuse_numbers(context.mistakes, " ".join(options.values()), statement.span)
    level, span = options.get("level"), statement.span
    if level is not None and not one_of(context.mistakes, level, _LEVELS, "level", span):
        return
    for name, text in statement.options:
        group, _, rest = text.partition(" ")
        words = [f"{group} {each}" for each in rest.split()] if group in ("tcp", "ip") else text.split()
        if name == "flags" and not all(one_of(context.mistakes, each, _LOG_FLAGS, "flag", span) for each in words):
            return
    if level == "audit" and (statement.prefix is not None or len(options) > 1):
        context.mistakes.add("FW001", "`level audit` goes with no other option of `log`", span, "leave the others out")
    elif "group" in options and ("level" in options or "flags" in options):
        other = "level" if "level" in options else "flags"
        message = f"`{other}` and `group` exclude each other"
        context.mistakes.add("FW001", message, span, "leave one of them out")
    if statement.prefix is not None and len(statement.prefix.encode()) > _LONGEST_PREFIX:
        context.mistakes.add("FW001", f"the prefix is longer than {_LONGEST_PREFIX} bytes", span, "shorten it")


def _queue(context: Context, statement: s.Queue) -> None:
    target, span = statement.target, statement.span
    for flag in statement.flags:
        if not one_of(context.mistakes, flag, ("bypass", "fanout"), "flag of a queue", span):
            return
    if isinstance(target, e.Word | e.Range):
        try:
            values(t.integer(16, "queue"), target)
        except Bad as bad:
            note(context, bad)
    elif isinstance(target, e.Selector):
        if target.kind not in ("numgen", "hash"):
            help = "look it up: `queue to oif map { … }`"
            context.mistakes.add("FW001", f"`{target.span.text}` is no number of a queue", target.span, help)
        elif _last(target) > 0xFFFF:
            message = f"`{target.span.text}` gives numbers that no queue has"
            context.mistakes.add("FW001", message, target.span, "queues are 0 to 65535")
    if "fanout" in statement.flags and target is not None and not isinstance(target, e.Range):
        context.mistakes.add("FW001", "`fanout` wants a range of queues", span, "write `queue flags fanout to 0-3`")


def _last(drawn: e.Selector) -> int:
    """Return the largest number that a generator gives."""
    return drawn.numbers[0] - 1 + drawn.numbers[-1] if drawn.numbers else 0


def refuse_words(context: Context, selector: e.Selector) -> None:
    """Note a word of `numgen` or `ipsec` that there is not, and a modulus that gives no number."""
    words, numbers = selector.words, selector.numbers
    if selector.kind == "ipsec":
        known = one_of(context.mistakes, words[0], _IPSEC_HOOKS, "direction", selector.span)
        if known and one_of(context.mistakes, words[2], ("reqid", "spi", "saddr", "daddr"), "field", selector.span):
            wrong = context.hooks - {"forward", *_IPSEC_HOOKS[words[0]]}
            if wrong:
                message = f"the kernel refuses `{selector.span.text}` at {', '.join(sorted(wrong))}"
                help = "it works at forward, " + ", ".join(_IPSEC_HOOKS[words[0]])
                context.mistakes.add("FW001", message, selector.span, help)
        return
    if selector.kind == "numgen" and not one_of(context.mistakes, words[0], ("inc", "random"), "order", selector.span):
        return
    hashed = selector.of.parts if isinstance(selector.of, e.Concat) else (selector.of,)
    for each in hashed:
        try:
            if isinstance(each, e.Selector):
                operand(context, each)
            elif isinstance(each, e.Word):
                raise Bad("FW001", f"`{each.text}` is nothing that is read from a packet", each.span)
        except Bad as bad:
            note(context, bad)
    if numbers[0] < 1 or _last(selector) > 0xFFFF_FFFF:
        help = "`mod` is 1 or more, and what is given has 32 bits"
        context.mistakes.add("FW001", f"the kernel refuses `{selector.span.text}`", selector.span, help)


def refuse_drawn(context: Context, drawn: e.Selector, word: e.Word) -> None:
    """Note a number that a generator never gives."""
    found, last = plain(word.text), _last(drawn)
    if found is not None and 0 <= last < found:
        message = f"`{drawn.span.text}` never gives {word.text}"
        context.mistakes.add("FW001", message, word.span, f"its numbers go up to {last}")


def refuse_synproxy(context: Context, statement: s.Other) -> None:
    """Note what is wrong with `synproxy`, or with where it is (the kernel's nft_synproxy.c)."""
    span = statement.span
    if _SYNPROXY.fullmatch(" ".join(statement.text.split())) is None:
        help = "it takes `mss N`, `wscale N`, `timestamp` and `sack-perm`"
        context.mistakes.add("FW001", f"`{span.text}` cannot be read", span, help)
    elif context.table.family not in ("ip", "ip6", "inet"):
        message = f"there is no `synproxy` in the family {context.table.family}"
        context.mistakes.add("FW001", message, span, "write it in a table of ip, ip6 or inet")
    elif wrong := context.hooks - {"input", "forward"}:
        message = f"the kernel refuses `synproxy` at {', '.join(sorted(wrong))}"
        context.mistakes.add("FW001", message, span, "it works at input and forward")


def refuse_option(context: Context, selector: e.Selector) -> None:
    """Note an option of a header that there is not."""
    name = selector.words[0]
    if name == "@":
        return
    if name.isdecimal():
        if int(name[:9]) > 255:
            context.mistakes.add("FW001", f"options have a kind of 0 to 255, not {name}", selector.span)
    elif selector.kind == "tcpopt" and name not in _TCP_OPTIONS:
        help = did_you_mean(name, _TCP_OPTIONS) or "one of " + ", ".join(sorted(_TCP_OPTIONS))
        context.mistakes.add("FW001", f"`{name}` is no option of TCP", selector.span, help)


def refuse_value(context: Context, target: e.Selector, value: e.Expression) -> None:
    """Note a constant that does not fit into what is set, alone or as the last operand of an operation."""
    if isinstance(value, e.Range | e.Prefix):
        message = f"`{target.span.text}` is set to one value, not to a range"
        context.mistakes.add("FW001", message, value.span, "write one value")
        return
    while isinstance(value, e.Binary):
        if value.operator in ("<<", ">>"):
            return
        value = value.right
    try:
        type = operand(context, target).type
        if isinstance(value, e.Word | e.List) and type.kind not in ("interface", "text", "index"):
            number(type, value)
    except Bad as bad:
        note(context, bad)
