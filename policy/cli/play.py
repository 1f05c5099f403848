"""`fwpolicy play`: hosts, sockets and firewalls, step by step."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from policy.cli.options import CANNOT, output_options
from policy.cli.output import Output

if TYPE_CHECKING:
    from policy.app.play import Playing
    from policy.simulate.play import Done
    from policy.simulate.scenario import Scenario

_KEYS = "any key: the next step · a: all the rest · q: quit"


@click.command("play")
@click.argument("scenario")
@click.option("--step", "stepping", is_flag=True, help="Wait for a key after each step.")
@click.option("--brief", is_flag=True, help="A line for each step, without its packets.")
@click.option(
    "--watch", is_flag=True, help="Say at the end which ports were tried, and which are open that nothing listens on."
)
@click.option(
    "--diagram",
    metavar="FILE",
    help="Draw what happens as a sequence diagram, too: to FILE.svg as a picture, to FILE.mmd for Mermaid.",
)
@output_options
def command(scenario: str, stepping: bool, brief: bool, watch: bool, diagram: str | None, out: Output) -> int:
    """Play a SCENARIO: what its hosts send, what firewalls do with it, and what whoever sent it sees.

    A scenario is a file in YAML (docs/scenarios.md): hosts, the links between them, firewalls, steps, and what is
    expected of each step. Scans that firewalls have seen are told at the end.

    Exit status: 0 all is as expected, 1 an expectation does not hold, 2 the scenario could not be read or played.
    """
    from policy.app.play import Playing
    from policy.app.scenario import load_scenario

    if stepping and (out.as_json or not sys.stdin.isatty()):
        raise click.UsageError("`--step` waits for keys: it needs a terminal, and text", click.get_current_context())
    if diagram is not None:
        _check(diagram)
    playing = Playing(load_scenario(scenario))
    gc.freeze()
    gc.enable()
    dones: list[Done] = []
    keeps = out.as_json or diagram is not None
    if out.as_json:
        return _as_json(playing, dones, diagram, out)
    from policy.report.timeline_text import closing, heading, step_text

    style = out.style()
    out.text(f"{heading(playing.scenario, style)}\n")
    for number, done in enumerate(_paced(playing) if stepping else playing, 1):
        out.text(step_text(number, done, style, brief=brief))
        if keeps:
            dones.append(done)
    _watched(playing, watch, out)
    out.text(f"\n{closing(playing.steps, playing.expected, playing.missed, style)}")
    if diagram is not None:
        _draw(diagram, playing.scenario, dones)
    return int(playing.missed > 0)


def _as_json(playing: Playing, dones: list[Done], diagram: str | None, out: Output) -> int:
    from policy.diagnostic import Mistakes
    from policy.report.timeline_json import timeline_json

    trouble = None
    try:
        dones.extend(playing)
    except Mistakes as error:
        (trouble,) = error.diagnostics
    out.document(timeline_json(playing.scenario, dones, trouble))
    if trouble is not None:
        return CANNOT
    if diagram is not None:
        _draw(diagram, playing.scenario, dones)
    return int(playing.missed > 0)


def _watched(playing: Playing, everything: bool, out: Output) -> None:
    from policy.report.watched_text import watched_text

    if text := watched_text(playing, out.style(), everything=everything):
        out.text(f"\n{text}")


def _paced(steps: Iterable[Done]) -> Iterator[Done]:
    """Yield a step for each key."""
    click.echo(f"{_KEYS}\n", err=True)
    waiting = True
    for done in steps:
        yield done
        if waiting:
            key = click.getchar()
            if key in ("q", "Q", "\x1b"):
                return
            waiting = key not in ("a", "A")


def _check(diagram: str) -> None:
    if not diagram.endswith((".svg", ".mmd")):
        raise click.UsageError(
            f"`{diagram}` is no name of a diagram: it ends with .svg or .mmd", click.get_current_context()
        )


def _draw(diagram: str, scenario: Scenario, dones: Sequence[Done]) -> None:
    from policy.app.whole import write_whole
    from policy.report.sequence import sequence
    from policy.report.sequence_mermaid import sequence_mermaid
    from policy.report.sequence_svg import sequence_svg

    draw = sequence_svg if diagram.endswith(".svg") else sequence_mermaid
    write_whole(diagram, draw(sequence(scenario, dones)))
