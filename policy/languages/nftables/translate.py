"""Statements that translate addresses: dnat, snat, masquerade, redirect, with maps and prefixes (see `nat`).

Sources: nft(8), NAT STATEMENTS; the kernel's nft_nat.c (nft_nat_inet_eval: one of the other IP version is passed over),
nft_masq.c, nft_redir.c. tproxy is not modelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_

from policy import nat
from policy.ir import EVERYTHING, Action, Field, Match, UnknownAction, all_of, negated
from policy.languages.nftables import matches, values
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.guards import IPV4, IPV6
from policy.languages.nftables.state import State
from policy.languages.nftables.ways import Way
from policy.nat import ANY_PORT, REWRITES, Target
from policy.packet import OUTPUT, Intervals
from policy.packet.fields import DCCP

_HOOKS = {
    "dnat": frozenset({"prerouting", "output"}),
    "redirect": frozenset({"prerouting", "output"}),
    "snat": frozenset({"input", "postrouting"}),
    "masquerade": frozenset({"postrouting"}),
    "tproxy": frozenset({"prerouting"}),
}
_GUARDS = {4: IPV4, 6: IPV6}
_CHANCE = frozenset({"numgen", "hash"})
_NO_PORTS = Field("proto", Intervals.of(DCCP))

_Value = e.Expression | None
_To = tuple[Match, _Value, _Value]
"""A condition, and the address and the ports that packets get on it."""


def translated(context: Context, statement: s.Nat, dccp: bool = True) -> tuple[Way, ...]:
    """Return the ways that a translation takes; *dccp*: packets of that protocol may come to it."""
    _check(context, statement)
    text = " ".join(statement.span.text.split())
    if statement.kind == "tproxy":
        return (Way(EVERYTHING, (UnknownAction(text, "tproxy", REWRITES),)),)
    found: list[Way] = []
    for family in _versions(context, statement):
        guard = _GUARDS[family] if context.table.family == "inet" else EVERYTHING
        for match, address, port in _destinations(context, statement):
            for when, actions in _done(context, statement, family, address, port, dccp):
                found.append(Way(all_of(guard, match, when), actions))
    return tuple(found)


def _check(context: Context, statement: s.Nat) -> None:
    """Note what the kernel refuses."""
    wrong = context.hooks - _HOOKS[statement.kind]
    if wrong:
        help = f"it works at {' and '.join(sorted(_HOOKS[statement.kind]))}"
        message = f"the kernel refuses `{statement.kind}` at {', '.join(sorted(wrong))}"
        context.mistakes.add("FW001", message, statement.span, help)
    elif context.types and statement.kind != "tproxy" and context.types != {"nat"}:
        message = f"the kernel refuses `{statement.kind}` outside of chains of the type nat"
        context.mistakes.add("FW001", message, statement.span, "say `type nat` in the base chain")


def _versions(context: Context, statement: s.Nat) -> tuple[int, ...]:
    """Return the IP versions that a statement translates."""
    named = {"ip": 4, "ip6": 6}
    family = named.get(statement.family or context.table.family)
    if family is not None:
        return (family,)
    for address in _addresses(statement.address):
        return (6,) if ":" in address else (4,)
    return (4, 6)


def _addresses(value: object) -> Iterator[str]:
    """Yield the addresses that stand in an expression."""
    match value:
        case e.Word(text):
            yield text
        case e.Prefix(base):
            yield from _addresses(base)
        case e.Range(low):
            yield from _addresses(low)
        case e.Concat(parts):
            yield from _addresses(parts[0])
        case e.Lookup(_, e.SetLiteral(elements)):
            for element in elements:
                yield from _addresses(element.value)


def _destinations(context: Context, statement: s.Nat) -> Iterator[_To]:
    """Yield what packets get, each on its condition: maps give several."""
    for match, address, beside in _given(context, statement.address):
        for on, port, _ in _given(context, statement.port):
            yield all_of(match, on), address, port if beside is None else beside


def _given(context: Context, value: _Value) -> Iterator[_To]:
    if not isinstance(value, e.Lookup):
        yield EVERYTHING, value, None
        return
    several: list[e.Expression] = []
    for match, found in matches.branches(context, value.key, value.map, value.span):
        if isinstance(found, e.Concat):
            yield match, found.parts[0], found.parts[1]
        elif isinstance(value.key, e.Selector) and value.key.kind in _CHANCE and not isinstance(found, e.Verdict):
            several.append(found)
        elif not isinstance(found, e.Verdict):
            yield match, found, None
    if several:  # any of them
        yield EVERYTHING, e.List(tuple(several), span=value.span), None


def _done(
    context: Context, statement: s.Nat, family: int, address: _Value, port: _Value, dccp: bool
) -> Iterator[tuple[Match, tuple[Action, ...]]]:
    arrives = context.hooks <= {"prerouting", "output"}
    if "netmap" in statement.flags and address is not None:
        network = _address(context, family, address)
        if network.ranges:  # without, what is wrong with it has been noted
            yield from nat.network(network, family, arrives)
        return
    addresses = None if address is None else _address(context, family, address)
    ports = None if port is None else _ports(context, port)
    for when, these in (
        ((_NO_PORTS, ANY_PORT), (negated(_NO_PORTS), ports)) if ports and dccp else ((EVERYTHING, ports),)
    ):
        for on, actions in _actions(context, statement, family, Target(addresses, these)):
            yield all_of(when, on), actions


def _actions(
    context: Context, statement: s.Nat, family: int, target: Target
) -> Iterator[tuple[Match, tuple[Action, ...]]]:
    alike = not _gives_source_ports(context.state)
    match statement.kind:
        case "dnat":
            yield EVERYTHING, nat.destination(target)
        case "snat":
            yield EVERYTHING, nat.source(target, alike)
        case "masquerade":
            yield EVERYTHING, nat.masquerade(context.host, family, target.ports, alike)
        case _:
            sent = Field("hook", Intervals.of(OUTPUT))
            if "output" in context.hooks:
                yield (
                    EVERYTHING if context.hooks <= {"output"} else sent,
                    nat.to_loopback(family, target.ports),
                )
            if not context.hooks <= {"output"}:
                yield (
                    negated(sent) if "output" in context.hooks else EVERYTHING,
                    nat.to_own(context.host, family, target.ports),
                )


def _gives_source_ports(state: State) -> bool:
    """Does a rule give sources a port?"""
    kept = state.worked_out.get("source ports")
    if not isinstance(kept, bool):
        kept = state.worked_out["source ports"] = any(
            isinstance(each, s.Nat) and each.kind in ("snat", "masquerade") and _has_ports(each)
            for table in state.tables.values()
            for chain in table.chains.values()
            for rule in chain.rules
            for each in rule.statements
        )
    return kept


def _has_ports(statement: s.Nat) -> bool:
    return statement.port is not None or isinstance(statement.address, e.Lookup)


def _address(context: Context, family: int, value: e.Expression) -> Intervals:
    if isinstance(value, e.List):
        return reduce(or_, (_address(context, family, part) for part in value.parts), Intervals())
    return values.addresses(context, family, value)


def _ports(context: Context, value: e.Expression) -> Intervals:
    if isinstance(value, e.List):
        return reduce(or_, (_ports(context, part) for part in value.parts), Intervals())
    return values.ports(context, value)
