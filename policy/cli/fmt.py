"""`fwpolicy fmt`: lay files out in the one right way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policy.cli.options import language_option, output_options
from policy.cli.output import Output

if TYPE_CHECKING:
    from policy.app.written import Draft


@click.command("fmt")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--check", is_flag=True, help="Write nothing; say which files would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@language_option
@output_options
def command(paths: tuple[str, ...], check: bool, diff: bool, language: str | None, out: Output) -> int:
    """Lay out files in the one right way.

    PATH is a file, or a directory: all `*.fw` files below it. Comments stay, and the meaning does not change. `-`
    reads standard input and writes standard output.

    Exit status: 0 done, or nothing to do; with --check or --diff, 1 if a file would change; 2 a file could not be
    read, and none was written.
    """
    if "-" in paths and len(paths) > 1:
        raise click.UsageError("standard input (`-`) stands alone", click.get_current_context())
    from policy.app.fmt import formatted
    from policy.app.written import write

    files = formatted(paths, language)
    changed = [file for file in files if file.changed]
    if not check and not diff and paths != ("-",):
        write(changed)
    if paths == ("-",) and not check and not diff:
        out.text(files[0].text, end="")
        return 0
    _report(files, changed, diff, out, written=not check and not diff)
    return 1 if changed and (check or diff) else 0


def _report(files: list[Draft], changed: list[Draft], diff: bool, out: Output, written: bool) -> None:
    if out.as_json:
        out.document(
            {
                "version": 1,
                "written": written,
                "files": [{"file": file.source.name, "changed": file.changed} for file in files],
            }
        )
        return
    if diff:
        from policy.report.diff_text import diff_text

        for file in changed:
            out.text(diff_text(file.diff(), out.style()))
    else:
        for file in changed:
            out.message(f"{'formatted' if written else 'would format'} {file.source.name}")
    out.message(
        f"{len(changed)} of {len(files)} file{'s'[: len(files) != 1]} {'changed' if written else 'would change'}"
    )
