"""The algebra of packet sets as lists of disjoint boxes: for few packets, and where the library is missing.

A box has a set of numbers for each field that its packets have; the packets of one box have the same fields.
It answers like `PacketSet`, but not everything: conditions on scattered bits, and actions that change some bits
of a field, raise `Exhausted`, and so do lists that become too long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod

from policy.ir import Change, Copy, Definition, Match, Rewrite, Ruleset, Set
from policy.packet import FIELDS, Intervals, Masked, Packet, Value, ValueSet
from policy.packet.address import V4_BASE, bits, family_of, whole
from policy.packet.fields import PORT_CLASSES, losing
from policy.sets.budget import Budget, Exhausted
from policy.sets.kinds import TRUTH, Values, kinds
from policy.sets.layout import ADDRESSES, DECIDING, TUPLE, layout
from policy.sets.masks import unmasked
from policy.sets.natural import finished, preferred
from policy.sets.now import Now
from policy.sets.regions import Box, Region, at_most, merged, plain
from policy.sets.truth import Remembered, Truth, balanced, truth
from policy.sets.words import described, described_first

Became = Now[int]
"""What actions have made of packets: a field has a number, what another one had, or one that is picked (`*N`)."""


class BoxSpace:
    """All sets of packets that rules and questions of one hook can tell apart, as lists of boxes (see `Space`)."""

    def __init__(
        self,
        rulesets: Iterable[Ruleset],
        questions: Iterable[Match | Packet] = (),
        hook: int | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.layout = layout(rulesets, questions, hook)
        self.budget = budget or Budget()
        self.hook = hook
        self.unites = False
        self.open: tuple[str, ...] = ()
        self._remembered: Remembered[Boxes] = Remembered()
        self.original: Became = Now(hook, hook)
        self.fresh: Values = {}
        self.nothing = Boxes(self, ())
        self.everything = Boxes(self, tuple(kinds(self.layout)))

    def union(self, sets: Iterable[Boxes]) -> Boxes:
        """Return the packets of any of *sets*."""
        return balanced(sets, self.nothing)

    def field(self, name: str, values: ValueSet, now: Became | None = None) -> Boxes:
        """Return the packets that have a field with one of *values*, once actions have made *now* of them."""
        now = now or self.original
        if name == "hook":
            assert isinstance(values, Intervals)
            return self.everything if now.hook is not None and now.hook in values else self.nothing
        if not (self._looks_at(name) and now.has(name)):
            return self.nothing
        numbers = self._numbers(name, values)
        later = name in self.layout.later
        held = tuple(box for box in self.everything.boxes if later or name in box)
        at = now.get(name)
        if isinstance(at, int):
            return Boxes(self, held if at in numbers else ())
        copied = at != name and at in self.layout.fields and self.layout.presence(at) is not True
        found = []
        for box in held:
            key = name if copied and at not in box else at  # what a packet does not have was not copied
            if values_ := box.get(key, self.layout.domain(name)) & numbers:
                found.append({**box, key: values_})
        return Boxes(self, tuple(found))

    def unknown(self, key: str) -> Boxes:
        """Return all packets, where the pure unknown *key* is true."""
        return Boxes(self, tuple({**box, f"?{key}": Intervals.of(1)} for box in self.everything.boxes))

    def truth(self, match: Match, now: Became | None = None, assume: Mapping[str, bool] | None = None) -> Truth[Boxes]:
        """Return which packets may and must match."""
        now = now or self.original
        plain = not assume and now == self.original
        return self._remembered(match, self, now) if plain else truth(match, self, now, assume or {})

    def of_match(self, match: Match) -> Boxes:
        """Return the packets that match; where an impure unknown decides, those that may."""
        return self.truth(match).may

    def of_box(self, packet: Packet) -> Boxes:
        """Return the packets of a box, so far as the space looks at its fields; raises ValueError at another hook."""
        if packet.get("hook") != self.hook:
            raise ValueError("this is a packet of another hook")
        names = self.layout.fields
        wanted = {n: self.layout.numbers(n, packet.values[n]) for n in names if n in packet.values}
        found = (_meet(box, {**box, **wanted}) for box in self.everything.boxes if _fields(box) == wanted.keys())
        return Boxes(self, tuple(box for box in found if box is not None))

    def begin(self) -> None:
        """Values that actions pick have names of their own: there is nothing to do."""

    def changed(self, now: Became, action: Change) -> tuple[Became, Boxes]:
        """Return what an action makes of the fields, and what is known of values that it picks itself."""
        known = self.everything
        changes: dict[str, Value] = {}
        if isinstance(action, Rewrite):
            if action.status and self._looks_at("ctstatus") and now.has("ctstatus"):
                raise Exhausted("lists of boxes, where the status of connections changes")
            changes |= action.changes
            hook = changes.pop("hook", None)
            if hook is not None:
                assert isinstance(hook, int)
                now, gained = now.moved(hook)
                changes = {name: FIELDS[name].domain for name in gained} | changes  # type: ignore[assignment] # no mask
        elif self._looks_at(action.field) and now.has(action.field):
            if isinstance(action, Copy):
                return self._copied(now, action), known
            changes[action.field] = self._set(action, now.get(action.field))
            if action.field == "state" and action.value is not None:
                now = now.without(losing(action.value))
        for name, value in changes.items():
            if not (self._looks_at(name) and now.has(name)):
                continue
            numbers = self.layout.numbers(name, value)
            if numbers.size == 1:
                now = now.with_field(name, numbers.first)
                continue
            picked, old = f"*{len(self.fresh)}", now.get(name)
            now = now.with_field(name, picked)
            self.fresh[picked] = self.layout.domain(name)
            some = [{**box, picked: numbers} for box in known.boxes]
            if isinstance(action, Rewrite) and action.alike and name == "sport":
                some = [alike for box in some for alike in _alike(box, old, picked)]
            known = Boxes(self, tuple(some))
        return now, known

    def _looks_at(self, name: str) -> bool:
        return name in self.layout.fields or name in self.layout.later

    def _copied(self, now: Became, action: Copy) -> Became:
        """Return what `Copy` makes of a field: exactly, where it takes all of the source."""
        if not now.has(action.source):
            return now
        old, source = now.get(action.field), now.get(action.source)
        most, highest = (self.layout.domain(name).ranges[-1][1] for name in (action.field, action.source))
        everywhere = self.layout.presence(action.source) is True
        if everywhere and isinstance(source, int) and (isinstance(old, int) or action.mask & most == most):
            kept = old & ~action.mask if isinstance(old, int) else 0
            return now.with_field(action.field, (kept ^ source & action.taken) & most)
        whole = action.mask & most == most and action.taken & highest == highest <= most
        if not whole or not (everywhere or (old == action.field and source == action.source)):
            raise Exhausted("lists of boxes, where bits of a field are copied")
        return now.with_field(action.field, source)

    def _set(self, action: Set, old: int | str) -> Value:
        domain = self.layout.domain(action.field)
        if action.field in ADDRESSES:
            return self._mapped(action, old)
        most = domain.ranges[-1][1]
        if action.value is None:
            return domain
        if action.mask & most == most:
            old = 0
        if not isinstance(old, int):
            raise Exhausted("lists of boxes, where only some bits of a field are changed")
        kept = old & ~action.mask
        return kept ^ action.value if action.xor else kept | action.value

    def _mapped(self, action: Set, old: int | str) -> Value:
        """Return an address of which bits are changed, in a space of one family."""
        (family, *more) = self.layout.families
        most = (1 << bits(family)) - 1
        if more or action.value is None or not (isinstance(old, int) or action.mask & most == most):
            raise Exhausted("lists of boxes, where only some bits of an address are changed")
        number = old & most if isinstance(old, int) else 0
        kept = number & ~action.mask
        return whole(family).first + (kept ^ action.value if action.xor else kept | action.value)

    def _numbers(self, name: str, values: ValueSet) -> Intervals:
        if not isinstance(values, Masked):
            return self.layout.numbers(name, values)
        if name not in ("src", "dst"):
            (low, high) = self.layout.domain(name).ranges[0]
            return unmasked(values, low, high)
        found = Intervals()
        for family in self.layout.families:
            ((low, high),) = whole(family).ranges
            found |= unmasked(values, low, high)
        return found


class Boxes:
    """A set of well-formed packets as disjoint boxes; the same operations as those of `PacketSet`."""

    __slots__ = ("boxes", "space")

    def __init__(self, space: BoxSpace, boxes: tuple[Values, ...]) -> None:
        if len(boxes) > space.budget.boxes:
            raise Exhausted(f"{space.budget.boxes:,} boxes")
        self.space = space
        self.boxes = boxes

    def __and__(self, other: Boxes) -> Boxes:
        found: list[Values] = []
        for mine in self.boxes:
            self.space.budget.spend(len(other.boxes))
            found += (box for theirs in other.boxes if (box := _meet(mine, theirs)) is not None)
        return Boxes(self.space, tuple(found))

    def __or__(self, other: Boxes) -> Boxes:
        return Boxes(self.space, self.boxes + (other - self).boxes)

    def __sub__(self, other: Boxes) -> Boxes:
        left = self.boxes
        for box in other.boxes:
            self.space.budget.spend(len(left))
            left = tuple(piece for each in left for piece in _minus(each, box, self.space.fresh))
            if len(left) > self.space.budget.boxes:
                raise Exhausted(f"{self.space.budget.boxes:,} boxes")
        return Boxes(self.space, left)

    def __invert__(self) -> Boxes:
        return self.space.everything - self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Boxes) and self.space is other.space and self <= other and other <= self

    def __hash__(self) -> int:
        if any(name.startswith("*") for box in self.boxes for name in box):
            return 0
        return hash(sum(prod(values.size for values in box.values()) for box in self.boxes))

    def __le__(self, other: Boxes) -> bool:
        return not self - other

    def __bool__(self) -> bool:
        return bool(self.boxes)

    def __contains__(self, packet: Packet) -> bool:
        """Is a packet, or a packet of a box, in the set (for some truth of the unknowns)?"""
        return bool(self & self.space.of_box(packet))

    @property
    def is_empty(self) -> bool:
        """Is there no such packet?"""
        return not self.boxes

    def some(self) -> Boxes:
        """Return the packets that are in the set for some truth of the unknowns."""
        return self._without("?", "*")

    def known(self) -> Boxes:
        """Return the set without the values that actions have picked; pure unknowns stay."""
        return self._without("*")

    def every(self) -> Boxes:
        """Return the packets that are in the set for every truth of the unknowns."""
        return ~(~self).some()

    def apart_from(self, *names: str) -> Boxes:
        """Return the packets that are in the set with some value of the fields *names* (or without them).

        Addresses are some of the packet's own family.
        """
        if deciding := DECIDING.intersection(names).difference(ADDRESSES):
            raise ValueError(f"packets have other fields by their {', '.join(sorted(deciding))}")
        if not any(name in box for box in self.boxes for name in names):
            return self
        free = {name: self.space.layout.domain(name) for name in names if name in self.space.layout.fields}
        return self._widened(
            {**box, **{n: whole(family_of(box[n].first)) if n in ADDRESSES else v for n, v in free.items() if n in box}}
            for box in self.boxes
        )

    def values(self, name: str) -> Intervals:
        """Return the values of a field in the packets of the set (interfaces: the numbers of their atoms)."""
        return Intervals.of(*(pair for box in self.boxes if name in box for pair in box[name].ranges))

    def count_values(self, name: str, among: Intervals) -> int:
        """Return how many of the numbers *among* are values of a field in the packets of the set."""
        return (self.values(name) & among).size

    def count(self) -> int:
        """Return how many 5-tuples (protocol, addresses, ports) the packets have; to have no ports counts once."""
        left: list[Values] = []
        for box in self.boxes:
            pieces: list[Values] = [{name: box[name] for name in TUPLE if name in box}]
            for other in left:
                self.space.budget.spend(len(pieces))
                pieces = [piece for each in pieces for piece in _minus(each, other, {})]
            left += pieces
        return sum(prod(values.size for values in box.values()) for box in left)

    def example(self) -> Packet | None:
        """Return a natural packet of the set, complete as the evaluator wants it, or None if there is none."""
        best: tuple[int, dict[str, int]] | None = None
        for box in self.boxes:
            values: dict[str, int] = {}
            odd = 0
            for name in self.space.layout.natural(_fields(box)):
                usual = [n for n in preferred(self.space.layout, name, values) if n in box[name]]
                odd += not usual
                low, high = box[name].ranges[0]
                values[name] = usual[0] if usual else low + (name in ("src", "dst") and low < high)
            odd = 2 * odd + (box["src"].first < V4_BASE)
            if best is None or odd < best[0]:
                best = odd, values
        return None if best is None else finished(self.space.layout, best[1])

    def each_region(self, within: Boxes | None = None) -> Iterator[Region]:  # noqa: ARG002 - boxes say all
        """Yield disjoint regions that make up the set (`some` of it)."""
        boxes: list[Box] = [tuple(sorted((n, box[n]) for n in _fields(box))) for box in self.some().boxes]
        whole_fields = self.space.layout
        boxes = [tuple((n, v) for n, v in box if n in ("src", "dst") or v != whole_fields.domain(n)) for box in boxes]
        return (Region(plain(dict(box), whole_fields)) for box in merged(boxes, self.space.budget.check))

    def regions(self, most: int = 1000) -> list[Region]:
        """Return all regions; raises `Exhausted` above *most* of them."""
        return at_most(most, self.each_region())

    def describe(self, definitions: Iterable[Definition] = (), most: int = 1000) -> list[str]:
        """Return the regions in words, with the names that a file gives to addresses and services."""
        return described(self.regions(most), self.space.layout, definitions)

    def describe_first(
        self, definitions: Iterable[Definition] = (), most: int = 3, within: Boxes | None = None
    ) -> tuple[list[str], bool]:
        """Return the first *most* regions in words, and whether there are more."""
        return described_first(most, self.each_region(within), self.space.layout, definitions)

    def _without(self, *kinds: str) -> Boxes:
        if not any(name.startswith(kinds) for box in self.boxes for name in box):
            return self
        free = {f"?{key}": TRUTH for key in self.space.layout.unknowns if "?" in kinds}
        return self._widened(
            {**{n: v for n, v in box.items() if not n.startswith(kinds)}, **free} for box in self.boxes
        )

    def _widened(self, boxes: Iterable[Values]) -> Boxes:
        """Return the packets of *boxes*, which may overlap."""
        found: tuple[Values, ...] = ()
        for box in boxes:
            found += (Boxes(self.space, (box,)) - Boxes(self.space, found)).boxes
        return Boxes(self.space, found)


def _fields(box: Values) -> frozenset[str]:
    return frozenset(name for name in box if name[0] not in "?*")


def _alike(box: Values, old: str | int, picked: str) -> Iterator[Values]:
    """Yield the parts of a box in which two ports, which are those of NAT, are of one class."""
    if isinstance(old, str) and old not in box:
        yield box
        return
    for each in PORT_CLASSES:
        if isinstance(old, int):
            if old in each:
                yield {**box, picked: each}
        elif mine := box[old] & each:
            yield {**box, old: mine, picked: each}


def _meet(one: Values, two: Values) -> Values | None:
    """Return the packets of both boxes, or None if there are none."""
    found = dict(one)
    for name, values in two.items():
        mine = one.get(name)
        if mine is None:
            if name[0] != "*":
                return None
            found[name] = values
        elif mine is not values:
            both = mine & values
            if not both:
                return None
            found[name] = both
    return found if all(name in two or name[0] == "*" for name in one) else None


def _minus(box: Values, other: Values, fresh: Values) -> Iterator[Values]:
    """Yield disjoint boxes that are what *other* leaves of *box*."""
    if _meet(box, other) is None:
        yield box
        return
    left = dict(box)
    for name, values in other.items():
        mine = left.get(name)
        if mine is None:
            mine = fresh[name]
        if rest := mine - values:
            yield {**left, name: rest}
            left[name] = mine & values
