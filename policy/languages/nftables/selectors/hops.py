"""The TTL, or hop limit: a forwarded packet is seen behind the routing with one less than it came with.

Source: the kernel's ip_forward.c.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.ir import NOTHING, Field, Match, Not, Unknown, all_of, either_of, negated
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.selectors.base import Operand
from policy.packet import FORWARD, Intervals, Names

BEHIND_ROUTING = frozenset({"forward", "postrouting"})


@dataclass(frozen=True, slots=True)
class Hops(Operand):
    """The TTL as it is at some *hooks*."""

    hooks: frozenset[str] = frozenset()

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        wanted = values & Intervals.of((0, 255))
        if bits is not None:
            wanted = Intervals.of(*(number for number in range(256) if bits.of(number) in values))
        arrived = self._with(wanted)
        if not self.hooks & BEHIND_ROUTING:
            return arrived
        before = Intervals.of(*((low + 1, min(high + 1, 255)) for low, high in wanted.ranges))
        one_less = self._with(before)
        forwarded = Field("hook", Intervals.of(FORWARD))
        stays = negated(forwarded)
        if self.hooks <= BEHIND_ROUTING:
            return either_of(all_of(arrived, stays), all_of(one_less, forwarded))
        when = Unknown("the packet is already forwarded", "forwarded", pure=False, span=self.span)
        return either_of(
            all_of(arrived, stays), all_of(one_less, forwarded, when), all_of(arrived, forwarded, Not(when))
        )

    def _with(self, values: Intervals) -> Match:
        return Field("ttl", values, span=self.span) if values else NOTHING
