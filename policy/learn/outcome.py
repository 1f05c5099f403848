"""What one may say becomes of a packet: the answers of a quiz, told apart as people tell them apart."""

from __future__ import annotations

from typing import Literal

from policy._record import dataclass
from policy.evaluate import Decision, is_implied
from policy.ir import Action, Allow, Block, Reject, Rule, Ruleset
from policy.packet.connection import Role
from policy.reach import End
from policy.source import Span

Does = Literal["allow", "drop", "reject"]
Without = Literal["default", "state", "nothing"]
"""What decides where no rule does; `nothing`: nobody has forbidden it, or nobody has allowed it."""

_DOES: dict[type[Action], Does] = {Allow: "allow", Block: "drop", Reject: "reject"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    file: str
    number: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The packet of a connection that decides, what is done with it, and by what: the line of a rule, or without one.

    A connection that passes is told by its first packet.
    """

    role: Role
    does: Does
    by: Line | Without


def line_of(span: Span) -> Line:
    """Return the line where a rule begins."""
    return Line(span.source.name, span.line)


def of_decision(decision: Decision, role: Role, ruleset: Ruleset) -> Outcome | None:
    """Return what a decision comes to; None where unknowns or several rules decide, or what stands in no text."""
    if decision.verdict not in ("allow", "block") or is_implied(decision, ruleset):
        return None
    implicit = None if decision.policy is None else decision.implicit
    return _outcome(role, decision.action, decision.rule, implicit)


def of_end(end: End, role: Role, ruleset: Ruleset) -> Outcome | None:
    """Return what an end of sets of packets comes to; None where that stands in no text."""
    policy = None if end.policy is None else ruleset.policies[end.policy]
    if policy is None or (end.rule is not None and policy.implied and not policy.is_told):
        return None
    return _outcome(role, end.action, end.rule, end.implicit)


def _outcome(
    role: Role, action: Action | None, rule: Rule | None, implicit: Literal["state", "default"] | None
) -> Outcome | None:
    does = _DOES.get(type(action)) if action is not None else None
    by = line_of(rule.span) if rule is not None else implicit
    return None if does is None or by is None else Outcome(role, does, by)
