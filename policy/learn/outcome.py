"""What one may say becomes of a packet: the answers of a quiz, told apart as people tell them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from policy._record import dataclass
from policy.evaluate import Decision, Implicit
from policy.ir import Action, Allow, Block, Policy, Reject, Ruleset
from policy.packet.connection import Role
from policy.reach import End
from policy.source import Span

Does = Literal["allow", "drop", "reject"]
Without = Literal["state", "nothing"]
"""What decides where no rule and no default does; `nothing`: nobody has forbidden it, or nobody has allowed it."""

_DOES: dict[type[Action], Does] = {Allow: "allow", Block: "drop", Reject: "reject"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file; where several rules begin there, which of them, counted from 1, and its *text*."""

    file: str
    number: int
    rule: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Default:
    """What holds where no rule of a *policy* decides."""

    policy: str


By = Line | Default | Without


@dataclass(frozen=True, slots=True)
class Outcome:
    """The packet of a connection that decides, what is done with it, and by what: the line of a rule, or without one.

    A connection that passes is told by its first packet.
    """

    role: Role
    does: Does
    by: By


class Outcomes:
    """What may become of packets by a set of rules; misread rules are told by the lines of those that are written."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._starts = _starts(ruleset)

    def of_decision(self, decision: Decision, role: Role) -> Outcome | None:
        """Return what a decision comes to; None where unknowns or several rules decide, or what stands in no text."""
        known = decision.verdict in ("allow", "block")
        return self._outcome(role, decision, decision.action) if known else None

    def of_end(self, end: End, role: Role) -> Outcome | None:
        """Return what an end of sets of packets comes to; None where that stands in no text."""
        return self._outcome(role, end, end.action)

    def _outcome(self, role: Role, at: Decision | End, action: Action | None) -> Outcome | None:
        does = _DOES.get(type(action)) if action is not None else None
        if does is None or at.policy is None:
            return None
        # What is asked may have been asked of more: of how packets are routed, which stands in no text.
        policy = self._ruleset.policies.get(at.policy)
        told = policy is not None and _is_told(policy)
        if at.rule is not None:
            return Outcome(role, does, self._line(at.rule.span)) if told else None
        by: dict[Implicit | None, By] = {"default": Default(at.policy) if told else "nothing", "state": "state"}
        return Outcome(role, does, by[at.implicit]) if at.implicit in by else None

    def _line(self, span: Span) -> Line:
        starts = self._starts.get((span.source.name, span.line), [])
        if len(starts) < 2:
            return Line(span.source.name, span.line)
        return Line(span.source.name, span.line, starts.index(span.start) + 1, " ".join(span.text.split()))


def _starts(ruleset: Ruleset) -> Mapping[tuple[str, int], list[int]]:
    """Return where in each line rules begin."""
    spans = (rule.span for policy in ruleset.policies.values() if _is_told(policy) for rule in policy.rules)
    found: dict[tuple[str, int], set[int]] = {}
    for span in spans:
        found.setdefault((span.source.name, span.line), set()).add(span.start)
    return {line: sorted(starts) for line, starts in found.items()}


def _is_told(policy: Policy) -> bool:
    """Do its rules stand in the text?"""
    return not policy.implied or policy.is_told
