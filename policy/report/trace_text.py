"""The steps of a packet through the rules as a table: line, rule, why it matched or did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from policy._record import dataclass
from policy.app.answer import PacketAnswer
from policy.evaluate import Step
from policy.explain import because, failed_field
from policy.ir import Ruleset
from policy.report.reasons import step_span
from policy.report.style import VERDICT_LOOKS, Style, shortened, width

LONGEST_RUN = 12
"""Of more rules in a row that do not match only the first and the last few are shown."""

_ENDS = 3
_WIDEST_RULE = 62
_TAIL = 10
_WIDEST_REASON = 100
_MARKS = {True: "→", False: " ", None: "?"}


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    step: Step
    text: str


def trace_text(answer: PacketAnswer, ruleset: Ruleset, style: Style, everything: bool = False) -> list[str]:
    """Return one line per step; long runs of rules that do not match are summed up unless *everything* is wanted."""
    steps, last = answer.steps, VERDICT_LOOKS[answer.decision.verdict]
    several = len({step.rule.span.source.name for step in steps if step.rule}) > 1
    rows = [row if isinstance(row, str) else _row(row, ruleset, several) for row in _folded(steps, everything)]
    places = max((len(row.place) for row in rows if isinstance(row, _Row)), default=0)
    texts = max((width(row.text) for row in rows if isinstance(row, _Row) and row.step.rule), default=0)
    return [_line(row, places, texts, last if row is rows[-1] else "name", style) for row in rows]


def _folded(steps: Sequence[Step], everything: bool) -> Iterator[Step | str]:
    for failing, group in groupby(steps, lambda step: step.matched is False):
        run = list(group)
        if failing and not everything and len(run) > LONGEST_RUN:
            yield from run[:_ENDS]
            yield _summary(run[_ENDS:-_ENDS])
            yield from run[-_ENDS:]
        else:
            yield from run


def _summary(steps: Sequence[Step]) -> str:
    kinds = Counter(failed_field(s.rule.match, s.packet, s.known) for s in steps if s.rule)
    reasons = ", ".join(f"{count} by {kind}" for kind, count in kinds.most_common())
    return f"… {len(steps)} rules do not match: {reasons} (`--trace` shows them)"


def _row(step: Step, ruleset: Ruleset, several: bool) -> _Row:
    span = step_span(step, ruleset)
    at = "" if span is None else f"{span.source.name}:{span.line}" if several else str(span.line)
    text = f"implicit: {step.implicit}" if step.rule is None else shortened(step.rule.span.text, _WIDEST_RULE, _TAIL)
    return _Row(at, step, "  " * step.depth + text)


def _line(row: _Row | str, places: int, texts: int, look: str, style: Style) -> str:
    if isinstance(row, str):
        return style(f"  {'':>{places}}    {row}", "faint")
    step = row.step
    reason = shortened(because(step), _WIDEST_REASON)
    gap = " " * max(0, texts - width(row.text))
    mark = _MARKS[step.matched]
    if step.matched is False:
        return f"  {row.place:>{places}} {mark}  {row.text}{gap}  {style(reason, 'faint')}"
    return style(f"  {row.place:>{places}} {mark}  {row.text}{gap}  {reason}", look if step.matched else "open")
