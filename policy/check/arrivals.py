"""What becomes of packets that arrive and open connections, hook by hook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policy._record import dataclass
from policy.check.facts import Facts
from policy.check.wording import SHOWN_RULES
from policy.diagnostic import Related
from policy.ir import Field, Match, Not, all_of, either_of
from policy.packet import OUTPUT, Intervals
from policy.packet.address import V4, V6
from policy.packet.fields import ICMP, ICMP6
from policy.reach import Flow
from policy.reach.first import first_packets
from policy.source import Span

_STRAY_ICMP = either_of(
    all_of(Field("proto", Intervals.of(ICMP6)), Field("src", V4)),
    all_of(Field("proto", Intervals.of(ICMP)), Field("src", V6)),
)
"""ICMP of one IP version in packets of the other: no host takes it (RFC 4443, 1 and 2.3)."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What becomes of some packets at a hook (*flow*), and where the *policy* stands that they come to."""

    hook: int | None
    policy: Span
    flow: Flow[Any, Any]

    @property
    def passed(self) -> Any:
        """The packets that pass for certain."""
        return self.flow.allowed

    @property
    def depends(self) -> Any:
        """The packets of which unknowns decide."""
        return self.flow.depends

    @property
    def related(self) -> tuple[Related, ...]:
        """The first rules that let packets pass."""
        rules = [each.end.rule for each in self.flow.outcomes() if each.verdict == "allow" and each.end is not None]
        places = [rule.span for rule in rules if rule is not None]
        shown = tuple(Related(place, "this lets some of them in") for place in places[:SHOWN_RULES])
        more = places[SHOWN_RULES:]
        return (*shown, Related(more[0], f"and {len(more)} more, of which this is the first")) if more else shown

    @property
    def unknown(self) -> Span:
        """The first rule that may decide where unknowns do; the policy where it is not known which."""
        rules = [end.rule for each in self.flow.outcomes() for end in each.among]
        return min((rule.span for rule in rules if rule is not None), key=lambda s: s.start, default=self.policy)


def arrivals(facts: Facts, match: Match) -> Iterator[Arrivals]:
    """Yield what becomes of the packets of *match* that open connections, where they arrive and meet any rules."""
    for hook in facts.hooks:
        policies = [facts.ruleset.policies[entry.policy] for entry in facts.ruleset.at(hook) if entry.main]
        place = next((policy.span for policy in policies if policy.span is not None), None)
        if hook == OUTPUT or place is None or not any(policy.rules for policy in policies):
            continue
        sets = facts.space(hook)
        within = sets.of_match(all_of(match, first_packets(sets.layout), Not(_STRAY_ICMP)))
        yield Arrivals(hook, place, Flow(facts.ruleset, sets, within, passing=False))
