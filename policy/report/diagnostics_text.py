"""Diagnostics as text: where, what is wrong, the line with a mark, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from policy.app.packets_text import packets_text
from policy.diagnostic import Diagnostic, Severity
from policy.report.frame import frame, place
from policy.report.style import PLAIN, Style, clean

MOST_SHOWN = 20

MOST_RELATED = 5
"""Of more other places only so many are shown."""

_LOOKS = {Severity.ERROR: "bad", Severity.WARNING: "open", Severity.INFO: "mark"}


def diagnostics_text(diagnostics: Sequence[Diagnostic], style: Style = PLAIN) -> str:
    """Return up to `MOST_SHOWN` diagnostics, and how many more there are."""
    shown = [diagnostic_text(diagnostic, style) for diagnostic in diagnostics[:MOST_SHOWN]]
    if (more := len(diagnostics) - MOST_SHOWN) > 0:
        shown.append(f"… and {more:,} more")
    return "\n\n".join(shown)


def diagnostic_text(diagnostic: Diagnostic, style: Style = PLAIN) -> str:
    """Return one diagnostic with its frame, the other places that have to do with it, and the help."""
    look = _LOOKS[diagnostic.severity]
    related = diagnostic.related[:MOST_RELATED]
    digits = len(str(max(span.end_line for span in (diagnostic.span, *(r.span for r in related)))))
    sign = " " * digits + style(" = ", "mark")
    head = style(f"{diagnostic.severity}[{diagnostic.code}]", look)
    lines = [f"{place(diagnostic.span)}: {head}: {style(clean(diagnostic.message), 'name')}"]
    lines += frame(diagnostic.span, style, look, digits)
    if diagnostic.region:
        lines.append(f"{sign}packets: {clean(diagnostic.region)}")
    if diagnostic.example is not None:
        lines.append(f"{sign}for example: {clean(packets_text(diagnostic.example))}")
    for each in related:
        lines.append(f"{sign}note: {place(each.span)}: {clean(each.message)}")
        lines += frame(each.span, style, "mark", digits)
    if (more := len(diagnostic.related) - MOST_RELATED) > 0:
        lines.append(f"{sign}note: and {more} more")
    if diagnostic.help:
        lines.append(f"{sign}help: {clean(diagnostic.help)}")
    if diagnostic.fix:
        option = "--fix" if diagnostic.fix.safe else "--fix --unsafe-fixes"
        lines.append(f"{sign}fixable with `{option}`: {clean(diagnostic.fix.description)}")
    return "\n".join(lines)


def problem_text(message: str, help: str | None = None, style: Style = PLAIN) -> str:
    """Return an error that has no place in a file."""
    lines = [f"{style('error', 'bad')}: {style(clean(message), 'name')}"]
    if help:
        lines.append(f"{style('  = ', 'mark')}help: {clean(help)}")
    return "\n".join(lines)
