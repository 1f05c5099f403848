"""tcp, udp, dccp: ports, TCP flags and options.

Sources: iptables-extensions(8); the kernel's net/netfilter/xt_tcpudp.c and xt_dccp.c. None of them matches a later
fragment, nor, with `!`, a packet of which the header cannot be read.
"""

from __future__ import annotations

from policy.ir import NOTHING, Field, Match, Not, Unknown, all_of, either_of
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import has, signed, term, unknown
from policy.languages.iptables.values import anything, ports, strtoui
from policy.packet import FIELDS, PORT_PROTOCOLS, Masked
from policy.packet.names import TCP_FLAGS

FLAGS = {name: bit for name, bit in TCP_FLAGS.items() if bit < 64}
ALL_PORTS = FIELDS["dport"].domain
_DCCP_TYPES = (
    "REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID",
)  # fmt: skip

SPORT = Opt("source-port", ports, ("sport",), invert=True)
DPORT = Opt("destination-port", ports, ("dport",), invert=True)
_BACK_ENDS = "the nft back end of iptables loads this as always true, the legacy one as never"
_SYN = Masked(FLAGS["SYN"], FLAGS["FIN"] | FLAGS["SYN"] | FLAGS["RST"] | FLAGS["ACK"])


def flag_mask(_: Context, mask: str, wanted: str) -> Masked:
    """Read two lists of flags: those that are looked at, and those of them that must be set."""
    return Masked(_flags(wanted), _flags(mask))


def _flags(text: str) -> int:
    bits = 0
    for name in filter(None, text.split(",")):
        upper = name.upper()
        if upper not in (*FLAGS, "ALL", "NONE"):
            raise Bad("FW001", f"unknown TCP flag `{name}`", "one of " + ", ".join([*FLAGS, "ALL", "NONE"]))
        bits |= {"ALL": 63, "NONE": 0}.get(upper, FLAGS.get(upper, 0))
    return bits


def tcp_option(_: Context, text: str) -> Masked:
    """Read the number of a TCP option: its bit of the field `tcp_options`."""
    number = strtoui(text)
    if number is None or not 1 <= number <= 255:
        raise Bad("FW001", f"bad TCP option `{text}`", "give a number from 1 to 255")
    return Masked(1 << number, 1 << number)


def _port(given: Given, option: str, field: str) -> Match:
    arg = given.args[option]
    if arg.negated and arg.value == ALL_PORTS:
        return never_or_always(given, option)
    protocol = given.context.protocol
    found = term(given, option, field)
    if protocol.negated:
        bytes_there = Unknown(
            f"the bytes where a {FIELDS[field].title} would be", f"bytes:{field}", span=given.span(option)
        )
        return either_of(found, all_of(Not(Field("proto", PORT_PROTOCOLS)), bytes_there))
    return found


def never_or_always(given: Given, option: str) -> Match:
    """Return the condition of a match that can never be true, which only one back end of iptables understands so."""
    key = "back-end:nft"
    return all_of(has("dport"), Unknown(f"{given.text}: {_BACK_ENDS}", key, span=given.span(option)))


def _ports(given: Given) -> list[Match]:
    found = []
    for option, field in (("source-port", "sport"), ("destination-port", "dport")):
        if option in given:
            found.append(_port(given, option, field))
    return found


def _compared_together(given: Given) -> bool:
    """Are both ports single ones, and negated? The nft back end of iptables 1.8.9 then compares them in one go."""
    args = [given.args[option] for option in ("source-port", "destination-port") if option in given]
    return len(args) == 2 and all(arg.negated and arg.value.size == 1 and arg.value.first for arg in args)


def _tcp_udp_ports(given: Given) -> list[Match]:
    found = _ports(given)
    if not _compared_together(given):
        return found
    text = f"{given.text}: the nft back end of iptables takes it for: not both of these ports"
    one_differs = all_of(either_of(*found), Unknown(text, "back-end:nft", span=given.span("source-port")))
    return [either_of(all_of(*found), one_differs)]


def _udp(given: Given) -> Match:
    return all_of(*_tcp_udp_ports(given))


def _tcp(given: Given) -> Match:
    parts = _tcp_udp_ports(given)
    if "tcp-flags" in given:
        flags: Masked = given.value("tcp-flags")
        negated = given.args["tcp-flags"].negated
        if flags.mask == 0 and bool(flags.value) != negated:
            parts.append(never_or_always(given, "tcp-flags"))
        elif flags.value & ~flags.mask:
            parts.append(has("flags") if negated else NOTHING)
        else:
            parts.append(term(given, "tcp-flags", "flags"))
    if "syn" in given:
        parts.append(term(given, "syn", "flags", _SYN))
    if "tcp-option" in given:
        parts.append(term(given, "tcp-option", "tcp_options"))
    return all_of(*parts) if parts else has("flags")


def _dccp_types(_: Context, text: str) -> str:
    for name in text.split(","):
        if name.upper() not in _DCCP_TYPES:
            raise Bad("FW001", f"unknown DCCP type `{name}`", "one of " + ", ".join(_DCCP_TYPES))
    return text.upper()


def _dccp(given: Given) -> Match:
    parts = _ports(given)
    for option in ("dccp-types", "dccp-option"):
        if option in given:
            found = unknown(given, f"{option}:{given.value(option)}", option=option)
            parts.append(all_of(has("dport"), signed(given, option, found)))
    return all_of(*parts)


MATCHES = (
    MatchModule(
        name="tcp",
        options=(
            SPORT,
            DPORT,
            Opt("tcp-flags", flag_mask, invert=True, words=2, excludes=("syn",)),
            Opt("syn", invert=True, excludes=("tcp-flags", "syn")),
            Opt("tcp-option", tcp_option, invert=True),
        ),
        protocols=(6,),
        lower=_tcp,
    ),
    MatchModule(name="udp", options=(SPORT, DPORT), protocols=(17,), lower=_udp),
    MatchModule(
        name="dccp",
        options=(
            SPORT,
            DPORT,
            Opt("dccp-types", _dccp_types, invert=True),
            Opt("dccp-option", anything, invert=True),
        ),
        protocols=(33,),
        lower=_dccp,
    ),
)
