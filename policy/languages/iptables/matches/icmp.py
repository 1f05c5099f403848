"""icmp and icmp6: types and codes.

Sources: iptables-extensions(8); libipt_icmp.c and libip6t_icmp6.c (names may be abbreviated); the kernel's ip_tables.c
(icmp_type_code_match: type 255 is any type) and ip6_tables.c. A later fragment never matches.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ir import NOTHING, Field, Match, all_of, negated
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import has
from policy.languages.iptables.values import strtoui
from policy.packet import Intervals
from policy.packet.names import icmp_type, icmp_type_names

# Names in our table that only nftables has (`iptables -p icmp -h` of 1.8.9 lists the others).
_ONLY_NFT = {
    4: {"info-request", "info-reply"},
    6: {"mld-listener-query", "mld-listener-report", "mld-listener-done", "mld-listener-reduction",
        "router-renumbering", "ind-neighbor-solicit", "ind-neighbor-advert", "mld2-listener-report",
        "nd-router-solicit", "nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert", "nd-redirect"},
}  # fmt: skip
_FURTHER = {
    4: ("pong", "ping", "ttl-exceeded", "any"),
    6: ("pong", "ping", "ttl-exceeded", "neighbor-solicitation", "neighbor-advertisement"),
}


@dataclass(frozen=True, slots=True)
class IcmpType:
    """A type, None for any, and a code, None for any."""

    type: int | None
    code: int | None = None


def icmp_value(context: Context, text: str) -> IcmpType:
    """Read a name, a number, or `TYPE/CODE`."""
    family = context.family
    head, slash, tail = text.partition("/")
    number = strtoui(head) if head == head.strip() else None
    if number is None:
        return _named(text, family)
    if number > 255:
        raise Bad("FW001", f"unknown ICMP type `{text}`", "types go from 0 to 255")
    code = strtoui(tail) if slash else None
    if slash and (code is None or code > 255):
        raise Bad("FW001", f"unknown ICMP code `{text}`", "codes go from 0 to 255")
    return IcmpType(None if number == 255 and family == 4 else number, code)


def _names(family: int) -> list[str]:
    known = [name for name in icmp_type_names(family) if name not in _ONLY_NFT[family]]
    return [*known, *(name for name in _FURTHER[family] if name not in known)]


def _named(text: str, family: int) -> IcmpType:
    lower = text.lower()
    names = _names(family)
    found = [name for name in names if name.lower() == lower] or [
        n for n in names if lower and n.lower().startswith(lower)
    ]
    values = {_value(name, family) for name in found}
    if not values:
        raise Bad("FW001", f"unknown ICMP type `{text}`", did_you_mean(text, names))
    if len(found) > 1:
        raise Bad("FW001", f"ambiguous ICMP type `{text}`", f"`{found[0]}` or `{found[1]}`?")
    return values.pop()


def _value(name: str, family: int) -> IcmpType:
    if name == "any":
        return IcmpType(None)
    known = icmp_type(name, family)
    assert known is not None
    return IcmpType(*known)


def _lower(option: str, given: Given) -> Match:
    arg = given.args[option]
    wanted: IcmpType = arg.value
    if wanted.type is None:
        return NOTHING if arg.negated else has("icmp_type")
    span = given.span(option)
    match: Match = Field("icmp_type", Intervals.of(wanted.type), span=span)
    if wanted.code is not None:
        match = all_of(match, Field("icmp_code", Intervals.of(wanted.code), span=span))
    return all_of(has("icmp_type"), negated(match)) if arg.negated else match


def _icmp(given: Given) -> Match:
    return _lower("icmp-type", given)


def _icmp6(given: Given) -> Match:
    return _lower("icmpv6-type", given)


MATCHES = (
    MatchModule(
        name="icmp",
        options=(Opt("icmp-type", icmp_value, invert=True, required=True),),
        protocols=(1,),
        families=(4,),
        lower=_icmp,
    ),
    MatchModule(
        name="icmp6",
        options=(Opt("icmpv6-type", icmp_value, invert=True, required=True),),
        protocols=(58,),
        families=(6,),
        lower=_icmp6,
    ),
)
