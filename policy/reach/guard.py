"""Which packets go through an entry."""

from __future__ import annotations

from policy.ir import Entry, Field
from policy.packet.address import whole
from policy.sets.truth import N, S, Sets

Ways = dict[N, S]
"""The packets that are at one place, by what was changed on the way there."""


def guarded(sets: Sets[S, N], entry: Entry, ways: Ways[N, S]) -> tuple[Ways[N, S], Ways[N, S]]:
    """Return the packets that go through an entry, and those that it is not for, by their hook or IP version."""
    here, away = ways, dict[N, S]()
    if entry.hook is not None:
        here = {now: packets for now, packets in ways.items() if now.hook == entry.hook}
        away = {now: packets for now, packets in ways.items() if now.hook != entry.hook}
    if entry.family is not None:
        version = sets.of_match(Field("src", whole(entry.family)))
        for now, packets in here.items():
            join(away, now, packets - version)
        here = {now: some for now, packets in here.items() if (some := packets & version)}
    return here, away


def join(ways: Ways[N, S], now: N, packets: S) -> None:
    """Add packets to a way, if there are any."""
    if packets:
        ways[now] = ways[now] | packets if now in ways else packets
