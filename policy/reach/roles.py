"""The packets of many connections at once: rules see the reply, or the next packet, of each first packet of a set.

All sets are sets of *first* packets, in a space of no hook in particular, which has the fields of every hook. What the
rules of a hook see of another packet of the connection is a view of that space: a field of the reply is the opposite
field of the first packet, and what every such packet has alike (its state, its flags) is a change made beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic

from policy.evaluate import Known
from policy.evaluate import truth as truth_of_box
from policy.ir import Change, Match, Rewrite, Set
from policy.packet import FIELDS, Packet, Value, ValueSet, varies
from policy.packet.connection import BACK, OPPOSITE, Role
from policy.packet.fields import TRANSLATED
from policy.sets.layout import Layout, presence
from policy.sets.truth import N, S, Sets, Truth, truth


class View(Generic[S, N]):
    """The packets with one *role* in the connections of some first packets, as the rules at their hook see them.

    *firsts* are boxes of first packets, and *others* the packets of their connections with that role; `fixed` is what
    all of them have alike and not from the first packet, `open` the fields of which nothing is known. Boxes with
    the same `key` may be in one view.
    """

    def __init__(self, sets: Sets[S, N], role: Role, firsts: Sequence[Packet], others: Sequence[Packet]) -> None:
        self.sets = sets
        self.role: Role = role
        self.firsts = tuple(firsts)
        self.others = tuple(others)
        first, other = firsts[0], self.others[0]
        self.hook = hook_of(other)
        opposite: Mapping[str, str] = OPPOSITE if role in BACK else {}
        self._fixed, self.open = _differences(sets.layout, first, other, opposite)
        self._opposite = {name: other for name, other in opposite.items() if other in sets.layout.fields}
        self.original: N = self.seen(sets.original)
        self.layout: Layout = sets.layout
        self.everything: S = sets.everything
        self.nothing: S = sets.nothing
        self.budget = sets.budget
        self.unites = sets.unites

    def seen(self, left: N) -> N:
        """Return what these packets are as they arrive, where the first ones are *left* when they leave."""
        seen, fixed = left.turned(self.hook, self._opposite), dict(self._fixed)
        status = fixed.pop("ctstatus", None) if seen.get("ctstatus") != "ctstatus" else None
        seen = self.sets.changed(seen, Rewrite(tuple(fixed.items())))[0]
        if isinstance(status, int):
            seen = self.sets.changed(seen, Set("ctstatus", status, 63 - TRANSLATED))[0]
        return seen

    def union(self, sets: Iterable[S]) -> S:
        """Return the packets of any of *sets*."""
        return self.sets.union(sets)

    def field(self, name: str, values: ValueSet, now: N) -> S:
        """Return the packets that have a field with one of *values*."""
        return self.sets.field(name, values, now)

    def unknown(self, key: str) -> S:
        """Return all packets, where the pure unknown *key* is true."""
        return self.sets.unknown(key)

    def truth(self, match: Match, now: N, assume: Mapping[str, bool]) -> Truth[S]:
        """Return which packets may and must match; boxes of which none may match are spared the work."""
        if now is self.original:
            known: Known = dict(assume.items())
            if all(truth_of_box(match, other, known) is False for other in self.others):
                return Truth(self.nothing, self.nothing)
        return truth(match, self, now, assume)

    def of_match(self, match: Match) -> S:
        """Return the packets that match; where an impure unknown decides, those that may."""
        return self.truth(match, self.original, {}).may

    def of_box(self, packet: Packet) -> S:
        """Return the first packets of a box."""
        return first_packets(self.sets, packet)

    def begin(self) -> None:
        """What actions have picked for the first packets stays as it is."""

    def changed(self, now: N, action: Change) -> tuple[N, S]:
        """Return what an action makes of the fields, and what is known of values that it picks itself."""
        return self.sets.changed(now, action)


def hook_of(packet: Packet) -> int | None:
    """Return the hook that a packet is at."""
    hook = packet.get("hook")
    assert hook is None or isinstance(hook, int)
    return hook


def first_packets(sets: Sets[S, Any], first: Packet) -> S:
    """Return a box of first packets, whatever the values are that packets at its hook do not have."""
    hook = hook_of(first)
    values = {name: value for name, value in first.values.items() if name != "hook"}
    for name in sets.layout.fields:
        if presence(name, hook) is False:
            values[name] = FIELDS[name].domain  # type: ignore[assignment] # no domain is a mask
    return sets.of_box(Packet(values))


def signature(layout: Layout, role: Role, first: Packet, other: Packet) -> object:
    """Return what boxes have in common that may be in one `View`."""
    return role, hook_of(other), _differences(layout, first, other, OPPOSITE if role in BACK else {})


def _differences(
    layout: Layout, first: Packet, other: Packet, opposite: Mapping[str, str]
) -> tuple[tuple[tuple[str, Value], ...], tuple[str, ...]]:
    """Return what *other* does not have from *first*: single values, and what is open."""
    fixed: list[tuple[str, Value]] = []
    open_: list[str] = []
    for name, value in other.values.items():
        mine = opposite.get(name, name)
        if mine not in layout.fields:
            continue
        if isinstance(value, int | str) and value != first.get(mine):
            fixed.append((name, value))
        elif not isinstance(value, int | str) and not varies(name, value):
            open_.append(name)
        else:
            assert value == first.get(mine), f"{name} of another packet"
    return tuple(fixed), tuple(open_)
