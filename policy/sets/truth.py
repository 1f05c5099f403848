"""The truth of a match for all packets at once: those that may match it, and those that must."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar, assert_never

from policy import ir
from policy.ir import All, Change, Definition, Either, Field, Match, Not, Unknown
from policy.packet import Intervals, Packet, ValueSet
from policy.sets.budget import Budget
from policy.sets.layout import Layout
from policy.sets.now import Now
from policy.sets.regions import Region


class Algebra(Protocol):
    """What the engines need of a kind of set: `PacketSet` has it, and so have lists of boxes."""

    def __and__(self, other: Self, /) -> Self: ...
    def __or__(self, other: Self, /) -> Self: ...
    def __sub__(self, other: Self, /) -> Self: ...
    def __le__(self, other: Self, /) -> bool: ...
    def __invert__(self) -> Self: ...
    def __bool__(self) -> bool: ...
    def __contains__(self, packet: Packet, /) -> bool: ...
    @property
    def is_empty(self) -> bool: ...
    def count(self) -> int: ...
    def example(self) -> Packet | None: ...
    def each_region(self, within: Self | None = ..., /) -> Iterator[Region]: ...
    def regions(self, most: int = ..., /) -> list[Region]: ...
    def describe(self, definitions: Iterable[Definition] = ..., most: int = ..., /) -> list[str]: ...
    def describe_first(
        self, definitions: Iterable[Definition] = ..., most: int = ..., within: Self | None = ..., /
    ) -> tuple[list[str], bool]: ...
    def some(self) -> Self: ...
    def known(self) -> Self: ...
    def every(self) -> Self: ...
    def apart_from(self, *names: str) -> Self: ...
    def values(self, name: str) -> Intervals: ...
    def count_values(self, name: str, among: Intervals, /) -> int: ...


S = TypeVar("S", bound=Algebra)
N = TypeVar("N", bound=Now[Any])


class Truth(NamedTuple, Generic[S]):
    """The packets that match for some outcome of the impure unknowns, and those that do for every one.

    Pure unknowns are part of the sets. Impure ones are fresh wherever they stand, so the parts of a match
    are independent in them, and these two sets say everything.
    """

    may: S
    must: S


class Remembered(Generic[S]):
    """The truths of matches as packets arrive, each found out once: of this very match, as comparing takes longer."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Match, Truth[S]]] = {}

    def __call__(self, match: Match, fields: Sets[S, Any], now: Any) -> Truth[S]:
        """Return the truth of a match, where nothing is changed or assumed."""
        known = self._known.get(id(match))
        if known is None:
            known = self._known[id(match)] = match, truth(match, fields, now, {})  # kept, so that the id stays its own
        return known[1]


class Sets(Protocol[S, N]):
    """A space of packet sets. An *N* is what packets have become on the way so far; *original*: as they arrive.
    Nothing is known of the fields that are *open*.

    `begin` is called before packets are followed: values that actions picked before may stand for others then.
    *unites*: is the union of many sets about as simple as they are? (Lists of boxes grow.)
    """

    @property
    def layout(self) -> Layout: ...
    @property
    def budget(self) -> Budget: ...
    @property
    def unites(self) -> bool: ...
    @property
    def open(self) -> tuple[str, ...]: ...
    @property
    def everything(self) -> S: ...
    @property
    def nothing(self) -> S: ...
    @property
    def original(self) -> N: ...
    @property
    def hook(self) -> int | None: ...
    def of_match(self, match: Match, /) -> S: ...
    def of_box(self, packet: Packet, /) -> S: ...
    def union(self, sets: Iterable[S], /) -> S: ...
    def field(self, name: str, values: ValueSet, now: N, /) -> S: ...
    def unknown(self, key: str, /) -> S: ...
    def truth(self, match: Match, now: N, assume: Mapping[str, bool], /) -> Truth[S]: ...
    def changed(self, now: N, action: Change, /) -> tuple[N, S]: ...
    def begin(self) -> None: ...


def truth(match: Match, fields: Sets[S, N], now: N, assume: Mapping[str, bool]) -> Truth[S]:
    """Return which packets may and must match; *assume* settles unknowns by their key."""
    match match:
        case ir.Any():
            return Truth(fields.everything, fields.everything)
        case Field(name, values):
            found = fields.field(name, values, now)
            return Truth(found, found)
        case Unknown(_, key, pure):
            if key in assume:
                found = fields.everything if assume[key] else fields.nothing
                return Truth(found, found)
            if pure:
                found = fields.unknown(key)
                return Truth(found, found)
            return Truth(fields.everything, fields.nothing)
        case Not(part):
            inner = truth(part, fields, now, assume)
            may = fields.everything - inner.must
            return Truth(may, may if inner.may is inner.must else fields.everything - inner.may)
        case All(parts):
            may = must = fields.everything
            for each in parts[1:] if match.guarded else parts:
                inner = truth(each, fields, now, assume)
                same = may is must and inner.may is inner.must
                may = may & inner.may
                must = may if same else must & inner.must
            return Truth(may, must)
        case Either(parts):
            may = must = fields.nothing
            for each in parts:
                inner = truth(each, fields, now, assume)
                same = may is must and inner.may is inner.must
                may = may | inner.may
                must = may if same else must | inner.must
            return Truth(may, must)
        case _:
            assert_never(match)


def balanced(sets: Iterable[S], nothing: S) -> S:
    """Return the union of *sets*, put together as a balanced tree."""
    left = list(sets) or [nothing]
    while len(left) > 1:
        left = [a | b for a, b in zip(left[::2], left[1::2], strict=False)] + left[len(left) // 2 * 2 :]
    return left[0]
