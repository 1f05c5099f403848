"""What text and JSON answers have in common: the steps of a trace, what a verdict hangs on, what was rewritten."""

from __future__ import annotations

from collections.abc import Mapping

from policy._record import dataclass
from policy.app.answer import PacketAnswer
from policy.evaluate import Atom, Step
from policy.ir import Allow, Block, Reject, Rule, Ruleset, Unknown, UnknownAction, walk
from policy.packet import FIELDS, HOOKS
from policy.packet.text import set_text, value_text
from policy.report.rewriting import changes
from policy.source import Span

ACTION_WORDS = {Allow: "accept", Block: "drop", Reject: "reject"}


def step_span(step: Step, ruleset: Ruleset) -> Span | None:
    """Return the place of what a step examined: a rule, or the words that give a default."""
    if step.rule is not None:
        return step.rule.span
    return default_span(step.policy, ruleset) if step.implicit == "default" else None


def default_span(name: str, ruleset: Ruleset) -> Span | None:
    """Return the place that says what the default of a policy is, if any does."""
    policy = ruleset.policies.get(name)
    return policy.default_span if policy else None


def _asking(atom: Unknown, answer: PacketAnswer) -> Span | None:
    """Return the place of the rule that asks for an unknown which stands in several."""
    hanging = (step.rule for step in answer.steps if step.rule and step.matched is None)
    return next((rule.span for rule in hanging if atom in walk(rule.match)), None)


def unseen(answer: PacketAnswer, ruleset: Ruleset) -> str:
    """Return why a packet passes that came to no rules."""
    if ruleset.language != "nftables":
        return "there are no rules here"
    hook = answer.packet.get("hook")
    where = f" at {HOOKS[hook]}" if isinstance(hook, int) else ""
    return f"no chain sees IPv{answer.packet.family}{where}, and what no chain sees passes"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One thing that a verdict hangs on: what, where it is written, and the key that settles it."""

    text: str
    span: Span | None
    key: str | None


def dependencies(answer: PacketAnswer) -> tuple[Dependency, ...]:
    """Return what the verdict of a packet hangs on."""
    if answer.decision.undecided:
        return (Dependency("the rules, which are too entangled to follow every way through them", None, None),)
    if answer.decision.verdict == "depends" and not answer.decision.open:
        return (Dependency("what becomes of the first packet, which is not known", None, None),)
    return tuple(_dependency(atom, answer) for atom in answer.decision.open)


def _dependency(atom: Atom | UnknownAction, answer: PacketAnswer) -> Dependency:
    if isinstance(atom, UnknownAction):
        rule = next((step.rule for step in answer.steps if step.rule and atom in step.rule.actions), None)
        return Dependency(atom.text, rule.span if rule else None, atom.key)
    if isinstance(atom, Unknown):
        return Dependency(atom.text, atom.span or _asking(atom, answer), atom.key)
    return Dependency(f"{FIELDS[atom.name].title} {set_text(atom.name, atom.values)}", atom.span, None)


def rewritten(answer: PacketAnswer) -> Mapping[str, str]:
    """Return the fields that the rules have changed on the way, and their new values."""
    return {name: value_text(name, new) for name, new in changes(answer.packet, answer.decision.packet).items()}


def rule_text(rule: Rule) -> str:
    """Return a rule as it was written, on one line."""
    return " ".join(rule.span.text.split())
