"""What a rule that matches does to the walk through its list: it ends it, it may end it, or it lets it go on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from policy.ir import (
    Action,
    Allow,
    Block,
    Change,
    Copy,
    Goto,
    Jump,
    Log,
    Note,
    Policy,
    Reject,
    Return,
    Rewrite,
    Rule,
    Set,
    UnknownAction,
    Verdict,
)
from policy.packet import FIELDS, HOOK_FIELDS
from policy.packet.fields import losing


class End(Enum):
    """Is the walk through the list over for the packets that match?"""

    SURE = auto()
    PERHAPS = auto()
    NEVER = auto()
    """Never for sure: an action that is not modelled may go on, whatever else it may do."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule does to the packets that match: is it the *end*, and which fields may it change for the rest."""

    end: End
    changes: frozenset[str] = frozenset()


_PLAIN = {end: Effect(end) for end in End}


def effect(rule: Rule, policies: Mapping[str, Policy]) -> Effect:
    """Return what *rule* does; of a policy that is not in *policies* anything is possible."""
    changes: frozenset[str] = frozenset()
    for action in rule.actions:
        match action:
            case Allow() | Block() | Reject() | Return() | Goto():
                return _PLAIN[End.SURE]
            case UnknownAction(outcomes=outcomes):
                if "continue" not in outcomes:
                    return _PLAIN[End.SURE]
            case Jump(name):
                return _called(name, policies, changes)
            case Set() | Copy() | Rewrite():
                changes |= changed_by(action)
            case Log() | Note():
                continue
            case _:
                assert_never(action)
    return Effect(End.NEVER, changes) if changes else _PLAIN[End.NEVER]


def _called(name: str, policies: Mapping[str, Policy], changes: frozenset[str]) -> Effect:
    ends = False
    waiting, seen = [name], {name}
    while waiting:
        policy = policies.get(waiting.pop())
        if policy is None:
            return Effect(End.PERHAPS, frozenset(FIELDS))
        ends = ends or policy.default is not None
        for action in (action for rule in policy.rules for action in rule.actions):
            match action:
                case Allow() | Block() | Reject():
                    ends = True
                case UnknownAction(outcomes=outcomes):
                    ends = ends or "continue" not in outcomes
                case Jump(called) | Goto(called):
                    waiting += () if called in seen else (called,)
                    seen.add(called)
                case Set() | Copy() | Rewrite():
                    changes |= changed_by(action)
    return Effect(End.PERHAPS if ends else End.NEVER, changes)


def telling(rule: Rule) -> tuple[Action, ...]:
    """Return the actions of a rule that are more than remarks."""
    return tuple(action for action in rule.actions if not isinstance(action, Log | Note))


def verdict(rule: Rule) -> Action | None:
    """Return the action by which rules are compared: the last one that is more than a remark."""
    return telling(rule)[-1] if telling(rule) else None


def deciding(rule: Rule) -> Verdict | None:
    """Return the verdict that a rule comes to with every packet that matches it, or None where it does not decide."""
    for action in rule.actions:
        match action:
            case Allow() | Block() | Reject():
                return action
            case Log() | Note() | Set() | Copy() | Rewrite():
                continue
            case Jump() | Goto() | Return() | UnknownAction():
                return None
            case _:
                assert_never(action)
    return None


def changed_by(action: Change) -> frozenset[str]:
    """Return the fields that an action changes; at another hook a packet may get and lose those that hang on it."""
    if isinstance(action, Set | Copy):
        state = action.value if isinstance(action, Set) and action.field == "state" else None
        return (losing(state) if state is not None else frozenset[str]()) | {action.field}
    names = frozenset((*(name for name, _ in action.changes), *(("ctstatus",) if action.status else ())))
    return names.union(HOOK_FIELDS) if "hook" in names else names


NO_CHANGE = Rewrite(())


def reduced(action: Change, matters: Collection[str]) -> Change:
    """Return what an action does to the fields that matter, and to where packets are."""
    if isinstance(action, Set | Copy):
        return action if not changed_by(action).isdisjoint(matters) else NO_CHANGE
    if action.status and "ctstatus" in matters:
        return action
    left = tuple(change for change in action.changes if change[0] in matters or change[0] == "hook")
    return Rewrite(left, alike=action.alike)


def leaves(rule: Rule) -> bool:
    """Do the packets that a rule matches for sure leave its entry by it, so that no other rule of that sees them?"""
    ends = (a for a in rule.actions if isinstance(a, Allow | Block | Reject | Jump | Goto | Return))
    return isinstance(next(ends, None), Allow | Block | Reject)


def changed_fields(rules: Iterable[Rule]) -> frozenset[str]:
    """Return the fields that any of some rules may change."""
    actions = (action for rule in rules for action in rule.actions if isinstance(action, Change))
    return frozenset[str]().union(*map(changed_by, actions))


def touches(changes: Collection[str], fields: Collection[str]) -> bool:
    """Does a change of some fields matter for rules that speak of *fields*?"""
    return not frozenset(changes).isdisjoint(fields)
