"""The truth of a match for one packet or box: known at once, or settled case by case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

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


def settle(match: Match, case: Case) -> Iterator[Case]:
    """Yield every way in which *match* can turn out for the packets of *case*, and with what it has decided.

    The cases are disjoint and together are all of them. A pure unknown that was decided stays decided;
    an impure one is fresh wherever it stands, so it is not remembered.
    """
    quick = truth(match, case.packet, case.known)
    if quick is not None:
        yield Case(quick, case.packet, case.known, case.decided)
        return
    match match:
        case Field() | Unknown():
            for answer in (True, False):
                yield _decide(match, answer, case)
        case Not(part):
            for inner in settle(part, case):
                yield Case(not inner.truth, inner.packet, inner.known, inner.decided)
        case All(parts):
            for inner in settle(parts[0], case):
                if inner.truth:
                    yield from settle(All(parts[1:]), inner)
                else:
                    yield inner
        case Either(parts):
            for inner in settle(parts[0], case):
                if inner.truth:
                    yield inner
                else:
                    yield from settle(Either(parts[1:]), inner)
        case Any():
            raise AssertionError("always true")
        case _:
            assert_never(match)


def _decide(atom: Atom, answer: bool, case: Case) -> Case:
    packet, known = case.packet, case.known
    if isinstance(atom, Unknown):
        if atom.pure:
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
