"""The steps of a packet through the rules as a table: line, rule, why it matched or did not.

Where it comes to several chains each has a heading, and what becomes of its header stands below the rule that
rewrites it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

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
_NARROWEST = 24
"""In how few columns a rule or a reason is still worth reading."""

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
    """Return one line per step; long runs of rules that do not match are summed up unless *everything* is wanted.

    Where the columns are few, rules are cut to half of them, and a reason that does not fit beside its rule stands
    below it.
    """
    several = len({step.rule.span.source.name for step in answer.steps if step.rule}) > 1
    # Of what stands in no text only what does something is told.
    way = [each for each in stages(answer) if not (each.quiet and ruleset.policies[each.entry.policy].implied)]
    headed = any(stage.entry != way[0].entry or stage.behind for stage in way)
    lines = [line for stage in way for line in _stage(stage, ruleset, several, headed, everything)]
    rows = [line for line in lines if isinstance(line, _Row)]
    table = _Table(rows, style)
    last, deciding = VERDICT_LOOKS[answer.decision.verdict], _deciding(rows, answer)
    return [text for line in lines for text in table.texts(line, last if line is deciding else "name")]


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
        elif step.matched and (told := [text for text in (words, step.rule.note) if text]):
            yield _Note(f"→ {': '.join(told)}", "name")
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
    return _Row(at, step, f"implicit: {step.implicit}" if step.rule is None else step.rule.span.text)


class _Table:
    """The columns of a trace: where a rule stands, whether it matches, the rule, and the reason."""

    def __init__(self, rows: Sequence[_Row], style: Style) -> None:
        self._style = style
        self._columns = style.columns
        self._places = max((len(row.place) for row in rows), default=0)
        self._before = self._places + 6
        half = _WIDEST_RULE if style.columns is None else max(_NARROWEST, (style.columns - self._before) // 2)
        rules = max((width(_rule(row, _WIDEST_RULE)) for row in rows if row.step.rule), default=0)
        self._rules = rules if style.columns is None else min(rules, half)

    def texts(self, line: _Line, look: str) -> Iterator[str]:
        """Yield what is shown of a line, that of a rule that matches with a *look*."""
        if isinstance(line, _Note):
            yield from self._below(line.text, self._before if line.indented else 2, line.look)
            return
        step = line.step
        faint = step.matched is False
        look = "faint" if faint else look if step.matched else "open"
        reason = shortened(because(step), _WIDEST_REASON)
        room, beside = self._room(2 * step.depth, 2 + width(reason))
        rule = _rule(line, room)
        head = f"  {line.place:>{self._places}} {_MARKS[step.matched]}  {rule}"
        if beside:
            gap = " " * (max(0, self._rules - width(rule)) + 2)
            yield f"{head}{gap}{self._style(reason, look)}" if faint else self._style(head + gap + reason, look)
        else:
            yield head if faint else self._style(head, look)
            yield from self._below(reason, self._before + 2 * step.depth + 2, look)

    def _room(self, indent: int, reason: int) -> tuple[int, bool]:
        """Return how many columns an indented rule may have, and whether so many for the reason are left beside it."""
        if self._columns is None:
            return _WIDEST_RULE, True
        whole = self._columns - self._before
        beside = self._rules + reason <= whole
        room = (whole - reason if beside else whole) - indent
        return max(_NARROWEST, min(room, _WIDEST_RULE)), beside

    def _below(self, text: str, at: int, look: str) -> Iterator[str]:
        """Yield a text from a column on, in as many lines as it takes."""
        room = None if self._columns is None else max(_NARROWEST, self._columns - at)
        for part in [text] if room is None else wrap(text, room):
            yield self._style(" " * at + part, look)


def _rule(row: _Row, room: int) -> str:
    """Return a rule, indented by its depth and cut to *room*."""
    return "  " * row.step.depth + shortened(row.text, room, _TAIL)
