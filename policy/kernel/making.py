"""A packet of the rules' world as one that can be injected, in the state that it is in."""

from __future__ import annotations

from dataclasses import replace

from policy._record import dataclass
from policy.conntrack.tuples import ANSWERS
from policy.kernel.conntrack import Connection
from policy.kernel.devices import LO
from policy.kernel.probe import NO_MAC, Probe
from policy.kernel.wire import CHECKSUMS, TCP_OPTIONS, build, quoted
from policy.packet import FIELDS, HOOKS, STATES, Packet
from policy.packet.address import BROADCAST, MULTICAST, format_address
from policy.packet.fields import (
    ASSURED,
    CONFIRMED,
    EXTENSION_HEADERS,
    FRAGMENTS,
    ICMP,
    ICMP6,
    NEW,
    NOT_KNOWN,
    OUTPUT,
    PACKET_TYPES,
    SEEN_REPLY,
    UDP,
)
from policy.packet.text import value_text

_ERRORS = {ICMP: (3, 4, 5, 11, 12), ICMP6: (1, 2, 3, 4)}
_REQUESTS = {proto: {answer: request for request, answer in pairs.items()} for proto, pairs in ANSWERS.items()}
_LAST_HEADERS = ("esp", "none", "prot")
_NO_NAMES = ("all", "default", ".", "..")
"""Names of folders that stand beside those of devices in /proc/sys/net."""


class CannotMake(Exception):
    """A packet that cannot be made; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """A packet to inject, and what has to be so before: the connections that are known, and how it is recorded."""

    probe: Probe
    state: str
    known: tuple[tuple[Connection, bool], ...] = ()
    tracked: bool = True


def made(packet: Packet, foreign: bool) -> Made:
    """Return a packet of one value per field, ready to be injected; raises `CannotMake`.

    Fields that are not known get some value. *foreign*: sockets can belong to other users, too.
    """
    probe = _probe(packet)
    if (probe.uid or probe.gid) and not foreign:
        raise CannotMake("only root can send for other users")
    state = STATES[_number(packet, "state")]
    tracked = probe.fragment == "no"
    arrives = probe.hook != HOOKS[OUTPUT]
    if state == "invalid" and arrives and probe.proto in CHECKSUMS and tracked:
        return Made(replace(probe, broken=True), state)
    mark = _number(packet, "ctmark", 0)
    if state == "established":
        known = replace(connection_of(probe, packet.get("direction") == 1), mark=mark)
        return Made(probe, state, ((known, True),))
    if state == "related":
        if probe.proto not in (ICMP, ICMP6) or probe.icmp is None or probe.icmp[0] not in _ERRORS[probe.proto]:
            raise CannotMake("of related packets, only ICMP errors are made here")
        about = Connection(probe.hook, UDP, probe.dst, probe.src, 40000, 53, mark=mark)
        inner = quoted(probe.family, about.proto, about.src, about.dst, about.sport, about.dport)
        return Made(_as_long(replace(probe, quoted=inner), packet), state, ((about, True),))
    if mark:
        raise CannotMake("a connection that is new has no mark yet")
    return Made(probe, state, tracked=tracked)


def connection_of(probe: Probe, reply: bool) -> Connection:
    """Return the connection that a packet belongs to, as a packet of its first direction or as a *reply*."""
    src, dst, sport, dport = probe.src, probe.dst, probe.sport, probe.dport
    request = None
    if probe.icmp is not None:
        kind = probe.icmp[0]
        reply = kind in _REQUESTS[probe.proto]
        request = _REQUESTS[probe.proto].get(kind, kind)
        if request not in ANSWERS[probe.proto]:
            raise CannotMake(f"packets of ICMP type {kind} belong to no connection")
    if reply:
        src, dst = dst, src
        if probe.icmp is None:
            sport, dport = dport, sport
    return Connection(probe.hook, probe.proto, src, dst, sport, dport, request)


def check_status(packet: Packet, *, exactly: bool) -> None:
    """Raise `CannotMake` for a packet of a connection whose status the entries that are made here do not have.

    These are assured from the first reply on, which differs only for rules that look at it *exactly*.
    """
    status = packet.get("ctstatus")
    has = 0 if packet.get("state") == NEW else CONFIRMED | SEEN_REPLY | ASSURED
    if isinstance(status, int) and (status ^ has) & ~(0 if exactly else ASSURED):
        raise CannotMake("no connection of such a status is made here")


def _probe(packet: Packet) -> Probe:
    src, dst = _number(packet, "src"), _number(packet, "dst")
    hook = packet.get("hook")
    if not isinstance(hook, int):
        raise CannotMake("it is at no hook")
    pkttype = PACKET_TYPES[_number(packet, "pkttype", 0)]
    if not isinstance(packet.get("pkttype"), int):
        pkttype = "broadcast" if dst in BROADCAST else "multicast" if dst in MULTICAST else pkttype
    proto = _number(packet, "proto")
    probe = Probe(
        family=packet.family,
        hook=HOOKS[hook],
        src=format_address(src),
        dst=format_address(dst),
        proto=proto,
        device_in=_device(packet, "in"),
        device_out=_device(packet, "out"),
        uid=_number(packet, "uid", 0),
        gid=_number(packet, "gid", 0),
        mark=_number(packet, "mark", 0),
        sport=_number(packet, "sport", 0),
        dport=_number(packet, "dport", 0),
        fragment=FRAGMENTS[_number(packet, "fragment")],
        ttl=_number(packet, "ttl", 64),
        tos=_number(packet, "tos", 0),
        flags=_number(packet, "flags", 0),
        options=_options(_number(packet, "tcp_options", 0)),
        icmp=(_number(packet, "icmp_type"), _number(packet, "icmp_code", 0)) if "icmp_type" in packet.values else None,
        extensions=_extensions(packet, proto) if packet.family == 6 else (),
        pkttype=pkttype,
        mac=_mac(packet),
    )
    return _as_long(probe, packet)


def _as_long(probe: Probe, packet: Packet) -> Probe:
    """Return a packet with as many bytes behind its headers as its length wants."""
    wanted = packet.get("length")
    if not isinstance(wanted, int):
        return probe
    long = replace(probe, padding=max(0, wanted - len(build(probe, 1))))
    if len(build(long, 1)) != wanted:
        raise CannotMake(f"no such packet is {wanted} bytes long")
    return long


def _number(packet: Packet, name: str, unknown: int | None = None) -> int:
    """Return the value of a field; of one that is not there, or that is not known, *unknown*."""
    value = packet.get(name)
    if isinstance(value, int):
        return value
    if unknown is not None and (value is None or (name in NOT_KNOWN and value == FIELDS[name].domain)):
        return unknown
    raise CannotMake(f"its {FIELDS[name].title} is not one value")


def _device(packet: Packet, name: str) -> str:
    value = packet.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CannotMake(f"its {FIELDS[name].title} is not one value")
    if value in _NO_NAMES or "/" in value or ":" in value or not value.isprintable() or len(value.encode()) > 15:
        raise CannotMake(f"no interface can be called `{value}`")
    return value


def _mac(packet: Packet) -> str:
    if packet.get("in") == LO:
        return NO_MAC
    return value_text("mac", _number(packet, "mac", 0x020000000001))


def _options(bits: int) -> tuple[int, ...]:
    kinds = tuple(kind for kind in range(256) if bits >> kind & 1)
    for kind in kinds:
        if kind not in TCP_OPTIONS:
            raise CannotMake(f"the TCP option {kind} is not made here")
    return kinds


def _extensions(packet: Packet, proto: int) -> tuple[str, ...]:
    """Return the extension headers; the last one follows from the protocol."""
    last = {59: "none", 50: "esp"}.get(proto, "prot")
    bits = _number(packet, "exthdrs", 1 << EXTENSION_HEADERS.index(last))
    names = tuple(name for at, name in enumerate(EXTENSION_HEADERS) if bits >> at & 1)
    before = tuple(name for name in names if name not in _LAST_HEADERS)
    if names not in (before, (*before, last)) or ("frag" not in before and packet.get("fragment") != 0):
        raise CannotMake("no packet has these extension headers")
    return before
