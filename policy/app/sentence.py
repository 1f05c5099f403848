"""Matches and actions in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import assert_never

from policy.ir import (
    Action,
    All,
    Allow,
    Any,
    Block,
    Copy,
    Either,
    Field,
    Goto,
    Jump,
    Log,
    Match,
    Not,
    Note,
    Reject,
    Return,
    Rewrite,
    Set,
    Unknown,
    UnknownAction,
)
from policy.packet import FIELDS, HOOKS, ROUTING, Value
from policy.packet.address import V4, V6
from policy.packet.text import set_text, value_text

_WORD = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_EVERY_BIT = (1 << 32) - 1


def match_text(match: Match) -> str:
    """Return a match in words: `protocol tcp and destination port not 22`."""
    match match:
        case Any() | All(()):
            return "any packet"
        case Either(()):
            return "no packet"
        case Either(called=str(name)):
            return name
        case Field(name):
            return f"{FIELDS[name].title} {field_text(match)}"
        case Not(Field(name) as field):
            return f"{FIELDS[name].title} not {field_text(field)}"
        case Not(part):
            return f"not ({match_text(part)})"
        case All(parts):
            return " and ".join(_inside(part, Either) for part in parts)
        case Either(parts):
            return " or ".join(_inside(part, All) for part in parts)
        case Unknown(text):
            return text
        case _:
            assert_never(match)


def _inside(part: Match, bracketed: type[All | Either]) -> str:
    text = match_text(part)
    return f"({text})" if isinstance(part, bracketed) and len(part.parts) > 1 else text


def field_text(field: Field) -> str:
    """Return the values of a field: by the name that was written for them, or as they are."""
    written = field.span.text if field.span else ""
    return written if _WORD.fullmatch(written) else set_text(field.name, field.values)


def action_text(action: Action) -> str:
    """Return an action in words."""
    match action:
        case Allow():
            return "allow"
        case Block():
            return "block"
        case Reject(how):
            return f"reject with {how}" if how else "reject"
        case Jump(policy):
            return f"call {policy}"
        case Goto(policy):
            return f"goto {policy}"
        case Return():
            return "return"
        case Set(field, value, mask, xor):
            return _set_text(FIELDS[field].title, value, mask, xor)
        case Copy(field, source, mask, taken):
            masks = "" if mask == taken == _EVERY_BIT else f" under {taken:#x}/{mask:#x}"
            return f"copy {FIELDS[source].title} to {FIELDS[field].title}{masks}"
        case Rewrite(changes):
            return _rewrite_text(dict(changes))
        case Log(prefix):
            return f'log "{prefix}"' if prefix else "log"
        case Note(text) | UnknownAction(text):
            return text
        case _:
            assert_never(action)


def _rewrite_text(changes: Mapping[str, Value]) -> str:
    """Say what an address becomes; that the packet is then routed anew goes without saying."""
    words = []
    for side, address, port in (("to", "dst", "dport"), ("from", "src", "sport")):
        number = changes.get(port)
        ending = "" if number is None or number == FIELDS[port].domain else f" port {value_text(port, number)}"
        if address in changes:
            whom = changes[address]
            family = "" if isinstance(whom, int) else " of this host" if whom in (V4, V6) else ""
            words.append(f"{side} {value_text(address, whom) if not family else 'an address' + family}{ending}")
        elif ending:
            words.append(f"{side}{ending}")
    hook = changes.get("hook", ROUTING)
    if isinstance(hook, int) and hook != ROUTING:
        words.append(f"at {HOOKS[hook]}")
    if "out" in changes:
        words.append(f"out {value_text('out', changes['out'])}")
    return "rewrite " + ", ".join(words) if words else "route anew"


def _set_text(title: str, value: int | None, mask: int, xor: bool) -> str:
    if value is None:
        return f"change {title}"
    return f"{'xor' if xor else 'set'} {title} {value:#x}{'' if mask == _EVERY_BIT else f'/{mask:#x}'}"
