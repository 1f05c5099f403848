"""What checks say of connections: those whose replies do not come through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from policy.check.base import Check
from policy.check.facts import Facts
from policy.check.source_ports import waits_for_replies
from policy.check.tables import rows
from policy.check.wording import MOST_ALIKE, others_too
from policy.diagnostic import Diagnostic, Related
from policy.ir import Field, Match, Rule, all_of, walk
from policy.netfilter import LANGUAGES
from policy.packet import HOOKS, Intervals
from policy.packet.fields import UDP
from policy.reach.ends import End
from policy.reach.replies import Replies
from policy.sets import Exhausted
from policy.source import Span

MOST_LOST = 0.5
"""Where more of the connections than these get no reply, that is no exception that somebody wanted."""

SHARE = 1 / 6
"""What becomes of connections may take this share of the time."""


def judged(facts: Facts) -> Iterator[Replies[Any]]:
    """Yield the connections of each hook of which some surely get no reply, apart from those that FW402 is about."""
    for replies in _unsure(facts):
        if forgotten(facts, replies) is None:
            yield replies


def all_forgotten(facts: Facts) -> Iterator[tuple[Replies[Any], Any]]:
    """Yield the connections of each hook where rules forget to let replies in, with those that get none."""
    for replies in _unsure(facts) if facts.ruleset.language in LANGUAGES else ():
        lost = forgotten(facts, replies)
        if lost is not None:
            yield replies, lost


def left_to_default(replies: Replies[Any]) -> Any:
    """Return the connections whose replies the default blocks, or a rule that names no address: nobody chose them."""
    return replies.sets.union(
        packets for end, packets in replies.blocking if end.rule is None or not names(end.rule, "src", "dst")
    )


def names(rule: Rule, *fields: str) -> bool:
    """Does a rule ask for one of some fields?"""
    return any(isinstance(part, Field) and part.name in fields for part in walk(rule.match))


def _unsure(facts: Facts) -> Iterator[Replies[Any]]:
    """Yield the connections of each hook of which some surely get no reply; raises `Exhausted` in the end."""
    found, limit = facts.once(_all)
    yield from found
    if limit is not None:
        raise limit


def _all(facts: Facts) -> tuple[tuple[Replies[Any], ...], Exhausted | None]:
    """Return the connections of each hook of which some surely get no reply, and the limit that was met, if one was.

    What takes time is done here, within a share of the time, which it has once for all checks.
    """
    found = []
    budget = facts.budget.part(SHARE)
    try:
        for hook in (None,) if None in facts.hooks else range(len(HOOKS)):
            if not all(entry.stateful for entry in facts.ruleset.at(Replies.way_back(hook))):
                replies: Replies[Any] = Replies(facts.ruleset, hook, budget)
                if replies.blocked:
                    replies.follow()
                    found.append(replies)
    except Exhausted as limit:
        return tuple(found), limit
    finally:
        budget.lift()
    return tuple(found), None


def forgotten(facts: Facts, replies: Replies[Any]) -> Any | None:
    """Return the connections that get no reply where no rule lets replies in because they are replies.

    None where the rules are stateless on purpose, where some rule does let them in, where it is only a part of all
    connections that gets no reply, and where nothing passes at all.
    """
    if facts.ruleset.language not in LANGUAGES or replies.is_closed or replies.recognised:
        return None
    asked = replies.by_clients(replies.first.allowed - replies.diverted)
    lost = replies.without_answer(asked)
    return lost if lost and lost.count() > MOST_LOST * asked.count() else None


def usual(replies: Replies[Any]) -> Any:
    """Return the connections of usual clients that want replies: with them regions need not speak of it."""
    return replies.by_clients(replies.asked - replies.sets.of_match(_one_way()))


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


def requests(replies: Replies[Any]) -> Iterator[tuple[Rule, Any]]:
    """Yield each rule that lets requests through of which some surely get no reply, with those that want one.

    Without those whose reply the rule itself matches, such as what goes from a network to the same network.
    """
    unanswered = replies.sets.of_match(_one_way())
    for end, packets in replies.opened:
        if end.rule is not None and packets & replies.blocked and not waits_for_replies(end.rule):
            wanting = packets - unanswered - replies.answered_by(end.rule.match)
            if wanting & replies.blocked:
                yield end.rule, replies.by_clients(wanting)


@cache
def _one_way() -> Match:
    """Return what is never answered (`data/oneway.tsv`)."""
    bounds = [ports.partition("-")[::2] for ports, *_ in rows("oneway.tsv")]
    ports = Intervals.of(*((int(low), int(high or low)) for low, high in bounds))
    return all_of(Field("proto", Intervals.of(UDP)), Field("dport", ports))


def findings(
    check: Check, facts: Facts, replies: Replies[Any], found: Sequence[tuple[Rule, Any]], message: str, help: str
) -> Iterator[Diagnostic]:
    """Yield a finding for each rule with the requests that get no reply; one for all, where they are many."""
    folded = len(found) > MOST_ALIKE
    for rule, lost in found[:1] if folded else found:
        others = others_too(len(found) - 1) if folded else ""
        more = tuple(Related(each.span, "the same holds for this rule") for each, _ in found[1:3] if folded)
        yield check.finding(
            rule.span,
            message + others,
            help=help,
            related=(*blockers(facts, replies, lost), *more),
            region=facts.words(lost, within=usual(replies)),
            example=replies.example(lost),
        )
