"""Rules that let packets in from outside because of their source port."""

from __future__ import annotations

from typing import Any

from policy.check.connections import FEW_PORTS, SERVICES
from policy.check.facts import Facts
from policy.ir import Field, Rule, conjuncts
from policy.packet import Intervals, ValueSet
from policy.packet.address import whole
from policy.reach import At


def trusted(facts: Facts, at: At) -> dict[int | None, Any]:
    """Return the packets from outside that a rule lets in for their source port, by hook; none where it does not.

    Such a rule names few source ports, or well-known ones, no destination port, and no source that is small.
    """
    return facts.exposed(at) if _trusts(facts.rule(at)) else {}


def _trusts(rule: Rule) -> bool:
    values: dict[str, ValueSet] = {part.name: part.values for part in conjuncts(rule.match) if isinstance(part, Field)}
    source, target, sender = values.get("sport"), values.get("dport"), values.get("src")
    if not isinstance(source, Intervals) or not (source.size <= FEW_PORTS or SERVICES.covers(source)):
        return False
    if target is not None and not (isinstance(target, Intervals) and target.covers(SERVICES)):
        return False
    return sender is None or (isinstance(sender, Intervals) and any(_is_wide(sender, family) for family in (4, 6)))


def _is_wide(sender: Intervals, family: int) -> bool:
    return (sender & whole(family)).size << 8 >= whole(family).size
