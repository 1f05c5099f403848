"""The answer of `ask` as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policy.app.answer import Answer, HookAnswer, PacketAnswer, Region, Ruled
from policy.evaluate import Step, is_implied
from policy.explain import because
from policy.ir import Entry, Rule, Ruleset
from policy.packet import HOOKS, ROUTING, Packet
from policy.packet.codec import packet_to_json
from policy.packet.connection import BACK, Role
from policy.packet.text import value_text
from policy.report.diagnostics_json import VERSION
from policy.report.reasons import ACTION_WORDS, Dependency, dependencies, rewritten, rule_text, step_span
from policy.report.regions_text import region_words
from policy.report.rewriting import changes
from policy.report.stages import after, point, stages

_IN_WORDS = ("hook", "src", "dst")


def answer_json(answer: Answer, by: str | None = None, cannot: str | None = None) -> dict[str, Any]:
    """Return the whole answer; its keys stand in the order of the contract.

    Where the kernel was asked: *by* says what decided, *cannot* why it could not.
    """
    return {
        "version": VERSION,
        "question": answer.question,
        "verdict": answer.verdict,
        "hooks": [_hook(each) for each in answer.hooks],
        **({"kernel": {"by": by, "cannot": cannot}} if by or cannot else {}),
    }


def _hook(answer: HookAnswer) -> dict[str, Any]:
    return {
        "hook": None if answer.hook is None else HOOKS[answer.hook],
        "verdict": answer.verdict,
        "packets": [packet_answer_json(packet, answer.shown.ruleset) for packet in answer.shown.packets],
        "regions": [_region(region) for region in answer.regions] if answer.is_set else [],
        **({"more": max(answer.more, 1)} if answer.more or not answer.complete else {}),
    }


def packet_answer_json(answer: PacketAnswer, ruleset: Ruleset) -> dict[str, Any]:
    """Return what became of a packet, with the rules that it met."""
    decision = answer.decision
    return {
        "role": _role(answer.role),
        "verdict": decision.verdict,
        "action": ACTION_WORDS.get(type(decision.action)),
        "rule": None if is_implied(decision, ruleset) else _rule(decision.rule),
        # Of what holds without a rule, the format tells two kinds; the trace says that this one is the routing.
        "implicit": "default" if is_implied(decision, ruleset) else decision.implicit,
        "depends_on": [_depends_on(each) for each in dependencies(answer)],
        "rewritten": dict(rewritten(answer)),
        "trace": list(_trace(answer, ruleset)),
        **({"kernel": ruled_json(answer.kernel)} if answer.kernel else {}),
    }


def ruled_json(ruled: Ruled) -> dict[str, Any]:
    """Return what the kernel decided about a packet."""
    left = {name: value_text(name, value) if name in _IN_WORDS else value for name, value in ruled.left.items()}
    return {"verdict": ruled.verdict, "agrees": ruled.agrees, "reason": ruled.why, "left": left or None}


def _rule(rule: Rule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {"file": rule.span.source.name, "line": rule.span.line, "text": rule_text(rule)}


def _depends_on(dependency: Dependency) -> str:
    """Say what it is, the key that settles it, and where it stands."""
    span, key = dependency.span, dependency.key
    marks = ([f"--assume {key}"] if key else []) + ([f"{span.source.name}:{span.line}"] if span else [])
    return f"{dependency.text} ({', '.join(marks)})" if marks else dependency.text


def _trace(answer: PacketAnswer, ruleset: Ruleset) -> Iterator[dict[str, Any]]:
    for stage in stages(answer):
        for step in stage.steps:
            yield _step(step, ruleset)
        last = stage.steps[-1].packet
        if stage.behind is not None:
            yield {
                "file": None,
                "line": None,
                "text": "implicit: translation",
                "matched": True,
                "because": "connection tracking rewrites the packets of a known connection as it did the first",
                **_where(stage.entry, last, stage.behind),
            }


def _step(step: Step, ruleset: Ruleset) -> dict[str, Any]:
    implied = is_implied(step, ruleset)
    span = None if implied else step_span(step, ruleset)
    said = f"implicit: {step.implicit or 'routing'}" if step.rule is None or implied else rule_text(step.rule)
    why = step.rule.note if implied and step.rule and step.matched else None
    return {
        "file": span.source.name if span else None,
        "line": span.line if span else None,
        "text": said,
        "matched": step.matched,
        "because": why or because(step),
        **_where(step.entry, step.packet, after(step) if step.matched else step.packet),
    }


def _where(entry: Entry, old: Packet, new: Packet) -> dict[str, Any]:
    """Say at which hook and in which table a step is, and what it rewrites: the fields that it changes."""
    changed = {
        name: value_text(name, value) for name, value in changes(old, new).items() if (name, value) != ("hook", ROUTING)
    }
    return {"hook": point(entry, old), "table": entry.table if entry.point else None, "rewritten": changed}


def _role(role: Role) -> str:
    """Return the word of the format for a packet of a connection; a later reply is a reply there."""
    return "reply" if role in BACK else role


def _region(region: Region) -> dict[str, Any]:
    decision = region.deciding.decision
    return {
        "verdict": region.verdict,
        "packets": region_words(region),
        "example": packet_to_json(region.example),
        "rule": None if is_implied(decision, region.ruleset) else _rule(decision.rule),
        **(
            {
                "kernel": [
                    {"role": _role(each.role), **ruled_json(each.kernel)} for each in region.packets if each.kernel
                ]
            }
            if region.packets[0].kernel
            else {}
        ),
    }
