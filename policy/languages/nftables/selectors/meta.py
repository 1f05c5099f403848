"""What is known of a packet beside its headers: `meta`.

Sources: nft(8), META EXPRESSIONS; nftables 1.0.6: src/meta.c; the kernel's nft_meta.c. A packet without an interface
has an empty name and index 0, which is a value; its group and type are none.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ir import EVERYTHING, NOTHING, Field, Match, Unknown, all_of, either_of
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import Selector
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.selectors.base import Cases, Exact, Named, Operand, has, key_of, shown, vague
from policy.languages.nftables.selectors.payload import IPV4, IPV6
from policy.packet import INPUT, Intervals, Names

_BEFORE_ROUTING = frozenset({"prerouting", "ingress"})
_KEYS: dict[str, t.DataType] = {
    "length": t.integer(32), "protocol": t.ETHER_TYPE, "priority": t.CLASS, "mark": t.MARK, "iif": t.INDEX,
    "iifname": t.INTERFACE, "iiftype": t.IFACE_TYPE, "oif": t.INDEX, "oifname": t.INTERFACE, "oiftype": t.IFACE_TYPE,
    "skuid": t.USER, "skgid": t.GROUP, "nftrace": t.integer(1), "rtclassid": t.REALM, "secmark": t.integer(32),
    "nfproto": t.NF_PROTO, "l4proto": t.PROTOCOL, "ibrname": t.INTERFACE, "obrname": t.INTERFACE,
    "pkttype": t.PKT_TYPE, "cpu": t.integer(32), "iifgroup": t.DEVICE_GROUP, "oifgroup": t.DEVICE_GROUP,
    "cgroup": t.integer(32), "random": t.integer(32), "secpath": t.BOOLEAN, "ipsec": t.BOOLEAN,
    "iifkind": t.INTERFACE, "oifkind": t.INTERFACE, "ibrpvid": t.integer(16), "ibrvproto": t.ETHER_TYPE,
    "time": t.DATE, "day": t.DAY, "hour": t.HOUR, "sdif": t.INDEX, "sdifname": t.INTERFACE,
    "ibriport": t.INTERFACE, "obriport": t.INTERFACE, "ibridgename": t.INTERFACE, "obridgename": t.INTERFACE,
}  # fmt: skip
_BRIDGE = frozenset(
    {"ibrname", "obrname", "ibrpvid", "ibrvproto", "ibriport", "obriport", "ibridgename", "obridgename"}
)
_IMPURE = frozenset({"cpu", "random"})
_OF_INTERFACE = {
    "iifgroup": "in",
    "iiftype": "in",
    "iifkind": "in",
    "oifgroup": "out",
    "oiftype": "out",
    "oifkind": "out",
}
_UNCERTAIN = frozenset({"cgroup", "rtclassid", "sdif", "sdifname", "iifkind", "oifkind"})


def meta(context: Context, selector: Selector) -> Operand:
    """Return what a key of `meta` is; raises `Bad`."""
    key, span = selector.words[0], selector.span
    type = _KEYS.get(key)
    if type is None:
        raise Bad("FW001", f"`meta` has no key `{key}`", span, did_you_mean(key, _KEYS))
    family = context.table.family
    text = f"meta {key}"
    if key in _BRIDGE and family in ("ip", "ip6", "inet"):
        raise Bad("FW603", f"`{text}` is for tables of the family `bridge`", span)
    if key == "nfproto" and family not in ("inet", "bridge", "netdev"):
        raise Bad("FW603", "`meta nfproto` is for tables of the family `inet`", span, "leave it out")
    match key:
        case "mark" | "length":
            return Exact(type, text, span=span, name=key)
        case "l4proto":
            return Exact(type, text, span=span, name="proto")
        case "nfproto":
            return Cases(type, text, span=span, cases={2: IPV4, 10: IPV6})
        case "protocol":
            return Cases(type, text, span=span, cases={0x0800: IPV4, 0x86DD: IPV6})
        case "pkttype":
            cases: dict[int, Match] = {number: Field("pkttype", Intervals.of(number), span=span) for number in range(3)}
            return Cases(type, text, span=span, cases=cases)
        case "iif" | "iifname":
            return Named(type, text, span=span, name="in")
        case "oif" | "oifname":
            return Named(type, text, span=span, name="out", where=routed(context, selector))
        case "skuid" | "skgid":
            return _owner(context, key, type, selector)
        case "secpath" | "ipsec":
            return vague(type, text, span=span)
    if key in _OF_INTERFACE:
        field = _OF_INTERFACE[key]
        guard = all_of(has(field), routed(context, selector) if field == "out" else EVERYTHING)
        return vague(type, text, guard, certain=key not in _UNCERTAIN, span=span)
    return vague(type, text, certain=key not in _UNCERTAIN, pure=key not in _IMPURE, span=span)


def routed(context: Context, selector: Selector) -> Match:
    """Return where an output interface is known: behind the routing."""
    if not context.hooks & _BEFORE_ROUTING:
        return EVERYTHING
    if context.hooks <= _BEFORE_ROUTING:
        return NOTHING
    return Unknown("the packet is already routed", "routed", pure=False, span=selector.span)


@dataclass(frozen=True, slots=True)
class _Owner(Operand):
    """The user or group of the socket that sends, and at input of the one that a packet is for, if that is known yet
    (tcp_v4_early_demux)."""

    name: str = ""
    arrives: bool = False

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        plain = Exact(self.type, self.text, span=self.span, name=self.name)
        assert isinstance(values, Intervals)
        found = plain.known(values, bits)
        if not self.arrives:
            return found
        read = self.open(values, bits)
        asked = self.unknown(f"receiver:{self.name}:{shown(self.type, values)}", f"at input, the {read.text}")
        return either_of(found, all_of(Field("hook", Intervals.of(INPUT)), asked))


def _owner(context: Context, key: str, type: t.DataType, selector: Selector) -> Operand:
    name = {"skuid": "uid", "skgid": "gid"}[key]
    arrives = "input" in context.hooks
    present: Match = has(name)
    if arrives:
        there = Unknown("the socket that a packet is for is known", key_of("receiver", name, "there"))
        present = either_of(present, all_of(Field("hook", Intervals.of(INPUT)), there))
    return _Owner(type, f"meta {key}", EVERYTHING, present, span=selector.span, name=name, arrives=arrives)
