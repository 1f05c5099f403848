"""What checks ask about one set of rules, found out once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from policy.evaluate import Decision, Index, Step, evaluate
from policy.ir import Match, Rule, Ruleset, looks_at_hook
from policy.packet import HOOKS, Packet, ValueSet
from policy.reach import At, Disagreement, Flow, Standings
from policy.reach.entered import entered
from policy.sets import BoxSpace, Budget, Exhausted, Missing, Space
from policy.sets.truth import Algebra, Sets

MOST_REGIONS = 50
"""Sets of more regions are not described."""

SHOWN_REGIONS = 3

Edit = Callable[[Ruleset, Rule, str, ValueSet, Sequence[Rule]], str | None]
"""How a language writes a rule with other values in one field (`languages.FrontEnd.with_values`)."""


class Facts:
    """One set of rules as checks see it; every engine shares its *budget*.

    Methods that need an engine raise `Exhausted` once the budget is spent. *edit* writes rules in their language;
    without it they cannot be written (`app.load.facts` knows it).
    """

    def __init__(self, ruleset: Ruleset, budget: Budget | None = None, edit: Edit | None = None) -> None:
        self.ruleset = ruleset
        self.budget = budget or Budget()
        self._edit = edit
        self._index = Index()
        self._spaces: dict[int | None, Sets[Any, Any]] = {}
        self._flows: dict[int | None, Flow[Any, Any]] = {}

    @cached_property
    def hooks(self) -> tuple[int | None, ...]:
        """The hooks at which packets meet the rules; None alone where the rules are the same at every hook."""
        if None not in self.ruleset.entries:
            return tuple(sorted(hook for hook in self.ruleset.entries if hook is not None))
        return tuple(range(len(HOOKS))) if looks_at_hook(self.ruleset) or len(self.ruleset.entries) > 1 else (None,)

    @cached_property
    def places(self) -> tuple[At, ...]:
        """Every rule by its place, policy by policy, in the order of the text."""
        return tuple((name, n) for name, policy in self.ruleset.policies.items() for n in range(len(policy.rules)))

    def rule(self, at: At) -> Rule:
        """Return the rule at a place."""
        return self.ruleset.policies[at[0]].rules[at[1]]

    @cached_property
    def met(self) -> dict[str, tuple[int | None, ...]]:
        """The policies that an entry leads to, each with the hooks where it does."""
        scopes = entered(self.ruleset).scopes
        names = [name for name in self.ruleset.policies if name in scopes]
        return {name: tuple(h for h in self.hooks if h is None or h in scopes[name].hooks) for name in names}

    def with_values(self, rule: Rule, field: str, values: ValueSet, others: Sequence[Rule] = ()) -> str | None:
        """Return a rule as text, with *values* in one field and words of *others*; None where that is no one rule."""
        return None if self._edit is None else self._edit(self.ruleset, rule, field, values, others)

    def space(self, hook: int | None) -> Sets[Any, Any]:
        """Return the space of the packets at a hook: of diagrams, or, where the library is missing, of boxes."""
        if hook not in self._spaces:
            try:
                self._spaces[hook] = Space([self.ruleset], (), hook, self.budget)
            except Missing:
                self._spaces[hook] = BoxSpace([self.ruleset], (), hook, self.budget)
        return self._spaces[hook]

    def flow(self, hook: int | None) -> Flow[Any, Any]:
        """Return all packets through the rules of a hook."""
        if hook not in self._flows:
            self._flows[hook] = Flow(self.ruleset, self.space(hook))
        return self._flows[hook]

    @cached_property
    def standings(self) -> Standings:
        """What is known of every rule: alive, dead and why, in a policy that packets do not enter, or undecided."""
        return Standings(self.ruleset, self.hooks, self.flow, self.budget)

    def words(self, packets: Algebra) -> str | None:
        """Return a set of packets in words, with the names of the file; None where they would be too many."""
        try:
            found = packets.describe(self.ruleset.definitions, MOST_REGIONS)
        except Exhausted:
            return None
        more = len(found) - SHOWN_REGIONS
        return "; ".join(found[:SHOWN_REGIONS]) + (f"; and {more} more" if more > 0 else "")

    def example(self, packets: Algebra) -> Packet | None:
        """Return one natural packet of a set, None where it is empty."""
        return packets.example()

    def flows(self, policy: str, match: Match) -> list[Flow[Any, Any]]:
        """Return the packets of a match through the rules, at each hook where any come to a policy."""
        spaces = [self.space(hook) for hook in self.met.get(policy, ())]
        return [Flow(self.ruleset, space, space.of_match(match).every()) for space in spaces]

    def matched(self, at: At, match: Match, flows: Sequence[Flow[Any, Any]]) -> Packet | None:
        """Return a packet of *match* that comes to a rule in one of *flows* and matches it, as evaluated, too.

        It does so whatever the unknowns are. None where there is none, or where a walk ends before that rule because
        unknowns decide by then. Raises `Disagreement` where the evaluator says something else.
        """
        rule = self.rule(at)
        for flow in flows:
            packet: Packet | None = (flow.passing(at).surely & flow.sets.of_match(match)).example()
            if packet is None:
                continue
            *steps, last = evaluate(self.ruleset, packet, index=self._index)
            if any(isinstance(step, Step) and step.rule is rule and step.matched for step in steps):
                return packet
            if isinstance(last, Decision) and last.verdict != "depends":
                raise Disagreement(f"sets and evaluator disagree about {dict(packet.values)} at {at}")
        return None
