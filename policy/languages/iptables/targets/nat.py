"""Targets that rewrite addresses, or take the packet out of its way: the verdict of the filter is then not known.

Sources: iptables-extensions(8); the kernel's nf_nat_core.c. SNAT and MASQUERADE come behind the filter and change no
verdict; DNAT, REDIRECT, NETMAP and TPROXY decide what the filter sees, and at which hook.
"""

from __future__ import annotations

import re

from policy.diagnostic import did_you_mean
from policy.ir import Action, Note, UnknownAction
from policy.languages.iptables.options import Bad, Context, Given, Opt, TargetModule
from policy.languages.iptables.terms import target_key
from policy.languages.iptables.values import bounded, host_or_set, masked_number, one_address, strtoui
from policy.netfilter import AFTER_FILTER
from policy.packet.names import service_names, service_ports

REWRITES = frozenset({"pass", "block", "continue"})
_WITH_PORTS = (6, 17, 33, 132)


def rewrites(given: Given) -> tuple[Action, ...]:
    """Return what a target does whose result is not modelled: the packet may pass or not, whatever the filter says."""
    context = given.context
    if context.roots and all((context.table, root) in AFTER_FILTER for root in context.roots):
        return (Note(given.text),)
    return (UnknownAction(f"{given.text} in the {context.table} table", target_key(given, context.table), REWRITES),)


def _port_range(context: Context, text: str) -> str:
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
    return text


def _target_address(context: Context, text: str) -> str:
    """Read `[ADDRESS[-ADDRESS]][:PORT[-PORT][/BASE]]`; IPv6 addresses with a port stand in brackets."""
    if context.family == 6:
        found = re.fullmatch(r"\[([^\]]*)\](?::(.*))?|([^\[\]]*)", text)
        if found is None:
            raise Bad("FW003", f"`{text}` is not an address with a port", "write [ADDRESS]:PORT")
        addresses, port = found[1] if found[3] is None else found[3], found[2]
    else:
        addresses, colon, port = text.partition(":")
        port = port if colon else None
    low, dash, high = (addresses or "").partition("-")
    for part in (low, high) if dash else (low,):
        if part:
            one_address(context, part)
        elif dash or port is None:
            raise Bad("FW003", f"`{text}` is not an address", "write ADDRESS, ADDRESS:PORT or FIRST-LAST")
    if port is not None:
        _port_range(context, port.partition("/")[0])
    return text


def _source_nat(given: Given) -> tuple[Action, ...]:
    return (Note(given.text),)


def _mask(_: Context, text: str) -> int:
    return bounded(text, 0, 65535)


_RANDOM = (Opt("random"), Opt("random-fully"), Opt("persistent"))

TARGETS = (
    TargetModule(
        name="DNAT",
        options=(Opt("to-destination", _target_address, required=True), *_RANDOM),
        tables=("nat",),
        chains=("PREROUTING", "OUTPUT"),
        lower=rewrites,
    ),
    TargetModule(
        name="SNAT",
        options=(Opt("to-source", _target_address, required=True), *_RANDOM),
        tables=("nat",),
        chains=("INPUT", "POSTROUTING"),
        lower=_source_nat,
    ),
    TargetModule(
        name="MASQUERADE",
        options=(Opt("to-ports", _port_range), Opt("random"), Opt("random-fully")),
        tables=("nat",),
        chains=("POSTROUTING",),
        lower=_source_nat,
    ),
    TargetModule(
        name="REDIRECT",
        options=(Opt("to-ports", _port_range), Opt("random")),
        tables=("nat",),
        chains=("PREROUTING", "OUTPUT"),
        lower=rewrites,
    ),
    TargetModule(name="NETMAP", options=(Opt("to", host_or_set, required=True),), tables=("nat",), lower=rewrites),
    TargetModule(
        name="TPROXY",
        options=(
            Opt("on-port", _mask, required=True),
            Opt("on-ip", one_address),
            Opt("tproxy-mark", masked_number),
        ),
        protocols=(6, 17),
        tables=("mangle",),
        chains=("PREROUTING",),
        lower=rewrites,
    ),
)
