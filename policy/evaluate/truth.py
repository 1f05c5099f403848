"""The truth of a match for one packet or box: known at once, or settled case by case."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from policy._record import dataclass
from policy.ir import All, Any, Either, Field, Match, Not, Unknown
from policy.packet import FIELDS, Packet, ValueSet

Atom = Unknown | Field
"""What a truth may hang on: an unknown condition, or a field of which a box has several values."""

Key = str | tuple[str, ValueSet]
Known = Mapping[Key, bool]
"""Conditions that are settled: the keys of unknowns, and fields with the values that were asked for."""


def truth(match: Match, packet: Packet, known: Known) -> bool | None:
    """Return whether *packet* matches, or None where that hangs on something not in *known* (Kleene's logic)."""
    match match:
        case Field(name, values):
            answer = packet.test(name, values)
            return known.get((name, values)) if answer is None else answer
        case All(parts):
            whole: bool | None = True
            for part in parts:
                answer = truth(part, packet, known)
                if answer is False:
                    return False
                if answer is None:
                    whole = None
            return whole
        case Either(parts):
            whole = False
            for part in parts:
                answer = truth(part, packet, known)
                if answer:
                    return True
                if answer is None:
                    whole = None
            return whole
        case Not(part):
            answer = truth(part, packet, known)
            return None if answer is None else not answer
        case Any():
            return True
        case Unknown(_, key):
            return known.get(key)
        case _:
            assert_never(match)


@dataclass(frozen=True, slots=True)
class Case:
    """One way in which an open match can turn out: its truth, the packets it holds for, what was decided."""

    truth: bool
    packet: Packet
    known: Known
    decided: tuple[tuple[Atom, bool], ...]


def settle(match: Match, case: Case, shared: Collection[str]) -> Iterator[Case]:
    """Yield every way in which *match* can turn out for the packets of *case*, and with what it has decided.

    The cases are disjoint and together are all of them. A pure unknown whose key is *shared* stays decided.
    All other unknowns stand in one place only: what hangs on nothing else can turn out both ways, and it
    does not matter how.
    """
    quick = truth(match, case.packet, case.known)
    if quick is not None:
        yield replace(case, truth=quick)
        return
    atoms = _open(match, case)
    if all(isinstance(atom, Unknown) and not (atom.pure and atom.key in shared) for atom in atoms):
        for answer in (True, False):
            yield replace(case, truth=answer, decided=(*case.decided, *((atom, answer) for atom in atoms)))
        return
    match match:
        case Field() | Unknown():
            for answer in (True, False):
                yield _decide(match, answer, case)
        case Not(part):
            for inner in settle(part, case, shared):
                yield replace(inner, truth=not inner.truth)
        case All(parts):
            yield from _in_turn(parts, case, shared, going_on=True)
        case Either(parts):
            yield from _in_turn(parts, case, shared, going_on=False)
        case Any():
            raise AssertionError("always true")
        case _:
            assert_never(match)


def _in_turn(parts: tuple[Match, ...], case: Case, shared: Collection[str], going_on: bool) -> Iterator[Case]:
    """Settle one part after the other, for as long as their truth is *going_on*."""
    waiting = [(0, case)]
    while waiting:
        at, so_far = waiting.pop()
        for inner in settle(parts[at], so_far, shared):
            if inner.truth is going_on and at + 1 < len(parts):
                waiting.append((at + 1, inner))
            else:
                yield inner


def _open(match: Match, case: Case) -> list[Atom]:
    """Return what the truth of *match* hangs on."""
    if truth(match, case.packet, case.known) is not None:
        return []
    match match:
        case Field() | Unknown():
            return [match]
        case Not(part):
            return _open(part, case)
        case All(parts) | Either(parts):
            return [atom for part in parts for atom in _open(part, case)]
        case Any():
            return []
        case _:
            assert_never(match)


def _decide(atom: Atom, answer: bool, case: Case) -> Case:
    packet, known = case.packet, case.known
    if isinstance(atom, Unknown):
        known = {**known, atom.key: answer}
    else:
        narrowed = packet.narrowed(atom.name, atom.values, answer)
        if narrowed is None:
            known = {**known, (atom.name, atom.values): answer}
        else:
            packet = narrowed
    return Case(answer, packet, known, (*case.decided, (atom, answer)))


def title(atom: Atom) -> str:
    """Return what an atom is about, for people."""
    return atom.text if isinstance(atom, Unknown) else FIELDS[atom.name].title
