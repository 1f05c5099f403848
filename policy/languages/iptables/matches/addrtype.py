"""addrtype: what the host's routing table calls an address.

Sources: iptables-extensions(8); the kernel's xt_addrtype.c and fib_frontend.c (inet_addr_type looks only into the
local table: an address that is not there is UNICAST, none is UNSPEC). Which addresses are LOCAL only the host knows,
or `--local`. IPv6 has its own way (xt_addrtype.c, match_type6; ipv6_addr_type): UNICAST, MULTICAST and UNSPEC are
read off the address, local addresses are UNICAST too, and of several types the address must meet all of these three.
"""

from __future__ import annotations

from policy.diagnostic import did_you_mean
from policy.ir import NOTHING, Field, Match, Unknown, all_of, either_of, negated
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import signed
from policy.packet import Intervals
from policy.packet.address import ANY_ADDRESS, BROADCAST, LOOPBACK, MULTICAST, V4_BASE, parse_address, prefix, whole

_TYPES = (
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW",
    "NAT", "XRESOLVE",
)  # fmt: skip
_NOT_IPV6 = {"BROADCAST", "PROHIBIT", "THROW", "NAT", "XRESOLVE", "BLACKHOLE"}
_ASKED6 = ("LOCAL", "ANYCAST", "UNREACHABLE")
_UNSPECIFIED6 = Intervals.of(0)
_MAPPED = prefix(parse_address("::ffff:0:0"), 96)
_UNICAST6 = whole(6) - MULTICAST - _UNSPECIFIED6 - _MAPPED
_LOOPBACK_BROADCAST = Intervals.of(V4_BASE + 0x7FFFFFFF)
_ALWAYS_LOCAL = LOOPBACK - _LOOPBACK_BROADCAST
_ALWAYS_BROADCAST = BROADCAST | Intervals.of(V4_BASE) | _LOOPBACK_BROADCAST
_SETTLED = _ALWAYS_LOCAL | _ALWAYS_BROADCAST | MULTICAST


def types(_: Context, text: str) -> tuple[str, ...]:
    """Read a list of address types."""
    found = tuple(item.upper() for item in text.split(","))
    for name in found:
        if name not in _TYPES:
            raise Bad(
                "FW001", f"bad address type `{name}`", did_you_mean(name, _TYPES) or "one of " + ", ".join(_TYPES)
            )
    return found


def _type(name: str, field: str, given: Given, option: str) -> Match:
    """Return the condition that an address has a type: where it is settled, and else a question to the host."""
    context, span = given.context, given.span(option)

    def inside(values: Intervals) -> Match:
        values &= whole(context.family)
        return Field(field, values, span=span) if values else NOTHING

    def elsewhere(but: Intervals) -> Match:
        key = f"addrtype:{field}:{name}"
        host = Unknown(f"the host calls the {'source' if field == 'src' else 'destination'} {name}", key, span=span)
        return all_of(inside(ANY_ADDRESS - _SETTLED - but), host)

    match name:
        case "MULTICAST":
            return inside(MULTICAST)
        case "LOCAL":
            if context.host.local is not None:
                return inside(_ALWAYS_LOCAL | context.host.local)
            return either_of(inside(_ALWAYS_LOCAL), elsewhere(Intervals()))
        case "BROADCAST":
            return either_of(inside(_ALWAYS_BROADCAST), elsewhere(context.host.local or Intervals()))
        case "UNICAST" if context.family == 4:
            others = (_type(other, field, given, option) for other in ("MULTICAST", "LOCAL", "BROADCAST"))
            return all_of(*(negated(other) for other in others))
        case "UNICAST":
            return inside(_UNICAST6)
        case "UNSPEC":
            return inside(_UNSPECIFIED6)
    return elsewhere(context.host.local or Intervals())


def _types(names: tuple[str, ...], field: str, given: Given, option: str) -> Match:
    """Return the condition of a list of types: any of them; in IPv6 all of those that the address itself settles."""
    found = {name: _type(name, field, given, option) for name in names}
    if given.context.family == 4:
        return either_of(*found.values())
    asked = [match for name, match in found.items() if name in _ASKED6]
    settled = [match for name, match in found.items() if name not in _ASKED6]
    return all_of(*settled, either_of(*asked)) if asked else all_of(*settled)


def _addrtype(given: Given) -> Match:
    parts: list[Match] = []
    for option, field in (("src-type", "src"), ("dst-type", "dst")):
        if option not in given:
            continue
        if given.context.family == 6 and _NOT_IPV6.intersection(given.value(option)):
            raise Bad("FW603", "IPv6 has no such address type", "BROADCAST, PROHIBIT, THROW and NAT are for IPv4")
        found = _types(given.value(option), field, given, option)
        for limit in ("limit-iface-in", "limit-iface-out"):
            if limit in given:
                text = f"the {field} address is of that type on the interface"
                found = all_of(found, Unknown(text, f"addrtype:{field}:{limit}", span=given.span(limit)))
        parts.append(signed(given, option, found))
    return all_of(*parts)


MATCHES = (
    MatchModule(
        name="addrtype",
        options=(
            Opt("src-type", types, invert=True),
            Opt("dst-type", types, invert=True),
            Opt("limit-iface-in", excludes=("limit-iface-out",)),
            Opt("limit-iface-out", excludes=("limit-iface-in",)),
        ),
        one_of=("src-type", "dst-type"),
        lower=_addrtype,
    ),
)
