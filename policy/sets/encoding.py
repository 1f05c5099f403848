"""Fields of packets as variables of a diagram: which packets have a field, and with which values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policy.ir import Rewrite, Set
from policy.packet import FIELDS, Intervals, Masked, Names, Value, ValueSet
from policy.packet.address import V4, V4_BASE, V6
from policy.sets.budget import Budget
from policy.sets.dd import Diagram, Formula
from policy.sets.layout import ADDRESSES, Layout

Bits = tuple[Formula, ...]
"""A number, the highest bit first. An address begins with whether it is IPv4, which has its value in the next 32."""


@dataclass(frozen=True, slots=True)
class Now:
    """The fields that actions have changed on the way, as functions of the packet as it arrived."""

    changed: tuple[tuple[str, Bits], ...] = ()

    def get(self, name: str) -> Bits | None:
        """Return the bits of a field that has changed, or None."""
        return next((bits for field, bits in self.changed if field == name), None)

    def with_field(self, name: str, bits: Bits) -> Now:
        """Return this with one field changed."""
        return Now(tuple(sorted(({**dict(self.changed), name: bits}).items(), key=lambda item: item[0])))


ORIGINAL = Now()


class Encoding:
    """The variables of a layout: those of its fields, one for each pure unknown, and fresh ones as they are needed.

    Bits of a field that a packet does not have, and those of an IPv4 address beyond 32, are in no formula.
    """

    def __init__(self, layout: Layout, budget: Budget | None = None, nodes: int | None = None) -> None:
        self.layout = layout
        self.diagram = diagram = Diagram(budget, nodes)
        self.true, self.false = diagram.constant(True), diagram.constant(False)
        self.family = self._family()
        self.unknowns = dict(zip(layout.unknowns, diagram.variables(len(layout.unknowns)), strict=True))
        self.bits: dict[str, Bits] = {}
        for name in layout.fields:
            self.bits[name] = ((self.family,) if name in ADDRESSES else ()) + diagram.variables(self._width(name))
        self.fresh: list[Formula] = []
        self._predicates: dict[tuple[str, ValueSet, Bits | None], Formula] = {}
        self._has: dict[str, Formula] = {}
        self._beside: dict[str, Formula] = {}
        self.wellformed = self.true
        for name in layout.fields:
            if name not in ADDRESSES:
                self.wellformed &= self.inside(name, layout.domain(name), self.bits[name]) | ~self.has(name)

    def has(self, name: str) -> Formula:
        """Return which packets had the field when they arrived."""
        found = self._has.get(name)
        if found is None:
            present = self.layout.presence(name)
            if isinstance(present, bool):
                found = self.true if present else self.false
            else:
                found = self.false
                for parts in present:
                    all_ = self.true
                    for field, wanted in parts:
                        all_ &= self.inside(field, wanted, self.bits[field])
                    found |= all_
            self._has[name] = found
        return found

    def beside(self, name: str) -> Formula:
        """Return the conjunction of the variables of all other fields, and of the family where it is one."""
        found = self._beside.get(name)
        if found is None:
            bits = [bit for other, each in self.bits.items() if other != name for bit in each if bit != self.family]
            family = (self.family,) if len(self.layout.families) == 2 else ()
            found = self._beside[name] = self.diagram.all((*family, *bits))
        return found

    def test(self, name: str, values: ValueSet, now: Now = ORIGINAL) -> Formula:
        """Return which packets have the field with a value in *values*, where earlier actions have made *now* of it."""
        if name == "hook":
            hook = self.layout.hook
            assert isinstance(values, Intervals)
            return self.true if hook is not None and hook in values else self.false
        bits = now.get(name)
        key = (name, values, bits)
        found = self._predicates.get(key)
        if found is None:
            found = self.false
            if name in self.bits:
                found = self.has(name) & self.inside(name, values, bits or self.bits[name])
            self._predicates[key] = found
        return found

    def inside(self, name: str, values: ValueSet, bits: Bits) -> Formula:
        """Return that a number, as *bits*, is one of *values* of a field."""
        if isinstance(values, Names):
            values = self.layout.atoms.numbers(values)
        if isinstance(values, Masked) and values.value & ~values.mask:
            return self.false
        if name in ADDRESSES:
            return self._address(values, bits)
        if isinstance(values, Masked):
            return self.false if values.value >> len(bits) else self.diagram.masked(bits, values.value, values.mask)
        most = (1 << len(bits)) - 1
        return self._ranges(values & Intervals.of((0, most)), bits)

    def _address(self, values: Intervals | Masked, bits: Bits) -> Formula:
        family, short, whole = bits[0], bits[1:33], bits[1:]
        diagram = self.diagram
        if isinstance(values, Masked):
            low32 = (1 << 32) - 1
            v4, v6 = self.false, self.false
            if not (V4_BASE ^ values.value) & values.mask & ~low32:
                v4 = diagram.masked(short, values.value & low32, values.mask & low32)
            if not values.value & V4_BASE and len(whole) > 32:
                v6 = diagram.masked(whole, values.value, values.mask & V4_BASE - 1)
            return family.choose(v4, v6)
        v4 = self._ranges(Intervals(tuple((a - V4_BASE, b - V4_BASE) for a, b in (values & V4).ranges)), short)
        v6 = self._ranges(values & V6, whole) if len(whole) > 32 else self.false
        return family.choose(v4, v6)

    def _ranges(self, values: Intervals, bits: Bits) -> Formula:
        return self.diagram.either(self.diagram.between(bits, low, high) for low, high in values.ranges)

    def number(self, name: str, value: int) -> Bits:
        """Return the bits of one number of a field."""
        width = self._width(name)
        first: Bits = ()
        if name in ADDRESSES:
            first = (self.true if value >= V4_BASE else self.false,)
            value = value - V4_BASE << width - 32 if value >= V4_BASE else value
        return first + tuple(self.true if value >> place & 1 else self.false for place in reversed(range(width)))

    def changed(self, now: Now, action: Set | Rewrite) -> tuple[Now, Formula]:
        """Return what an action makes of *now*, and what is known of the values that it picks itself."""
        known = self.true
        if isinstance(action, Rewrite):
            for name, value in action.changes:
                if name in self.bits:
                    bits, more = self._chosen(name, value)
                    now, known = now.with_field(name, bits), known & more
            return now, known
        if action.field not in self.bits:
            return now, known
        if action.value is None:
            bits, known = self._chosen(action.field, self.layout.domain(action.field))
            return now.with_field(action.field, bits), known
        old = now.get(action.field) or self.bits[action.field]
        bits = tuple(
            self._one_bit(bit, bool(action.mask >> place & 1), bool(action.value >> place & 1), action.xor)
            for place, bit in zip(reversed(range(len(old))), old, strict=True)
        )
        return now.with_field(action.field, bits), known

    def _one_bit(self, bit: Formula, cleared: bool, value: bool, xor: bool) -> Formula:
        kept = self.false if cleared else bit
        if not value:
            return kept
        return ~kept if xor else self.true

    def _chosen(self, name: str, value: Value) -> tuple[Bits, Formula]:
        numbers = self.layout.numbers(name, value)
        if numbers.size == 1:
            return self.number(name, numbers.first), self.true
        bits = self.diagram.variables(len(self.bits[name]))
        self.fresh += bits
        return bits, self.inside(name, numbers, bits)

    def where(self, values: Mapping[str, Value]) -> Formula:
        """Return the well-formed packets with *values*, so far as the layout looks at their fields.

        A field that a packet at this hook has and *values* does not name is one that the packets do not have.
        """
        found = self.wellformed
        for name in self.layout.fields:
            value = values.get(name)
            if value is None:
                found -= self.has(name)
            else:
                found &= self.has(name) & self.inside(name, self.layout.numbers(name, value), self.bits[name])
        return found

    def _family(self) -> Formula:
        if len(self.layout.families) == 2:
            return self.diagram.variables(1)[0]
        return self.true if 4 in self.layout.families else self.false

    def _width(self, name: str) -> int:
        if name in ADDRESSES:
            return 128 if 6 in self.layout.families else 32
        if name in ("in", "out"):
            return (len(self.layout.atoms.all) - 1).bit_length()
        domain = FIELDS[name].domain
        assert isinstance(domain, Intervals)
        return domain.ranges[-1][1].bit_length()
