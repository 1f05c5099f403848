"""Exact sets of packets: all of Boolean algebra, counts, examples and regions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policy.ir import Definition
from policy.packet import Intervals, Packet
from policy.packet.address import bits, whole
from policy.sets.boxing import boxing
from policy.sets.choose import choose
from policy.sets.dd import Formula
from policy.sets.encoding import Encoding
from policy.sets.layout import ADDRESSES, DECIDING, TUPLE
from policy.sets.projection import counted, projected
from policy.sets.regions import Region, at_most
from policy.sets.words import described, described_first


class PacketSet:
    """A set of well-formed packets, alike in what no rule looks at, each with a truth for every pure unknown.

    `some` and `every` say for which packets the unknowns can, or must, turn out so. Sets of one space compare
    by meaning. Operations raise `Exhausted` once the budget of the space is spent.
    """

    __slots__ = ("encoding", "formula")

    def __init__(self, encoding: Encoding, formula: Formula) -> None:
        self.encoding = encoding
        self.formula = formula

    def __and__(self, other: PacketSet) -> PacketSet:
        return PacketSet(self.encoding, self.formula & other.formula)

    def __or__(self, other: PacketSet) -> PacketSet:
        return PacketSet(self.encoding, self.formula | other.formula)

    def __sub__(self, other: PacketSet) -> PacketSet:
        return PacketSet(self.encoding, self.formula - other.formula)

    def __invert__(self) -> PacketSet:
        return PacketSet(self.encoding, self.encoding.wellformed - self.formula)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PacketSet) and self.formula == other.formula

    def __hash__(self) -> int:
        return hash(self.formula)

    def __le__(self, other: PacketSet) -> bool:
        return not self.formula - other.formula

    def __bool__(self) -> bool:
        return bool(self.formula)

    def __contains__(self, packet: Packet) -> bool:
        """Is a packet, or a packet of a box, in the set (for some truth of the unknowns)?"""
        return bool(self.formula & self.encoding.where(packet.values))

    def __repr__(self) -> str:
        return f"<PacketSet of {self.formula.size} nodes>"

    @property
    def is_empty(self) -> bool:
        """Is there no such packet?"""
        return not self.formula

    def some(self) -> PacketSet:
        """Return the packets that are in the set for some truth of the unknowns."""
        return self._without((*self.encoding.unknowns.values(), *self.encoding.fresh))

    def known(self) -> PacketSet:
        """Return the set without the values that actions have picked (any of them will do); pure unknowns stay."""
        return self._without(self.encoding.fresh)

    def every(self) -> PacketSet:
        """Return the packets that are in the set for every truth of the unknowns."""
        return ~(~self).some() if self.encoding.unknowns else self

    def apart_from(self, *names: str) -> PacketSet:
        """Return the packets that are in the set with some value of the fields *names* (or without them).

        Addresses are some of the packet's own family.
        """
        if deciding := DECIDING.intersection(names).difference(ADDRESSES):
            raise ValueError(f"packets have other fields by their {', '.join(sorted(deciding))}")
        bits = self.encoding.bits
        found = self._without(bit for name in names for bit in bits.get(name, ())[name in ADDRESSES :])
        return PacketSet(self.encoding, found.formula & self.encoding.wellformed)

    def values(self, name: str) -> Intervals:
        """Return the values of a field in the packets of the set (interfaces: the numbers of their atoms)."""
        return projected(self.encoding, self.some().formula, name)

    def count_values(self, name: str, among: Intervals) -> int:
        """Return how many of the numbers *among* are values of a field in the packets of the set."""
        return counted(self.encoding, self.some().formula, name, among)

    def count(self) -> int:
        """Return how many 5-tuples (protocol, addresses, ports) the packets have; to have no ports counts once."""
        encoding = self.encoding
        both = len(encoding.layout.families) == 2
        five = {bit for name in TUPLE for bit in encoding.bits[name]}
        others = [bit for bits in encoding.bits.values() for bit in bits if bit not in five]
        hidden = (*encoding.unknowns.values(), *encoding.fresh, *others, *((encoding.family,) if both else ()))
        total = 0
        for family in encoding.layout.families:
            mine = self.formula & encoding.inside("src", whole(family), encoding.bits["src"])
            bits_ = 8 + 2 * bits(family)
            total += self._quantified(mine & encoding.has("sport"), hidden).solutions(bits_ + 32)
            total += self._quantified(mine - encoding.has("sport"), hidden).solutions(bits_)
        return total

    def example(self) -> Packet | None:
        """Return a natural packet of the set, complete as the evaluator wants it, or None if there is none."""
        return choose(self.encoding, self.some().formula)

    def each_region(self, within: PacketSet | None = None) -> Iterator[Region]:
        """Yield disjoint regions that make up the set (`some` of it), the most general first, each as it is found.

        Where *within* is given they say what distinguishes the set inside it: other packets may be in them or not.
        """
        care = self.encoding.wellformed if within is None else within.some().formula
        return boxing(self.encoding, self.some().formula, care)

    def regions(self, most: int = 1000) -> list[Region]:
        """Return all regions; raises `Exhausted` above *most* of them."""
        return at_most(most, self.each_region())

    def describe(self, definitions: Iterable[Definition] = (), most: int = 1000) -> list[str]:
        """Return the regions in words, with the names that a file gives to addresses and services."""
        return described(self.regions(most), self.encoding.layout, definitions)

    def describe_first(
        self, definitions: Iterable[Definition] = (), most: int = 3, within: PacketSet | None = None
    ) -> tuple[list[str], bool]:
        """Return the first *most* regions in words, and whether there are more."""
        return described_first(most, self.each_region(within), self.encoding.layout, definitions)

    def _without(self, variables: Iterable[Formula]) -> PacketSet:
        return PacketSet(self.encoding, self._quantified(self.formula, variables))

    def _quantified(self, formula: Formula, variables: Iterable[Formula]) -> Formula:
        variables = tuple(variables)
        return formula.some(self.encoding.diagram.all(variables)) if variables else formula
