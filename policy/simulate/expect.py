"""Whether what is expected of a step has come about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy.packet import HOOKS
from policy.packet.address import format_address
from policy.simulate.log import Event, Hop, Travel
from policy.simulate.player import Outcome
from policy.simulate.scenario import Expected
from policy.simulate.world import World


def missed(expected: Expected, outcome: Outcome, events: Sequence[Event], world: World) -> list[str]:
    """Return in words what does not hold of what was expected; nothing where all does."""
    return list(_missed(expected, outcome, events, world))


def _missed(expected: Expected, outcome: Outcome, events: Sequence[Event], world: World) -> Iterator[str]:
    if expected.result not in (None, outcome.result):
        yield f"expected `{expected.result}`, and it is `{outcome.result}`"
    if expected.size is not None and expected.size != (outcome.size or 0):
        yield f"expected {expected.size} bytes, and it is {outcome.size or 0}"
    if expected.source is not None and expected.source != outcome.source:
        seen = "nobody sees it" if outcome.source is None else f"it is {format_address(outcome.source)}"
        yield f"expected that the other side sees {format_address(expected.source)}, and {seen}"
    if expected.rule is not None:
        rules = [rule_of(hop) for hop in _first(events)]
        if expected.rule not in rules:
            others = ", ".join(f"`{each}`" for each in rules if each is not None) or "none"
            yield f"expected that the rule `{expected.rule}` decides, and those that do are: {others}"
    for name, state in expected.states.items():
        if world.states.get(name, "closed") != state:
            yield f"expected that `{name}` is {state}, and it is {world.states.get(name, 'closed')}"
    for host, number in expected.entries.items():
        wall = world.hosts[host].machine.wall
        found = 0 if wall is None else sum(1 for _ in wall.tracker.entries(world.network.now))
        if found != number:
            yield f"expected {number} connections in the table of `{host}`, and it has {found}"
    for what, wanted in (("open", expected.open), ("closed", expected.closed)):
        ports = tuple(sorted({port for (_, port), how in outcome.ports.items() if how == what}))
        if wanted is not None and tuple(sorted(wanted)) != ports:
            yield f"expected that {_ports(wanted)} are {what}, and it is {_ports(ports)}"


def rule_of(hop: Hop) -> str | None:
    """Return `HOST:LINE` of the rule that decided at a host; `HOST:default` or `HOST:helper` where that did."""
    ruling = hop.ruling
    if ruling is None or ruling.decision is None:
        return None
    if ruling.helper is not None:
        return f"{hop.host}:helper"
    rule = ruling.decision.rule
    if rule is None:
        return f"{hop.host}:{ruling.decision.implicit or HOOKS[hop.hook]}"
    return f"{hop.host}:{rule.span.line}"


def _first(events: Sequence[Event]) -> Sequence[Hop]:
    return next((each.hops for each in events if isinstance(each, Travel)), ())


def _ports(ports: Sequence[int]) -> str:
    return ", ".join(map(str, ports)) or "no ports"
