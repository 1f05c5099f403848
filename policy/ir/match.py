"""The match algebra: which packets a rule is for."""

from __future__ import annotations

from dataclasses import field
from typing import Any as _Anything
from typing import Literal

from policy._record import dataclass
from policy.packet import FIELDS, ValueSet
from policy.source import Span


def mark(default: _Anything = None) -> _Anything:
    """A field that describes the writing: it takes no part in equality."""
    return field(default=default, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Any:
    """Every packet."""


@dataclass(frozen=True, slots=True)
class All:
    """The packets that match every part (all packets, without parts).

    *guarded*: the first part follows from the others, and is there to tell soon that a packet does not match.
    """

    parts: tuple[Match, ...]
    guarded: bool = mark(False)


@dataclass(frozen=True, slots=True)
class Either:
    """The packets that match at least one part (none, without parts); a long one is *called* by a name."""

    parts: tuple[Match, ...]
    called: str | None = mark()


@dataclass(frozen=True, slots=True)
class Not:
    """The well-formed packets that do not match the part."""

    part: Match


@dataclass(frozen=True, slots=True)
class Field:
    """The packets that have the field *name* (a key of `packet.FIELDS`) with a value in *values*."""

    name: str
    values: ValueSet
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Opaque:
    """What a front end cannot look into: the *name* of a `match`, `target`, `set` or `chain` that it does not know."""

    kind: Literal["match", "target", "set", "chain"]
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A condition that is not modelled; *text* says it to people, *key* names it for `--assume`.

    One that the front end cannot look into is *opaque*; a limit is only one that nobody can know.
    """

    text: str
    key: str
    pure: bool = True
    opaque: Opaque | None = mark()
    span: Span | None = mark()


Match = Any | All | Either | Not | Field | Unknown
Service = tuple[Field, ...]
"""The fields that a kind of traffic has, all of them: protocol, destination ports, ICMP type and code."""

NOTHING = Either(())
EVERYTHING = Any()


def walk(match: Match) -> list[Match]:
    """Return a match and all its parts, depth first."""
    found: list[Match] = []
    _gather(match, found)
    return found


def _gather(match: Match, found: list[Match]) -> None:
    found.append(match)
    match match:
        case All(parts) | Either(parts):
            for part in parts:
                _gather(part, found)
        case Not(part):
            _gather(part, found)


def all_of(*parts: Match) -> Match:
    """Return the conjunction, without needless nodes."""
    flat: list[Match] = []
    for part in parts:
        match part:
            case Any():
                continue
            case All(inner):
                flat += inner
            case _:
                flat.append(part)
    return flat[0] if len(flat) == 1 else All(tuple(flat)) if flat else EVERYTHING


def either_of(*parts: Match) -> Match:
    """Return the disjunction, without needless nodes."""
    flat: list[Match] = []
    for part in parts:
        match part:
            case Any():
                return EVERYTHING
            case Either(inner):
                flat += inner
            case _:
                flat.append(part)
    return flat[0] if len(flat) == 1 else Either(tuple(flat))


def negated(match: Match) -> Match:
    """Return the negation, without double ones."""
    return match.part if isinstance(match, Not) else Not(match)


def conjuncts(match: Match) -> tuple[Match, ...]:
    """Return the conditions that must all hold, in order; `all_of` makes the match of them again."""
    match match:
        case Any():
            return ()
        case All(parts):
            return parts
    return (match,)


def with_values(match: Match, name: str, values: ValueSet) -> Match | None:
    """Return a match with other values of a field, none where they are all; None unless one conjunct is that field."""
    parts = conjuncts(match)
    at = [number for number, part in enumerate(parts) if isinstance(part, Field) and part.name == name]
    if len(at) != 1:
        return None
    wanted = () if name in ("src", "dst") and values == FIELDS[name].domain else (Field(name, values),)
    return all_of(*parts[: at[0]], *wanted, *parts[at[0] + 1 :])
