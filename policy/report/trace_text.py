"""The steps of a packet through the rules as a table: line, rule, why it matched or did not.

Where it comes to several chains each has a heading, and what becomes of its header stands below the rule that
rewrites it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from policy._record import dataclass
from policy.app.answer import PacketAnswer
from policy.evaluate import Step, is_implied
from policy.explain import because, failed_field
from policy.ir import Block, Ruleset
from policy.report.reasons import step_span
from policy.report.rewriting import rewriting_text
from policy.report.stages import Stage, after, goes_on, stages
from policy.report.style import VERDICT_LOOKS, Style, clean, shortened, width

LONGEST_RUN = 12
"""Of more rules in a row that do not match only the first and the last few are shown."""

_ENDS = 3
_WIDEST_RULE = 62
_TAIL = 10
_WIDEST_REASON = 100
_MARKS = {True: "→", False: " ", None: "?"}
_NOT_ASKED = "not asked: the connection is known"


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    step: Step
    text: str


@dataclass(frozen=True, slots=True)
class _Note:
    """A line that is no step: a heading, a summary, what became of the header."""

    text: str
    look: str
    indented: bool = True


_Line = _Row | _Note


def trace_text(answer: PacketAnswer, ruleset: Ruleset, style: Style, everything: bool = False) -> list[str]:
    """Return one line per step; long runs of rules that do not match are summed up unless *everything* is wanted."""
    several = len({step.rule.span.source.name for step in answer.steps if step.rule}) > 1
    way = list(stages(answer))
    headed = any(stage.entry != way[0].entry or stage.behind for stage in way)
    lines = [line for stage in way for line in _stage(stage, ruleset, several, headed, everything)]
    rows = [line for line in lines if isinstance(line, _Row)]
    places = max((len(row.place) for row in rows), default=0)
    texts = max((width(row.text) for row in rows if row.step.rule), default=0)
    last, deciding = VERDICT_LOOKS[answer.decision.verdict], _deciding(rows, answer)
    return [_line(line, places, texts, last if line is deciding else "name", style) for line in lines]


def _deciding(rows: Sequence[_Row], answer: PacketAnswer) -> _Row | None:
    """Return the row that gives the verdict: what follows in other tables only does not object."""
    decision = answer.decision
    rule, implicit, policy = decision.rule, decision.implicit, decision.policy
    said = (row for row in reversed(rows) if row.step.rule is rule and row.step.implicit == implicit)
    return next((row for row in said if row.step.policy == policy), rows[-1] if rows else None)


def _stage(stage: Stage, ruleset: Ruleset, several: bool, headed: bool, everything: bool) -> Iterator[_Line]:
    title = clean(stage.title)
    if headed and stage.quiet and not everything:
        count = sum(step.rule is not None for step in stage.steps)
        if stage.asked and count:
            matching = "its rule does not match" if count == 1 else f"none of its {count} rules matches"
            yield _Note(f"{title}: {matching}", "faint", indented=False)
        return
    unasked = "" if stage.asked else f": {_NOT_ASKED}"
    if headed:
        yield _Note(title + unasked, "mark", indented=False)
    if stage.asked:
        for step in _folded(stage.steps, everything):
            yield from _step(step, stage, ruleset, several, everything) if isinstance(step, Step) else (step,)
    if stage.behind is not None:
        words = rewriting_text(stage.steps[-1].packet, stage.behind)
        yield _Note(f"→ connection tracking: {words}", "name")


def _step(step: Step, stage: Stage, ruleset: Ruleset, several: bool, everything: bool) -> Iterator[_Line]:
    """Yield a step and what it does to the header; of how packets are routed only the latter."""
    words = rewriting_text(step.packet, after(step))
    if is_implied(step, ruleset):
        assert step.rule is not None
        words = "blocked" if isinstance(step.rule.actions[0], Block) else words
        if step.matched is None:
            yield _Note(f"? perhaps {words or step.rule.note}: {because(step)}", "open")
        elif step.matched:
            yield _Note(f"→ {words}: {step.rule.note}" if words else f"→ {step.rule.note}", "name")
        return
    if goes_on(step) and not (stage.entry.main or everything):
        return
    yield _row(step, ruleset, several)
    if words:
        yield _Note(f"{'→' if step.matched else '? perhaps'} {words}", "name" if step.matched else "open")


def _folded(steps: Sequence[Step], everything: bool) -> Iterator[Step | _Note]:
    for failing, group in groupby(steps, lambda step: step.matched is False):
        run = list(group)
        if failing and not everything and len(run) > LONGEST_RUN:
            yield from run[:_ENDS]
            yield _Note(_summary(run[_ENDS:-_ENDS]), "faint")
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


def _line(line: _Line, places: int, texts: int, look: str, style: Style) -> str:
    if isinstance(line, _Note):
        return style(f"  {'':>{places}}    {line.text}" if line.indented else f"  {line.text}", line.look)
    step = line.step
    reason = shortened(because(step), _WIDEST_REASON)
    gap = " " * max(0, texts - width(line.text))
    mark = _MARKS[step.matched]
    if step.matched is False:
        return f"  {line.place:>{places}} {mark}  {line.text}{gap}  {style(reason, 'faint')}"
    return style(f"  {line.place:>{places}} {mark}  {line.text}{gap}  {reason}", look if step.matched else "open")
