"""Numbers, units and words that nft refuses: of logs, limits, quotas, queues, options, and of values that are set."""

from __future__ import annotations

import re

from policy.diagnostic import did_you_mean
from policy.languages.nftables import types as t
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.selectors import operand
from policy.languages.nftables.values import note, number
from policy.source import Span

_RATE = re.compile(
    r"(?P<number>\w+) ?(?P<unit>\w*)/(?P<time>\w+)(?: burst (?P<burst>\w+)(?: (?P<burst_unit>\w+))?)?", re.ASCII
)
_TIMES = ("second", "minute", "hour", "day", "week")
_BYTES = ("bytes", "kbytes", "mbytes")
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
            _limit(context, rate, span)
        case s.Quota(size, span=span):
            for unit in size.split()[1::3]:
                _one_of(context, unit, _BYTES, "unit", span)
        case s.Silent("last", span=span):
            if _LAST.fullmatch(span.text) is None:
                context.mistakes.add("FW001", f"`{span.text}` is no time", span, "write `last`")
        case s.Queue():
            _queue(context, statement)


def _one_of(context: Context, word: str, known: tuple[str, ...], what: str, span: Span) -> bool:
    if word in known:
        return True
    help = did_you_mean(word, known) or "one of " + ", ".join(known)
    context.mistakes.add("FW001", f"`{word}` is no {what} here", span, help)
    return False


def _log(context: Context, statement: s.Log) -> None:
    options = dict(statement.options)
    level, span = options.get("level"), statement.span
    if level is not None and not _one_of(context, level, _LEVELS, "level", span):
        return
    if level == "audit" and (statement.prefix is not None or len(options) > 1):
        context.mistakes.add("FW001", "`level audit` goes with no other option of `log`", span, "leave the others out")
    elif "group" in options and ("level" in options or "flags" in options):
        other = "level" if "level" in options else "flags"
        message = f"`{other}` and `group` exclude each other"
        context.mistakes.add("FW001", message, span, "leave one of them out")
    if statement.prefix is not None and len(statement.prefix.encode()) > _LONGEST_PREFIX:
        context.mistakes.add("FW001", f"the prefix is longer than {_LONGEST_PREFIX} bytes", span, "shorten it")


def _limit(context: Context, rate: str, span: Span) -> None:
    found = _RATE.fullmatch(rate)
    if found is None or not _one_of(context, found["time"], _TIMES, "time", span):
        return
    unit, burst = found["unit"] or "packets", found["burst_unit"]
    if found["unit"] and not _one_of(context, unit, _BYTES, "unit", span):
        return
    if found["number"].strip("0") in ("", "x"):
        context.mistakes.add("FW001", "a rate of 0 is refused", span, "leave the rule out, or `drop` alone")
    elif found["burst"] is not None and (burst in _BYTES if unit == "packets" else burst not in _BYTES):
        help = "write `burst N packets`" if unit == "packets" else "write `burst N bytes`"
        context.mistakes.add("FW001", "the burst has another unit than the rate", span, help)


def _queue(context: Context, statement: s.Queue) -> None:
    target, span = statement.target, statement.span
    for flag in statement.flags:
        if not _one_of(context, flag, ("bypass", "fanout"), "flag of a queue", span):
            return
    if isinstance(target, e.Word | e.Range):
        ends = (target.low, target.high) if isinstance(target, e.Range) else (target,)
        try:
            for end in ends:
                number(t.integer(16, "queue"), end)
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
