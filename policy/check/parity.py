"""The two IP versions of a host, compared: in one file of both, or in two that are linted together.

What nftables has is all of a host: where its chains see IPv4 alone, IPv6 passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from policy._record import dataclass
from policy.check.facts import Facts
from policy.check.families import speaks_of_v6, whole_v4
from policy.ir import EVERYTHING, Field, Match, either_of
from policy.joined import with_unseen
from policy.packet import INPUT, OUTPUT
from policy.packet.fields import TCP, UDP
from policy.packet.services import PORTS
from policy.reach.ends import End
from policy.reach.parity import Side
from policy.source import Span


@dataclass(frozen=True, slots=True)
class Version:
    """One IP version at a hook: what checks know of its rules, and what these let in."""

    facts: Facts
    side: Side[Any, Any]

    def place(self, end: End) -> Span:
        """Return where something that decides stands: a rule, a default, or, where nothing is written, the file."""
        if end.rule is not None:
            return end.rule.span
        policy = self.facts.ruleset.policies.get(end.policy or "")
        span = None if policy is None else policy.default_span or policy.span
        return span or Span(self.facts.ruleset.sources[0], 0, 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both IP versions at one hook."""

    hook: int | None
    four: Version
    six: Version
    unseen: bool = False
    """Does no chain see IPv6, so that nothing is written of it?"""

    @property
    def unfiltered(self) -> bool:
        """Does IPv4 block most TCP ports, where IPv6 lets in every TCP and UDP port?"""
        closed, open = self.four.side.closed.get(TCP), self.six.side.open
        return closed is not None and 2 * closed.size > PORTS.size and open.get(TCP) == open.get(UDP) == PORTS


def parity(facts: Facts) -> tuple[Comparison, ...]:
    """Return both IP versions of a host, compared; found out once for two files that are linted together."""
    other = facts.counterpart
    if other is not None and facts.ruleset.families == {6}:
        return other.once(parity)
    return tuple(_compared(facts))


def unfiltered(facts: Facts) -> Iterator[Comparison]:
    """Yield the comparisons in which rules of *facts* let IPv6 through as if there were none (FW601)."""
    for each in facts.once(parity):
        if (each.unseen or each.six.facts is facts) and each.unfiltered:
            deciders = [end for end, _ in each.four.side.deciders(each.four.side.closed)]
            # Where a rule of both versions has IPv4 addresses alone, FW308 says how that comes about.
            if not any(end.rule is not None and whole_v4(end.rule.match) for end in deciders):
                yield each


def _compared(facts: Facts) -> Iterator[Comparison]:
    """Yield both IP versions of a host at each hook where packets arrive; nothing where only one is there."""
    other = facts.counterpart
    unseen = with_unseen((facts.ruleset,))[1:] if other is None else ()
    if facts.ruleset.families == {4, 6} and speaks_of_v6(facts.ruleset):
        four = six = facts
    elif other is not None and facts.ruleset.families == {4} and other.ruleset.families == {6}:
        four, six = facts, other
    elif unseen and facts.ruleset.families == {4}:
        nothing = replace(unseen[0], entries=dict.fromkeys(facts.hooks, ()))
        four, six = facts, Facts(nothing, facts.budget, facts.local, facts.language, facts.settings)
    else:
        return
    for hook in four.hooks:
        if hook != OUTPUT and hook in six.hooks:
            one, two = _version(four, hook, 4), _version(six, hook, 6)
            if not (one.side.is_empty or two.side.is_empty):
                yield Comparison(hook, one, two, unseen=bool(unseen))


def _version(facts: Facts, hook: int | None, family: int) -> Version:
    hosts = facts.local if hook == INPUT else None
    return Version(facts, Side(facts.ruleset, facts.space(hook), family, _senders(facts), hosts))


def _senders(facts: Facts) -> Match:
    """Return the packets that arrive from untrusted zones; all, where it is not known which those are."""
    zones = [zone for zone in facts.settings.zones if zone.untrusted and zone.interfaces is not None]
    return either_of(*(Field("in", zone.interfaces) for zone in zones if zone.interfaces)) if zones else EVERYTHING
