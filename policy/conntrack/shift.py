"""Numbers of a TCP connection whose text has become longer or shorter on the way.

Source: net/netfilter/nf_conntrack_seqadj.c of Linux 6.18.
"""

from __future__ import annotations

from dataclasses import replace

from policy._record import dataclass
from policy.conntrack.step import Step
from policy.packet.fields import ACK

_ALL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Shift:
    """What is to be added to the numbers of a direction: *before* up to the number *at*, and *after* it."""

    at: int = 0
    before: int = 0
    after: int = 0

    def of(self, seq: int) -> int:
        """Return what is to be added to a number."""
        return self.after if is_after(seq, self.at) else self.before

    def with_change(self, seq: int, by: int) -> Shift:
        """Return this where the text of the segment at a number has become so much longer; again is no change."""
        if self.before == self.after or is_after(seq, self.at):
            return Shift(seq, self.after, self.after + by)
        return self


Shifts = tuple[Shift, Shift]
"""Those of both directions."""


def shifted(step: Step, shifts: Shifts, direction: int) -> Step:
    """Return a segment of a direction as it leaves."""
    numbers, back = step.segment, shifts[1 - direction]
    if numbers.seq is not None:
        numbers = replace(numbers, seq=numbers.seq + shifts[direction].of(numbers.seq) & _ALL)
    if numbers.ack is not None and step.flags & ACK:
        by = back.after if is_after(numbers.ack - back.before & _ALL, back.at) else back.before
        numbers = replace(numbers, ack=numbers.ack - by & _ALL)
    return replace(step, segment=numbers)


def acknowledging(step: Step, shifts: Shifts, direction: int) -> Step:
    """Return a segment with what it acknowledges in the numbers of the other side (`tcp_in_window`)."""
    numbers = step.segment
    if numbers.ack is None or not step.flags & ACK:
        return step
    by = shifts[1 - direction].of(numbers.ack - 1 & _ALL)
    return replace(step, segment=replace(numbers, ack=numbers.ack - by & _ALL))


def is_after(one: int, other: int) -> bool:
    """Is a number of TCP behind another one?"""
    return bool(other - one & 0x80000000)
