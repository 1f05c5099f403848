"""What checks say of connections: those whose replies do not come through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policy.check.facts import SHOWN_REGIONS, Facts
from policy.diagnostic import Related
from policy.netfilter import LANGUAGES
from policy.packet import OUTPUT
from policy.reach.ends import End
from policy.reach.replies import Replies
from policy.sets import Exhausted
from policy.source import Span

MOST_LOST = 0.5
"""Where more of the connections than these get no reply, that is no exception that somebody wanted."""

HOSTS_OWN = "connections that this host opens"


def judged(facts: Facts) -> Iterator[Replies[Any]]:
    """Yield the connections of each hook of which some surely get no reply, apart from those that FW402 is about."""
    for replies in _unsure(facts):
        if forgotten(facts, replies) is None:
            yield replies


def all_forgotten(facts: Facts) -> Iterator[tuple[Replies[Any], Any]]:
    """Yield the connections of each hook where rules forget to let replies in, with those that get none."""
    for replies in _unsure(facts):
        lost = forgotten(facts, replies)
        if lost is not None:
            yield replies, lost


def _unsure(facts: Facts) -> Iterator[Replies[Any]]:
    """Yield the connections of each hook of which some surely get no reply."""
    entries = facts.ruleset.at
    for hook in (None,) if None in facts.hooks else range(3):
        back = Replies.way_back(hook)
        if all(entry.stateful for entry in entries(back)):
            continue
        replies = facts.replies(hook)
        if replies.blocked:
            yield replies


def forgotten(facts: Facts, replies: Replies[Any]) -> Any | None:
    """Return the connections that get no reply where no rule lets replies in because they are replies.

    None where the rules are stateless on purpose, where some rule does let them in, where it is only a part of all
    connections that gets no reply, and where nothing passes at all.
    """
    if facts.ruleset.language not in LANGUAGES or replies.is_closed or replies.recognised:
        return None
    asked = replies.by_clients & replies.first.allowed
    lost = replies.without_answer(asked)
    return lost if lost and lost.count() > MOST_LOST * asked.count() else None


def words(facts: Facts, replies: Replies[Any], firsts: Any) -> str | None:
    """Return a set of connections in words; None where the budget does not allow it."""
    try:
        found, more = firsts.describe_first(facts.ruleset.definitions, SHOWN_REGIONS, replies.asked)
    except Exhausted:
        return None
    return "; ".join(found) + ("; and more" if more else "")


def blockers(facts: Facts, replies: Replies[Any], firsts: Any, most: int = 3) -> tuple[Related, ...]:
    """Return what blocks the replies to some connections."""
    return tuple(
        Related(place(facts, end), "this rule blocks the replies" if end.rule else "the default blocks the replies")
        for end, _ in replies.blockers(firsts)[:most]
    )


def place(facts: Facts, end: End) -> Span:
    """Return the rule or the default that decides."""
    if end.rule is not None:
        return end.rule.span
    policy = facts.ruleset.policies[end.policy or ""]
    span = policy.default_span or policy.span
    return span if span is not None else Span(facts.ruleset.sources[0], 0, 0)
