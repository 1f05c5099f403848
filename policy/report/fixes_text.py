"""What fixing gave, as text: what was not fixed and why, and how much was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy.app.fixing import Fixed
from policy.app.packets_text import packets_text
from policy.fix import Difference, Refusal
from policy.report.frame import place
from policy.report.style import PLAIN, Style, clean

_NAMED = 3
"""So many files are named."""


def refusals_text(refused: Sequence[Refusal], style: Style = PLAIN) -> str:
    """Return a line for each fix that is not made."""
    return "\n".join(_refusal(each, style) for each in refused)


def _refusal(refusal: Refusal, style: Style) -> str:
    finding = refusal.offer.finding
    head = f"{place(finding.span)}: {style(f'not fixed[{finding.code}]', 'open')}"
    return f"{head}: {clean(refusal.offer.fix.description)}: {clean(reason(refusal.why))}"


def reason(why: Difference | str) -> str:
    """Return in words why a fix is not made."""
    if isinstance(why, str):
        return why
    if why.example is None:
        return "it is not proved to change only what it says"
    packet = packets_text(why.example)
    if why.before == why.after:
        return f"it changes more than it says, for example for {packet}, which is {why.before} all the same"
    return f"it changes more than it says: {packet} is {why.before} now, and would be {why.after}"


def fixed_text(fixed: Fixed, written: bool) -> str:
    """Return how many findings were fixed, or would be: `fixed 7 findings in 1 file (FW102 3, FW112 4)`."""
    return "; ".join(_parts(fixed, written))


def _parts(fixed: Fixed, written: bool) -> Iterator[str]:
    verb = "fixed" if written else "would fix"
    if fixed.done:
        counts = ", ".join(f"{code} {count:,}" for code, count in fixed.counts.items())
        yield f"{verb} {_many(len(fixed.done), 'finding')} in {_many(len(fixed.drafts), 'file')} ({counts})"
    else:
        yield "nothing to fix" if not fixed.refused else "nothing was fixed"
    if fixed.refused:
        yield f"{len(fixed.refused):,} could not be proved"
    if programs := {f"`{clean(each.span.source.name)}`" for each in fixed.linted.findings if each.span.source.said}:
        which = " and ".join(sorted(programs)) if len(programs) <= _NAMED else f"{len(programs)} files"
        yield f"{which} cannot be fixed as JSON: lint the script that `nft list ruleset` prints"
    if fixed.stopped:
        yield "more can be fixed: run it again"


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
