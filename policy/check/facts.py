"""What checks ask about one set of rules, found out once, when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from policy.ir import Rule, Ruleset, looks_at_hook
from policy.packet import HOOKS, Packet
from policy.reach import At, Flow
from policy.sets import BoxSpace, Budget, Exhausted, Missing, Space
from policy.sets.truth import Algebra, Sets

SHOWN_REGIONS = 3


class Facts:
    """One set of rules as checks see it; every engine shares its *budget*.

    Methods that need an engine raise `Exhausted` once the budget is spent.
    """

    def __init__(self, ruleset: Ruleset, budget: Budget | None = None) -> None:
        self.ruleset = ruleset
        self.budget = budget or Budget()
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

    def words(self, packets: Algebra) -> str | None:
        """Return a set of packets in words, with the names of the file; None where the budget does not allow it."""
        try:
            found, more = packets.describe_first(self.ruleset.definitions, SHOWN_REGIONS)
        except Exhausted:
            return None
        return "; ".join(found) + ("; and more" if more else "")

    def example(self, packets: Algebra) -> Packet | None:
        """Return one natural packet of a set, None where it is empty."""
        return packets.example()
