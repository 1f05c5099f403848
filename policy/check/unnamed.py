"""Packets of which hardly a rule speaks: what becomes of them is mostly what becomes of all that is left."""

from __future__ import annotations

from policy.ir import Field, Match, Ruleset, all_of
from policy.packet import Intervals
from policy.packet.address import whole

_RARE = 253
"""A protocol for experiments, which rules do not name (RFC 3692)."""


def unnamed(ruleset: Ruleset) -> Match:
    """Return such packets, of a family that the rules speak."""
    return all_of(Field("proto", Intervals.of(_RARE)), Field("src", whole(min(ruleset.families))))
