"""A quiz to be printed: Markdown with the rules, the questions, and the solutions on a page of their own at the end."""

from __future__ import annotations

from collections.abc import Iterator

from policy.learn.quiz import Quiz
from policy.report.quiz_words import LETTERS, asks, explanation, left_out, outcome_text, rules_lines, why_wrong
from policy.report.style import Style, clean
from policy.source import Source

_COLUMNS = 80


def quiz_sheet(quiz: Quiz) -> str:
    """Return the whole sheet."""
    return "\n".join(_lines(quiz)).rstrip() + "\n"


def _lines(quiz: Quiz) -> Iterator[str]:
    names = ", ".join(f"`{clean(source.name)}`" for source in quiz.ruleset.sources)
    yield f"# Quiz: {names}"
    yield ""
    yield "Name: ______________________"
    yield ""
    yield "Exactly one answer is right. Lines are counted as below."
    for source in quiz.ruleset.sources:
        yield from _rules(source)
    yield from ("", "## Questions")
    for number, question in enumerate(quiz.questions, 1):
        yield from ("", f"**{number}.** {asks(question)}", "", "```text", question.text, "```", "")
        for letter, choice in zip(LETTERS, question.choices, strict=True):
            yield f"- [ ] {letter}) {outcome_text(choice.outcome, quiz.ruleset)}"
    yield from ("", "---", "", f"## Solutions (seed {quiz.seed})")
    for number, question in enumerate(quiz.questions, 1):
        yield from ("", f"**{number}. {LETTERS[question.answer]})** {outcome_text(question.right, quiz.ruleset)}", "")
        for letter, choice in zip(LETTERS, question.choices, strict=True):
            if (reason := why_wrong(choice, question)) is not None:
                yield f"- not {letter}): {reason}"
        yield from ("", "```text", *explanation(question, Style(columns=_COLUMNS)), "```")
    for line in left_out(quiz):
        yield from ("", f"{line[0].upper()}{line[1:]}.")


def _rules(source: Source) -> Iterator[str]:
    head, *lines = rules_lines(source, f"`{clean(source.name)}`", _COLUMNS)
    yield from ("", head)
    if lines:
        yield from ("", "```text", *lines, "```")
