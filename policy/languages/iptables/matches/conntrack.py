"""state and conntrack.

Sources: iptables-extensions(8); the kernel's net/netfilter/xt_conntrack.c (conntrack_mt). A packet with no entry in the
connection table is INVALID or UNTRACKED; for it the answer is that of the state alone if a state is asked for, and
else no, whatever the other options and their `!` say. In the raw table no packet has an entry yet: all are INVALID,
but for those that a rule there does not track, and those that the host sent to itself.

Where no rule of the file rewrites, the addresses and ports of the entry are those of the packet, or, in a reply, their
opposites. An ICMP error belongs to the entry of another packet, and ports of other protocols are made of other things
(ICMP: identifier, type and code): what these are is not known.
"""

from __future__ import annotations

from policy.ir import EVERYTHING, Field, Match, Not, Unknown, all_of, either_of, negated
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import signed, tracked_already, unknown
from policy.languages.iptables.values import (
    Host,
    choice,
    host_or_set,
    number_range,
    pick,
    protocol,
)
from policy.netfilter import HAS_CONNECTION, NOT_TRACKED_YET, STATES
from policy.packet import RELATED, UNTRACKED, Intervals, Masked
from policy.packet.connection import OPPOSITE
from policy.packet.fields import (
    ASSURED,
    CONFIRMED,
    DESTINATION_TRANSLATED,
    EXPECTED,
    ICMP,
    ICMP6,
    SCTP,
    SEEN_REPLY,
    SOURCE_TRANSLATED,
    TCP,
    UDP,
)

_NAT = {"SNAT": SOURCE_TRANSLATED, "DNAT": DESTINATION_TRANSLATED}
_STATUS = {"NONE": 0, "EXPECTED": EXPECTED, "SEEN_REPLY": SEEN_REPLY, "ASSURED": ASSURED, "CONFIRMED": CONFIRMED}
_WITH_PORTS = Intervals.of(TCP, UDP, SCTP)
"""The protocols of whose entries every kernel knows the ports."""
_BEHIND_OTHERS = Intervals.of(51)
"""IPv6: an authentication header, which iptables-nft takes for the protocol; the entry has what follows it."""
_ERROR = all_of(Field("state", Intervals.of(RELATED)), Field("proto", Intervals.of(ICMP, ICMP6)))
_SIDES = {"ctorigsrc": "src", "ctorigdst": "dst", "ctreplsrc": "dst", "ctrepldst": "src"}
_PORTS = {"ctorigsrcport": "sport", "ctorigdstport": "dport", "ctreplsrcport": "dport", "ctrepldstport": "sport"}
"""What the entry says, as a packet in the first direction has it."""


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
    return _list(text, tuple(_STATUS), "status")


def _protocol(_: Context, text: str) -> Intervals:
    return Intervals.of(protocol(text))


_OTHERS = {
    "ctproto": _protocol,
    **dict.fromkeys(_SIDES, host_or_set),
    **dict.fromkeys(_PORTS, number_range(16)),
    "ctstatus": _statuses,
    "ctexpire": number_range(32),
}


def _state(given: Given, option: str) -> Match:
    names: tuple[str, ...] = given.value(option)
    parts: list[Match] = []
    known = Intervals.of(*(STATES[name] for name in names if name in STATES))
    if known:
        parts.append(Field("state", known, span=given.span(option)))
    parts += [_bit(bit, given, option) for name, bit in _NAT.items() if name in names]
    match = either_of(*parts)
    if given.context.table == "raw":
        match = tracked_already(given, _before_tracking(names), match)
    return signed(given, option, match)


def _before_tracking(names: tuple[str, ...]) -> Match:
    """Return the packets in one of some states in the raw table: INVALID, if no rule has said `--notrack`."""
    aside = Field("state", Intervals.of(UNTRACKED))
    said = [*([aside] if "UNTRACKED" in names else ()), *([negated(aside)] if "INVALID" in names else ())]
    return EVERYTHING if len(said) == 2 else either_of(*said) if said else NOT_TRACKED_YET


def _direction(given: Given) -> Match:
    wanted = 0 if given.value("ctdir") == "original" else 1
    return Field("direction", Intervals.of(wanted), span=given.span("ctdir"))


def _bit(status: int, given: Given, option: str) -> Match:
    return Field("ctstatus", Masked(status, status), span=given.span(option))


def _status(given: Given) -> Match:
    """Return that the status has any bit of a list; when a connection without TCP is assured hangs on its time."""
    names: tuple[str, ...] = given.value("ctstatus")
    parts = [_bit(_STATUS[name], given, "ctstatus") for name in names if name != "NONE"]
    if "ASSURED" in names:
        later = Unknown("the connection is assured by now", "ctstatus:ASSURED", span=given.span("ctstatus"))
        timed = Not(Field("proto", Intervals.of(TCP, ICMP, ICMP6)))
        parts.append(all_of(timed, _bit(SEEN_REPLY, given, "ctstatus"), later))
    return either_of(*parts)


def _entry(given: Given, option: str) -> Match:
    """Return what an option asks of the entry, but for its `!`."""
    if option == "ctstatus":
        return _status(given)
    words = given.args[option].option.values[0].text
    not_known = unknown(given, f"{option}:{words}", option=option, pure=option != "ctexpire")
    values = given.value(option)
    said = Intervals() if given.context.protocol.negated else Intervals.of(given.context.protocol.number)
    if option == "ctproto":
        plain = Field("proto", values, span=given.span(option))
        if _never_error(said) and not said.meets(_BEHIND_OTHERS):
            return plain
        other = either_of(_ERROR, Field("proto", _BEHIND_OTHERS)) if given.context.family == 6 else _ERROR
        return either_of(all_of(negated(other), plain), all_of(other, not_known))
    field = _SIDES.get(option) or _PORTS.get(option)
    if field is None or isinstance(values, Host):
        return not_known
    ported = option in _SIDES or (bool(said) and _WITH_PORTS.covers(said))
    sure = [] if _never_error(said) else [negated(_ERROR)]
    sure += [] if ported else [Field("proto", _WITH_PORTS)]
    known: list[tuple[Match, Match]] = []
    for direction, name in enumerate((field, OPPOSITE[field])):
        if not given.context.volatile or (direction == 0 and option.startswith("ctorigsrc")):
            where = all_of(Field("direction", Intervals.of(direction)), *sure)
            known.append((where, Field(name, values, span=given.span(option))))
    parts = [all_of(where, found) for where, found in known]
    if sure or len(known) < 2:
        parts.append(all_of(negated(either_of(*(where for where, _ in known))), not_known))
    return either_of(*parts)


def _never_error(said: Intervals) -> bool:
    """Is a packet of the protocol that a rule asks for, if it does, never an ICMP error?"""
    return bool(said) and not said.meets(Intervals.of(0, ICMP, ICMP6))


def _conntrack(given: Given) -> Match:
    others: list[Match] = [_direction(given)] if "ctdir" in given else []
    others += [signed(given, option, _entry(given, option)) for option in _OTHERS if option in given]
    state = _state(given, "ctstate") if "ctstate" in given else None
    if not others:
        return state if state is not None else HAS_CONNECTION
    entry = all_of(HAS_CONNECTION, *others)
    found = entry if state is None else all_of(state, either_of(Not(HAS_CONNECTION), entry))
    if given.context.table == "raw":
        return tracked_already(given, state if state is not None else NOT_TRACKED_YET, found)
    return found


def _plain_state(given: Given) -> Match:
    return _state(given, "state")


_ANY = ("ctstate", "ctdir", *_OTHERS)

MATCHES = (
    MatchModule(name="state", options=(Opt("state", _states, invert=True, required=True),), lower=_plain_state),
    MatchModule(
        name="conntrack",
        options=(
            Opt("ctstate", _ct_states, invert=True),
            Opt("ctdir", choice("original", "reply", what="direction")),
            *(Opt(name, reader, invert=True) for name, reader in _OTHERS.items()),
        ),
        one_of=_ANY,
        lower=_conntrack,
    ),
)
