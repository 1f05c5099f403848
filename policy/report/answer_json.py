"""The answer of `ask` as JSON."""

from __future__ import annotations

from typing import Any

from policy.app.answer import Answer, HookAnswer, PacketAnswer, Region
from policy.evaluate import Step
from policy.explain import because
from policy.ir import Rule, Ruleset
from policy.packet import HOOKS
from policy.packet.codec import packet_to_json
from policy.report.diagnostics_json import VERSION
from policy.report.reasons import ACTION_WORDS, Dependency, dependencies, rewritten, rule_text, step_span
from policy.report.regions_text import region_words


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return the whole answer; its keys stand in the order of the contract."""
    return {
        "version": VERSION,
        "question": answer.question,
        "verdict": answer.verdict,
        "hooks": [_hook(each) for each in answer.hooks],
    }


def _hook(answer: HookAnswer) -> dict[str, Any]:
    return {
        "hook": None if answer.hook is None else HOOKS[answer.hook],
        "verdict": answer.verdict,
        "packets": [_packet(packet, answer.shown.ruleset) for packet in answer.shown.packets],
        "regions": [_region(region) for region in answer.regions] if answer.is_set else [],
        **({"more": max(answer.more, 1)} if answer.more or not answer.complete else {}),
    }


def _packet(answer: PacketAnswer, ruleset: Ruleset) -> dict[str, Any]:
    decision = answer.decision
    return {
        "role": answer.role,
        "verdict": decision.verdict,
        "action": ACTION_WORDS.get(type(decision.action)),
        "rule": _rule(decision.rule),
        "implicit": decision.implicit,
        "depends_on": [_depends_on(each) for each in dependencies(answer)],
        "rewritten": dict(rewritten(answer)),
        "trace": [_step(step, ruleset) for step in answer.steps],
    }


def _rule(rule: Rule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {"file": rule.span.source.name, "line": rule.span.line, "text": rule_text(rule)}


def _depends_on(dependency: Dependency) -> str:
    """Say what it is, the key that settles it, and where it stands."""
    span, key = dependency.span, dependency.key
    marks = ([f"--assume {key}"] if key else []) + ([f"{span.source.name}:{span.line}"] if span else [])
    return f"{dependency.text} ({', '.join(marks)})" if marks else dependency.text


def _step(step: Step, ruleset: Ruleset) -> dict[str, Any]:
    span = step_span(step, ruleset)
    text = f"implicit: {step.implicit}" if step.rule is None else rule_text(step.rule)
    return {
        "file": span.source.name if span else None,
        "line": span.line if span else None,
        "text": text,
        "matched": step.matched,
        "because": because(step),
    }


def _region(region: Region) -> dict[str, Any]:
    return {
        "verdict": region.verdict,
        "packets": region_words(region),
        "example": packet_to_json(region.example),
        "rule": _rule(region.deciding.decision.rule),
    }
