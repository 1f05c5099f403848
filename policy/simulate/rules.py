"""The rules of a firewall for one version of IP, asked about one packet after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from policy._record import dataclass
from policy.evaluate import Decision, Index, Step, Translation, evaluate
from policy.evaluate.looks import looked_at_by
from policy.ir import Goto, Jump, Log, Rewrite, Rule, Ruleset, Set
from policy.looping import looping
from policy.packet import Intervals, Packet, Value

MOST_KEPT = 100_000
"""So many decisions are remembered; most packets of a connection look the same to the rules."""

Near = Callable[[str, int], tuple[int, Intervals] | None]
"""Gives the address of an interface for a version of IP, and all own addresses."""

_CONNECTION = frozenset({"state", "direction", "ctmark", "ctstatus"})


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and what rules on the way write to the log."""

    decision: Decision
    logs: tuple[Rule, ...]


class Rules:
    """Rules, and what is known of them.

    *tracks*: connections have to be tracked for them (nf_ct_netns_get). *untracks*: they may take packets out of that.
    *rewrites*: they may translate addresses.
    """

    def __init__(self, ruleset: Ruleset, family: int, assume: Mapping[str, bool], near: Near) -> None:
        self.ruleset = looping(ruleset) if ruleset.language in ("iptables", "ip6tables") else ruleset
        self._family = family
        self._assume = assume
        self._near = near
        self._index = Index()
        self._by: dict[str | None, Ruleset] = {}
        self._kept: dict[object, Decided] = {}
        rules = list(_told(self.ruleset, family))
        actions = [action for rule in rules for action in rule.actions]
        self.untracks = any(isinstance(action, Set) and action.field == "state" for action in actions)
        self.rewrites = any(isinstance(action, Rewrite) for action in actions)
        entries = {entry for way in self.ruleset.entries.values() for entry in way if entry.family in (None, family)}
        asked = looked_at_by(rules) & _CONNECTION
        self.tracks = bool(asked) or self.rewrites or self.untracks or any(entry.stateful for entry in entries)

    def decide(self, packet: Packet, entering: str | None, translation: Translation | None) -> Decided:
        """Return what becomes of a packet that enters by an interface."""
        key = (packet.key(), translation)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            ruleset = self._entered(entering)
            *steps, last = evaluate(ruleset, packet, assume=self._assume, index=self._index, translation=translation)
            assert isinstance(last, Decision)
            matched = (step.rule for step in steps if isinstance(step, Step) and step.matched and step.rule is not None)
            logs = tuple(rule for rule in matched if any(isinstance(action, Log) for action in rule.actions))
            found = self._kept[key] = Decided(last, logs)
        return found

    def _entered(self, interface: str | None) -> Ruleset:
        """Return the rules as they are for packets that enter by an interface.

        Where a rule redirects to any own address, it is that of the interface (nf_nat_redirect.c).
        """
        if not self.rewrites or interface is None:
            return self.ruleset
        if interface not in self._by:
            near = self._near(interface, self._family)
            self._by[interface] = self.ruleset if near is None else _redirecting(self.ruleset, *near)
        return self._by[interface]


def _redirecting(ruleset: Ruleset, address: int, own: Intervals) -> Ruleset:
    def changed(name: str, value: Value) -> Value:
        narrows = name == "dst" and isinstance(value, Intervals) and address in value and own.covers(value)
        return address if narrows else value

    def rule_of(rule: Rule) -> Rule:
        if not any(isinstance(action, Rewrite) for action in rule.actions):
            return rule
        actions = tuple(
            replace(action, changes=tuple((name, changed(name, value)) for name, value in action.changes))
            if isinstance(action, Rewrite)
            else action
            for action in rule.actions
        )
        return rule if actions == rule.actions else replace(rule, actions=actions)

    policies = {
        name: replace(policy, rules=tuple(rule_of(rule) for rule in policy.rules))
        for name, policy in ruleset.policies.items()
    }
    return replace(ruleset, policies=policies)


def _told(ruleset: Ruleset, family: int) -> Iterator[Rule]:
    """Yield the rules that packets of an IP version may come to, but those that no text has."""
    waiting = [entry.policy for way in ruleset.entries.values() for entry in way if entry.family in (None, family)]
    seen = set(waiting)
    while waiting:
        policy = ruleset.policies[waiting.pop()]
        if not policy.implied or policy.is_told:
            yield from policy.rules
        for rule in policy.rules:
            for action in rule.actions:
                if isinstance(action, Jump | Goto) and action.policy not in seen:
                    seen.add(action.policy)
                    waiting.append(action.policy)
