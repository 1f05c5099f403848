"""Named sets that overlap, cut into disjoint pieces with names of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, Self, TypeVar

from policy._record import dataclass

FEW = 3
"""So many names are said after `except`."""


class Cuttable(Protocol):
    """What sets of addresses and sets of packets have in common."""

    def __and__(self, other: Self, /) -> Self: ...
    def __sub__(self, other: Self, /) -> Self: ...
    def __bool__(self) -> bool: ...


C = TypeVar("C", bound=Cuttable)


@dataclass(frozen=True, slots=True)
class Piece(Generic[C]):
    """A set that is inside some of the named ones and outside the others."""

    name: str
    value: C


def pieces(named: Sequence[tuple[str, C]], whole: C, rest: str, most: int) -> tuple[list[Piece[C]], int]:
    """Return *whole* cut by the *named* sets, its part that is in none of them last, by the name of *rest*.

    A set that would make more than *most* pieces cuts nothing; the second value counts those.
    """
    cuts: list[tuple[str, C]] = []
    parts: list[tuple[frozenset[int], C]] = [(frozenset(), whole)] if whole else []
    skipped = 0
    for name, value in named:
        if any(name == known for known, _ in cuts):
            continue
        number = len(cuts)
        divided = [
            (inside | {number} if within else inside, piece)
            for inside, part in parts
            for within, piece in ((True, part & value), (False, part - value))
            if piece
        ]
        if len(divided) > most:
            skipped += 1
            continue
        cuts.append((name, value))
        parts = divided
    parts.sort(key=lambda part: (not part[0], _innermost(part[0], cuts)))
    return [Piece(_name(inside, part, cuts) or rest, part) for inside, part in parts], skipped


def _innermost(inside: Iterable[int], cuts: Sequence[tuple[str, C]]) -> list[int]:
    """Return which of some sets have none of the others inside."""
    inside = sorted(inside)
    return [n for n in inside if not any(m != n and _within(m, n, cuts) for m in inside)]


def _within(one: int, other: int, cuts: Sequence[tuple[str, C]]) -> bool:
    """Is *one* inside *other*? Of equal sets the first is inside."""
    return not cuts[one][1] - cuts[other][1] and (one < other or bool(cuts[other][1] - cuts[one][1]))


def _name(inside: frozenset[int], part: C, cuts: Sequence[tuple[str, C]]) -> str:
    base = _innermost(inside, cuts)
    if not base:
        return ""
    whole = cuts[base[0]][1]
    for n in base[1:]:
        whole = whole & cuts[n][1]
    name = " and ".join(cuts[n][0] for n in base)
    if not whole - part:
        return name
    out = [n for n in range(len(cuts)) if n not in inside and whole & cuts[n][1]]
    out = [n for n in out if not any(m != n and _within(n, m, cuts) for m in out)]
    return f"{name} except {', '.join(cuts[n][0] for n in out)}" if len(out) <= FEW else f"other {name}"
