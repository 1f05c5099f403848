"""One packet, or a box of packets: for every field that it has, a value or a set of values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from policy._record import dataclass
from policy.packet.address import ANY_ADDRESS, BROADCAST, LOOPBACK, MULTICAST, V4_BASE, families_of, family_of, whole
from policy.packet.fields import ACK, EXTENSION_HEADERS, FIELDS, NEW, NOT_KNOWN, OUTPUT, REQUIRES, SYN
from policy.packet.values import Intervals, Masked, Names, ValueSet

Value = int | str | Intervals | Names
"""What a packet may hold of a field: one number or name, or, where it stands for many packets, a set of them."""

_FRAGMENT_HEADER = 1 << EXTENSION_HEADERS.index("frag")
NOT_LOOPBACK = Names(exact=frozenset({"lo"}), negated=True)


@dataclass(frozen=True, slots=True)
class Packet:
    """The fields that a packet has. A field that is missing here is one that the packet does not have.

    A set as a value means every packet with one of those values: a *box*. Fields of a box are
    independent of one another, but for the family, which is that of `src`.
    """

    values: Mapping[str, Value]

    @property
    def family(self) -> int:
        """4 or 6."""
        source = self.values["src"]
        first = source if isinstance(source, int) else source.first  # type: ignore[union-attr]
        return 4 if first >= V4_BASE else 6

    def get(self, name: str) -> Value | None:
        """Return what is known of a field, or None when the packet does not have it."""
        return self.values.get(name)

    def test(self, name: str, values: ValueSet) -> bool | None:
        """Is the field there and its value in *values*? None: true of some packets of the box only."""
        value = self.values.get(name)
        if value is None:
            return False
        if isinstance(value, int | str):
            return value in values  # type: ignore[operator]
        return relation(value, values)

    def with_values(self, changes: Mapping[str, Value]) -> Packet:
        """Return this packet with some fields changed."""
        return Packet({**self.values, **changes})

    def narrowed(self, name: str, values: ValueSet, inside: bool) -> Packet | None:
        """Return the part of a box whose field is in *values* (or, with *inside* false, is not).

        None where that part is not a box that can be written down; the caller then keeps the condition.
        """
        value = self.values[name]
        if isinstance(value, Intervals) and isinstance(values, Intervals):
            return self.with_values({name: value & values if inside else value - values})
        if isinstance(value, Names) and isinstance(values, Names):
            if not value.negated and not value.prefixes:
                return self.with_values({name: Names(frozenset(n for n in value.exact if (n in values) is inside))})
            if inside and value.covers(values):
                return self.with_values({name: values})
            if not inside and value.negated and not values.negated:
                rest = Names(value.exact | values.exact, value.prefixes | values.prefixes, negated=True)
                return self.with_values({name: rest})
        return None

    def key(self) -> frozenset[tuple[str, Value]]:
        """Return the packet as a hashable value."""
        return frozenset(self.values.items())


def relation(box: Intervals | Names, values: ValueSet) -> bool | None:
    """Are all (True), none (False) or some (None) of the values of *box* in *values*?"""
    if isinstance(box, Intervals):
        if isinstance(values, Masked):
            return values_of_mask(box, values)
        if isinstance(values, Intervals):
            return True if values.covers(box) else None if values.meets(box) else False
    elif isinstance(values, Names):
        return True if values.covers(box) else None if values.meets(box) else False
    raise TypeError(f"{type(values).__name__} is no set for a field with {type(box).__name__}")


def values_of_mask(box: Intervals, masked: Masked) -> bool | None:
    """Decide `relation` for a mask: the numbers of a range differ in all bits up to the highest one that varies."""
    answers = set()
    for low, high in box.ranges:
        varying = (1 << (low ^ high).bit_length()) - 1
        if not masked.meets(low, high):
            answers.add(False)
        elif masked.mask & varying == 0:
            answers.add(True)
        else:
            return None
    return answers.pop() if len(answers) == 1 else None


def has(values: Mapping[str, Value], name: str) -> bool:
    """Does a packet with *values* have the field *name* (`fields.REQUIRES`)?

    A packet at no hook in particular has what any hook would give it. Raises ValueError for a box of
    which only a part has the field.
    """
    alternatives = REQUIRES.get(name)
    if alternatives is None:
        return True
    found: bool | None = False
    for parts in alternatives:
        answers = [_meets(values, field, wanted) for field, wanted in parts]
        if all(answers):
            return True
        if False not in answers:
            found = None
    if found is None:
        raise ValueError(f"only some of these packets have a {FIELDS[name].title}")
    return False


def _meets(values: Mapping[str, Value], name: str, wanted: Intervals) -> bool | None:
    value = values.get(name)
    if value is None:
        return name == "hook"
    return value in wanted if isinstance(value, int) else relation(value, wanted)  # type: ignore[arg-type]


def complete(given: Mapping[str, Value]) -> Packet:
    """Return the well-formed packet (or box of one family) that *given* describes.

    Fields that say which traffic is meant (`fields.TRAFFIC`) range over everything when they are left
    out, the loopback interface apart; the others have their usual value, and the MAC address, the
    socket's owner and the length, which have none, stay open. Raises ValueError for a field that the
    packet cannot have, for families that do not meet, and for a box with several families or with
    protocols of which only some have a given field.
    """
    values: dict[str, Value] = dict(given)
    _one_family(values)
    values.setdefault("proto", FIELDS["proto"].domain)  # type: ignore[arg-type]
    values.setdefault("fragment", 0)
    values.setdefault("state", NEW)
    present = _fields_of(tuple(values.get(name) for name in _DECIDING))
    for name in given:
        if name not in present and not has(values, name):
            raise ValueError(f"this packet has no {FIELDS[name].title}")
    for name in present:
        if name not in values:
            usual = _usual(name, values)
            values[name] = FIELDS[name].domain if usual is None else usual  # type: ignore[assignment]
    return Packet(values)


_DECIDING = ("hook", "proto", "src", "fragment", "state")
"""The fields that decide which others a packet has."""


def _fields_of(deciding: tuple[Value | None, ...]) -> tuple[str, ...]:
    """Return the fields of a packet, given the values of `_DECIDING`."""
    hook, proto, source, fragment, state = deciding
    family = 4 if (source if isinstance(source, int) else source.first) >= V4_BASE else 6  # type: ignore[union-attr]
    return _layout(hook, proto, family, fragment, state)


@lru_cache(maxsize=4096)
def _layout(hook: Value | None, proto: Value, family: int, fragment: Value, state: Value) -> tuple[str, ...]:
    values: dict[str, Value] = {"proto": proto, "src": whole(family), "fragment": fragment, "state": state}
    if hook is not None:
        values["hook"] = hook
    return tuple(name for name in FIELDS if name != "hook" and has(values, name))


def _one_family(values: dict[str, Value]) -> None:
    source, destination = values.get("src", ANY_ADDRESS), values.get("dst", ANY_ADDRESS)
    if isinstance(source, int) and isinstance(destination, int):
        if family_of(source) != family_of(destination):
            raise ValueError("the source and the destination are not of one family")
        return
    sides = {}
    for name, value in (("src", source), ("dst", destination)):
        sides[name] = Intervals.of(value) if isinstance(value, int) else value
    both = families_of(sides["src"]) & families_of(sides["dst"])  # type: ignore[arg-type]
    if not both:
        raise ValueError("the source and the destination are not of one family")
    if len(both) == 2:
        raise ValueError("the addresses are of both families")
    (family,) = both
    for name, side in sides.items():
        if not isinstance(values.get(name), int):
            values[name] = single(side & whole(family))  # type: ignore[operator]


def varies(name: str, value: Value) -> bool:
    """Is *value* a set of values that are all meant, and not one value that is not known?

    Several values of the status of a connection are always one of which not all bits are known.
    """
    known = name not in NOT_KNOWN or (value != FIELDS[name].domain and name != "ctstatus")
    return not isinstance(value, int | str) and known


def single(values: Intervals) -> Value:
    """Return the only number of *values*, or *values* when there are several."""
    return values.first if values.size == 1 else values


def _usual(name: str, values: Mapping[str, Value]) -> Value | None:
    match name:
        case "in" | "out":
            local = _touches(values["src"], LOOPBACK) or _touches(values["dst"], LOOPBACK)
            return None if local else NOT_LOOPBACK
        case "flags":
            return SYN if values["state"] == NEW else ACK
        case "icmp_type":
            return 8 if Packet(values).family == 4 else 128
        case "ttl":
            return 64
        case "direction" | "ctmark" | "ctstatus":
            return 0 if values["state"] == NEW else None
        case "pkttype":
            return 0 if values.get("hook") == OUTPUT else _packet_type(values["dst"])
        case "exthdrs":
            return 0 if values["fragment"] == 0 else _FRAGMENT_HEADER
        case "icmp_code" | "tos" | "mark" | "tcp_options":
            return 0
    return None


def _touches(value: Value, addresses: Intervals) -> bool:
    """Is the value a set of nothing but *addresses*?"""
    return value in addresses if isinstance(value, int) else addresses.covers(value)  # type: ignore[arg-type]


def _packet_type(destination: Value) -> Value | None:
    box = Intervals.of(destination) if isinstance(destination, int) else destination
    for kind, addresses in ((1, BROADCAST), (2, MULTICAST)):
        if addresses.covers(box):  # type: ignore[arg-type]
            return kind
    return None if MULTICAST.meets(box) or BROADCAST.meets(box) else 0  # type: ignore[arg-type]
