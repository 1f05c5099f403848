"""Connections that a rule opens, and what checks say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policy.check.base import Check
from policy.check.facts import Facts
from policy.diagnostic import Diagnostic
from policy.packet import OUTPUT
from policy.reach import At
from policy.reach.first import first_packets


def opening(facts: Facts, at: At, served: bool = False) -> dict[int | None, Any]:
    """Return the packets that open connections and that a rule lets pass, by hook.

    *served*: only where somebody else opens them, not this host.
    """
    found = {}
    for hook, packets in facts.opened(at).items():
        if not (served and hook == OUTPUT):
            sets = facts.space(hook)
            found[hook] = packets & sets.of_match(first_packets(sets.layout))
    return {hook: packets for hook, packets in found.items() if packets}


def about(check: Check, facts: Facts, at: At, packets: Mapping[int | None, Any], message: str, help: str) -> Diagnostic:
    """Return a finding about packets that a rule lets pass, by hook, with one of them as the example."""
    rule = facts.rule(at)
    example = facts.replayed(packets.values(), [rule], facts.usual(packets, rule.match))
    region = facts.region(packets, rule.match)
    return check.finding(rule.span, message, help=help, region=region, example=example)
