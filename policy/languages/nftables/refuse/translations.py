"""Translations, rejections and copies that nft refuses where the rule says too little of the packet, or something else.

Sources: nftables 1.0.6: src/evaluate.c (stmt_evaluate_nat, stmt_evaluate_tproxy, stmt_evaluate_reject,
stmt_evaluate_dup, stmt_evaluate_fwd).
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.layers import Layers
from policy.packet.fields import TCP

_OF = {"icmp": "ip", "icmpv6": "ip6"}
_COPIES = {"dup": ("ip", "ip6", "netdev"), "fwd": ("netdev",)}
_TITLES = {"ip": "IPv4", "ip6": "IPv6"}


def refuse_translation(context: Context, layers: Layers, statement: s.Nat) -> None:
    """Note what is wrong with a translation, or with `tproxy`."""
    family, span = context.table.family, statement.span
    if family not in ("ip", "ip6", "inet"):
        message = f"there is no `{statement.kind}` in the family {family}"
        context.mistakes.add("FW001", message, span, "write it in a table of ip, ip6 or inet")
        return
    version = statement.family or (family if family != "inet" else layers.network)
    if statement.address is not None and version not in ("ip", "ip6"):
        help = f"write `{statement.kind} ip to …` or `{statement.kind} ip6 to …`"
        context.mistakes.add("FW001", f"`{statement.kind}` does not say of which IP version", span, help)
        return
    other = {"ip": "ip6", "ip6": "ip"}.get(version or "")
    if statement.family is not None and layers.network is not None and layers.network == other:
        message = f"the rule is for {_TITLES[layers.network]}, and `{statement.kind}` for {_TITLES[statement.family]}"
        context.mistakes.add("FW603", message, span, "write both for one IP version")
    if statement.kind == "tproxy":
        _proxy(context, layers, statement)
    elif (statement.port is not None or _gives_port(context, statement.address)) and not layers.transports:
        help = "ask for the protocol before: `meta l4proto { tcp, udp }`"
        context.mistakes.add("FW504", "a port is given, and the rule names no protocol that has ports", span, help)
    for address in _addresses(statement.address):
        if version in ("ip", "ip6") and (":" in address.text) != (version == "ip6") and address.text[:1].isalnum():
            message = f"`{address.text}` is no {_TITLES[version]} address"
            context.mistakes.add("FW603", message, address.span, "write an address of the IP version of the rule")
            return


def _proxy(context: Context, layers: Layers, statement: s.Nat) -> None:
    span = statement.span
    if not layers.transports:
        help = "ask for the protocol before: `meta l4proto tcp`"
        context.mistakes.add("FW504", "`tproxy` wants to know the protocol", span, help)
    elif context.table.family == "inet" and layers.network is not None and statement.family is None:
        help = f"write `tproxy {layers.network} to …`"
        context.mistakes.add("FW001", "`tproxy` does not say of which IP version", span, help)


def _gives_port(context: Context, address: e.Expression | None) -> bool:
    """Does a map give an address and a port?"""
    if not isinstance(address, e.Lookup):
        return False
    if isinstance(address.map, e.SetLiteral):
        return any(isinstance(each.value, e.Concat) for each in address.map.elements)
    named = context.table.sets.get(address.map.name) if isinstance(address.map, e.Reference) else None
    return named is not None and isinstance(named.definition.value, tuple) and len(named.definition.value) > 1


def _addresses(value: object) -> Iterator[e.Word]:
    match value:
        case e.Word():
            yield value
        case e.Prefix(base):
            yield from _addresses(base)
        case e.Range(low, high):
            yield from _addresses(low)
            yield from _addresses(high)
        case e.Concat(parts):
            yield from _addresses(parts[0])
        case e.Lookup(_, e.SetLiteral(elements)):
            for element in elements:
                yield from _addresses(element.value)


def refuse_reject(context: Context, layers: Layers, statement: s.Reject) -> None:
    """Note what is wrong with a rejection."""
    family, span, kind = context.table.family, statement.span, statement.kind
    if family == "arp":
        context.mistakes.add("FW001", "there is no `reject` in the family arp", span, "write `drop`")
        return
    if kind == "tcp reset" and layers.transports and TCP not in layers.transports:
        help = "only TCP has resets: ask for it before, `meta l4proto tcp`"
        context.mistakes.add("FW001", "`reject with tcp reset` does not go with the protocol of the rule", span, help)
    if layers.network is not None and layers.network not in ("ip", "ip6"):
        message = "what is neither IPv4 nor IPv6 cannot be rejected"
        context.mistakes.add("FW001", message, span, "write `drop`")
        return
    wanted = _OF.get(kind or "")
    known = layers.network or layers.said
    if wanted is not None and family not in ("ip", "ip6") and known not in (None, wanted):
        message = f"`{kind}` is a reject type of the other IP version"
        context.mistakes.add("FW603", message, span, "say `icmp` for IPv4, `icmpv6` for IPv6, `icmpx` for both")


def refuse_copy(context: Context, statement: s.Other) -> None:
    """Note what is wrong with `dup` or `fwd`."""
    family, span, kind = context.table.family, statement.span, statement.kind
    words = statement.text.split()
    if family not in _COPIES[kind]:
        help = "write it in a table of " + " or ".join(_COPIES[kind])
        context.mistakes.add("FW001", f"there is no `{kind}` in the family {family}", span, help)
        return
    if kind == "dup" and family == "netdev":
        if "device" in words:
            message = "in the family netdev `dup` says the device alone"
            context.mistakes.add("FW001", message, span, "write `dup to DEVICE`")
        return
    version = family if kind == "dup" else words[1]
    for address in _addresses(statement.to) if version in ("ip", "ip6") else ():
        if _is_address(address.text) and (":" in address.text) != (version == "ip6"):
            message = f"`{address.text}` is no {_TITLES[version]} address"
            context.mistakes.add("FW603", message, address.span, f"write an {_TITLES[version]} address")
            return


def _is_address(text: str) -> bool:
    return ":" in text or text.replace(".", "").isdecimal()
