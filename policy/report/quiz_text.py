"""A quiz in a terminal: questions, and what is shown once somebody has answered."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from policy.learn.quiz import Quiz
from policy.report.quiz_words import LETTERS, asks, explanation, left_out, outcome_text, rules_lines, why_wrong
from policy.report.style import PLAIN, Style, clean

COLUMNS = 80


def quiz_text(quiz: Quiz, style: Style = PLAIN) -> str:
    """Return all questions, and behind them all answers."""
    lines = list(all_rules(quiz, style))
    for number in range(len(quiz.questions)):
        lines += [*question_lines(quiz, number, style), ""]
    for number in range(len(quiz.questions)):
        lines += [*answer_lines(quiz, number, style), ""]
    lines += (part for line in left_out(quiz) for part in wrap(line, _columns(style)))
    return "\n".join(lines).rstrip()


def all_rules(quiz: Quiz, style: Style = PLAIN) -> Iterator[str]:
    """Yield the rules with the numbers of their lines, of which the answers speak."""
    for source in quiz.ruleset.sources:
        yield from (*rules_lines(source, clean(source.name), _columns(style)), "")


def question_lines(quiz: Quiz, number: int, style: Style = PLAIN) -> Iterator[str]:
    """Yield a question, its number counted from 0, and its answers."""
    question = quiz.questions[number]
    yield style(f"Question {number + 1} of {len(quiz.questions)}", "name") + f"  {asks(question)}"
    yield from (f"  {style(line, 'mark')}" for line in wrap(question.text, _columns(style) - 2))
    for letter, choice in zip(LETTERS, question.choices, strict=True):
        yield from wrap(
            outcome_text(choice.outcome, quiz.ruleset),
            _columns(style),
            initial_indent=f"  {letter}) ",
            subsequent_indent="     ",
        )


def answer_lines(quiz: Quiz, number: int, style: Style = PLAIN, given: int | None = None) -> Iterator[str]:
    """Yield the right answer, what is wrong with others (or with the one that was *given*), and the trace."""
    question = quiz.questions[number]
    head = f"Answer {number + 1}: {LETTERS[question.answer]}"
    said, *more = wrap(f"{head}  {outcome_text(question.right, quiz.ruleset)}", _columns(style), subsequent_indent="  ")
    yield style(head, "good") + said[len(head) :]
    yield from more
    for at, choice in enumerate(question.choices):
        reason = why_wrong(choice, question)
        if reason is not None and given in (None, at):
            yield from wrap(reason, _columns(style), initial_indent=f"  not {LETTERS[at]}: ", subsequent_indent=" " * 9)
    yield from explanation(question, Style(style.color, _columns(style)))


def _columns(style: Style) -> int:
    return min(COLUMNS, style.columns or COLUMNS)
