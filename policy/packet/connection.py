"""The packets of a connection: the first one, the reply on the way back, and the next one in the first direction.

In TCP the reply to a SYN is the one of the handshake, and those that come later have other flags."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from policy._record import dataclass
from policy.packet.fields import (
    ACK,
    ASSURED,
    CONFIRMED,
    ESTABLISHED,
    FIELDS,
    FORWARD,
    ICMP,
    ICMP6,
    INPUT,
    INVALID,
    NEW,
    OUTPUT,
    ROUTING,
    SEEN_REPLY,
    SYN,
    TCP,
    TRANSLATED,
    UDP,
    UNTRACKED,
    losing,
)
from policy.packet.packet import Packet, Value, complete, single
from policy.packet.values import Intervals

Role = Literal["first", "reply", "next", "later"]
"""What a packet is in its connection; *later*: a reply behind the handshake."""

BACK: tuple[Role, ...] = ("reply", "later")
"""The packets on the way back."""

OPPOSITE = {"src": "dst", "dst": "src", "sport": "dport", "dport": "sport", "in": "out", "out": "in"}
"""The field of a packet that has the value which a field of its reply has."""

OPENING = {4: Intervals.of(8, 13, 15, 17), 6: Intervals.of(128, 139)}
"""The ICMP types that can be new to connection tracking (nf_conntrack_proto_icmp.c, …_icmpv6.c)."""

HANDSHAKE = Intervals.of(*(flags for flags in range(256) if flags & (SYN | ACK) == SYN))
"""The TCP flags of a packet that wants a SYN and ACK for an answer."""

LINUX_PORTS = Intervals.of((32768, 60999))
"""The ports that Linux gives to clients, if it is not told others (ip-sysctl.rst, `ip_local_port_range`)."""

DYNAMIC_PORTS = Intervals.of((49152, 65535))
"""The ports that clients have with other systems (RFC 6335, 6; Windows, macOS, FreeBSD)."""

CLIENT_PORTS = LINUX_PORTS | DYNAMIC_PORTS

_ICMP_REPLIES = {8: 0, 13: 14, 15: 16, 17: 18}
_ICMP6_REPLIES = {128: 129, 139: 140}
OTHER_HOOK = {INPUT: OUTPUT, OUTPUT: INPUT, FORWARD: FORWARD}
"""The hook of the reply, by that of the first packet."""

_KEPT = ("proto", "fragment", "icmp_code", "tos", "ctmark", "ttl")


def connection(first: Packet) -> Iterator[tuple[Role, Packet]]:
    """Yield the packets of the connection that *first*, which may be a box, opens: itself, the reply, the next one.

    Where that reply is a SYN and ACK, a later one comes behind them.
    Only TCP, UDP and ICMP requests open one here; of other protocols there is the first packet alone. The mark of a
    packet ends with it: the reply comes with 0, the next packet as the first one came.
    """
    yield "first", first
    values = first.values
    if values["proto"] not in (TCP, UDP, ICMP, ICMP6):
        return
    changes: dict[str, Value] = {}
    if "icmp_type" in values:  # before the status: those that connection tracking leaves alone have none
        replies = _ICMP_REPLIES if values["proto"] == ICMP else _ICMP6_REPLIES
        kind = values["icmp_type"]
        if not isinstance(kind, int) or kind not in replies:
            return
        changes["icmp_type"] = replies[kind]
    changes |= {"state": ESTABLISHED, "direction": 1, "mark": 0, **_status(values, CONFIRMED | SEEN_REPLY)}
    kept = {name: value for name, value in values.items() if name in _KEPT}
    shakes = values["proto"] == TCP and "flags" in values and _opens(values["flags"])
    reply = {**kept, **_turned(values), **changes}
    yield "reply", complete({**reply, "flags": SYN | ACK} if shakes else reply)
    again: dict[str, Value] = {"state": ESTABLISHED, **_status(values, CONFIRMED | SEEN_REPLY)}
    if "flags" in values:
        again |= {"flags": ACK, **_status(values, CONFIRMED | SEEN_REPLY | ASSURED)}
    yield "next", complete({**values, **again})
    if shakes:
        assured = _status(values, CONFIRMED | SEEN_REPLY | ASSURED)
        yield "later", complete({**reply, "flags": ACK, **assured})


def _opens(flags: Value) -> bool:
    """Is a packet with some flags, or one of several, the SYN of a handshake?"""
    several = Intervals.of(flags) if isinstance(flags, int) else flags
    assert isinstance(several, Intervals)
    return HANDSHAKE.meets(several)


def _status(first: Mapping[str, Value], status: int) -> dict[str, Value]:
    """Return the status of a connection, where only the translations are those of its first packet.

    Without TCP it is not assured yet: what that hangs on is left to the rules that ask for it.
    """
    old = first["ctstatus"]
    if isinstance(old, int):
        return {"ctstatus": old & TRANSLATED | status}
    if old == FIELDS["ctstatus"].domain:
        return {"ctstatus": old}
    assert isinstance(old, Intervals)
    numbers = (number & TRANSLATED | status for low, high in old.ranges for number in range(low, high + 1))
    return {"ctstatus": single(Intervals.of(*numbers))}


Changes = tuple[tuple[str, Value], ...]
"""Fields with their new values."""


@dataclass(frozen=True, slots=True)
class Known:
    """A packet of a known connection, as it arrives, and what connection tracking makes of it.

    First of its *destination*, with the hook that this takes it to, then, behind the filter, of its *source*. Of the
    fields *open* it is not known what they are before that. *aside* is what changes where the packet is not tracked.
    """

    role: Role
    packet: Packet
    destination: Changes = ()
    source: Changes = ()
    open: tuple[str, ...] = ()
    aside: Changes = ()


def known(first: Packet, left: Packet, rewritten: Collection[str]) -> Iterator[Known]:
    """Yield what follows *first* in its connection, where rules have *rewritten* fields of it, and it *left* so.

    What the first packet got, the next one gets too, and the reply, which is the mirror of what left, gets it undone
    (nf_nat_core.c, nf_nat_manip_pkt). It is taken to come in where the first packet went out. Both have the mark that
    the connection got; the next one may find another by then (`behind_reply`). A reply that the host sends to a source
    that was rewritten at INPUT leaves, to the chains of OUTPUT, by the interface of that (ip_output.c routes before
    they are asked): which one is not worked out.
    """
    if left.values["state"] == UNTRACKED:
        yield from _by_themselves(first, left)
        return
    first = first.with_values({name: left.values[name] for name in ("ctmark", "ctstatus") if name in left.values})
    if not rewritten:
        for role, packet in connection(first):
            if role != "first":
                yield Known(role, packet)
        return
    to, by = ({name for name in side if name in rewritten} for side in (("dst", "dport"), ("src", "sport")))
    mirror = _mirrored(first, left, to | by)
    if "reply" not in mirror:
        return
    hook = left.values.get("hook")
    undone = _copied(first, {"dst": "src", "dport": "sport"}, by)
    if by and hook == FORWARD:
        undone = (("hook", FORWARD), ("out", first.values["in"]), *undone)
    elsewhere = bool(by) and hook == INPUT
    if elsewhere:
        undone = (("hook", ROUTING), *undone)
    hidden = _copied(first, {"src": "dst", "sport": "dport"}, to)

    def back(role: Role) -> Known:
        reply = mirror[role]
        if by and hook == FORWARD:
            reply = complete({**{n: v for n, v in reply.values.items() if n != "out"}, "hook": INPUT})
        # To the routing it is for whoever has the address that the first one was given.
        aside = (("hook", ROUTING),) if by and hook in (FORWARD, OUTPUT) else ()
        return Known(role, reply, undone, hidden, ("out",) if elsewhere else (), aside)

    yield back("reply")
    way = tuple((name, left.values[name]) for name in ("hook", "out") if to and name in left.values)
    if to and first.values.get("hook") == OUTPUT:
        way = (("hook", ROUTING),)  # the rest of the chains of the hook sees the former interface
    again = dict(connection(first))["next"]
    yield Known("next", again, (*way, *_kept(left, to)), _kept(left, by))
    if "later" in mirror:
        yield back("later")


def behind_reply(follows: Known, mark: Value) -> Known:
    """Return the packet that *follows* a reply behind which its connection has a *mark*."""
    if "ctmark" not in follows.packet.values:
        return follows
    return replace(follows, packet=follows.packet.with_values({"ctmark": mark}))


def _mirrored(first: Packet, left: Packet, changed: Collection[str]) -> dict[Role, Packet]:
    """Return the packets of the connection of *first* as it *left*, with what is *changed* of addresses and ports."""
    there = left.values.keys() | losing(UNTRACKED)
    kept = {name: value for name, value in first.values.items() if name in there}
    moved = {name: left.values[name] for name in ("hook", "in", "out", *changed) if name in left.values}
    return dict(connection(Packet({**kept, **moved})))


def _by_themselves(first: Packet, left: Packet) -> Iterator[Known]:
    """Yield what follows *first* where rules have taken that out of connection tracking, which then knows of nothing.

    An answer in TCP or ICMP is invalid; acknowledgements behind it are taken for the begin of a connection
    (nf_conntrack_proto_tcp.c, `nf_conntrack_tcp_loose`; nf_conntrack_proto_icmp.c), if rules do not take them out, too.
    """
    looped = first.values.get("hook") == OUTPUT and left.values.get("hook") == INPUT
    packets = dict(connection(first))
    if looped:
        packets |= {role: packet for role, packet in _mirrored(first, left, ()).items() if role in BACK}
    for role, packet in packets.items():
        if role != "first":
            state = NEW if role in ("next", "later") or first.values["proto"] == UDP else INVALID
            values: dict[str, Value] = {**packet.values, "state": state}
            values |= {"direction": 0, "ctmark": 0, "ctstatus": 0} if state == NEW else {}
            lost = () if state == NEW else losing(state)
            yield Known(role, Packet({name: value for name, value in values.items() if name not in lost}))


def _copied(first: Packet, opposite: Mapping[str, str], rewritten: Collection[str]) -> Changes:
    """Return the fields of the reply that become what the first packet had at the other side."""
    return tuple((name, first.values[other]) for name, other in opposite.items() if rewritten and other in first.values)


def _kept(left: Packet, rewritten: Collection[str]) -> Changes:
    return tuple((name, left.values[name]) for name in sorted(rewritten) if name in left.values)


def _turned(values: Mapping[str, Value]) -> dict[str, Value]:
    turned = {name: values[opposite] for name, opposite in OPPOSITE.items() if opposite in values}
    hook = values.get("hook")
    if isinstance(hook, int):
        turned["hook"] = OTHER_HOOK[hook]
    return turned
