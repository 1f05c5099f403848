"""`fwpolicy explain`: the page of a check."""

from __future__ import annotations

import click

from policy.cli.options import output_options
from policy.cli.output import Output


@click.command("explain")
@click.argument("code")
@output_options
def command(code: str, out: Output) -> int:
    """Show the page of a check.

    It says what is found, why it matters, and what to do, with examples. CODE is a code (FW101) or a name
    (jump-cycle), of a check or of a mistake. On a terminal the page is laid out, otherwise it is Markdown.

    Exit status: 0, or 2 when there is no such code.
    """
    from policy.app.pages import page_of

    page = page_of(code)
    if out.as_json:
        from policy.report.page_json import page_json

        out.document(page_json(page))
    else:
        from policy.report.page_text import page_text

        out.text(page_text(page, out.style(), out.width()))
    return 0
