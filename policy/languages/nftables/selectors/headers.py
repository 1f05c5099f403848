"""Extension headers of IPv6, options of TCP and IPv4, chunks of SCTP, and bytes at a place in the packet.

Sources: nft(8), EXTENSION HEADER EXPRESSIONS, RAW PAYLOAD EXPRESSION; nftables 1.0.6: src/exthdr.c, src/tcpopt.c,
src/ipopt.c, src/sctp_chunk.c, src/rawexpr.c; the kernel's nft_exthdr.c: which of them are there is a value for every
packet (of TCP options and SCTP chunks also where there is no such header), what is in them only where they are.
"""

from __future__ import annotations

from policy.diagnostic import did_you_mean
from policy.ir import Field, Match, Not, all_of
from policy.languages.nftables import names
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import Selector
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.selectors.base import Cases, Exact, Operand, bit, vague
from policy.languages.nftables.selectors.payload import FIRST, transport_bytes, version_guard
from policy.packet import Intervals
from policy.packet.fields import EXTENSION_HEADERS, SCTP

_8, _16, _32 = t.integer(8), t.integer(16), t.integer(32)
_NEXT = {"nexthdr": t.PROTOCOL, "hdrlength": _8}
_ROUTING = {**_NEXT, "type": _8, "seg-left": _8}
_HEADERS: dict[str, dict[str, t.DataType]] = {
    "hbh": _NEXT,
    "dst": _NEXT,
    "rt": _ROUTING,
    "rt0": {"addr": t.IPV6, "reserved": _32},
    "rt2": {"addr": t.IPV6, "reserved": _32},
    "rt4": {"last-entry": _8, "flags": _8, "tag": _16, "sid": t.IPV6},
    "srh": {"last-entry": _8, "flags": _8, "tag": _16, "sid": t.IPV6},
    "frag": {
        "nexthdr": t.PROTOCOL, "reserved": _8, "frag-off": t.integer(13), "reserved2": t.integer(2),
        "more-fragments": t.integer(1), "id": _32,
    },
    "mh": {**_NEXT, "type": t.MH_TYPE, "reserved": _8, "checksum": _16},
}  # fmt: skip
_BITS = {
    "hbh": "hop",
    "dst": "dst",
    "rt": "route",
    "rt0": "route",
    "rt2": "route",
    "rt4": "route",
    "srh": "route",
    "frag": "frag",
}
_OPTION_FIELDS: dict[str, t.DataType] = {
    "length": _8, "size": _16, "count": _8, "left": _32, "right": _32, "tsval": _32, "tsecr": _32,
    "subtype": t.MPTCP_SUBTYPE, "kind": _8,
}  # fmt: skip
_OPTIONS = {
    "maxseg": ("length", "size"), "mss": ("length", "size"), "window": ("length", "count"),
    "timestamp": ("length", "tsval", "tsecr"), "mptcp": ("length", "subtype"), "sack-perm": ("length",),
    "sack-permitted": ("length",), "fastopen": ("length",), "md5sig": ("length",),
    **dict.fromkeys(("sack", "sack0", "sack1", "sack2", "sack3"), ("length", "left", "right")),
}  # fmt: skip
_IP_OPTIONS: dict[str, dict[str, t.DataType]] = {
    "lsrr": {"type": _8, "length": _8, "ptr": _8, "addr": _32},
    "rr": {"type": _8, "length": _8, "ptr": _8, "addr": _32},
    "ssrr": {"type": _8, "length": _8, "ptr": _8, "addr": _32}, "ra": {"type": _8, "length": _8, "value": _16},
}  # fmt: skip
_CHUNKS = (
    "data", "init", "init-ack", "sack", "heartbeat", "heartbeat-ack", "abort", "shutdown", "shutdown-ack", "error",
    "cookie-echo", "cookie-ack", "ecne", "cwr", "shutdown-complete", "asconf-ack", "forward-tsn", "asconf",
)  # fmt: skip
_CHUNK_FIELDS: dict[str, t.DataType] = {
    "type": _8, "flags": _8, "length": _16, "tsn": _32, "stream": _16, "ssn": _16, "ppid": _32, "init-tag": _32,
    "a-rwnd": _32, "num-outbound-streams": _16, "num-inbound-streams": _16, "initial-tsn": _32, "cum-tsn-ack": _32,
    "num-gap-ack-blocks": _16, "num-dup-tsns": _16, "lowest-tsn": _32, "new-cum-tsn": _32, "seqno": _32,
}  # fmt: skip
_LONGEST = 1024
"""In bits, the most that nft reads at a place (NFT_MAX_EXPR_LEN_BITS)."""


def extension(context: Context, selector: Selector) -> Operand:
    """Return what an extension header, or a field of one, is; raises `Bad`."""
    header, span = selector.words[0], selector.span
    if context.table.family in ("ip", "arp"):
        raise Bad(
            "FW603", f"`{span.text}` in a table of the family `{context.table.family}`", span, "IPv6 has these headers"
        )
    text = " ".join(("exthdr", *selector.words))
    version = version_guard(context, "ip6")
    there = _there(header, selector)
    if len(selector.words) == 1:
        cases = {1: there, 0: all_of(version, Not(there))}
        return Cases(t.BOOLEAN, text, version, version, span=span, cases=cases)
    name = selector.words[1].partition("[")[0]
    type = _HEADERS[header].get(name)
    if type is None:
        raise _no_field(header, name, _HEADERS[header], selector)
    later, first = (Field("fragment", Intervals.of(number)) for number in (2, 1))
    unbroken = Field("fragment", Intervals.of(0))
    if (header, name) == ("frag", "more-fragments"):
        cases = {0: all_of(there, unbroken), 1: all_of(there, first)}
        return Cases(type, text, there, there, span=span, cases=cases, rest=later, possible=Intervals.of((0, 1)))
    if (header, name) == ("frag", "frag-off"):
        cases = {0: all_of(there, FIRST)}
        possible = Intervals.of((1, 8191))
        return Cases(type, text, there, there, span=span, cases=cases, rest=later, possible=possible)
    return vague(type, text, there, certain=header not in ("rt0", "rt2", "rt4", "srh"), span=span)


def _there(header: str, selector: Selector) -> Match:
    if header == "mh":
        return all_of(Field("proto", Intervals.of(135)), FIRST)
    if header not in _BITS:
        raise Bad("FW001", f"unknown extension header `{header}`", selector.span, "one of " + ", ".join(_HEADERS))
    return bit("exthdrs", 1 << EXTENSION_HEADERS.index(_BITS[header]))


def _no_field(header: str, name: str, fields: object, selector: Selector) -> Bad:
    known = list(fields)  # type: ignore[call-overload]
    help = did_you_mean(name, known) or "one of " + ", ".join(known)
    return Bad("FW001", f"`{header}` has no field `{name}`", selector.span, help)


def tcp_option(_: Context, selector: Selector) -> Operand:
    """Return what an option of TCP, or a field of one, is; raises `Bad`."""
    name, span = selector.words[0], selector.span
    number = selector.numbers[0] if name == "@" else int(name) if name.isdecimal() else names.TCP_OPTION.get(name)
    if number is None:
        help = did_you_mean(name, names.TCP_OPTION) or "one of " + ", ".join(names.TCP_OPTION)
        raise Bad("FW001", f"unknown option of TCP `{name}`", span, help)
    if number > 255:
        raise Bad("FW001", f"option {number} is out of range", span, "options of TCP go from 0 to 255")
    there = bit("tcp_options", 1 << number)
    field = selector.words[1] if len(selector.words) > 1 else None
    if name == "@":
        offset, length = selector.numbers[1:]
        return vague(t.integer(length), f"tcp option {number} bytes {offset} {length}", there, certain=False, span=span)
    text = " ".join(("tcp option", *selector.words))
    if field is None:
        return Cases(t.BOOLEAN, text, span=span, cases={1: there, 0: Not(there)})
    known = _OPTIONS.get(name, ())
    if field not in known:
        raise _no_field(f"tcp option {name}", field, known, selector)
    return vague(_OPTION_FIELDS[field], text, there, certain=False, span=span)


def ip_option(context: Context, selector: Selector) -> Operand:
    """Return what an option of IPv4, or a field of one, is; raises `Bad`."""
    name, span = selector.words[0], selector.span
    if context.table.family == "ip6":
        raise Bad("FW603", f"`{span.text}` in a table of the family `ip6`", span, "IPv4 has these options")
    if name not in _IP_OPTIONS:
        raise Bad("FW001", f"unknown option of IPv4 `{name}`", span, "one of " + ", ".join(_IP_OPTIONS))
    text = " ".join(("ip option", *selector.words))
    guard = version_guard(context, "ip")
    if len(selector.words) == 1:
        return vague(t.BOOLEAN, text, guard, span=span)
    type = _IP_OPTIONS[name].get(selector.words[1])
    if type is None:
        raise _no_field(f"ip option {name}", selector.words[1], _IP_OPTIONS[name], selector)
    return vague(type, text, guard, certain=False, span=span)


def dccp_option(_: Context, selector: Selector) -> Operand:
    """Return whether an option of DCCP is there: not modelled; raises `Bad`."""
    if int(selector.words[0]) > 255:
        raise Bad("FW001", f"option {selector.words[0]} is out of range", selector.span, "they go from 0 to 255")
    return vague(t.BOOLEAN, " ".join(("dccp option", *selector.words)), span=selector.span)


def chunk(_: Context, selector: Selector) -> Operand:
    """Return what a chunk of SCTP, or a field of one, is; raises `Bad`."""
    name, span = selector.words[0], selector.span
    if name not in _CHUNKS:
        raise Bad("FW001", f"unknown chunk of SCTP `{name}`", span, did_you_mean(name, _CHUNKS))
    text = " ".join(("sctp chunk", *selector.words))
    sctp = all_of(Field("proto", Intervals.of(SCTP)), FIRST)
    if len(selector.words) == 1:
        both = Intervals.of((0, 1))
        return Cases(t.BOOLEAN, text, span=span, cases={0: Not(sctp)}, rest=sctp, possible=both)
    type = _CHUNK_FIELDS.get(selector.words[1])
    if type is None:
        raise _no_field(f"sctp chunk {name}", selector.words[1], _CHUNK_FIELDS, selector)
    return vague(type, text, sctp, certain=False, span=span)


# Bytes at a place

_NETWORK: dict[str, dict[tuple[int, int], tuple[str, t.DataType | None]]] = {
    "ip": {(96, 32): ("src", t.IPV4), (128, 32): ("dst", t.IPV4), (72, 8): ("proto", None), (16, 16): ("length", None),
           (8, 8): ("tos", None)},
    "ip6": {(64, 128): ("src", t.IPV6), (192, 128): ("dst", t.IPV6)},
}  # fmt: skip


def raw(context: Context, selector: Selector) -> Operand:
    """Return what `@nh,96,32` and the like are: exact where this is a field, else not modelled; raises `Bad`."""
    base, (offset, length), span = selector.words[0], selector.numbers, selector.span
    if not 0 < length <= _LONGEST:
        raise Bad("FW001", f"{length} bits cannot be read", span, f"give 1 to {_LONGEST} bits")
    type = t.integer(length)
    text = f"@{base},{offset},{length}"
    if base == "th":
        if (offset, length) in ((0, 16), (16, 16)):
            return transport_bytes(type, "sport" if offset == 0 else "dport", text, selector)
        return vague(type, text, FIRST, certain=False, span=span)
    found = _NETWORK.get(context.table.family, {}).get((offset, length)) if base == "nh" else None
    if found is not None:
        name, address = found
        if address is None:
            return Exact(type, text, span=span, name=name)
        return Exact(
            t.DataType("integer", "number", address.bits, "ipv4" if address.bits == 32 else "number"),
            text,
            span=span,
            name=name,
        )
    return vague(type, text, certain=False, span=span)
