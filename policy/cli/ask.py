"""`fwpolicy ask`: would this connection pass, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from policy._record import dataclass
from policy.cli.options import CANNOT, Reading, Stop, output_options, pair_options, said
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


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules that are asked, and how."""

    pair: tuple[Ruleset, ...]
    asking: Asking

    @property
    def counterpart(self) -> Ruleset | None:
        return self.pair[1] if len(self.pair) > 1 else None


@click.command("ask")
@click.argument("rules")
@click.argument("question", nargs=-1)
@click.option("--packet", "single", is_flag=True, help="Ask about one packet, not about its connection.")
@click.option(
    "--packets", metavar="FILE", help="Answer many packets: JSON lines in, JSON lines out; `-` is standard input."
)
@click.option("--assume", multiple=True, metavar="KEY=yes|no", help="Settle what cannot be known; several times.")
@click.option("--trace", is_flag=True, help="Show every rule that was examined.")
@pair_options
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
    from policy.app.counterpart import without_own
    from policy.app.problem import CannotAnswer

    wish = _Wish(rules, question, packets, trace)
    _check(wish, reading)
    pair = reading.pair(rules)
    for path, each in zip((rules, reading.counterpart), pair, strict=False):
        if not each.policies:
            raise CannotAnswer(
                f"there is no policy in `{path}`", "name the file of rules, and its language if it is not native"
            )
        if not any(policy.rules or policy.default_span for policy in each.policies.values()):
            out.warning(f"there are no rules in `{path}`")
    regions = MOST_REGIONS if trace or out.as_json else FEW_REGIONS
    local = reading.local(rules)
    for family in without_own(local, pair):
        out.warning(
            f"no IPv{family} address of this host is said: all IPv{family} packets are taken for forwarded ones"
        )
    asking = Asking(single, local, assumptions(pair, assume), regions)
    asked = _Rules(pair, asking)
    if packets is not None:
        return _bulk(asked, packets, out)
    out.compact = question == ("-",)
    questions = _questions() if question == ("-",) else [" ".join(question)]
    return _ask_all(asked, questions, wish, out)


def _check(wish: _Wish, reading: Reading) -> None:
    """Raise a usage error for arguments that do not go together."""
    context = click.get_current_context()
    if wish.packets is None and not wish.words:
        raise click.UsageError("there is no question: say for example `tcp/443 from any to 10.0.0.1`", context)
    if wish.packets is not None and wish.words:
        raise click.UsageError("either a question or `--packets`, not both", context)
    read = [wish.rules, wish.packets, reading.counterpart, *(wish.words if len(wish.words) == 1 else ())]
    if read.count("-") > 1:
        raise click.UsageError("only one thing can be read from standard input", context)


def _questions() -> Iterable[str]:
    """Yield the questions of standard input; blank lines and comments are none."""
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff").strip()
        if text and not text.startswith("#"):
            yield text


def _ask_all(rules: _Rules, questions: Iterable[str], wish: _Wish, out: Output) -> int:
    from policy.app.problem import CannotAnswer

    worst: int | None = None
    for number, text in enumerate(questions):
        if number and not out.as_json:
            out.text("")
        out.question = text
        try:
            with said(out):
                status = _ask(rules, text, wish, out)
        except Stop:
            status = CANNOT
        worst = status if worst is None else max(worst, status, key=_WORST.index)
    if worst is None:
        raise CannotAnswer("there is no question on standard input", "write one a line")
    return worst


def _ask(rules: _Rules, text: str, wish: _Wish, out: Output) -> int:
    from policy.app.ask import ask
    from policy.app.question import read_question

    answer = ask(rules.pair[0], read_question(text, rules.pair[0]), rules.asking, rules.counterpart)
    if out.as_json:
        from policy.report.answer_json import answer_json

        out.document(answer_json(answer))
    else:
        from policy.report.answer_text import answer_text

        out.text(answer_text(answer, out.style(), wish.trace))
    return STATUS[answer.verdict]


def _bulk(rules: _Rules, path: str, out: Output) -> int:
    """Answer the packets at *path*; 2 if any line was an error."""
    from policy.app.bulk import Bulk
    from policy.app.load import open_lines

    status = 0
    out.compact = True
    with open_lines(path) as lines:
        for row in Bulk(rules.pair[0], rules.asking, rules.counterpart).answers(lines):
            if "error" in row:
                status = CANNOT
            out.document(row)
    return status
