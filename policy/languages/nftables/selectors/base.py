"""What a selector reads, as conditions on a packet: the kinds that there are.

An operand has a type; *guard* is what must hold beside the condition on its value, *present* are the packets of which
the kernel finds a value at all (a rule that reads what is not there is passed over, NFT_BREAK). So a condition is
`guard and among(values)`, and its opposite `present and not among(values)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from zlib import crc32

from policy._record import dataclass
from policy.ir import EVERYTHING, NOTHING, Field, Match, Unknown, all_of, either_of, negated
from policy.ir.match import mark
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.constants import Values
from policy.languages.nftables.types import DataType
from policy.packet import FIELDS, Intervals, Masked, Names
from policy.packet.address import format_range
from policy.source import Span

_FEW = 6


def has(name: str) -> Field:
    """Return the packets that have a field."""
    return Field(name, FIELDS[name].domain)


def key_of(*parts: str) -> str:
    """Return a key for `--assume`: words joined by colons, without spaces."""
    return ":".join("-".join(part.split()) for part in parts if part)


@dataclass(frozen=True, slots=True)
class Operand:
    """What a selector reads, called *text*."""

    type: DataType
    text: str
    guard: Match = EVERYTHING
    present: Match = EVERYTHING
    span: Span = mark()

    def among(self, values: Values, bits: Bits | None = None) -> Match:
        """Return the packets whose value, or what *bits* make of it, is in a set; what is not known is unknown."""
        some = values.known.exact or values.known.prefixes if isinstance(values.known, Names) else values.known
        found = self.known(values.known, bits) if some else NOTHING
        opened = (self._opened(name) for name in values.open)
        return either_of(*(each for each in (found, *opened) if each != NOTHING))

    def any_of(self, flags: int) -> Match:
        """Return the packets of whose value any of some bits is set."""
        if flags & (flags - 1):
            return opposite(self, self.among(Values(Intervals.of(0)), Bits(0, flags)))
        return all_of(self.guard, self.among(Values(Intervals.of(flags)), Bits(0, flags))) if flags else NOTHING

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        raise NotImplementedError

    def _opened(self, name: str) -> Unknown:
        kind, _, text = name.partition(":")
        where = getattr(self, "name", "") or _short(self.text)
        title = FIELDS[where].title if where in FIELDS else self.text
        return self.unknown(f"{name}:{where}", f"the {title} is that of {kind} {text}")

    def unknown(self, key: str, text: str, pure: bool = True) -> Unknown:
        return Unknown(text, key_of(key), pure, span=self.span)

    @property
    def field(self) -> str | None:
        """The field whose numbers are those of the operand, if it is that simple."""
        return None

    def open(self, values: Intervals | Names, bits: Bits | None, pure: bool = True) -> Unknown:
        """Return a condition on the value that is not modelled."""
        what = f"{self.text}{_operation(bits)}"
        said = shown(self.type, values)
        return self.unknown(f"{_short(what)}:{said}", f"{what} is {said}", pure)


@dataclass(frozen=True, slots=True)
class Exact(Operand):
    """A field of the packet, or some of its bits: the value is what *part* makes of it, or less by *less*."""

    name: str = ""
    part: Bits | None = None
    less: int = 0

    @property
    def field(self) -> str | None:
        return self.name if self.part is None and not self.less else None

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        bits = self.part if bits is None else bits if self.part is None else _after(self.part, bits)
        if bits is None:
            return self._with(self.moved(values))
        if self.less:  # few enough numbers to look at each
            each = range(_top(self.name) - self.less + 1)
            return self._with(
                self.moved(Intervals.of(*(number for number in each if bits.of(number) in values), (1, 0)))
            )
        address = self.name in ("src", "dst")
        base = self.type.base if address else 0
        parts = bits.before(_down(values, base), self.type.bits if address else _top(self.name).bit_length())
        if parts is None:
            return self.open(values, bits)
        found = either_of(*(self._with(_up(part, base)) for part in parts))
        # A mask of an IPv6 address does not look at the bit that tells IPv4 addresses from it.
        return found if base or not address or found == NOTHING else all_of(self.present, found)

    def moved(self, values: Intervals) -> Intervals:
        """Return the numbers of the field for values."""
        if self.less:
            values = Intervals.of(*((low + self.less, high + self.less) for low, high in values.ranges), (1, 0))
        top = _top(self.name)
        return values & Intervals(((0, top),)) if values and values.ranges[-1][1] > top else values

    def _with(self, values: Intervals | Masked) -> Match:
        if isinstance(values, Masked) and not values.mask:
            return EVERYTHING if self.present == EVERYTHING else has(self.name)
        return Field(self.name, values, span=self.span) if values else NOTHING


def _top(name: str) -> int:
    domain = FIELDS[name].domain
    assert isinstance(domain, Intervals)
    return domain.ranges[-1][1]


def _after(part: Bits, more: Bits) -> Bits:
    """Return two operations as one."""
    shift = part.shift + more.shift
    mask = (part.mask << more.shift if more.shift >= 0 else part.mask >> -more.shift) & more.mask
    return Bits(shift, mask, more.flipped)


def _down(values: Intervals, base: int) -> Intervals:
    if not base:
        return values
    return Intervals(tuple((low - base, high - base) for low, high in values.ranges if low >= base))


def _up(values: Intervals | Masked, base: int) -> Intervals | Masked:
    if not base:
        return values
    if isinstance(values, Masked):
        return Masked(values.value | base, values.mask | base)
    return Intervals(tuple((low + base, high + base) for low, high in values.ranges))


@dataclass(frozen=True, slots=True)
class Named(Operand):
    """The name of an interface, in a field."""

    name: str = ""
    where: Match = EVERYTHING

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Names)
        assert bits is None
        return NOTHING if self.where == NOTHING else all_of(Field(self.name, values, span=self.span), self.where)

    def among(self, values: Values, bits: Bits | None = None) -> Match:
        return NOTHING if self.where == NOTHING else Operand.among(self, values, bits)


@dataclass(frozen=True, slots=True)
class Cases(Operand):
    """A value that is told by other fields: disjoint conditions by numbers, and *rest*, of which it is not known.

    There it is one of *possible*.
    """

    cases: Mapping[int, Match] = field(default_factory=dict, compare=False, repr=False)
    rest: Match = NOTHING
    possible: Intervals = Intervals()
    pure: bool = True

    def any_of(self, flags: int) -> Match:
        if self.rest != NOTHING:
            return Operand.any_of(self, flags)
        return all_of(self.guard, self.known(Intervals.of(*(n for n in self.cases if n & flags), (1, 0)), None))

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        found = [match for number, match in self.cases.items() if (bits.of(number) if bits else number) in values]
        if self.rest != NOTHING and (bits is not None or self.possible.meets(values)):
            sure = bits is None and values.covers(self.possible)
            found.append(self.rest if sure else all_of(self.rest, self.open(values, bits, self.pure)))
        return _together(found)


def _together(parts: list[Match]) -> Match:
    """Return the disjunction, with the conditions on one field as one."""
    joined: dict[str, Intervals] = {}
    others: list[Match] = []
    span = None
    for part in parts:
        if isinstance(part, Field) and isinstance(part.values, Intervals):
            joined[part.name] = joined[part.name] | part.values if part.name in joined else part.values
            span = span or part.span
        else:
            others.append(part)
    return either_of(*(Field(name, values, span=span) for name, values in joined.items()), *others)


@dataclass(frozen=True, slots=True)
class Vague(Operand):
    """A value that is not modelled."""

    pure: bool = True

    def any_of(self, flags: int) -> Match:
        said = ",".join(str(number) for number in range(flags.bit_length()) if flags >> number & 1)
        if self.type.kind == "flags":
            said = ",".join(name for name, bit in self.type.names.items() if bit & flags) or str(flags)
        return all_of(self.guard, self.unknown(f"{_short(self.text)}:{said}", f"{self.text} has {said}", self.pure))

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        if isinstance(values, Intervals) and bits is None and values == self.type.whole:
            return EVERYTHING
        return self.open(values, bits, self.pure)


def vague(
    type: DataType,
    text: str,
    guard: Match = EVERYTHING,
    *,
    certain: bool = True,
    pure: bool = True,
    span: Span,
) -> Vague:
    """Return an operand that is not modelled: *certain* says that all packets of the guard have a value."""
    there = EVERYTHING if certain else Unknown(f"there is a value of {text}", key_of(_short(text), "there"), pure)
    return Vague(type, text, guard, all_of(guard, there), span=span, pure=pure)


def bit(name: str, status: int) -> Field:
    """Return the packets of whose field a bit is set."""
    return Field(name, Masked(status, status))


# Texts


def _short(text: str) -> str:
    """Return a text as part of a key: `ct:zone`, `meta:cpu`."""
    return ":".join(text.split())


def _operation(bits: Bits | None) -> str:
    if bits is None:
        return ""
    moved = "" if not bits.shift else f" << {bits.shift}" if bits.shift > 0 else f" >> {-bits.shift}"
    return f"{moved} & {bits.mask:#x}" + (f" ^ {bits.flipped:#x}" if bits.flipped else "")


def shown(type: DataType, values: Intervals | Names) -> str:
    """Return values as short text; long ones differ by a number at the end."""
    if isinstance(values, Names):
        parts = [*sorted(values.exact), *(f"{prefix}*" for prefix in sorted(values.prefixes))]
    else:
        parts = [_range(type, low, high) for low, high in values.ranges]
    if len(parts) <= _FEW:
        return ",".join(parts) or "none"
    return f"{','.join(parts[:2])},{len(parts) - 2}-more-{crc32(','.join(parts).encode()):08x}"


def _range(type: DataType, low: int, high: int) -> str:
    if type.kind in ("ipv4", "ipv6", "address"):
        return format_range(low, high)
    if type.kind in ("hour", "date", "label"):
        one, other = (_said(type, number) for number in (low, high))
        return one if low == high else f"{one}-{other}"
    names = {number: name for name, number in reversed(list(type.names.items()))}
    one = names.get(low) or str(low)
    return one if low == high else f"{one}-{names.get(high) or high}"


def _said(type: DataType, number: int) -> str:
    if type.kind == "label":
        return str(number.bit_length() - 1) if number.bit_count() == 1 else f"{number:#x}"
    if type.kind == "hour":
        clock = f"{number // 3600:02}:{number // 60 % 60:02}"
        return clock if number % 60 == 0 else f"{clock}:{number % 60:02}"
    from datetime import UTC, datetime

    try:
        return (
            datetime.fromtimestamp(number // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
        )
    except (OverflowError, ValueError, OSError):
        return str(number)


def opposite(operand: Operand, match: Match) -> Match:
    """Return the packets that have a value, and not one that meets a condition."""
    return all_of(operand.present, EVERYTHING if match == NOTHING else negated(match))
