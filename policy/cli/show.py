"""`fwpolicy show`: what a file of rules says, as tables."""

from __future__ import annotations

import click

from policy.cli.options import Reading, output_options, reading_options
from policy.cli.output import Output


@click.command("show")
@click.argument("rules")
@reading_options
@output_options
def command(rules: str, reading: Reading, out: Output) -> int:
    """Show what the RULES say, as tables: names, policies, rules.

    Exit status: 0, or 2 when the rules could not be read.
    """
    from policy.app.show import overview

    found = overview(reading.read(rules))
    if out.as_json:
        from policy.report.rules_json import rules_json

        out.document(rules_json(found))
    else:
        from policy.report.rules_text import rules_text

        out.text(rules_text(found, out.style(), out.width()))
    return 0
