"""`fwpolicy ask`: would this connection pass, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from policy._record import dataclass
from policy.cli.options import CANNOT, Command, Reading, Stop, output_options, pair_options, said
from policy.cli.output import Output

if TYPE_CHECKING:
    from policy.app.answer import Asking, Ruled
    from policy.app.bulk import Bulk, Row
    from policy.app.kernel import Kernels
    from policy.ir import Ruleset

STATUS = {"allow": 0, "block": 1, "depends": 3, "mixed": 3}
_WORST = (0, 1, 3, 2)


@dataclass(frozen=True, slots=True)
class _How:
    """How to ask."""

    single: bool
    assume: tuple[str, ...]
    trace: bool
    kernel: bool


def _how_options(command: Command) -> Command:
    @click.option("--packet", "single", is_flag=True, help="Ask about one packet, not about its connection.")
    @click.option("--assume", multiple=True, metavar="KEY=yes|no", help="Settle what cannot be known; several times.")
    @click.option("--trace", is_flag=True, help="Show every rule that was examined.")
    @click.option(
        "--kernel", is_flag=True, help="Ask this machine's Linux, too: in a network namespace that nobody else sees."
    )
    @wraps(command)
    def wrapper(*args: Any, single: bool, assume: tuple[str, ...], trace: bool, kernel: bool, **wishes: Any) -> int:
        return command(*args, how=_How(single, assume, trace, kernel), **wishes)

    return wrapper


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the arguments ask for."""

    rules: str
    words: tuple[str, ...]
    packets: str | None
    how: _How


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules that are asked, and how."""

    pair: tuple[Ruleset, ...]
    asking: Asking
    kernels: Kernels | None = None

    @property
    def counterpart(self) -> Ruleset | None:
        return self.pair[1] if len(self.pair) > 1 else None


@click.command("ask")
@click.argument("rules")
@click.argument("question", nargs=-1)
@click.option(
    "--packets", metavar="FILE", help="Answer many packets: JSON lines in, JSON lines out; `-` is standard input."
)
@_how_options
@pair_options
@output_options
def command(
    rules: str,
    question: tuple[str, ...],
    packets: str | None,
    how: _How,
    reading: Reading,
    out: Output,
) -> int:
    """Would this connection pass the RULES, and why?

    All words of QUESTION are one question: `tcp/5432 from 10.1.2.3 to db`. The question `-` reads several
    from standard input, one a line.

    Exit status: 0 allowed, 1 not allowed, 3 mixed or it depends, 2 it could not be read or answered, or (--kernel)
    Linux decides otherwise; of several questions the worst.
    """
    from policy.app.answer import FEW_REGIONS, MOST_REGIONS, Asking
    from policy.app.ask import check_any
    from policy.app.assume import assumptions
    from policy.app.counterpart import without_own

    wish = _Wish(rules, question, packets, how)
    _check(wish, reading)
    pair = reading.pair(rules)
    for path, each in zip((rules, reading.counterpart), pair, strict=False):
        check_any(each, path or "")
        if not any(policy.rules or policy.default_span for policy in each.policies.values()):
            out.warning(f"there are no rules in `{path}`")
    regions = MOST_REGIONS if how.trace or out.as_json else FEW_REGIONS
    host = reading.host_of(rules)
    for family in without_own(host.local, pair):
        out.warning(
            f"no IPv{family} address of this host is said: all IPv{family} packets are taken for forwarded ones"
        )
    asking = Asking(how.single, host, assumptions(pair, how.assume), regions)
    with _kernels(pair, wish, reading, asking, out) as kernels:
        asked = _Rules(pair, asking, kernels)
        if packets is not None:
            return _bulk(asked, packets, out)
        out.compact = question == ("-",)
        questions = _questions() if question == ("-",) else [" ".join(question)]
        return _ask_all(asked, questions, wish, out)


@contextmanager
def _kernels(
    pair: Sequence[Ruleset], wish: _Wish, reading: Reading, asking: Asking, out: Output
) -> Iterator[Kernels | None]:
    """Have this machine's kernel ready, where it is wanted; say why where it cannot be asked."""
    if not wish.how.kernel:
        yield None
        return
    from policy.app.kernel import Kernels, Side
    from policy.source import read

    paths = (wish.rules, reading.counterpart or "")
    reads = [reading.at(path) for path in paths[: len(pair)]]
    sets = ["\n".join(read(path).text for path in each.ipset) for each in reads]
    sides = [Side(rules, each.known, text) for rules, each, text in zip(pair, reads, sets, strict=True)]
    with Kernels(sides, asking.assume or {}) as kernels:
        if kernels.cannot is not None:
            out.warning(f"the kernel of this machine is not asked: {kernels.cannot}")
        yield kernels


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
    kernels = rules.kernels
    if kernels is not None and kernels.by is not None:
        answer = kernels.judged(answer)
    if out.as_json:
        from policy.report.answer_json import answer_json

        out.document(answer_json(answer, *((kernels.by, kernels.cannot) if kernels else ())))
    else:
        from policy.report.answer_text import answer_text

        out.text(answer_text(answer, out.style(), wish.how.trace))
        if kernels is not None and kernels.by is not None:
            from policy.report.kernel_text import kernel_text

            out.text("")
            out.text(kernel_text(answer, kernels.by, out.style()))
    differing = sum(
        each.kernel is not None and each.kernel.agrees is False
        for hook in answer.hooks
        for region in hook.regions
        for each in region.packets
    )
    return _differs(differing, out) if differing else STATUS[answer.verdict]


def _differs(packets: int, out: Output) -> int:
    """Say that the kernel decides otherwise about so many packets."""
    out.warning(
        f"Linux decides otherwise than fwpolicy about {packets:,} packet{'s' * (packets > 1)}: "
        "one of them is wrong about these rules; please report them, with the question"
    )
    return CANNOT


def _bulk(rules: _Rules, path: str, out: Output) -> int:
    """Answer the packets at *path*; 2 if any line was an error."""
    from policy.app.bulk import Bulk
    from policy.app.load import open_lines

    status = differing = 0
    out.compact = True
    bulk = Bulk(rules.pair[0], rules.asking, rules.counterpart)
    with open_lines(path) as lines:
        for row, ruled in _rows(bulk, lines, rules.kernels):
            if "error" in row:
                status = CANNOT
            if ruled is None:
                out.document(row)
                continue
            from policy.report.answer_json import ruled_json

            differing += ruled.agrees is False
            out.document({**row, "kernel": ruled_json(ruled)})
    return _differs(differing, out) if differing else status


def _rows(bulk: Bulk, lines: BinaryIO, kernels: Kernels | None) -> Iterator[tuple[Row, Ruled | None]]:
    if kernels is not None:
        yield from kernels.rows(bulk, lines)
    else:
        yield from ((row, None) for row in bulk.answers(lines))
