"""A quiz as JSON, for a page of one's own."""

from __future__ import annotations

from typing import Any

from policy.app.answer import Answer, HookAnswer
from policy.learn.choices import Choice
from policy.learn.outcome import By, Default, Line, Outcome
from policy.learn.quiz import Quiz, QuizQuestion
from policy.report.answer_json import answer_json
from policy.report.diagnostics_json import VERSION
from policy.report.quiz_words import asks, explanation, left_out, outcome_text, why_wrong


def quiz_json(quiz: Quiz) -> dict[str, Any]:
    """Return the questions; `answer` counts choices from 0, and `packets` are those of an answer of `ask`."""
    return {
        "version": VERSION,
        "files": [source.name for source in quiz.ruleset.sources],
        "seed": quiz.seed,
        "questions": [_question(question, quiz) for question in quiz.questions],
        "left_out": list(left_out(quiz)),
    }


def _question(question: QuizQuestion, quiz: Quiz) -> dict[str, Any]:
    region = question.region
    hook = region.packets[0].packet.get("hook")
    at = HookAnswer(hook if isinstance(hook, int) else None, region.verdict, (region,))
    (answered,) = answer_json(Answer(question.text, region.verdict, (at,)))["hooks"]
    return {
        "asks": asks(question),
        "question": question.text,
        "choices": [_choice(choice, question, quiz) for choice in question.choices],
        "answer": question.answer,
        "explanation": list(explanation(question)),
        "packets": answered["packets"],
    }


def _choice(choice: Choice, question: QuizQuestion, quiz: Quiz) -> dict[str, Any]:
    return {
        "text": outcome_text(choice.outcome, quiz.ruleset),
        "right": choice.outcome == question.right,
        "misconception": choice.misconception,
        "because": why_wrong(choice, question),
        "outcome": _outcome(choice.outcome),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {"role": outcome.role, "does": outcome.does, **_place(outcome.by)}


def _place(by: By) -> dict[str, Any]:
    """Return what decides; `rule` says which one, counted from 1, where several begin in its line."""
    if isinstance(by, Line):
        return {"file": by.file, "line": by.number, "rule": by.rule or None, "implicit": None, "policy": None}
    if isinstance(by, Default):
        return {"file": None, "line": None, "rule": None, "implicit": "default", "policy": by.policy}
    return {"file": None, "line": None, "rule": None, "implicit": by, "policy": None}
