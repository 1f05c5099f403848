"""Targets that change what a later match may look at: MARK, CONNMARK, TTL, HL, DSCP, TOS.

Sources: iptables-extensions(8); libxt_MARK.c (how `--set-mark` and its kin become value and mask); the kernel's
xt_mark.c (mark = (mark & ~mask) ^ value), xt_connmark.c, xt_HL.c, xt_DSCP.c. Matches in FORWARD see a TTL that is one
less than the packet's (see matches/header.py), so what is set there is written down with one more.
"""

from __future__ import annotations

from collections.abc import Callable

from policy.diagnostic import did_you_mean
from policy.ir import Action, Copy, Field, Jump, Note, Policy, Return, Rewrite, Rule, Set
from policy.languages.iptables.matches.header import tos
from policy.languages.iptables.options import Bad, Context, Given, Opt, TargetModule
from policy.languages.iptables.terms import only
from policy.languages.iptables.values import bounded, mark_number, masked_number, number
from policy.netfilter import AFTER_FORWARDING, LOOPED
from policy.packet import Intervals, Masked, single
from policy.packet.names import DSCP_CLASSES

_WORD = (1 << 32) - 1


def _bits(_: Context, text: str) -> int:
    return mark_number(text)


def _change(field: str, value: int, mask: int) -> tuple[Action, ...]:
    """Return field = (field & ~mask) ^ value."""
    return (Set(field, value, mask, xor=bool(value & ~mask)),) if value or mask else ()


def _marked(given: Given, field: str) -> tuple[Action, ...]:
    option = next(name for name in given.args if name in _MARKS)
    value = given.value(option)
    match option:
        case "set-xmark":
            return _change(field, value.value, value.mask)
        case "set-mark":
            return _change(field, value.value, value.mask | value.value)
        case "and-mark":
            return _change(field, 0, ~value & _WORD)
        case "or-mark":
            return _change(field, value, value)
    return _change(field, value, 0)


def _mark(given: Given) -> tuple[Action, ...]:
    return _marked(given, "mark")


def _connmark(given: Given) -> tuple[Action, ...]:
    if given.context.table != "raw":
        return _of_connection(given)
    if "PREROUTING" not in given.context.roots:
        return (Note(given.text),)  # no packet has an entry yet
    return only(given, LOOPED, _of_connection(given))


def _of_connection(given: Given) -> tuple[Action, ...]:
    both = given.value("mask", _WORD)
    packet, connection = given.value("nfmask", both), given.value("ctmask", both)
    if "save-mark" in given:
        return (Copy("ctmark", "mark", mask=connection, taken=packet),)
    if "restore-mark" in given:
        return (Copy("mark", "ctmark", mask=packet, taken=connection),)
    return _marked(given, "ctmark")


def _hops(given: Given) -> tuple[Action, ...]:
    option = next(iter(given.args))
    value: int = given.value(option)
    roots = given.context.roots
    if not roots & AFTER_FORWARDING:
        return (Set("ttl", value, 255),) if option.endswith("-set") else _stepped(given, option)
    one_more = option.endswith("-set") and roots <= AFTER_FORWARDING and value < 255
    return (Set("ttl", value + 1 if one_more else None, 255),)


def _stepped(given: Given, option: str) -> tuple[Action, ...]:
    """Return what adds to the TTL or takes from it: what is known of it then is whether it is the last hop."""
    value: int = given.value(option)
    # The TTLs that come to 0 or 1, what they become, and what the others become.
    few, ends, rest = (0, min(value + 1, 255)), (0, 1), (2, 255 - value)
    if option.endswith("-inc"):
        few, ends, rest = (0, 1 - value), (value, 1), (max(value, 2), 255)
    name, span = f"{given.context.table}:-j {given.text}", given.span()
    rules = tuple(
        Rule(
            Field("ttl", Intervals.of(old)),
            (Rewrite((("ttl", single(Intervals.of(new))),)), Return()),
            note="its TTL is another",
            span=span,
        )
        for old, new in ((few, ends), ((0, 255), rest))
        if old[0] <= old[1] and new[0] <= new[1]
    )
    given.context.implied.setdefault(name, Policy(name, rules, implied=True, span=span))
    return (Jump(name),)


def _dscp(given: Given) -> tuple[Action, ...]:
    value = given.value("set-dscp", given.value("set-dscp-class"))
    return (Set("tos", value << 2, 0xFC),)


def _dscp_class(_: Context, text: str) -> int:
    found = DSCP_CLASSES.get(text.lower())
    if found is None:
        raise Bad("FW001", f"unknown DSCP class `{text}`", did_you_mean(text, DSCP_CLASSES))
    return found


def _tos(given: Given) -> tuple[Action, ...]:
    option = next(iter(given.args))
    value = given.value(option)
    if isinstance(value, Masked):
        return _change("tos", value.value, value.mask)
    return {
        "and-tos": _change("tos", 0, ~value & 255),
        "or-tos": _change("tos", value, value),
        "xor-tos": _change("tos", value, 0),
    }[option]


def _one(names: tuple[str, ...], reader: Callable[..., object]) -> tuple[Opt, ...]:
    return tuple(Opt(name, reader, excludes=names) for name in names)


def _byte(_: Context, text: str) -> int:
    return bounded(text, 0, 255)


_MARKS = ("set-mark", "set-xmark", "and-mark", "or-mark", "xor-mark")
_CONN = (*_MARKS, "save-mark", "restore-mark")
_TTL, _HL = (tuple(f"{name}-{how}" for how in ("set", "inc", "dec")) for name in ("ttl", "hl"))
_TOS = ("set-tos", "and-tos", "or-tos", "xor-tos")
_DSCP = ("set-dscp", "set-dscp-class")


def _mark_options(names: tuple[str, ...]) -> tuple[Opt, ...]:
    readers = {"set-mark": masked_number, "set-xmark": masked_number, "save-mark": None, "restore-mark": None}
    return tuple(Opt(name, readers.get(name, _bits), excludes=names) for name in names)


TARGETS = (
    TargetModule(name="MARK", options=_mark_options(_MARKS), one_of=_MARKS, lower=_mark),
    TargetModule(
        name="CONNMARK",
        options=(*_mark_options(_CONN), *(Opt(name, _bits) for name in ("mask", "nfmask", "ctmask"))),
        one_of=_CONN,
        lower=_connmark,
    ),
    TargetModule(name="TTL", options=_one(_TTL, _byte), one_of=_TTL, families=(4,), tables=("mangle",), lower=_hops),
    TargetModule(name="HL", options=_one(_HL, _byte), one_of=_HL, families=(6,), tables=("mangle",), lower=_hops),
    TargetModule(
        name="DSCP",
        options=(
            Opt("set-dscp", number(8, 0, 63), excludes=_DSCP),
            Opt("set-dscp-class", _dscp_class, excludes=_DSCP),
        ),
        one_of=_DSCP,
        tables=("mangle",),
        lower=_dscp,
    ),
    TargetModule(
        name="TOS",
        options=(Opt("set-tos", tos, excludes=_TOS), *_one(_TOS[1:], _byte)),
        one_of=_TOS,
        tables=("mangle",),
        lower=_tos,
    ),
)
