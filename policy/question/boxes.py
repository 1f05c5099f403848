"""From a question to the packets that it means: boxes that have one family, one kind of protocol, one state."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from policy._record import dataclass
from policy.packet import (
    ESTABLISHED,
    FIELDS,
    INVALID,
    NEW,
    PORT_PROTOCOLS,
    RELATED,
    UNTRACKED,
    Intervals,
    Masked,
    Value,
    ValueSet,
    has,
    single,
)
from policy.packet.address import ANY_ADDRESS, BROADCAST, MULTICAST, whole
from policy.packet.connection import HANDSHAKE, OPENING
from policy.packet.fields import ICMP, ICMP6, TCP, UDP
from policy.question.terms import Terms

MOST_BOXES = 4096

_KINDS = {
    4: ((Intervals.of(3, 4, 5, 11, 12), RELATED), (Intervals.of(0, 14, 16, 18), ESTABLISHED)),
    6: (
        (Intervals.of((1, 4)), RELATED),
        (Intervals.of(129, 140), ESTABLISHED),
        (Intervals.of((130, 136), 143, 151, 152), UNTRACKED),
    ),
}
"""The state that other ICMP types have where they are welcome: errors belong to a connection, replies answer one."""

_ALL = Intervals.of((0, 255))
_PORTS = PORT_PROTOCOLS - Intervals.of(TCP, UDP)
_OTHERS = _ALL - PORT_PROTOCOLS - Intervals.of(ICMP, ICMP6)
_PROTOCOLS = (Intervals.of(TCP), Intervals.of(UDP), _PORTS, Intervals.of(ICMP), Intervals.of(ICMP6), _OTHERS)
"""Protocols that have the same fields, apart from the family, and the same idea of a connection."""

Box = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was asked, and what it says."""

    text: str
    terms: Terms

    @property
    def hooks(self) -> tuple[int, ...]:
        """The hooks that it names."""
        values = self.terms.get("hook")
        return tuple(_numbers(values)) if isinstance(values, Intervals) else ()

    def names(self, field: str) -> bool:
        """Does it say anything about *field*?"""
        return self.terms.get(field) is not None


@dataclass(frozen=True, slots=True)
class Part:
    """A box of a question, without its hook; *alone*: it is one packet, and opens no connection."""

    values: Box
    alone: bool

    @property
    def family(self) -> int:
        """4 or 6."""
        source = self.values["src"]
        return 4 if (source if isinstance(source, int) else source.first) >= whole(4).first else 6  # type: ignore[union-attr]


def by_packet_type(part: Part) -> Iterator[Part]:
    """Yield *part*, cut where the packet type of its packets, or of their replies, follows from their addresses."""
    if "pkttype" in part.values:
        yield part
        return
    everything = whole(part.family)
    kinds = (BROADCAST, MULTICAST, everything - BROADCAST - MULTICAST)
    for source, destination in product(kinds, kinds):
        sides = {name: _meet(_set(part.values[name]), kind) for name, kind in (("src", source), ("dst", destination))}
        if all(map(_is_some, sides.values())):
            yield Part({**part.values, **{name: _value(values) for name, values in sides.items()}}, part.alone)


def _set(value: Value) -> ValueSet:
    assert isinstance(value, int | Intervals)
    return Intervals.of(value) if isinstance(value, int) else value


def parts(question: Question) -> list[Part]:
    """Return the boxes of *question*, disjoint but for what it lists twice.

    Raises ValueError when there is no such packet, and for a question with more than `MOST_BOXES` boxes.
    """
    found: list[Part] = []
    for part in _parts(question.terms):
        if part not in found:
            found.append(part)
        if len(found) > MOST_BOXES:
            raise ValueError(f"the question has more than {MOST_BOXES} parts")
    if not found:
        raise ValueError("there is no such packet")
    return found


def _parts(terms: Terms) -> Iterator[Part]:
    fields = {f.name: _plain(f.name, f.values) for f in terms.fields if f.name not in ("hook", "state")}
    states = terms.get("state")
    named = list(_numbers(states)) if isinstance(states, Intervals) else [None]
    for service, kind, family, state in product(terms.services or ((),), _PROTOCOLS, (4, 6), named):
        given = {**fields, **_sides(fields, family)}
        for each in service:
            given[each.name] = _meet(given.get(each.name), _plain(each.name, each.values))
        given["proto"] = _meet(given.get("proto"), kind)
        if all(_is_some(values) for values in given.values()):
            yield from _of_state({name: _value(values) for name, values in given.items()}, family, state)


def _of_state(values: Box, family: int, state: int | None) -> Iterator[Part]:
    """Yield a box with its state: the one that is named, or the one that its packets have when they are welcome."""
    usual: Box = {"fragment": 0, "state": NEW if state is None else state, **values}
    if any(not has(usual, name) for name in values):
        return
    if state is not None:
        yield Part({**values, "state": state}, alone=True)
        return
    types = values.get("icmp_type")
    if types is None:
        yield from (Part({**values, **flags}, alone=False) for flags in _with_one_reply(values.get("flags")))
        return
    left = Intervals.of(types) if isinstance(types, int) else types
    assert isinstance(left, Intervals)
    for number in _numbers(left & OPENING[family]):
        yield Part({**values, "icmp_type": number, "state": NEW}, alone=False)
    left -= OPENING[family]
    for kind, welcome in (*_KINDS[family], (_ALL, INVALID)):
        if some := left & kind:
            yield Part({**values, "icmp_type": single(some), "state": welcome}, alone=True)
        left -= kind


def _with_one_reply(flags: Value | None) -> Iterator[Box]:
    """Yield what a question says of TCP flags, cut where the replies to a SYN have others than those to the rest."""
    if not isinstance(flags, Intervals):
        yield {}
        return
    yield from ({"flags": single(some)} for some in (flags & HANDSHAKE, flags - HANDSHAKE) if some)


def _sides(fields: dict[str, ValueSet], family: int) -> dict[str, ValueSet]:
    sides: dict[str, ValueSet] = {}
    for name in ("src", "dst"):
        values = fields.get(name, ANY_ADDRESS)
        assert isinstance(values, Intervals)
        sides[name] = values & whole(family)
    return sides


def _plain(name: str, values: ValueSet) -> ValueSet:
    """Return the values of a field without a mask, which a packet cannot hold."""
    if not isinstance(values, Masked):
        return values
    domain = FIELDS[name].domain
    assert isinstance(domain, Intervals)
    if domain.size > 1 << 16:
        raise ValueError(f"a question needs one {FIELDS[name].title}, without a mask")
    return Intervals.of(*(number for number in _numbers(domain) if number in values))


def _meet(one: ValueSet | None, other: ValueSet) -> ValueSet:
    if one is None:
        return other
    assert isinstance(one, Intervals)
    assert isinstance(other, Intervals)
    return one & other


def _is_some(values: ValueSet) -> bool:
    return not isinstance(values, Intervals) or bool(values)


def _value(values: ValueSet) -> Value:
    if isinstance(values, Intervals):
        return single(values)
    assert not isinstance(values, Masked)
    if not values.negated and not values.prefixes and len(values.exact) == 1:
        return next(iter(values.exact))
    return values


def _numbers(values: Intervals) -> Iterator[int]:
    for low, high in values.ranges:
        yield from range(low, high + 1)
