"""Is there a packet that …? A packet that proves it, a proof that there is none, or an honest *undecided*."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from policy.evaluate import Decision, Step, decide, evaluate
from policy.ir import EVERYTHING, Match, Ruleset
from policy.packet import Packet
from policy.reach.ends import At, Verdict
from policy.reach.flow import Flow
from policy.sets import BoxSpace, Budget, Exhausted, Missing, Space
from policy.sets.truth import Algebra, S, Sets


@dataclass(frozen=True, slots=True)
class Witness:
    """There is such a packet: this one, which was sent through the evaluator as well."""

    packet: Packet
    decision: Decision


@dataclass(frozen=True, slots=True)
class Proof:
    """There is no such packet."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """The search ended before it was known; *reason* is the limit that was met."""

    reason: str


Answer = Witness | Proof | Undecided


class Disagreement(Exception):
    """The evaluator says something else of a packet than the sets do: a mistake in one of them."""


def find(
    ruleset: Ruleset,
    verdict: Verdict,
    match: Match = EVERYTHING,
    hook: int | None = None,
    budget: Budget | None = None,
) -> Answer:
    """Return a packet at *hook* that matches and has *verdict*, whatever the unknowns are.

    Where an unknown decides whether it matches, it may match. `depends`: its verdict hangs on unknowns.
    """

    def packets(sets: Sets[S, Any]) -> S:
        flow = Flow(ruleset, sets, sets.of_match(match).some())
        return {"allow": flow.allowed, "block": flow.blocked, "depends": flow.depends}[verdict]

    def proven(packet: Packet) -> Decision | None:
        decision = decide(ruleset, packet)
        return decision if decision.verdict == verdict or decision.undecided else None

    return _search(ruleset, match, hook, budget, packets, proven)


def find_for_rule(
    ruleset: Ruleset, at: At, match: Match = EVERYTHING, hook: int | None = None, budget: Budget | None = None
) -> Answer:
    """Return a packet at *hook* that may come to the rule at a place and match it (and *match*)."""
    rule = ruleset.policies[at[0]].rules[at[1]]

    def packets(sets: Sets[S, Any]) -> S:
        passing = Flow(ruleset, sets, sets.of_match(match).some()).passing(at)
        return passing.surely or passing.matched

    def proven(packet: Packet) -> Decision | None:
        *steps, last = evaluate(ruleset, packet)
        assert isinstance(last, Decision)
        seen = any(isinstance(s, Step) and s.rule is rule and s.matched is not False for s in steps)
        # A walk ends as soon as two ways differ, so that it may not come to every rule that it could.
        return last if seen or last.verdict == "depends" else None

    return _search(ruleset, match, hook, budget, packets, proven)


def _search(
    ruleset: Ruleset,
    match: Match,
    hook: int | None,
    budget: Budget | None,
    packets: Callable[[Sets[Any, Any]], Algebra],
    proven: Callable[[Packet], Decision | None],
) -> Answer:
    try:
        packet = packets(space_at(ruleset, match, hook, budget)).example()
    except Exhausted as limit:
        return Undecided(f"more than {limit}")
    except RecursionError:
        return Undecided("conditions that are nested too deeply")
    if packet is None:
        return Proof()
    decision = proven(packet)
    if decision is None:
        raise Disagreement(f"sets and evaluator disagree about {dict(packet.values)}")
    return Undecided("a walk of too many steps") if decision.undecided else Witness(packet, decision)


def space_at(ruleset: Ruleset, match: Match, hook: int | None, budget: Budget | None) -> Sets[Any, Any]:
    """Return a space that can tell *match* apart: of diagrams, or, where the library is missing, of boxes."""
    try:
        return Space([ruleset], [match], hook, budget)
    except Missing:
        return BoxSpace([ruleset], [match], hook, budget)
