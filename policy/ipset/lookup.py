"""Which packets the kernel finds in a named set, as a match.

Sources: the kernel's ip_set_core.c (ip_set_test), ip_set_getport.c, the `_kadt` functions of each type in
net/netfilter/ipset/, and xt_set.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from policy._record import dataclass
from policy.ipset.outcome import (
    EXCEPTED,
    FOUND,
    ByInterface,
    Finding,
    Interfaces,
    Outcome,
    Pieces,
    Rest,
    findings,
)
from policy.ipset.pieces import Piece, chosen
from policy.ipset.services import services
from policy.ipset.sets import TIMED, Element, Interface, NamedSet
from policy.ir import EVERYTHING, NOTHING, Field, Match, Not, Unknown, all_of, either_of
from policy.packet import FIELDS, Masked, Names
from policy.packet.address import V4_BASE, bits

Direction = Literal["src", "dst"]

_MOST_MASKED = 256
"""So many addresses under a mask that is no prefix are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """How packets are looked up in a set.

    *directions*: which side of the packet each part of an element is compared with. *family* is that of the packets.
    *excepted*: exceptions are what is wanted (`--return-nomatch`). *output* says where an output interface is known.
    *pure*: packets do not change between two look-ups.
    """

    directions: tuple[Direction, ...]
    family: int
    excepted: bool = False
    output: Match = EVERYTHING
    pure: bool = True


def found_in(name: str, lookup: Lookup, sets: Mapping[str, NamedSet]) -> Match:
    """Return the packets for which a look-up in the set of a name, a key of *sets*, succeeds."""
    known = sets[name]
    if len(lookup.directions) < len(known.type.parts) or known.family not in (None, lookup.family):
        return NOTHING
    if known.type.name == "list:set":
        return _listed(known, lookup, sets)
    return _Finder(known, replace(lookup, directions=lookup.directions[: len(known.type.parts)])).match()


def key_of(known: NamedSet, lookup: Lookup, *more: str) -> str:
    """Return what an unknown that has to do with a look-up is called."""
    name = "-".join(known.name.split())
    return ":".join(("set", name, ",".join(lookup.directions), *more, *(("nomatch",) if lookup.excepted else ())))


def _still_there(known: NamedSet, lookup: Lookup) -> Unknown:
    text = f"an entry with a timeout still being in set {known.name}"
    marks = "mark" in known.type.parts or "set" in known.type.parts  # a rule may mark the packet between two look-ups
    return Unknown(text, key_of(known, lookup, "timeout"), lookup.pure and not marks)


def _listed(known: NamedSet, lookup: Lookup, sets: Mapping[str, NamedSet]) -> Match:
    """Return what any of the member sets finds."""
    always: list[Match] = []
    perhaps: list[Match] = []
    for (name, *_), flags in known.elements.items():
        assert isinstance(name, str)
        (perhaps if flags & TIMED else always).append(found_in(name, lookup, sets))
    sometimes = all_of(either_of(*perhaps), _still_there(known, lookup)) if perhaps else NOTHING
    return either_of(*(each for each in (*always, sometimes) if each != NOTHING))


class _Finder:
    """Finds packets in one set, by services, marks and MACs first, then by addresses, by interfaces at the end."""

    def __init__(self, known: NamedSet, lookup: Lookup) -> None:
        self._set = known
        self._lookup = lookup
        self._wanted = EXCEPTED if lookup.excepted and known.type.nomatch else FOUND
        self._there = _still_there(known, lookup)
        parts = range(len(known.type.parts))
        kinds = known.type.parts
        self._exact = [at for at in parts if kinds[at] in ("port", "mark", "mac")]
        self._ordered = [at for at in parts if kinds[at] in ("ip", "net")]
        self._ordered += [at for at in parts if kinds[at] == "iface"]
        named = (part for element in known.elements for part in element if isinstance(part, Interface))
        self._interfaces = Interfaces(named)
        self._seen: dict[tuple[Finding, int], Match] = {}

    def match(self) -> Match:
        """Return the packets that are found."""
        if not self._set.elements:
            return NOTHING
        if self._set.mask is not None and self._set.type.name == "hash:net,net":
            return self._unknown("mask", "the addresses are in the set, under its mask")
        return self._by_exact(list(self._set.elements.items()), self._exact)

    def _by_exact(self, elements: list[tuple[Element, int]], parts: list[int]) -> Match:
        if not parts:
            kinds = [self._set.type.parts[at] for at in self._ordered]
            rest: list[Rest] = [([element[at] for at in self._ordered], flags) for element, flags in elements]
            return self._match(findings(rest, kinds, self._interfaces), self._ordered)
        at = parts[0]
        groups: dict[int | None, list[tuple[Element, int]]] = {}
        for element, flags in elements:
            value = element[at]
            assert value is None or isinstance(value, int)
            groups.setdefault(value, []).append((element, flags))
        found = {value: self._by_exact(each, parts[1:]) for value, each in groups.items()}
        known = {value: match for value, match in found.items() if value is not None}
        match self._set.type.parts[at]:
            case "port":
                return services(known, self._lookup.directions[at], self._lookup.family, self._unknown, self._bitmap)
            case "mark":
                return self._marks(known)
            case _:
                return self._macs(known, found.get(None), self._lookup.directions[at])

    @property
    def _bitmap(self) -> bool:
        return self._set.type.method == "bitmap"

    def _unknown(self, what: str, text: str) -> Unknown:
        return Unknown(f"{text} (set {self._set.name})", key_of(self._set, self._lookup, what), self._lookup.pure)

    def _marks(self, known: Mapping[int, Match]) -> Match:
        mask = self._set.markmask
        if mask == (1 << 32) - 1:
            return chosen("mark", [(value, value, match) for value, match in sorted(known.items())])
        return either_of(*(all_of(Field("mark", Masked(value, mask)), match) for value, match in known.items()))

    def _macs(self, known: Mapping[int, Match], learning: Match | None, direction: Direction) -> Match:
        """Return what is found by MACs; frames on `lo` have none, and where they go to is not known."""
        if direction == "dst":
            return self._unknown("mac", "the MAC that the packet goes to is in the set")
        pieces: list[Piece] = [(value, value, match) for value, match in sorted(known.items())]
        found = [chosen("mac", pieces)]
        if learning is not None:
            key = key_of(self._set, self._lookup, "learnt")
            learnt = Unknown(f"set {self._set.name} has not learnt another MAC for the address", key, pure=False)
            has_mac = Field("mac", FIELDS["mac"].domain)
            found.append(all_of(has_mac, learning, learnt))
        return all_of(Not(Field("in", Names.of("lo"))), either_of(*found))

    def _match(self, finding: Finding, parts: list[int]) -> Match:
        key = finding, len(parts)
        if key not in self._seen:
            self._seen[key] = self._made(finding, parts)
        return self._seen[key]

    def _made(self, finding: Finding, parts: list[int]) -> Match:
        match finding:
            case Pieces(pieces):
                return self._addresses(pieces, parts)
            case ByInterface():
                return self._by_interface(finding, self._lookup.directions[parts[0]])
            case _:
                return self._ended(finding)

    def _ended(self, outcome: Outcome) -> Match:
        if not outcome & self._wanted:
            return NOTHING
        return EVERYTHING if outcome == self._wanted else self._there

    def _addresses(self, pieces: tuple[tuple[int, int, Finding], ...], parts: list[int]) -> Match:
        field = self._lookup.directions[parts[0]]
        found = [(low, high, self._match(finding, parts[1:])) for low, high, finding in pieces]
        mask = self._set.mask
        if mask is None or (self._set.type.parts[parts[0]] == "ip" and _is_prefix(mask, self._lookup.family)):
            return chosen(field, found)
        if len(found) > _MOST_MASKED:
            return self._unknown("mask", "the address is in the set, under its mask")
        full = mask | V4_BASE
        masked = ((Masked(low & full, full), match) for low, _, match in found)
        return either_of(*(all_of(Field(field, values), match) for values, match in masked))

    def _by_interface(self, finding: ByInterface, direction: Direction) -> Match:
        field = "in" if direction == "src" else "out"
        groups: dict[Outcome, list[Interface]] = {}
        for name, outcome in finding.known:
            groups.setdefault(outcome, []).append(name)
        every = self._interfaces
        found = [
            all_of(either_of(*(_named(field, name, every) for name in names)), self._ended(outcome))
            for outcome, names in groups.items()
            if outcome & self._wanted
        ]
        if finding.others & self._wanted:
            exact = Names(
                frozenset(each.name for each, _ in finding.known if not each.wildcard),
                frozenset(each.name for each, _ in finding.known if each.wildcard),
                negated=True,
            )
            found.append(all_of(Field(field, exact), self._ended(finding.others)))
        guard = self._lookup.output if field == "out" else EVERYTHING
        return all_of(guard, either_of(*found)) if found and guard != NOTHING else NOTHING


def _is_prefix(mask: int, family: int) -> bool:
    inverse = mask ^ ((1 << bits(family)) - 1)
    return inverse & (inverse + 1) == 0


def _named(field: str, name: Interface, every: Interfaces) -> Match:
    """Return the packets of a class of interfaces: of a name, or of all that begin so and are in no other class."""
    if not name.wildcard:
        return Field(field, Names(frozenset({name.name})))
    inner = [each for each in every.within(name) if each != name]
    whole = Field(field, Names(prefixes=frozenset({name.name})))
    if not inner:
        return whole
    others = Names(
        frozenset(each.name for each in inner if not each.wildcard),
        frozenset(each.name for each in inner if each.wildcard),
    )
    return all_of(whole, Not(Field(field, others)))
