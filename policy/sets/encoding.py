"""Fields of packets as variables of a diagram: which packets have a field, and with which values."""

from __future__ import annotations

from collections.abc import Mapping

from policy.ir import Change, Copy, Rewrite, Set
from policy.packet import FIELDS, Intervals, Masked, Names, Value, ValueSet
from policy.packet.address import V4, V4_BASE, V6
from policy.packet.fields import PORT_CLASSES, losing
from policy.sets.budget import Budget
from policy.sets.dd import Diagram, Formula
from policy.sets.layout import ADDRESSES, Layout
from policy.sets.now import Now

Bits = tuple[Formula, ...]
"""A number, the highest bit first. An address begins with whether it is IPv4, which has its value in the next 32."""


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
        self.picked = 0
        """How many of the fresh variables stand for values that actions have picked."""
        self.original: Now[Bits] = Now(layout.hook, layout.hook)
        self._predicates: dict[tuple[str, ValueSet, Bits | str], Formula] = {}
        self._has: dict[str, Formula] = {}
        self._beside: dict[str, Formula] = {}
        self.wellformed = self.true
        for name in layout.fields:
            if name not in ADDRESSES:
                self.wellformed &= self.inside(name, layout.domain(name), self.bits[name]) | ~self.has(name)

    def has(self, name: str) -> Formula:
        """Return which packets have the field: had it when they arrived, or have it now, of one that they get later."""
        found = self._has.get(name)
        if found is None:
            present = self.layout.presence(name) if name in self.bits else name in self.layout.later
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

    def test(self, name: str, values: ValueSet, now: Now[Bits]) -> Formula:
        """Return which packets have the field with a value in *values*, where earlier actions have made *now* of it."""
        if name == "hook":
            assert isinstance(values, Intervals)
            return self.true if now.hook is not None and now.hook in values else self.false
        if not now.has(name):
            return self.false
        value = now.get(name)
        key = (name, values, value)
        found = self._predicates.get(key)
        if found is None:
            found = self.has(name)
            if found:
                found &= self.inside(name, values, self._bits(value))
            self._predicates[key] = found
        return found

    def _bits(self, value: Bits | str) -> Bits:
        return self.bits[value] if isinstance(value, str) else value

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
        return self.diagram.among(bits, values.ranges)

    def number(self, name: str, value: int) -> Bits:
        """Return the bits of one number of a field."""
        width = self._width(name)
        first: Bits = ()
        if name in ADDRESSES:
            first = (self.true if value >= V4_BASE else self.false,)
            value = value - V4_BASE << width - 32 if value >= V4_BASE else value
        return first + tuple(self.true if value >> place & 1 else self.false for place in reversed(range(width)))

    def changed(self, now: Now[Bits], action: Change) -> tuple[Now[Bits], Formula]:
        """Return what an action makes of *now*, and what is known of the values that it picks itself."""
        known = self.true
        if isinstance(action, Rewrite):
            changes = dict(action.changes)
            hook = changes.pop("hook", None)
            if hook is not None:
                assert isinstance(hook, int)
                now, gained = now.moved(hook)
                changes = {name: FIELDS[name].domain for name in gained} | changes  # type: ignore[assignment] # no mask
            marks, differs = action.status and self._looks_at("ctstatus") and now.has("ctstatus"), self.false
            for name, value in changes.items():
                if self._looks_at(name) and now.has(name):
                    bits, more = self._chosen(name, value)
                    old = now.get(name)
                    if action.alike and name == "sport" and (old in self.bits or not isinstance(old, str)):
                        more &= self._alike(self._bits(old), bits)
                    if marks:
                        differs |= self._differs(name, self._bits(now.get(name)), value)
                    now, known = now.with_field(name, bits), known & more
            if marks:
                now = now.with_field("ctstatus", self._marked(now, action.status, differs))
            return now, known
        name = action.field
        if not (self._looks_at(name) and now.has(name)):
            return now, known
        if isinstance(action, Copy):
            return now.with_field(name, self._copied(action, now)) if now.has(action.source) else now, known
        if action.value is None:
            bits, known = self._chosen(name, self.layout.domain(name))
            return now.with_field(name, bits), known
        old = self._bits(now.get(name))
        if name not in ADDRESSES:
            after = now.with_field(name, self._set(action, old))
            return after.without(losing(action.value)) if name == "state" else after, known
        family, short, whole = old[0], old[1:33], old[1:]
        v4, v6 = self._set(action, short), self._set(action, whole) if len(whole) > 32 else whole
        mapped = (family.choose(one, other) for one, other in zip(v4, v6, strict=False))
        return now.with_field(name, (family, *mapped, *v6[32:])), known

    def _alike(self, old: Bits, new: Bits) -> Formula:
        """Return where two ports are of one class."""
        return self.diagram.either(self._ranges(each, old) & self._ranges(each, new) for each in PORT_CLASSES)

    def _differs(self, name: str, old: Bits, value: Value) -> Formula:
        """Return which packets get another number in a field than they had; where it may be the same, perhaps."""
        numbers = self.layout.numbers(name, value)
        perhaps = self.false if numbers.size == 1 else self._pick(1)[0]
        return self.has(name) & (~self.inside(name, numbers, old) | perhaps)

    def _marked(self, now: Now[Bits], status: int, differs: Formula) -> Bits:
        """Return the status of connections of which packets that *differ* from what they were get some bits."""
        bits = self._bits(now.get("ctstatus"))
        places = reversed(range(len(bits)))
        return tuple(bit | differs if status >> place & 1 else bit for place, bit in zip(places, bits, strict=True))

    def _looks_at(self, name: str) -> bool:
        return name in self.bits or name in self.layout.later

    def _set(self, action: Set, old: Bits) -> Bits:
        value = action.value
        assert value is not None
        return tuple(
            self._one_bit(bit, bool(action.mask >> place & 1), bool(value >> place & 1), action.xor)
            for place, bit in zip(reversed(range(len(old))), old, strict=True)
        )

    def _copied(self, action: Copy, now: Now[Bits]) -> Bits:
        """Return what `Copy` makes of a field; packets without the source keep it."""
        present = self.has(action.source)
        old, source = (self._bits(now.get(name))[::-1] for name in (action.field, action.source))
        found = []
        for place, bit in enumerate(old):
            new = self.false if action.mask >> place & 1 else bit
            if place < len(source) and action.taken >> place & 1:
                new ^= source[place]
            found.append(present.choose(new, bit))
        return tuple(reversed(found))

    def _one_bit(self, bit: Formula, cleared: bool, value: bool, xor: bool) -> Formula:
        kept = self.false if cleared else bit
        if not value:
            return kept
        return ~kept if xor else self.true

    def _chosen(self, name: str, value: Value) -> tuple[Bits, Formula]:
        numbers = self.layout.numbers(name, value)
        if numbers.size == 1:
            return self.number(name, numbers.first), self.true
        first: Bits = ()
        if name in ADDRESSES:
            families = [family for family in (V4, V6) if family.meets(numbers)]
            first = (self.family if len(families) > 1 else self.true if families == [V4] else self.false,)
        fresh = self._pick(self._width(name))
        return first + fresh, self.inside(name, numbers, first + fresh)

    def _pick(self, count: int) -> Bits:
        """Return variables for something that is chosen on the way."""
        end = self.picked + count
        self.fresh += self.diagram.variables(max(end - len(self.fresh), 0))
        self.picked, fresh = end, tuple(self.fresh[self.picked : end])
        return fresh

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
