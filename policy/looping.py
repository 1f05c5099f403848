"""What a host sends to itself: it leaves by `lo`, and comes back at once.

These are rules that no file has, and that hold all the same. Sources: the kernel's loopback.c (the packet keeps its
mark and its connection), nf_conntrack_core.c (nf_conntrack_in: "previously seen (loopback or untracked)"),
nf_nat_core.c (`nf_nat_initialized`: the nat table is not asked again), nf_conntrack_proto.c (nf_confirm, behind
POSTROUTING).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policy.evaluate.looks import looked_at_by
from policy.ir import (
    Allow,
    Copy,
    Entry,
    Field,
    Goto,
    Jump,
    Policy,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    Unknown,
    all_of,
    either_of,
)
from policy.netfilter import BY_LO, HAS_CONNECTION, LO, LOOPED
from policy.packet import INPUT, OUTPUT, UNTRACKED, Intervals
from policy.packet.address import LOOPBACK
from policy.packet.fields import CONFIRMED
from policy.source import Span

BACK = "loopback:OUTPUT"
"""The name of the policy that takes what a host sends to itself to INPUT."""

SENT = "loopback:PREROUTING"
"""The name of the policy that says what is not known of packets that arrive by `lo`."""

_USUAL = {"mark": 0, "ctmark": 0, "tos": 0, "ttl": 64}
"""Fields that rules may change, with the values that packets have of which nothing else is said."""


def looping(ruleset: Ruleset) -> Ruleset:
    """Return the same rules, where what leaves by `lo` comes back to the chains of PREROUTING and INPUT."""
    if BACK in ruleset.policies:
        return ruleset
    span = Span(ruleset.sources[0], 0, 0)
    actions = (Set("ctstatus", CONFIRMED, CONFIRMED), Rewrite((("hook", INPUT), ("in", LO))), Allow())
    to_itself = either_of(Field("out", BY_LO), Field("dst", LOOPBACK))
    rule = Rule(to_itself, actions, note="this host sends it to itself", span=span)
    policy = Policy(BACK, (rule,), Allow(), implied=True, span=span)
    back = Entry(BACK, Allow(), main=False, table="loopback", hook=OUTPUT, point="loopback")
    again = (
        replace(entry, hook=INPUT, translates=None)
        for entry in ruleset.at(INPUT)
        if entry.hook in (None, INPUT) and entry.translates is None and entry.table not in ("nat", "loopback")
    )
    entries = {**ruleset.entries, OUTPUT: (*ruleset.at(OUTPUT), back, *again)}
    return replace(ruleset, policies={**ruleset.policies, BACK: policy}, entries=entries)


def loops(ruleset: Ruleset) -> bool:
    """Do these rules say what becomes of packets that have come back?"""
    return BACK in ruleset.policies


def arriving(ruleset: Ruleset) -> Ruleset:
    """Return the same rules, where of a packet that arrives by `lo` it is not known what rules for OUTPUT made of it.

    Where that makes no difference, they are just the same.
    """
    sent = [*_rules(ruleset, OUTPUT)]
    asked = looked_at_by(_rules(ruleset, INPUT))
    changes = [action for rule in sent for action in rule.actions if isinstance(action, Set | Copy | Rewrite)]
    fields = {action.field for action in changes if isinstance(action, Set | Copy)}
    fields |= {name for action in changes if isinstance(action, Rewrite) for name, _ in action.changes}
    span = Span(ruleset.sources[0], 0, 0)

    def may(name: str, what: str) -> Unknown:
        return Unknown(f"{what} when this host sent it", f"sent:{name}", span=span)

    rules: list[Rule] = []
    if "ctstatus" in asked:
        rules.append(Rule(all_of(LOOPED, HAS_CONNECTION), (Set("ctstatus", CONFIRMED, CONFIRMED),), span=span))
        if any(isinstance(action, Rewrite) and action.status for action in changes):
            translated = may("translated", "its connection was translated")
            rules.append(Rule(all_of(LOOPED, HAS_CONNECTION, translated), (Set("ctstatus", None),), span=span))
    for name, usual in _USUAL.items():
        if name in fields & asked:
            changed = may(name, f"a rule changed its {name}")
            match = all_of(LOOPED, Field(name, Intervals.of(usual)), changed)
            rules.append(Rule(match, (Set(name, None),), span=span))
    if "state" in fields and "state" in asked:
        aside = may("untracked", "it was not tracked")
        rules.append(Rule(all_of(LOOPED, HAS_CONNECTION, aside), (Set("state", UNTRACKED),), span=span))
    if not rules:
        return ruleset
    policy = Policy(SENT, tuple(rules), Allow(), implied=True, span=span)
    entry = Entry(SENT, Allow(), main=False, table="loopback", point="loopback")
    entries = {hook: way if hook == OUTPUT else (entry, *way) for hook, way in ruleset.entries.items()}
    return replace(ruleset, policies={**ruleset.policies, SENT: policy}, entries=entries)


def _rules(ruleset: Ruleset, hook: int) -> Iterator[Rule]:
    """Yield the rules that packets may come to that arrive at a hook."""
    waiting = [entry.policy for entry in ruleset.at(hook)]
    seen = set(waiting)
    while waiting:
        policy = ruleset.policies[waiting.pop()]
        yield from policy.rules
        for called in _called(policy.rules):
            if called not in seen:
                seen.add(called)
                waiting.append(called)


def _called(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        for action in rule.actions:
            if isinstance(action, Jump | Goto):
                yield action.policy
