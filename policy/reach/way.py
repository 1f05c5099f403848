"""What packets may have become when they come to an entry, by what is written: other fields, another hook."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from policy.evaluate.looks import looked_at_by
from policy.evaluate.state import harmless
from policy.ir import Allow, Entry, Goto, Jump, Policy, Rewrite, Rule, Ruleset
from policy.packet import ROUTING, Intervals
from policy.reach.effects import changed_fields, leaves


@dataclass(frozen=True, slots=True)
class Stage:
    """An entry on the way of packets that arrive at one hook.

    They may be at one of *hooks* when they come to it, and have the fields of packets at one of *like*; *changes* are
    the fields that may not be what they were when they come to a rule of it. *idle*: it does nothing to packets that
    belong to no known connection.
    """

    entry: Entry
    hooks: frozenset[int | None]
    like: frozenset[int | None]
    changes: frozenset[str]
    idle: bool

    @property
    def known_hooks(self) -> Intervals:
        """The hooks whose fields packets may have then."""
        return Intervals.of(*(hook for hook in self.like if hook is not None and hook != ROUTING))


def way(ruleset: Ruleset, hook: int | None) -> tuple[Stage, ...]:
    """Return the entries that packets that arrive at *hook* may come to, in order."""
    found: list[Stage] = []
    hooks: frozenset[int | None] = frozenset({hook})
    before: frozenset[str] = frozenset()
    for entry in ruleset.at(hook):
        if entry.hook is not None and entry.hook not in hooks:
            continue
        rules = [rule for name in below(ruleset.policies, entry.policy) for rule in ruleset.policies[name].rules]
        here = hooks if entry.hook is None else frozenset({entry.hook})
        changes = before | changed_fields(rule for rule in rules if not leaves(rule))
        default = ruleset.policies[entry.policy].default or entry.default
        does_nothing = all(harmless(action) for rule in rules for action in rule.actions)
        idle = does_nothing and isinstance(default, Allow) and not entry.stateful
        found.append(Stage(entry, here, hooks if entry.hook == ROUTING else here, changes, idle))
        before = before | changed_fields(rules)
        hooks = hooks.union(*map(_moves, rules))
    return tuple(found)


def changed_before(ruleset: Ruleset, stages: Iterable[Stage]) -> dict[str, frozenset[str]]:
    """Return of each policy below some entries the fields that may not be what they were when packets arrived."""
    found: dict[str, frozenset[str]] = {}
    for stage in stages:
        for name in below(ruleset.policies, stage.entry.policy):
            found[name] = found.get(name, frozenset()) | stage.changes
    return found


def looked_at(ruleset: Ruleset, entry: Entry) -> frozenset[str]:
    """Return the fields that rules of an entry look at, or copy, and those that connection tracking goes by."""
    rules = (rule for name in below(ruleset.policies, entry.policy) for rule in ruleset.policies[name].rules)
    found = looked_at_by(rules)
    return found | {"state"} if entry.stateful or entry.translates else found


def below(policies: Mapping[str, Policy], name: str) -> Collection[str]:
    """Return a policy and all that it calls, or that those call."""
    found, waiting = {name}, [name]
    while waiting:
        for rule in policies[waiting.pop()].rules:
            for called in calls(rule):
                if called not in found:
                    found.add(called)
                    waiting.append(called)
    return found


def calls(rule: Rule) -> Iterator[str]:
    """Yield the policies that a rule sends packets to."""
    for action in rule.actions:
        if isinstance(action, Jump | Goto):
            yield action.policy


def _moves(rule: Rule) -> frozenset[int | None]:
    """Return the hooks that a rule takes packets to."""
    rewrites = [action for action in rule.actions if isinstance(action, Rewrite)]
    values = (value for action in rewrites for name, value in action.changes if name == "hook")
    return frozenset(value for value in values if isinstance(value, int))
