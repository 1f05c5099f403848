"""`fwpolicy ask`: would this connection pass, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from policy._record import dataclass
from policy.cli.options import CANNOT, Reading, Stop, output_options, reading_options, said
from policy.cli.output import Output

if TYPE_CHECKING:
    from policy.app.answer import Asking
    from policy.ir import Ruleset

STATUS = {"allow": 0, "block": 1, "depends": 3, "mixed": 3}
_WORST = (0, 1, 3, 2)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the arguments ask for."""

    rules: str
    words: tuple[str, ...]
    packets: str | None
    trace: bool


@click.command("ask")
@click.argument("rules")
@click.argument("question", nargs=-1)
@click.option("--packet", "single", is_flag=True, help="Ask about one packet, not about its connection.")
@click.option(
    "--packets", metavar="FILE", help="Answer many packets: JSON lines in, JSON lines out; `-` is standard input."
)
@click.option("--assume", multiple=True, metavar="KEY=yes|no", help="Settle what cannot be known; several times.")
@click.option("--trace", is_flag=True, help="Show every rule that was examined.")
@reading_options
@output_options
def command(
    rules: str,
    question: tuple[str, ...],
    single: bool,
    packets: str | None,
    assume: tuple[str, ...],
    trace: bool,
    reading: Reading,
    out: Output,
) -> int:
    """Would this connection pass the RULES, and why?

    All words of QUESTION are one question: `tcp/5432 from 10.1.2.3 to db`. The question `-` reads several
    from standard input, one a line.

    Exit status: 0 allowed, 1 not allowed, 3 mixed or it depends, 2 it could not be read or answered; of several
    questions the worst.
    """
    from policy.app.answer import FEW_REGIONS, MOST_REGIONS, Asking
    from policy.app.assume import assumptions
    from policy.app.problem import CannotAnswer

    wish = _Wish(rules, question, packets, trace)
    _check(wish)
    reading = reading.at(rules)
    ruleset = reading.read(rules)
    if not ruleset.policies:
        raise CannotAnswer(
            f"there is no policy in `{rules}`", "name the file of rules, and its language if it is not native"
        )
    if not any(policy.rules or policy.default_span for policy in ruleset.policies.values()):
        out.warning(f"there are no rules in `{rules}`")
    regions = MOST_REGIONS if trace or out.as_json else FEW_REGIONS
    asking = Asking(single, reading.known.local, assumptions(ruleset, assume), regions)
    if packets is not None:
        return _bulk(ruleset, packets, asking, out)
    out.compact = question == ("-",)
    questions = _questions() if question == ("-",) else [" ".join(question)]
    return _ask_all(ruleset, questions, asking, wish, out)


def _check(wish: _Wish) -> None:
    """Raise a usage error for arguments that do not go together."""
    context = click.get_current_context()
    if wish.packets is None and not wish.words:
        raise click.UsageError("there is no question: say for example `tcp/443 from any to 10.0.0.1`", context)
    if wish.packets is not None and wish.words:
        raise click.UsageError("either a question or `--packets`, not both", context)
    if wish.rules == "-" and (wish.packets == "-" or wish.words == ("-",)):
        raise click.UsageError("only one thing can be read from standard input", context)


def _questions() -> Iterable[str]:
    """Yield the questions of standard input; blank lines and comments are none."""
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff").strip()
        if text and not text.startswith("#"):
            yield text


def _ask_all(ruleset: Ruleset, questions: Iterable[str], asking: Asking, wish: _Wish, out: Output) -> int:
    from policy.app.problem import CannotAnswer

    worst: int | None = None
    for number, text in enumerate(questions):
        if number and not out.as_json:
            out.text("")
        out.question = text
        try:
            with said(out):
                status = _ask(ruleset, text, asking, wish, out)
        except Stop:
            status = CANNOT
        worst = status if worst is None else max(worst, status, key=_WORST.index)
    if worst is None:
        raise CannotAnswer("there is no question on standard input", "write one a line")
    return worst


def _ask(ruleset: Ruleset, text: str, asking: Asking, wish: _Wish, out: Output) -> int:
    from policy.app.ask import ask
    from policy.app.question import read_question

    answer = ask(ruleset, read_question(text, ruleset), asking)
    if out.as_json:
        from policy.report.answer_json import answer_json

        out.document(answer_json(answer, ruleset))
    else:
        from policy.report.answer_text import answer_text

        out.text(answer_text(answer, ruleset, out.style(), wish.trace))
    return STATUS[answer.verdict]


def _bulk(ruleset: Ruleset, path: str, asking: Asking, out: Output) -> int:
    """Answer the packets at *path*; 2 if any line was an error."""
    from policy.app.bulk import Bulk
    from policy.app.load import open_lines

    status = 0
    out.compact = True
    with open_lines(path) as lines:
        for row in Bulk(ruleset, asking).answers(lines):
            if "error" in row:
                status = CANNOT
            out.document(row)
    return status
