"""What a packet has become on its way through the rules, as a function of the packet as it arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, Literal, Self, TypeVar

from policy.packet import ROUTING
from policy.packet.fields import HOOK_FIELDS
from policy.sets.layout import presence

V = TypeVar("V")

Point = Literal["dst", "src"]


@dataclass(frozen=True, slots=True)
class Due(Generic[V]):
    """What connection tracking does at a *point* (`ir.Entry.translates`): where it takes packets to, and fields.

    Those that are not tracked are taken to the hook *aside*, if anywhere.
    """

    point: Point
    hook: int | None
    fields: tuple[tuple[str, V | str], ...]
    aside: int | None = None


@dataclass(frozen=True, slots=True)
class Now(Generic[V]):
    """Where packets are on their way, and what was changed of them.

    They are at *hook*, and have the fields of packets at the hook *like*: while their way is to be decided
    (`fields.ROUTING`) they keep those that they had. *changed* are the fields that are not what they were: each with
    its new value, or with the name of the field that had it when the packet arrived. What connection tracking has still
    to do to them is *due*. What they have *lost* are the fields that packets of their connection state do not have.
    """

    hook: int | None = None
    like: int | None = None
    changed: tuple[tuple[str, V | str], ...] = ()
    due: tuple[Due[V], ...] = ()
    lost: frozenset[str] = frozenset()

    def get(self, name: str) -> V | str:
        """Return what a field is: a value, or the name of the one that it was when the packet arrived."""
        return next((value for field, value in self.changed if field == name), name)

    def has(self, name: str) -> bool:
        """May packets have a field now, so far as that hangs on where they are?"""
        return name not in self.lost and presence(name, self.like) is not False

    def without(self, lost: frozenset[str]) -> Self:
        """Return this without some fields."""
        left = tuple(item for item in self.changed if item[0] not in lost)
        return replace(self, changed=left, lost=self.lost | lost)

    def with_field(self, name: str, value: V | str) -> Self:
        """Return this with one field changed."""
        fields = {**dict(self.changed), name: value}
        if value == name:
            del fields[name]
        return replace(self, changed=tuple(sorted(fields.items(), key=lambda item: item[0])))

    def moved(self, hook: int) -> tuple[Self, tuple[str, ...]]:
        """Return the packets at another hook, and the fields that they have there without having had them before."""
        if hook == ROUTING:
            return replace(self, hook=hook), ()
        left = tuple(item for item in self.changed if presence(item[0], hook) is not False)
        after = replace(self, hook=hook, like=hook, changed=left)
        return after, tuple(name for name in HOOK_FIELDS[1:] if after.has(name) and not self.has(name))

    def turned(self, hook: int | None, opposite: Mapping[str, str]) -> Self:
        """Return packets at *hook* that have in each field what these have in its *opposite*, else what these have."""
        fields = {**dict(self.changed), **{name: self.get(other) for name, other in opposite.items()}}
        left = {name: value for name, value in fields.items() if presence(name, hook) is not False and value != name}
        return replace(self, hook=hook, like=hook, changed=tuple(sorted(left.items(), key=lambda item: item[0])))

    def translated(self, point: Point | None) -> Self:
        """Return this behind an entry that `translates` at a point; what is not tracked keeps its addresses."""
        found = self
        for due in self.due:
            if due.point == point and "ctstatus" in self.lost:
                found = found.moved(due.aside)[0] if due.aside is not None else found
            elif due.point == point:
                found = found.moved(due.hook)[0] if due.hook is not None else found
                for name, value in due.fields:
                    found = found.with_field(name, value) if found.has(name) else found
        return found
