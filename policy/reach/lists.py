"""Dead rules of long first-match lists, exactly: which no packet reaches and matches, and which rules see to that.

Needs numpy (the extra `exact`), so import this module late. How it works, in the order of cost: rules become boxes
(`listing`); bit rows find the boxes that lie in an earlier one (`pairs.holders`), and add up how much of each box the
earlier ones take: where that is less than all of it, the rule is alive (`pairs.crowding`). Only for what is left are
boxes subtracted one by one (`cover`), within a budget.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from policy.ir import Policy
from policy.packet import Packet
from policy.reach.judge import Judge
from policy.reach.listing import listing
from policy.reach.products import Scope
from policy.reach.standing import DEAD, Kind, Standing
from policy.reach.witness import witness
from policy.sets import Budget

__all__ = ["DEAD", "Analysis", "Kind", "Scope", "Standing", "analyse"]

_NO_POLICIES: Mapping[str, Policy] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Analysis:
    """The standing of every rule of a policy, by its number in the text."""

    policy: Policy
    standings: tuple[Standing[int], ...]
    _judge: Judge

    @property
    def dead(self) -> list[int]:
        """The numbers of the rules that are dead."""
        return [number for number, standing in enumerate(self.standings) if standing.dead]

    def witness(self, number: int, budget: Budget | None = None) -> Packet | None:
        """Return a packet that reaches and matches an alive rule; None for others.

        Its fields that no rule looks at may have any value. Raises `Exhausted`.
        """
        if self.standings[number].kind is not Kind.ALIVE:
            return None
        found = self._judge.free_part(_turned(self.policy, number), budget or Budget())
        return None if found is None else witness(self._judge.list, found)


def _turned(policy: Policy, number: int) -> int:
    """Return the number of a rule in the order in which packets meet rules, and back again."""
    return len(policy.rules) - 1 - number if policy.last_match else number


def analyse(
    policy: Policy,
    scope: Scope | None = None,
    *,
    policies: Mapping[str, Policy] = _NO_POLICIES,
    budget: Budget | None = None,
) -> Analysis:
    """Return the standing of every rule of *policy*, for the packets in *scope* that come to it.

    *policies* are those that its rules may call. What holds is exact: a rule that is called dead is reached and
    matched by no packet, whatever unknown conditions come to be; one that is called alive is by some packet, if
    unknown conditions come to be right. Rules that hang on what called policies do, on changed fields, or on one
    unknown condition in several places, are left where they are not dead anyway.
    """
    budget = budget or Budget()
    with _no_collection():
        judge = Judge(listing(policy, scope or Scope(), policies), budget)
        standings = [judge.standing(number) for number in range(len(judge.list.rules))]
    if policy.last_match:
        standings = [replace(s, by=tuple(_turned(policy, number) for number in s.by)) for s in reversed(standings)]
    return Analysis(policy, tuple(standings), judge)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Do without garbage collection while many small objects are made that all stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
