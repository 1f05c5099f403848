"""What a look-up of addresses in a set can find: where elements are nested, the kernel asks the narrowest first.

Sources: the kernel's ip_set_hash_gen.h (mtype_test_cidrs: networks by their length, the longest first; an exception
ends the search, an element whose time is over does not) and ip_set_hash_netiface.c (of the networks that hold an
address, only the longest one is asked about interfaces).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from policy._record import dataclass
from policy.ipset.sets import NOMATCH, TIMED, Interface, Part

Outcome = int
"""What a search may end with, as bits: one for each of the following, several where that is not known."""

MISSED, FOUND, EXCEPTED = 1, 2, 4
"""Nothing is found; an element is; an exception is."""


@dataclass(frozen=True, slots=True)
class ByInterface:
    """What is found by interface: for *known* ones, each a name or all other names that begin so, and for *others*."""

    known: tuple[tuple[Interface, Outcome], ...] = ()
    others: Outcome = MISSED


@dataclass(frozen=True, slots=True)
class Pieces:
    """What is found for an address: sorted, disjoint ranges, each with what comes next; elsewhere nothing is found."""

    pieces: tuple[tuple[int, int, Finding], ...] = ()


Finding = Outcome | ByInterface | Pieces
"""What is found, by what is still to be looked at."""

Rest = tuple[Sequence[Part], int]
"""Parts of an element, with what is said of it."""


def findings(elements: Sequence[Rest], kinds: Sequence[str], interfaces: Interfaces) -> Finding:
    """Return what is found among elements of which addresses are left, and an interface at the end."""
    if not kinds:
        return _any_of(outcome(flags) for _, flags in elements)
    if kinds[0] == "iface":
        return interfaces.own(elements)
    if len(elements) == 1:
        ((parts, flags),) = elements
        only = parts[0]
        assert isinstance(only, tuple)
        return Pieces(((*only, findings([(parts[1:], flags)], kinds[1:], interfaces)),))
    groups: dict[tuple[int, int], list[Rest]] = {}
    for parts, flags in elements:
        place = parts[0]
        assert isinstance(place, tuple)
        groups.setdefault(place, []).append((parts[1:], flags))
    nested = sorted(groups, key=lambda place: (place[0], -place[1]))
    return Pieces(tuple(_laid_out((place, findings(groups[place], kinds[1:], interfaces)) for place in nested)))


def outcome(flags: int) -> Outcome:
    """Return what is found where an element is."""
    found = EXCEPTED if flags & NOMATCH else FOUND
    return found | MISSED if flags & TIMED else found


def _any_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Return what is found where the kernel comes to any one of several elements first."""
    found, always = 0, False
    for each in outcomes:
        found |= each
        always |= not each & MISSED
    return found & ~MISSED if always else found | MISSED


def _laid_out(nested: Iterable[tuple[tuple[int, int], Finding]]) -> Iterator[tuple[int, int, Finding]]:
    """Yield what is found where: of ranges that lie in each other, or apart, the inner ones come first."""
    around: list[tuple[int, Finding]] = []
    at = 0
    for (low, high), own in nested:
        while around and around[-1][0] < low:
            end, finding = around.pop()
            if at <= end:
                yield at, end, finding
            at = end + 1
        if around and at < low:
            yield at, low - 1, around[-1][1]
        at = low
        around.append((high, _before(own, around[-1][1]) if around else own))
    while around:
        end, finding = around.pop()
        if at <= end:
            yield at, end, finding
        at = end + 1


def _before(own: Finding, outer: Finding) -> Finding:
    """Return what is found where *own* is searched before *outer*."""
    if isinstance(own, Pieces):
        assert isinstance(outer, Pieces)
        return Pieces(tuple(_both(own.pieces, outer.pieces)))
    if isinstance(own, ByInterface):
        assert isinstance(outer, ByInterface)
        return _interfaces_before(own, outer)
    assert isinstance(outer, int)
    return own & ~MISSED | outer if own & MISSED else own


def _both(
    own: tuple[tuple[int, int, Finding], ...], outer: tuple[tuple[int, int, Finding], ...]
) -> Iterator[tuple[int, int, Finding]]:
    edges = sorted({edge for low, high, _ in (*own, *outer) for edge in (low, high + 1)})
    i = j = 0
    for low, after in pairwise(edges):
        while i < len(own) and own[i][1] < low:
            i += 1
        while j < len(outer) and outer[j][1] < low:
            j += 1
        first = own[i][2] if i < len(own) and own[i][0] <= low else None
        then = outer[j][2] if j < len(outer) and outer[j][0] <= low else None
        if first is not None:
            yield low, after - 1, _before(first, then) if then is not None else first
        elif then is not None:
            yield low, after - 1, then


def _interfaces_before(own: ByInterface, outer: ByInterface) -> ByInterface:
    """Return what is found where an inner network has elements.

    The search goes on outside only where elements of its own may be gone: then it may, and need not.
    """
    if not any(each & MISSED for _, each in own.known) and own.others == MISSED:
        return own
    mine, theirs = dict(own.known), dict(outer.known)

    def both(name: Interface) -> Outcome:
        first = mine.get(name, own.others)
        return first | theirs.get(name, outer.others) if first & MISSED else first

    names = dict.fromkeys((*mine, *theirs))
    return ByInterface(tuple((name, both(name)) for name in names), own.others | outer.others)


class Interfaces:
    """The interfaces that elements of a set name, as classes of names that no element tells apart."""

    def __init__(self, named: Iterable[Interface]) -> None:
        self.all = sorted({Interface(each.name, each.wildcard) for each in named}, key=lambda each: each.name)

    def own(self, elements: Iterable[Rest]) -> ByInterface:
        """Return what is found among elements of one network."""
        meant: dict[Interface, list[Outcome]] = {}
        ports: list[Outcome] = []
        for parts, flags in elements:
            interface = parts[0]
            assert isinstance(interface, Interface)
            if interface.port:
                # Which port of a bridge a packet comes by is not modelled.
                ports.append(outcome(flags) | MISSED)
            elif not interface.wildcard:
                meant.setdefault(interface, []).append(outcome(flags))
            else:
                for each in self.within(interface):
                    meant.setdefault(each, []).append(outcome(flags))
        others = _any_of(ports)
        if others != MISSED:
            meant |= {name: meant.get(name, []) for name in self.all}
        return ByInterface(tuple((name, _any_of((*found, *ports))) for name, found in meant.items()), others)

    def within(self, wildcard: Interface) -> list[Interface]:
        """Return the classes of names that begin as a wildcard does."""
        return [
            each for each in self.all if each.name.startswith(wildcard.name) and (each.wildcard or wildcard.wildcard)
        ]
