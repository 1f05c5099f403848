"""The quiz of `fwpolicy learn`: printed, as JSON, as a sheet, or asked question by question in a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from policy.cli.asking import answered
from policy.cli.options import Reading, RulesLanguage
from policy.cli.output import Output

if TYPE_CHECKING:
    from policy.learn.quiz import Quiz

COUNT = 10
"""So many questions are asked, unless more or fewer are wanted."""

MOST = 200


def quiz_command(rules: str, reading: Reading, out: Output, count: int, seed: int, sheet: bool, plain: bool) -> int:
    """Ask *count* questions about the file *rules*; the same for the same *seed*.

    As JSON or as a *sheet* they are printed with their solutions; so they are where nobody can answer, in a pipe, or
    if it is to be *plain*. Returns the exit status: 0, or 1 where somebody answered and was wrong. Raises
    `source.Unreadable`, `diagnostic.Mistakes` and `CannotAnswer`, and a usage error for a language that there is not.
    """
    from policy.learn.quiz import quiz

    if reading.language is not None:
        RulesLanguage().convert(reading.language, None, None)
    made = quiz(reading.at(rules).read(rules), count, seed, reading.host_of(rules))
    if out.as_json:
        from policy.report.quiz_json import quiz_json

        out.document(quiz_json(made))
    elif sheet:
        from policy.report.quiz_sheet import quiz_sheet

        out.text(quiz_sheet(made), end="")
    elif plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        from policy.report.quiz_text import quiz_text

        out.text(quiz_text(made, out.style()))
    else:
        return _asked(made, out)
    return 0


def _asked(made: Quiz, out: Output) -> int:
    """Ask one question after another; say what was right at once, and how many were in the end."""
    from policy.report.quiz_text import all_rules, answer_lines, question_lines
    from policy.report.quiz_words import LETTERS

    style = out.style()
    right = tried = 0
    out.text("\n".join(all_rules(made, style)))
    for number, question in enumerate(made.questions):
        out.text("\n".join(question_lines(made, number, style)))
        given = answered(out, "a, b, c or d; Enter: show the answer, q: leave", (*LETTERS, "q"), default="")
        if given in (None, "q"):
            break
        chosen = LETTERS.index(given) if given else None
        if chosen is not None:
            tried += 1
            right += chosen == question.answer
            out.text(style("right", "good") if chosen == question.answer else style("wrong", "bad"))
        out.text("\n".join(answer_lines(made, number, style, chosen)) + "\n")
    out.text(f"{right} of {tried} right ({len(made.questions)} questions; `--seed` asks others)")
    return 0 if right == tried else 1
