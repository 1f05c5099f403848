"""Targets that rewrite addresses (`nat` says what that does). TPROXY is not modelled.

Source: iptables-extensions(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from policy import nat
from policy.diagnostic import did_you_mean
from policy.ir import EVERYTHING, Action, Field, Goto, Match, Policy, Rule, UnknownAction
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
from policy.nat import ANY_PORT, REWRITES, Target
from policy.packet import OUTPUT, Intervals, ValueSet
from policy.packet.fields import DCCP
from policy.packet.names import service_names, service_ports

_WITH_PORTS = (6, 17, 33, 132)
_SENT = frozenset({"OUTPUT"})


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
    return ANY_PORT if context.protocol.number == DCCP else Intervals.of((numbers[0], numbers[-1]))


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


def _destination(given: Given) -> tuple[Action, ...]:
    return nat.destination(given.value("to-destination"))


def _source(given: Given) -> tuple[Action, ...]:
    return nat.source(given.value("to-source"))


def _masquerade(given: Given) -> tuple[Action, ...]:
    return nat.masquerade(given.context.host, given.context.family, given.value("to-ports"))


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
    return nat.to_loopback(given.context.family, given.value("to-ports"))


def _to_own(given: Given) -> tuple[Action, ...]:
    return nat.to_own(given.context.host, given.context.family, given.value("to-ports"))


def _netmap(given: Given) -> tuple[Action, ...]:
    context = given.context
    to: ValueSet | Host = given.value("to")
    arrives = context.roots <= {"PREROUTING", "OUTPUT"}
    if isinstance(to, Host) or not (arrives or context.roots <= {"INPUT", "POSTROUTING"}):
        return unmodelled(given)
    return _either(given, nat.network(to, context.family, arrives), "its network is another")


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
