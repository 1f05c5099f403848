"""Read a question, with the names that a file of rules defines."""

from __future__ import annotations

from policy.diagnostic import Collector
from policy.ir import Ruleset
from policy.question.boxes import Question
from policy.question.lower import terms
from policy.question.parse import parse_question
from policy.question.terms import Environment
from policy.source import Source


def read_question(text: str, ruleset: Ruleset) -> Question:
    """Return the question that *text* asks; raises `diagnostic.Mistakes`."""
    collector = Collector()
    found = terms(parse_question(Source("<question>", text)), Environment.of(ruleset.definitions), collector)
    collector.check()
    return Question(text, found)
