"""`fwpolicy show`: what a file of rules says, as tables, and who may reach whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from policy.cli.options import Reading, output_options, pair_options
from policy.cli.output import Output

if TYPE_CHECKING:
    from policy.app.matrix import Matrix
    from policy.ir import Ruleset

_STANDARD_OUTPUT = "-"
_HOOKS = ("input", "output", "forward")


@click.command("show")
@click.argument("rules")
@click.option("--matrix", "wants_matrix", is_flag=True, help="Show who may reach whom, by what.")
@click.option(
    "--svg",
    metavar="[FILE]",
    is_flag=False,
    flag_value=_STANDARD_OUTPUT,
    help="Draw who may reach whom as a picture, to FILE or standard output.",
)
@click.option("--hook", type=click.Choice(_HOOKS), help="Who may reach whom at which hook.")
@click.option(
    "--assume", multiple=True, metavar="KEY=yes|no", help="Settle what cannot be known, for who may reach whom."
)
@pair_options
@output_options
def command(
    rules: str,
    wants_matrix: bool,
    svg: str | None,
    hook: str | None,
    assume: tuple[str, ...],
    reading: Reading,
    out: Output,
) -> int:
    """Show what the RULES say, as tables: names, policies, rules.

    With --matrix or --svg: who may reach whom. Services and zones are those of the file, made disjoint, or what the
    rules treat alike; an answer is about all first packets of new connections.

    Exit status: 0, or 2 when the rules could not be read, or the picture not be written.
    """
    context = click.get_current_context()
    if (hook or assume) and not (wants_matrix or svg):
        raise click.UsageError("--hook and --assume go with --matrix or --svg", context)
    if svg and reading.counterpart is not None:
        raise click.UsageError("a picture is of one file: `--svg` and `--with` do not go together", context)
    pair = reading.pair(rules)
    out.compact = len(pair) > 1
    if not (wants_matrix or svg):
        for number, each in enumerate(pair):
            _head(each, number, pair, out)
            _tables(each, out)
        return 0
    from policy.app.assume import assumptions
    from policy.app.matrix import matrix
    from policy.packet import HOOKS

    assumed = assumptions(pair, assume)
    for number, each in enumerate(pair):
        found = matrix(each, HOOKS.index(hook) if hook else None, assumed)
        if svg:
            _picture(found, rules, svg, out)
        if wants_matrix and svg != _STANDARD_OUTPUT:
            _head(each, number, pair, out)
            _matrix(found, out)
    return 0


def _head(ruleset: Ruleset, number: int, pair: tuple[Ruleset, ...], out: Output) -> None:
    """Say which rules follow, where there are two sets of them."""
    if len(pair) > 1 and not out.as_json:
        families = " and ".join(f"IPv{family}" for family in sorted(ruleset.families))
        name = out.style()(ruleset.sources[0].name, "name")
        out.text("\n" * bool(number) + f"{name}: {families}\n")


def _tables(ruleset: Ruleset, out: Output) -> None:
    from policy.app.show import overview

    found = overview(ruleset)
    if out.as_json:
        from policy.report.rules_json import rules_json

        out.document(rules_json(found))
    else:
        from policy.report.rules_text import rules_text

        out.text(rules_text(found, out.style(), out.width()))


def _matrix(found: Matrix, out: Output) -> None:
    if out.as_json:
        from policy.report.matrix_json import matrix_json

        out.document(matrix_json(found))
    else:
        from policy.report.matrix_text import matrix_text

        out.text(matrix_text(found, out.style(), out.width()))


def _picture(found: Matrix, rules: str, file: str, out: Output) -> None:
    from policy.app.problem import CannotAnswer
    from policy.report.matrix_svg import matrix_svg

    picture = matrix_svg(found, rules)
    if file == _STANDARD_OUTPUT:
        out.text(picture, end="")
        return
    try:
        Path(file).write_text(picture, encoding="utf-8")
    except OSError as error:
        raise CannotAnswer(f"cannot write `{file}`: {error.strerror}") from None
