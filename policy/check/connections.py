"""What checks say of connections: those whose replies do not come through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from policy.check.base import Check
from policy.check.facts import Facts
from policy.check.wording import words
from policy.diagnostic import Diagnostic, Related
from policy.ir import Allow, Field, Rule, all_of, conjuncts, walk
from policy.netfilter import LANGUAGES
from policy.packet import Intervals
from policy.packet.connection import CLIENT_PORTS
from policy.packet.fields import UDP
from policy.packet.oneway import one_way_ports
from policy.reach.ends import End
from policy.reach.replies import Replies
from policy.source import Span

MOST_LOST = 0.5
"""Where more of the connections than these get no reply, that is no exception that somebody wanted."""

SERVICES = Intervals.of((0, 1023))
"""The well-known ports (RFC 6335, 6)."""

FEW_PORTS = 16
MANY_PORTS = 1000
MOST_FINDINGS = 10
"""More rules of a hook than these are counted in one finding."""


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


def left_to_default(replies: Replies[Any]) -> Any:
    """Return the connections whose replies the default blocks, or a rule that names no address: nobody chose them."""
    return replies.sets.union(
        packets for end, packets in replies.blocking if end.rule is None or not names(end.rule, "src", "dst")
    )


def names(rule: Rule, *fields: str) -> bool:
    """Does a rule ask for one of some fields?"""
    return any(isinstance(part, Field) and part.name in fields for part in walk(rule.match))


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
    asked = replies.by_clients(replies.first.allowed)
    lost = replies.without_answer(asked)
    return lost if lost and lost.count() > MOST_LOST * asked.count() else None


def usual(replies: Replies[Any]) -> Any:
    """Return the connections of usual clients that want replies: with them regions need not speak of it."""
    return replies.by_clients(replies.asked - replies.sets.of_match(_ONE_WAY))


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


def waits_for_replies(rule: Rule) -> bool:
    """Is a rule written for replies: from a few ports, or from those of services, to any that clients have?"""
    source, target = _ports(rule, "sport"), _ports(rule, "dport")
    if not source or not (source.size <= FEW_PORTS or SERVICES.covers(source)):
        return False
    return target is None or (target.size >= MANY_PORTS and not target.meets(SERVICES))


def left_out(rule: Rule) -> Intervals | None:
    """Return the ports of clients that a rule for replies leaves out; None where it is no such rule."""
    target = _ports(rule, "dport")
    if target is None or not waits_for_replies(rule):
        return None
    return CLIENT_PORTS - target if any(isinstance(action, Allow) for action in rule.actions) else None


def _ports(rule: Rule, name: str) -> Intervals | None:
    parts = (part.values for part in conjuncts(rule.match) if isinstance(part, Field) and part.name == name)
    return next((values for values in parts if isinstance(values, Intervals)), None)


def requests(replies: Replies[Any]) -> Iterator[tuple[Rule, Any]]:
    """Yield each rule that lets requests through of which some surely get no reply, with those that want one.

    Without those whose reply the rule itself matches, such as what goes from a network to the same network.
    """
    unanswered = replies.sets.of_match(_ONE_WAY)
    for end, packets in replies.opened:
        if end.rule is not None and packets & replies.blocked and not waits_for_replies(end.rule):
            wanting = packets - unanswered - replies.answered_by(end.rule.match)
            if wanting & replies.blocked:
                yield end.rule, replies.by_clients(wanting)


_ONE_WAY = all_of(Field("proto", Intervals.of(UDP)), Field("dport", one_way_ports()))
"""What is never answered."""


def findings(
    check: Check, facts: Facts, replies: Replies[Any], found: Sequence[tuple[Rule, Any]], message: str, help: str
) -> Iterator[Diagnostic]:
    """Yield a finding for each rule with the requests that get no reply; one for all, where they are many."""
    folded = len(found) > MOST_FINDINGS
    for rule, lost in found[:1] if folded else found:
        others = f", and so it is with {len(found) - 1} other rules" if folded else ""
        more = tuple(Related(each.span, "the same holds for this rule") for each, _ in found[1:3] if folded)
        yield check.finding(
            rule.span,
            message + others,
            help=help,
            related=(*blockers(facts, replies, lost), *more),
            region=words(facts, lost, usual(replies)),
            example=replies.example(lost),
        )
