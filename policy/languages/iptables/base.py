"""The general options of a rule: `-p -s -d -i -o -f`.

Sources: iptables(8); the kernel's net/ipv4/netfilter/ip_tables.c (ip_packet_match) and ip6_tables.c.
"""

from __future__ import annotations

from policy.ir import EVERYTHING, NOTHING, Field, Match, Unknown, all_of, either_of, negated
from policy.languages.iptables.ast import Option, RuleSpec
from policy.languages.iptables.options import Bad, Context, Protocol
from policy.languages.iptables.values import Host, address_list, protocol
from policy.netfilter import BEFORE_ROUTING
from policy.packet import FIELDS, LONGEST_INTERFACE, Intervals, Names, ValueSet
from policy.packet.address import whole
from policy.source import Span

NAMES = {
    "p": "protocol", "s": "source", "d": "destination", "i": "in-interface", "o": "out-interface", "f": "fragments",
}  # fmt: skip
_SIDE = {"source": "src", "destination": "dst"}
_NO_IN = frozenset({"OUTPUT", "POSTROUTING"})
_NO_OUT = frozenset({"INPUT", "PREROUTING"})
_LATER = Intervals.of(2)


def lower_general(rule: RuleSpec, chain: str, context: Context) -> list[Match]:
    """Return the conditions of the general options; mistakes go to the context."""
    context.protocol = Protocol()
    found = []
    several = any(option.name in _SIDE and "," in option.values[0].text for option in rule.general)
    for option in sorted(rule.general, key=lambda option: option.name != "protocol"):
        try:
            found.append(_lower(option, several, chain, context))
        except Bad as bad:
            part = option.values[0] if option.values else option
            context.mistakes.add(bad.code, bad.message, Span(context.source, part.start, part.end), bad.help)
    return found


def _lower(option: Option, several: bool, chain: str, context: Context) -> Match:
    span = Span(context.source, option.start, option.end)
    match option.name:
        case "protocol":
            return _protocol(option, context, span)
        case "source" | "destination":
            return _address(option, several, context, span)
        case "in-interface" | "out-interface":
            return _interface(option, chain, context, span)
    if context.family == 6:
        raise Bad("FW603", "`-f` is for IPv4: IPv6 has no such option", "use `-m frag`")
    return _signed(Field("fragment", _LATER, span=span), option)


def _signed(match: Match, option: Option) -> Match:
    return negated(match) if option.negated else match


def _protocol(option: Option, context: Context, span: Span) -> Match:
    number = protocol(option.values[0].text)
    context.protocol = Protocol(number, option.negated, option.start)
    if number == 0:
        if option.negated:
            raise Bad("FW001", "the rule would never match: every packet has a protocol", "leave the `!` out")
        return EVERYTHING
    return _signed(Field("proto", Intervals.of(number), span=span), option)


def _address(option: Option, several: bool, context: Context, span: Span) -> Match:
    name = _SIDE[option.name]
    found = address_list(context, option.values[0].text)
    if option.negated and several:
        help = "write a chain that returns for each address, or use a set"
        raise Bad("FW001", "`!` is not allowed with several addresses, on neither side", help)
    return _signed(_addresses(name, found, context.family, span), option)


def _addresses(name: str, found: tuple[ValueSet | Host, ...], family: int, span: Span) -> Match:
    if len(found) == 1 and isinstance(found[0], Intervals):
        return EVERYTHING if found[0] == whole(family) else Field(name, found[0], span=span)
    known = Intervals.of(*(r for one in found if isinstance(one, Intervals) for r in one.ranges))
    parts: list[Match] = [Field(name, known, span=span)] if known else []
    for one in found:
        if isinstance(one, Host):
            side = FIELDS[name].title
            parts.append(Unknown(f"the {side} is one of host {one}", f"host:{one}:{name}", span=span))
        elif not isinstance(one, Intervals):
            parts.append(Field(name, one, span=span))
    return either_of(*parts)


def _interface(option: Option, chain: str, context: Context, span: Span) -> Match:
    incoming = option.name == "in-interface"
    word = option.values[0].text
    if chain in (_NO_IN if incoming else _NO_OUT) and context.roots == {chain}:
        letter, why = ("i", "input") if incoming else ("o", "output")
        raise Bad("FW001", f"`-{letter}` cannot be used in {chain}: packets there have no {why} interface")
    if not word:
        raise Bad("FW001", "the name of the interface is empty", "name an interface, or leave the option out")
    if len(word) > LONGEST_INTERFACE:
        raise Bad(
            "FW001",
            f"interface name `{word}` is too long",
            f"Linux has names of at most {LONGEST_INTERFACE} characters",
        )
    if word == "+":
        return NOTHING if option.negated else EVERYTHING
    name = "in" if incoming else "out"
    field = Field(name, Names.of(word), span=span)
    if not incoming and context.roots & BEFORE_ROUTING:
        field_or_not: Match = NOTHING
        if context.roots - BEFORE_ROUTING:
            field_or_not = all_of(field, Unknown("the packet is already routed", "routed", pure=False, span=span))
        return _signed(field_or_not, option)
    return _signed(field, option)
