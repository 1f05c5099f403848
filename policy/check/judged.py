"""Packets whose verdict a check is sure of, held against the evaluator before they are shown."""

from __future__ import annotations

from policy.check.facts import Facts
from policy.evaluate import decide
from policy.packet import Packet
from policy.reach import Disagreement
from policy.sets.truth import Algebra


def judged(facts: Facts, packets: Algebra, verdict: str) -> Packet | None:
    """Return one of some packets, all with *verdict*; raises `Disagreement` where the evaluator says otherwise."""
    packet = packets.example()
    if packet is None:
        return None
    said = decide(facts.ruleset, packet, index=facts.index).verdict
    if said not in (verdict, "depends"):
        raise Disagreement(f"sets say {verdict}, the evaluator says {said}, of {dict(packet.values)}")
    return packet
