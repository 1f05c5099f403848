"""The standing of every rule of a ruleset: by boxes where a long list is all that matters, else by exact sets.

Short files are answered by sets alone, so that numpy is not loaded; long lists that packets meet first, and that call
nothing, by boxes alone (`lists`). For all others boxes say what is dead in its own list already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from policy.evaluate import Index, Step, evaluate
from policy.ir import Field, Match, Ruleset, Unknown, all_of, walk
from policy.packet import Names, Packet
from policy.reach.dead import BY_STATE, Dead, not_entered, same
from policy.reach.ends import At
from policy.reach.entered import entered
from policy.reach.find import Disagreement
from policy.reach.flow import Flow
from policy.reach.products import ALL_STATES
from policy.reach.standing import Kind, Standing
from policy.sets import Boxes, BoxSpace, Budget, Exhausted
from policy.sets.simple import packet_of
from policy.sets.truth import Algebra, Sets

MANY = 300
"""Files of more rules are looked at as lists of boxes first."""

_ALIVE: Standing[At] = Standing(Kind.ALIVE)

Some = tuple[Sets[Any, Any], Any]
"""Some packets, and the space that they are in."""

FlowOf = Callable[[int | None], Flow[Any, Any]]


class Standings:
    """What is known of every rule of the text of *ruleset*: `of` by its place, and the packets of a dead rule.

    *hooks* are all at which the rules differ, *flow* gives all packets through the rules of one of them, *index*
    serves the rule set. Where the budget does not suffice, rules are undecided.
    """

    def __init__(
        self, ruleset: Ruleset, hooks: Sequence[int | None], flow: FlowOf, budget: Budget, index: Index
    ) -> None:
        self.ruleset = ruleset
        self.hooks = hooks
        self.budget = budget
        self._flow = flow
        self._entered = entered(ruleset)
        self._index = index
        self._spaces: dict[frozenset[object], BoxSpace] = {}
        self._dead: Dead[Any, Any] | None = None
        self._entered_policies = frozenset(self._entered.scopes)
        self.of = self._found()

    @cached_property
    def not_entered(self) -> tuple[str, ...]:
        """The policies that no packet comes to, in the order of the text."""
        return not_entered(self.ruleset, self._entered_policies)

    def _found(self) -> dict[At, Standing[At]]:
        names = self._entered.scopes
        written = ((name, policy) for name, policy in self.ruleset.policies.items() if not policy.implied)
        places = [(name, n) for name, policy in written for n in range(len(policy.rules))]
        found: dict[At, Standing[At]] = {at: Standing(Kind.NOT_ENTERED) for at in places if at[0] not in names}
        found |= self._by_lists() if len(places) > MANY else {}
        left = [at for at in places if at not in found or not self._is_final(at, found[at])]
        if not left:
            return found
        try:
            flows = {hook: self._flow(hook) for hook in self.hooks}
            self._dead = Dead(self.ruleset, self._entered, flows, found)
            self._entered_policies = self._dead.policies
        except Exhausted as limit:
            found = found if len(places) > MANY else found | self._by_lists()
            undecided: Standing[At] = Standing(Kind.UNDECIDED, reason=f"more than {limit}")
            return found | {at: undecided for at in left if at not in found or not found[at].dead}
        return found | {at: self._dead.standing(at) for at in left}

    def _is_final(self, at: At, standing: Standing[At]) -> bool:
        """Is what was said of a rule in its list all that there is to say?"""
        if standing.kind is Kind.NOT_ENTERED:
            return True
        return at[0] in self._entered.first and (standing.dead or standing.kind is Kind.ALIVE)

    def _by_lists(self) -> dict[At, Standing[At]]:
        """Return the standings of rules in their own lists; none without numpy."""
        try:
            from policy.reach.lists import analyse
        except ImportError:
            return {}
        found: dict[At, Standing[At]] = {}
        for name, scope in self._entered.scopes.items():
            policy = self.ruleset.policies[name]
            analysis = analyse(policy, scope, policies=self.ruleset.policies, budget=self.budget)
            for number, standing in enumerate(analysis.standings):
                found[name, number] = self._placed((name, number), standing)
        return found

    def _placed(self, at: At, standing: Standing[int]) -> Standing[At]:
        """Return a standing in a list as one in the ruleset."""
        if standing.kind is Kind.ALIVE:
            return _ALIVE
        if standing.kind is Kind.UNMATCHABLE and any(self._alone(at, within_scope=False)):
            return Standing(Kind.NOT_SENT, reason=BY_STATE)
        by = tuple((at[0], number) for number in standing.by)
        is_same = same(self.ruleset, self._entered, at, by) if by else None
        return Standing(standing.kind, by, is_same, standing.settled, standing.reason)

    # The packets of a rule

    def packets(self, at: At) -> list[Some]:
        """Return the packets of a dead rule that others take, at each hook where there are any, with their space."""
        try:
            if self._dead is not None:
                return [*self._dead.wanted(at)]
        except Exhausted:
            pass
        return [*self._alone(at)]

    def _taken(self, at: At) -> list[Algebra]:
        """Return the packets of a dead rule that those that make it so decide, where that is known."""
        try:
            return [] if self._dead is None else [*self._dead.taken(at, self.of[at].by)]
        except Exhausted:
            return []

    def is_taker(self, at: At) -> bool:
        """Do all packets of a dead rule come to the one rule that makes it so? In long lists nobody looks: yes."""
        if self._dead is None:
            return True
        packets, taken = self.packets(at), self._taken(at)
        return len(packets) == len(taken) and all(each <= some for (_, each), some in zip(packets, taken, strict=True))

    def _alone(self, at: At, within_scope: bool = True) -> Iterator[tuple[BoxSpace, Boxes]]:
        """Yield the packets that match a rule at each hook, as if it were alone; none where they are too many."""
        scope = self._entered.scopes[at[0]]
        match = self.ruleset.policies[at[0]].rules[at[1]].match
        if within_scope and scope.states != ALL_STATES:
            match = all_of(match, Field("state", scope.states))
        for hook in self.hooks:
            if hook is None or hook in scope.hooks:
                try:
                    space = self._space(match, hook)
                    if found := space.of_match(match):
                        yield space, found
                except Exhausted:
                    continue

    def _space(self, match: Match, hook: int | None) -> BoxSpace:
        """Return a space for one match; matches that look at the same things share it."""
        looks: set[object] = {hook}
        for part in walk(match):
            if isinstance(part, Field):
                looks.add(part.values if isinstance(part.values, Names) else part.name)
            elif isinstance(part, Unknown):
                looks.add((part.key, part.pure))
        key = frozenset(looks)
        if key not in self._spaces:
            nothing = Ruleset(self.ruleset.language, self.ruleset.families, {}, {})
            self._spaces[key] = BoxSpace([nothing], [match], hook, self.budget)
        return self._spaces[key]

    def example(self, at: At, packets: Sequence[Some]) -> Packet | None:
        """Return one of the *packets* of a dead rule, which does not come to it, as the evaluator says, too.

        Of a short file it is one that a cause decides, if there is any. None where there are no packets. Raises
        `Disagreement` where the evaluator says something else.
        """
        rule = self.ruleset.policies[at[0]].rules[at[1]]
        packet = next(self._examples(at, rule.match, packets), None)
        if packet is None:
            return None
        for step in evaluate(self.ruleset, packet, index=self._index):
            if isinstance(step, Step) and step.rule is rule and step.matched is not False:
                raise Disagreement(
                    f"sets and evaluator disagree about {dict(packet.values)}, which comes to a dead rule"
                )
        return packet

    def _examples(self, at: At, match: Match, packets: Sequence[Some]) -> Iterator[Packet]:
        if sum(len(policy.rules) for policy in self.ruleset.policies.values()) > MANY:
            for sets, each in packets:
                packet = packet_of(match, sets.layout)
                if packet is not None and packet in each:
                    yield packet
        for each in (*self._taken(at), *(each for _, each in packets)):
            if (packet := each.example()) is not None:
                yield packet
