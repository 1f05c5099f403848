"""The states that a packet can have, when nothing is known of what came before."""

from __future__ import annotations

from policy.conntrack import tcp_table
from policy.conntrack.entry import ORIGINAL
from policy.conntrack.errors import Message, message
from policy.conntrack.settings import Settings
from policy.conntrack.step import Step
from policy.conntrack.tracker import Tracker
from policy.conntrack.tuples import inverse, tuple_of
from policy.packet.fields import (
    ESTABLISHED,
    FRAGMENTS,
    ICMP,
    ICMP6,
    INVALID,
    NEW,
    OUTPUT,
    RELATED,
    SCTP,
    TCP,
    UNTRACKED,
)
from policy.packet.packet import Packet

_DEFAULT = Settings()
_SAID = ("proto", "src", "dst", "sport", "dport", "flags", "icmp_type", "icmp_code", "ttl", "fragment", "hook")
LATER = FRAGMENTS.index("later")


def step_of(packet: Packet) -> Step | None:
    """Return a packet of one value per field as connection tracking sees it, by its first fragment.

    None for a later fragment, which does not say what it belongs to (connection tracking sees whole datagrams alone),
    and for a box.
    """
    said = {name: packet.get(name) for name in _SAID}
    values = {name: value for name, value in said.items() if isinstance(value, int)}
    if values.get("fragment") == LATER or any(value is not None for name, value in said.items() if name not in values):
        return None
    return Step(
        values["proto"],
        values["src"],
        values["dst"],
        values.get("sport", 0),
        values.get("dport", 0),
        values.get("flags", 0),
        icmp=(values.get("icmp_type", 0), values.get("icmp_code", 0)),
        ttl=values.get("ttl", 64),
        sent=values.get("hook") == OUTPUT,
    )


def first_state(step: Step, settings: Settings = _DEFAULT) -> int:
    """Return the state of a packet that no entry knows: NEW, INVALID or UNTRACKED (fields of a packet)."""
    return Tracker(settings).see(step, 0).state


def possible(step: Step, direction: int, settings: Settings = _DEFAULT) -> frozenset[int]:
    """Return every state that such a packet can have in that direction, whatever came before.

    A rule can take any packet out of tracking; RELATED is possible where NEW is, because a helper may expect
    the connection. *direction* is that of the entry to which the packet belongs; of one that belongs to none,
    ORIGINAL.
    """
    match message(step):
        case Message.INVALID:
            return frozenset({INVALID, UNTRACKED})
        case Message.UNTRACKED:
            return frozenset({UNTRACKED})
        case Message.ERROR:
            return frozenset({RELATED, INVALID, UNTRACKED})
        case Message.QUERY:
            pass
    found = {UNTRACKED}
    if step.proto in (ICMP, ICMP6):
        own = (step.proto == ICMP) == (step.family == 4)
        begins = own and first_state(step, settings) == NEW
        answers = own and not begins and inverse(tuple_of(step)) is not None
        if begins and direction == ORIGINAL:
            found |= {NEW, RELATED, ESTABLISHED}
        elif answers and direction != ORIGINAL:
            found.add(ESTABLISHED)
        else:
            found.add(INVALID)
    elif step.proto == TCP:
        found |= {INVALID} | _tcp(step.flags, direction)
    else:
        found |= {NEW, RELATED, ESTABLISHED} if direction == ORIGINAL else {ESTABLISHED}
        if step.proto == SCTP:
            found.add(INVALID)
        elif first_state(step, settings) == INVALID:
            found = {INVALID, UNTRACKED}
    return frozenset(found)


def _tcp(flags: int, direction: int) -> frozenset[int]:
    """Return what is possible beside INVALID."""
    kind = tcp_table.kind_of(flags)
    nowhere = {
        tcp_table.following(direction, kind, state)
        for state in tcp_table.State
        if state < tcp_table.State.INVALID and (state or direction == ORIGINAL)
    } <= {tcp_table.State.INVALID}
    if not tcp_table.valid(flags) or nowhere:
        return frozenset()
    if direction != ORIGINAL or kind == tcp_table.Kind.SYN_ACK:
        return frozenset({ESTABLISHED})
    return frozenset({NEW, RELATED, ESTABLISHED})
