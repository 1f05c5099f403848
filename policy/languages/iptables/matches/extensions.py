"""IPv6 extension headers, and the IPsec headers of both families.

Sources: iptables-extensions(8); the kernel's ip6t_ipv6header.c, ip6t_frag.c, ip6t_rt.c, ip6t_hbh.c, ip6t_ah.c,
ipt_ah.c and xt_esp.c. Which headers a packet has is exact; what they contain is not modelled. `! --header LIST --soft`
matches a packet that has none of the list.
"""

from __future__ import annotations

from policy.ir import NOTHING, Field, Match, all_of, negated
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import key_of, signed, unknown
from policy.languages.iptables.values import anything, number, number_range, strtoui
from policy.packet import Intervals, Masked
from policy.packet.fields import EXTENSION_HEADERS

_HEADER_NAMES = {
    "hop": "hop", "hop-by-hop": "hop", "ipv6-opts": "dst", "dst": "dst", "ipv6-route": "route", "route": "route",
    "ipv6-frag": "frag", "frag": "frag", "auth": "auth", "ah": "auth", "esp": "esp", "ipv6-nonxt": "none",
    "none": "none", "prot": "prot",
}  # fmt: skip
_HEADER_NUMBERS = {0: "hop", 60: "dst", 43: "route", 44: "frag", 51: "auth", 50: "esp", 59: "none", 255: "prot"}
_ENDS = {"esp": Intervals.of(50), "none": Intervals.of(59), "prot": Intervals.of((0, 49), (51, 58), (60, 255))}
_CHAIN = sum(1 << number for number, name in enumerate(EXTENSION_HEADERS) if name not in _ENDS)


def _bit(header: str) -> int:
    return 1 << EXTENSION_HEADERS.index(header)


def _headers(_: Context, text: str) -> int:
    bits = 0
    for item in text.split(","):
        number_ = strtoui(item)
        name = _HEADER_NUMBERS.get(number_) if number_ is not None else _HEADER_NAMES.get(item.lower())
        if name is None:
            raise Bad("FW001", f"unknown header `{item}`", "one of " + ", ".join(_HEADER_NAMES))
        bits |= _bit(name)
    return bits


def _ipv6header(given: Given) -> Match:
    """Compare the chain of headers; what ends it (ESP, nothing, another protocol) is the packet's protocol."""
    wanted: int = given.value("header")
    span = given.span("header")
    inside, soft, inverted = wanted & _CHAIN, "soft" in given, given.args["header"].negated
    ends = {name: Field("proto", numbers, span=span) for name, numbers in _ENDS.items()}
    asked = [end for name, end in ends.items() if wanted & _bit(name)]
    if soft and inverted:
        none: list[Match] = [Field("exthdrs", Masked(0, inside), span=span)] if inside else []
        return all_of(*none, *(negated(end) for end in asked))
    if not soft:
        found = Field("exthdrs", Masked(inside, _CHAIN), span=span)
        return signed(given, "header", all_of(found, *asked) if len(asked) == 1 else NOTHING)
    chain: list[Match] = [Field("exthdrs", Masked(inside, inside), span=span)] if inside else []
    return all_of(*chain, *asked)


def _inside(header: Match, given: Given, *exact: str) -> Match:
    """Return a header that is there, with contents that are not modelled unless only *exact* options were given."""
    rest = [option for option in given.extension.options if option.name not in exact]
    if not rest:
        return header
    words = [given.extension.name]
    for option in rest:
        words += [("!" if option.negated else "") + option.name, *(value.text for value in option.values)]
    return all_of(header, unknown(given, key_of(*words)))


def _header(name: str) -> Match:
    return Field("exthdrs", Masked(_bit(name), _bit(name)))


def _frag(given: Given) -> Match:
    found = _header("frag")
    if "fragfirst" in given:
        found = all_of(found, Field("fragment", Intervals.of((0, 1)), span=given.span("fragfirst")))
    return _inside(found, given, "fragfirst")


def _rt(given: Given) -> Match:
    return _inside(_header("route"), given)


def _hop(given: Given) -> Match:
    return _inside(_header("hop"), given)


def _dst(given: Given) -> Match:
    return _inside(_header("dst"), given)


def _ah(given: Given) -> Match:
    if given.context.family == 4:
        return _inside(all_of(Field("proto", Intervals.of(51)), Field("fragment", Intervals.of((0, 1)))), given)
    return _inside(_header("auth"), given)


def _later_never(given: Given) -> Match:
    """esp, ipcomp, mh: a header behind IP, which a later fragment does not have."""
    return _inside(Field("fragment", Intervals.of((0, 1))), given)


def _opaque(given: Given) -> Match:
    return unknown(given, key_of(*given.text.replace("--", "").split()))


def _text(_: Context, word: str) -> str:
    return word


_SPI = number_range(32)
_MH = Opt("mh-type", anything, invert=True)

MATCHES = (
    MatchModule(
        name="ipv6header",
        options=(Opt("header", _headers, invert=True, required=True), Opt("soft")),
        families=(6,),
        lower=_ipv6header,
    ),
    MatchModule(
        name="frag",
        options=(
            Opt("fragid", _SPI, invert=True),
            Opt("fraglen", number(), invert=True),
            Opt("fragres"),
            Opt("fragfirst"),
            Opt("fragmore", excludes=("fraglast",)),
            Opt("fraglast", excludes=("fragmore",)),
        ),
        families=(6,),
        lower=_frag,
    ),
    MatchModule(
        name="rt",
        options=(
            Opt("rt-type", number(), invert=True),
            Opt("rt-segsleft", _SPI, invert=True),
            Opt("rt-len", number(), invert=True),
            Opt("rt-0-res"),
            Opt("rt-0-addrs", anything),
            Opt("rt-0-not-strict"),
        ),
        families=(6,),
        lower=_rt,
    ),
    MatchModule(
        name="hbh",
        options=(Opt("hbh-len", number(), invert=True), Opt("hbh-opts", anything)),
        families=(6,),
        lower=_hop,
    ),
    MatchModule(
        name="dst",
        options=(Opt("dst-len", number(), invert=True), Opt("dst-opts", anything)),
        families=(6,),
        lower=_dst,
    ),
    MatchModule(
        name="ah",
        options=(Opt("ahspi", _SPI, invert=True),),
        protocols=(51,),
        families=(4,),
        lower=_ah,
    ),
    MatchModule(
        name="ah",
        options=(Opt("ahspi", _SPI, invert=True), Opt("ahlen", number(), invert=True), Opt("ahres")),
        families=(6,),
        lower=_ah,
    ),
    MatchModule(name="esp", options=(Opt("espspi", _SPI, invert=True),), protocols=(50,), lower=_later_never),
    MatchModule(
        name="ipcomp",
        options=(Opt("ipcompspi", _SPI, invert=True), Opt("compres")),
        protocols=(108,),
        lower=_later_never,
    ),
    MatchModule(name="mh", options=(_MH,), protocols=(135,), families=(6,), lower=_later_never),
    MatchModule(name="eui64", families=(6,), lower=_opaque),
    MatchModule(
        name="srh",
        options=tuple(
            Opt(f"srh-{name}", _text, invert=True)
            for name in (
                "next-hdr", "hdr-len-eq", "hdr-len-gt", "hdr-len-lt", "segs-left-eq", "segs-left-gt", "segs-left-lt",
                "last-entry-eq", "last-entry-gt", "last-entry-lt", "tag", "psid", "nsid", "lsid",
            )
        ),
        families=(6,),
        lower=_opaque,
    ),
)  # fmt: skip
