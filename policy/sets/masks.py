"""The numbers under a mask as ranges."""

from __future__ import annotations

from policy.packet import Intervals, Masked
from policy.packet.address import V4_BASE
from policy.sets.budget import Exhausted

_MOST_RANGES = 4096


def unmasked(masked: Masked, low: int, high: int) -> Intervals:
    """Return the numbers from *low* to *high* under a mask as ranges; raises `Exhausted` where they are too many."""
    if masked.value & ~masked.mask:
        return Intervals()
    width = high.bit_length()
    free = ((1 << width) - 1) & ~masked.mask
    tail = (masked.mask & -masked.mask).bit_length() - 1 if masked.mask & (1 << width) - 1 else width
    scattered = [place for place in range(tail, width) if free >> place & 1]
    if low >= V4_BASE:
        scattered = [place for place in scattered if place < 32]
    if 1 << len(scattered) > _MOST_RANGES:
        raise Exhausted("lists of boxes, for a mask of many ranges")
    base = masked.value | (low if low >= V4_BASE else 0) & free
    ranges = []
    for bits in range(1 << len(scattered)):
        start = base + sum(1 << place for at, place in enumerate(scattered) if bits >> at & 1)
        ranges.append((start, start | (1 << min(tail, width)) - 1))
    return Intervals.of(*ranges) & Intervals.of((low, high))
