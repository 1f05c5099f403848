"""A question at a terminal, or in a pipe, that is answered by a line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from policy.cli.output import Output
from policy.report.style import clean, folded


def answered(out: Output, question: str, keys: Sequence[str], default: str | None = None) -> str | None:
    """Return one of the *keys*, or the *default* where nothing is typed; None where the input ends.

    Whatever else is typed is asked for again, with the keys that there are. In a pipe the answer is shown, too.
    """
    style = out.style()
    columns = style.columns or 80
    while True:
        out.text(f"{style(folded(f'[{question}]', columns - 1, 1), 'mark')} ", end="")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            out.text("")
            return None
        answer = line.strip().lower()
        if not sys.stdin.isatty():
            out.text(answer)
        if answer in keys:
            return answer
        if not answer and default is not None:
            return default
        known = ", ".join([*(["Enter"] if default is not None else []), *(f"`{key}`" for key in keys)])
        said = f"There is no `{clean(answer[:20])}` here: type {known}." if answer else f"Type {known}."
        out.text(folded(said, columns, 0))
