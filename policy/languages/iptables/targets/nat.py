"""Targets that rewrite addresses: what the rules behind them see, and where the packet goes.

Sources: iptables-extensions(8); the kernel's nf_nat_core.c (get_unique_tuple), nf_nat_redirect.c, nf_nat_masquerade.c,
xt_NETMAP.c. What the kernel chooses is a set of values: an address or a port of a range, the address that MASQUERADE
takes, and the source port, which it keeps if no other connection has it. TPROXY is not modelled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ir import EVERYTHING, Action, Allow, Field, Goto, Match, Policy, Rewrite, Rule, Set, UnknownAction
from policy.languages.iptables.options import Bad, Context, Given, Opt, TargetModule
from policy.languages.iptables.terms import target_key
from policy.languages.iptables.values import (
    Host,
    bounded,
    host_or_set,
    masked_number,
    one_address,
    strtoui,
)
from policy.packet import INPUT, OUTPUT, ROUTING, Intervals, Masked, Value, ValueSet, single
from policy.packet.address import LOOPBACK, V4_BASE, bits, parse_address, whole
from policy.packet.fields import DCCP, DESTINATION_TRANSLATED, SOURCE_TRANSLATED
from policy.packet.names import service_names, service_ports

_WITH_PORTS = (6, 17, 33, 132)
_ANY_PORT = Intervals.of((0, 65535))
_SENT = frozenset({"OUTPUT"})
_NEW_WAY = ("hook", ROUTING)


@dataclass(frozen=True, slots=True)
class Target:
    """What an address becomes: any of *addresses* with any of *ports*; None: it stays as it is."""

    addresses: Intervals | None = None
    ports: Intervals | None = None


def _ports(context: Context, text: str) -> Intervals:
    low, dash, high = text.partition("-")
    numbers = []
    for part in (low, high) if dash else (low,):
        number = strtoui(part)
        if number is None:
            ports = service_ports(part).get(context.protocol.number or 6) if part else None
            if ports is None:
                raise Bad("FW001", f"`{text}` is not a port or a range of ports", did_you_mean(part, service_names()))
            number = ports[0]
        if number > 65535:
            raise Bad("FW501", f"port {number} is out of range", "ports go from 0 to 65535")
        numbers.append(number)
    if numbers[0] > numbers[-1]:
        raise Bad("FW502", f"the port range {text} is reversed", f"write {high}-{low}")
    if context.protocol.number not in _WITH_PORTS:
        raise Bad("FW504", "a port needs a protocol", "say `-p tcp` or `-p udp` before it")
    # Kernels that do not track DCCP any more (6.18 is one) leave its ports as they are.
    return _ANY_PORT if context.protocol.number == DCCP else Intervals.of((numbers[0], numbers[-1]))


def _target(context: Context, text: str) -> Target:
    """Read `[ADDRESS[-ADDRESS]][:PORT[-PORT][/BASE]]`; IPv6 addresses with a port stand in brackets."""
    if context.family == 6 and not re.match(":[^:]*$", text):
        found = re.fullmatch(r"\[([^\]]*)\](?::(.*))?|([^\[\]]*)", text)
        if found is None:
            raise Bad("FW003", f"`{text}` is not an address with a port", "write [ADDRESS]:PORT")
        addresses, port = found[1] if found[3] is None else found[3], found[2]
    else:
        addresses, colon, port = text.partition(":")
        port = port if colon else None
    low, dash, high = (addresses or "").partition("-")
    for part in (low, high) if dash else (low,):
        if not part and (dash or port is None):
            raise Bad("FW003", f"`{text}` is not an address", "write ADDRESS, ADDRESS:PORT or FIRST-LAST")
    ends = [one_address(context, part) for part in (low, high) if part]
    return Target(
        Intervals.of((ends[0], ends[-1])) if ends else None,
        None if port is None else _ports(context, port.partition("/")[0]),
    )


def _values(*fields: tuple[str, Intervals | None]) -> tuple[tuple[str, Value], ...]:
    return tuple((name, single(values)) for name, values in fields if values is not None)


def _destination(given: Given) -> tuple[Action, ...]:
    target: Target = given.value("to-destination")
    changes = _values(("dst", target.addresses), ("dport", target.ports))
    way = () if target.addresses is None else (_NEW_WAY,)
    return (Rewrite((*changes, *way), DESTINATION_TRANSLATED), Allow())


def _source(given: Given) -> tuple[Action, ...]:
    target: Target = given.value("to-source")
    changes = _values(("src", target.addresses), ("sport", target.ports or _ANY_PORT))
    return (Rewrite(changes, SOURCE_TRANSLATED, alike=not target.ports), Allow())


def _own(context: Context) -> Intervals:
    """Return the addresses that the host may have: all, where they are not known."""
    known = context.host.local
    mine = whole(context.family) if known is None else known & whole(context.family)
    return mine or whole(context.family)


def _masquerade(given: Given) -> tuple[Action, ...]:
    ports: Intervals | None = given.value("to-ports")
    changes = _values(("src", _own(given.context)), ("sport", ports or _ANY_PORT))
    return (Rewrite(changes, SOURCE_TRANSLATED, alike=not ports), Allow())


def _redirect(given: Given) -> tuple[Action, ...]:
    context = given.context
    if context.roots <= _SENT:
        return _to_loopback(given)
    if not context.roots & _SENT:
        return _to_own(given)
    ways = ((Field("hook", Intervals.of(OUTPUT)), _to_loopback(given)), (EVERYTHING, _to_own(given)))
    return _either(given, ways, "it is redirected")


def _either(given: Given, ways: Iterable[tuple[Match, tuple[Action, ...]]], note: str) -> tuple[Action, ...]:
    """Return what is done where that hangs on the packet: the actions of the first way whose condition holds."""
    context, span = given.context, given.span()
    # No chain has a name that begins with `-`.
    chains = ",".join(sorted(context.roots))
    name = f"{context.table}:-p {context.protocol.number or 0} -j {given.text} in {chains}"
    rules = tuple(Rule(match, actions, note=note, span=span) for match, actions in ways)
    context.implied.setdefault(name, Policy(name, rules, implied=True, span=span))
    return (Goto(name),)


def _to_loopback(given: Given) -> tuple[Action, ...]:
    loopback = parse_address("127.0.0.1" if given.context.family == 4 else "::1")
    changes = _values(("dst", Intervals.of(loopback)), ("dport", given.value("to-ports")))
    return (Rewrite((*changes, _NEW_WAY), DESTINATION_TRANSLATED), Allow())


def _to_own(given: Given) -> tuple[Action, ...]:
    own = _own(given.context)
    changes = _values(("dst", own - LOOPBACK or own), ("dport", given.value("to-ports")))
    return (Rewrite((*changes, ("hook", INPUT)), DESTINATION_TRANSLATED), Allow())


def _netmap(given: Given) -> tuple[Action, ...]:
    context = given.context
    to: ValueSet | Host = given.value("to")
    arrives = context.roots <= {"PREROUTING", "OUTPUT"}
    if isinstance(to, Host) or not (arrives or context.roots <= {"INPUT", "POSTROUTING"}):
        return unmodelled(given)
    value, mask = _under_mask(to, context.family)
    side, bit = ("dst", DESTINATION_TRANSLATED) if arrives else ("src", SOURCE_TRANSLATED)
    # One that is in the network already stays as it is; so the kernel sets no bit, if the port does not change.
    kept = Rewrite((_NEW_WAY,) if arrives else _values(("sport", _ANY_PORT)), bit, alike=not arrives)
    change = Set(side, value, mask)
    ways = (
        (Field(side, to), (change, kept, Allow())),
        (EVERYTHING, (change, Set("ctstatus", bit, bit), kept, Allow())),
    )
    return _either(given, ways, "its network is another")


def _under_mask(values: ValueSet, family: int) -> tuple[int, int]:
    """Return a network as its number and its mask."""
    size, base = bits(family), V4_BASE if family == 4 else 0
    most = (1 << size) - 1
    if isinstance(values, Masked):
        return values.value & most, values.mask & most
    assert isinstance(values, Intervals)
    return values.first - base, most & ~(values.size - 1)


REWRITES = frozenset({"pass", "block", "continue"})


def unmodelled(given: Given) -> tuple[Action, ...]:
    """Return what a target does whose result is not modelled: the packet may pass or not, whatever the filter says."""
    context = given.context
    text = f"{given.text} in the {context.table} table"
    return (UnknownAction(text, target_key(given, context.table), REWRITES),)


def _port(_: Context, text: str) -> int:
    return bounded(text, 0, 65535)


_RANDOM = (Opt("random"), Opt("random-fully"), Opt("persistent"))

TARGETS = (
    TargetModule(
        name="DNAT",
        options=(Opt("to-destination", _target, required=True), *_RANDOM),
        tables=("nat",),
        chains=("PREROUTING", "OUTPUT"),
        lower=_destination,
    ),
    TargetModule(
        name="SNAT",
        options=(Opt("to-source", _target, required=True), *_RANDOM),
        tables=("nat",),
        chains=("INPUT", "POSTROUTING"),
        lower=_source,
    ),
    TargetModule(
        name="MASQUERADE",
        options=(Opt("to-ports", _ports), Opt("random"), Opt("random-fully")),
        tables=("nat",),
        chains=("POSTROUTING",),
        lower=_masquerade,
    ),
    TargetModule(
        name="REDIRECT",
        options=(Opt("to-ports", _ports), Opt("random")),
        tables=("nat",),
        chains=("PREROUTING", "OUTPUT"),
        lower=_redirect,
    ),
    TargetModule(name="NETMAP", options=(Opt("to", host_or_set, required=True),), tables=("nat",), lower=_netmap),
    TargetModule(
        name="TPROXY",
        options=(
            Opt("on-port", _port, required=True),
            Opt("on-ip", one_address),
            Opt("tproxy-mark", masked_number),
        ),
        protocols=(6, 17),
        tables=("mangle",),
        chains=("PREROUTING",),
        lower=unmodelled,
    ),
)
