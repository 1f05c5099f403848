"""state and conntrack.

Sources: iptables-extensions(8); the kernel's net/netfilter/xt_conntrack.c (conntrack_mt). A packet with no entry in the
connection table is INVALID or UNTRACKED; for it the answer is that of the state alone if a state is asked for, and
else no, whatever the other options and their `!` say. In the raw table no packet has an entry yet: all are INVALID.
"""

from __future__ import annotations

from policy.ir import EVERYTHING, NOTHING, Field, Match, Not, Unknown, all_of, either_of
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import signed, unknown
from policy.languages.iptables.values import (
    Host,
    bounded,
    choice,
    host_or_set,
    number_range,
    pick,
    protocol,
    show,
)
from policy.netfilter import HAS_CONNECTION, STATES
from policy.packet import Intervals

_NAT = ("SNAT", "DNAT")
_STATUS = ("NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED")


def _list(text: str, names: tuple[str, ...], what: str) -> tuple[str, ...]:
    items = text.split(",")
    if "" in items:
        raise Bad("FW001", f"`{text}` is not a list of states", "write them without spaces: ESTABLISHED,RELATED")
    return tuple(pick(item, names, what) for item in items)


def _states(_: Context, text: str) -> tuple[str, ...]:
    return _list(text, tuple(STATES), "state")


def _ct_states(_: Context, text: str) -> tuple[str, ...]:
    return _list(text, (*STATES, *_NAT), "state")


def _statuses(_: Context, text: str) -> tuple[str, ...]:
    return _list(text, _STATUS, "status")


def _protocol(_: Context, text: str) -> str:
    return str(protocol(text))


def _address(context: Context, text: str) -> str:
    found = host_or_set(context, text)
    return str(found) if isinstance(found, Host) else show(found)


def _port(_: Context, text: str) -> str:
    for part in text.split(":"):
        bounded(part or "0", 0, 65535)
    return text


def _expire(context: Context, text: str) -> str:
    number_range(32)(context, text)
    return text


_UNKNOWN = {
    "ctproto": _protocol,
    "ctorigsrc": _address,
    "ctorigdst": _address,
    "ctreplsrc": _address,
    "ctrepldst": _address,
    "ctorigsrcport": _port,
    "ctorigdstport": _port,
    "ctreplsrcport": _port,
    "ctrepldstport": _port,
    "ctstatus": _statuses,
    "ctexpire": _expire,
}


def _state(given: Given, option: str) -> Match:
    names: tuple[str, ...] = given.value(option)
    if given.context.table == "raw":
        match = EVERYTHING if "INVALID" in names else NOTHING
        return signed(given, option, match)
    parts: list[Match] = []
    known = Intervals.of(*(STATES[name] for name in names if name in STATES))
    if known:
        parts.append(Field("state", known, span=given.span(option)))
    for name in _NAT:
        if name in names:
            what = Unknown(f"the connection has {name}", f"ctstate:{name}", span=given.span(option))
            parts.append(all_of(HAS_CONNECTION, what))
    return signed(given, option, either_of(*parts))


def _direction(given: Given) -> Match:
    wanted = 0 if given.value("ctdir") == "original" else 1
    return Field("direction", Intervals.of(wanted), span=given.span("ctdir"))


def _conntrack(given: Given) -> Match:
    others: list[Match] = [_direction(given)] if "ctdir" in given else []
    for option in _UNKNOWN:
        if option not in given:
            continue
        value = given.value(option)
        text = ",".join(value) if isinstance(value, tuple) else value
        pure = option != "ctexpire"
        found = unknown(given, f"{option}:{text}", option=option, pure=pure)
        others.append(signed(given, option, found))
    state = _state(given, "ctstate") if "ctstate" in given else None
    if not others:
        return state if state is not None else HAS_CONNECTION
    if given.context.table == "raw":
        return state if state is not None else NOTHING
    entry = all_of(HAS_CONNECTION, *others)
    return entry if state is None else all_of(state, either_of(Not(HAS_CONNECTION), entry))


def _plain_state(given: Given) -> Match:
    return _state(given, "state")


_ANY = ("ctstate", "ctdir", *_UNKNOWN)

MATCHES = (
    MatchModule(name="state", options=(Opt("state", _states, invert=True, required=True),), lower=_plain_state),
    MatchModule(
        name="conntrack",
        options=(
            Opt("ctstate", _ct_states, invert=True),
            Opt("ctdir", choice("original", "reply", what="direction")),
            *(Opt(name, reader, invert=True) for name, reader in _UNKNOWN.items()),
        ),
        one_of=_ANY,
        lower=_conntrack,
    ),
)
