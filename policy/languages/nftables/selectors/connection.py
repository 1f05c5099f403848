"""What connection tracking knows of a packet: `ct`.

Sources: nft(8), CT EXPRESSIONS; nftables 1.0.6: src/ct.c; the kernel's nft_ct.c (nft_ct_get_eval). Every packet has a
state; all else only those have that belong to an entry. What an entry has of addresses and ports is that of its packets
where no rule rewrites (`languages/iptables/matches/conntrack.py` says the same of iptables).
"""

from __future__ import annotations

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ir import EVERYTHING, Field, Match, Not, Unknown, all_of, either_of, negated
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import Selector
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.context import Context
from policy.languages.nftables.facts import facts
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.selectors.base import Cases, Exact, Operand, bit, has, vague
from policy.languages.nftables.selectors.payload import IPV4, IPV6, version_guard
from policy.netfilter import HAS_CONNECTION, NOT_TRACKED_YET
from policy.packet import ESTABLISHED, INVALID, NEW, RELATED, UNTRACKED, Intervals, Names
from policy.packet.connection import OPPOSITE
from policy.packet.fields import ASSURED, ICMP, ICMP6, SCTP, SEEN_REPLY, TCP, UDP

_KEYS: dict[str, t.DataType] = {
    "state": t.CT_STATE, "direction": t.CT_DIRECTION, "status": t.CT_STATUS, "mark": t.MARK, "expiration": t.TIME,
    "helper": t.TEXT, "label": t.CT_LABEL, "l3proto": t.NF_PROTO, "protocol": t.PROTOCOL, "saddr": t.ADDRESS,
    "daddr": t.ADDRESS, "proto-src": t.PORT, "proto-dst": t.PORT, "bytes": t.integer(64), "packets": t.integer(64),
    "avgpkt": t.integer(64), "zone": t.integer(16), "event": t.CT_EVENT, "secmark": t.integer(32), "id": t.integer(32),
}  # fmt: skip
_SIDED = frozenset(
    {"saddr", "daddr", "proto-src", "proto-dst", "bytes", "packets", "avgpkt", "zone", "l3proto", "protocol"}
)
_CHANGING = frozenset({"bytes", "packets", "avgpkt", "expiration"})
_UNCERTAIN = frozenset({"helper", "secmark", "event"})
_STATES = {1: INVALID, 2: ESTABLISHED, 4: RELATED, 8: NEW, 64: UNTRACKED}
_SIDES = {
    ("saddr", "original"): "src", ("daddr", "original"): "dst", ("saddr", "reply"): "dst", ("daddr", "reply"): "src",
    ("proto-src", "original"): "sport", ("proto-dst", "original"): "dport", ("proto-src", "reply"): "dport",
    ("proto-dst", "reply"): "sport",
}  # fmt: skip
"""What an entry says, as a packet in the first direction has it."""
_ERROR = all_of(Field("state", Intervals.of(RELATED)), Field("proto", Intervals.of(ICMP, ICMP6)))
_WITH_PORTS = Field("proto", Intervals.of(TCP, UDP, SCTP))
_BEHIND_OTHERS = Field("proto", Intervals.of(51))
_KNOWN_STATUS = 63


def connection(context: Context, selector: Selector) -> Operand:
    """Return what a key of `ct` is; raises `Bad`."""
    key, direction, family = (*selector.words, "", "")[:3]
    type = _KEYS.get(key)
    if type is None:
        raise Bad("FW001", f"`ct` has no key `{key}`", selector.span, did_you_mean(key, _KEYS))
    if direction and key not in _SIDED:
        help = f"write `ct {key}`"
        raise Bad("FW001", f"`{key}` is not different for the two directions of a connection", selector.span, help)
    if not direction and (key.startswith("proto-") or key in ("saddr", "daddr")):
        help = f"say of which direction: `ct original {key}` or `ct reply {key}`"
        raise Bad("FW001", f"`ct {key}` is different for the two directions of a connection", selector.span, help)
    text = " ".join(word for word in ("ct", direction, family, key) if word)
    if key == "state":
        return _state(context, text, selector)
    guard = tracked(context, selector)
    match key:
        case "direction":
            return Exact(type, text, guard, all_of(guard, has("direction")), span=selector.span, name="direction")
        case "mark":
            return Exact(type, text, guard, all_of(guard, has("ctmark")), span=selector.span, name="ctmark")
        case "status":
            return _Status(type, text, guard, guard, span=selector.span)
        case "l3proto":
            return Cases(type, text, guard, guard, span=selector.span, cases={2: IPV4, 10: IPV6})
        case "protocol":
            return _Protocol(type, text, guard, guard, span=selector.span)
        case "saddr" | "daddr" | "proto-src" | "proto-dst":
            return _side(context, selector, type, text, guard)
    return vague(type, text, guard, certain=key not in _UNCERTAIN, pure=key not in _CHANGING, span=selector.span)


def tracked(context: Context, selector: Selector) -> Match:
    """Return the packets that belong to an entry by then."""
    if context.tracked is None:
        return all_of(HAS_CONNECTION, _seen(selector))
    return HAS_CONNECTION if context.tracked else NOT_TRACKED_YET


def _seen(selector: Selector) -> Unknown:
    return Unknown("connection tracking has seen the packet", "tracked", pure=False, span=selector.span)


def _state(context: Context, text: str, selector: Selector) -> Operand:
    span = selector.span
    usual: dict[int, Match] = {
        number: Field("state", Intervals.of(value), span=span) for number, value in _STATES.items()
    }
    if context.tracked:
        return Cases(t.CT_STATE, text, span=span, cases=usual)
    before: dict[int, Match] = {1: EVERYTHING}
    if facts(context.state).untracks:
        out = all_of(
            Field("state", Intervals.of(UNTRACKED), span=span),
            Unknown("a rule has taken the packet out of connection tracking", "untracked", pure=False, span=span),
        )
        before = {1: Not(out), 64: out}
    if context.tracked is False:
        return Cases(t.CT_STATE, text, span=span, cases=before)
    when = _seen(selector)
    mixed = {number: all_of(match, when) for number, match in usual.items()}
    for number, match in before.items():
        mixed[number] = either_of(mixed[number], all_of(match, Not(when)))
    return Cases(t.CT_STATE, text, span=span, cases=mixed)


@dataclass(frozen=True, slots=True)
class _Status(Operand):
    """The status of a connection, of which six bits are known."""

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        if bits is None:
            return self._whole(values)
        if bits.mask & ~_KNOWN_STATUS or bits.shift:
            return self.open(values, bits, pure=False)
        exact = Exact(self.type, self.text, span=self.span, name="ctstatus").known(values, bits)
        if not bits.mask & ASSURED:
            return exact
        later = all_of(Not(Field("proto", Intervals.of(TCP, ICMP, ICMP6))), bit("ctstatus", SEEN_REPLY))
        return either_of(all_of(Not(later), exact), all_of(later, self.open(values, bits)))

    def _whole(self, values: Intervals) -> Match:
        """Return what compares all bits: those that are not known may be as they should be."""
        if values.size > 64:
            return self.open(values, None, pure=False)
        numbers = [number for low, high in values.ranges for number in range(low, high + 1)]
        parts = []
        for number in numbers:
            low = Field("ctstatus", Intervals.of(number & _KNOWN_STATUS), span=self.span)
            parts.append(all_of(low, self.open(Intervals.of(number), None, pure=False)))
        return either_of(*parts)


@dataclass(frozen=True, slots=True)
class _Protocol(Operand):
    """The protocol of the entry: for an ICMP error that of another packet."""

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        plain = Exact(self.type, self.text, span=self.span, name="proto").known(values, bits)
        other = either_of(_ERROR, _BEHIND_OTHERS)
        return either_of(all_of(negated(other), plain), all_of(other, self.open(values, bits)))


@dataclass(frozen=True, slots=True)
class _Side(Operand):
    """An address or a port of the entry: *known_in* are the directions in which a packet has it, and its field."""

    known_in: tuple[tuple[int, str], ...] = ()
    ports: bool = False

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        sure = [negated(_ERROR)] + ([_WITH_PORTS] if self.ports else [])
        told = []
        for direction, name in self.known_in:
            where = all_of(Field("direction", Intervals.of(direction)), *sure)
            told.append((where, Exact(self.type, self.text, span=self.span, name=name).known(values, bits)))
        elsewhere = negated(either_of(*(where for where, _ in told)))
        parts = [all_of(where, found) for where, found in told]
        return either_of(*parts, all_of(elsewhere, self.open(values, bits)))


def _side(context: Context, selector: Selector, type: t.DataType, text: str, guard: Match) -> Operand:
    key, direction, family = (*selector.words, "", "")[:3]
    ports = key.startswith("proto-")
    if not ports:
        table = context.table.family
        if family in ("ip", "ip6") and table in ("ip", "ip6") and family != table:
            raise Bad("FW603", f"`{text}` in a table of the family `{table}`", selector.span)
        said = family or (table if table in ("ip", "ip6") else "")
        type = {"ip": t.IPV4, "ip6": t.IPV6}.get(said, t.ADDRESS)
        if said:
            guard = all_of(guard, version_guard(context, said))
    name = _SIDES[key, direction]
    known_in = [(number, field) for number, field in enumerate((name, OPPOSITE[name]))]
    if facts(context.state).translates:
        known_in = known_in[:1] if direction == "original" and key in ("saddr", "proto-src") else []
    return _Side(type, text, guard, guard, span=selector.span, known_in=tuple(known_in), ports=ports)
