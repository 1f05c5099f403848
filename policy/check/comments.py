"""Comments at statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policy.check.facts import Facts
from policy.source import Source, Span

Remarks = Mapping[tuple[Source, int], list[Span]]


def comments(facts: Facts) -> tuple[Span, ...]:
    """Return the comments in all texts of the rules."""
    if facts.language is None:
        return ()
    return tuple(span for source in facts.ruleset.sources for span in facts.language.comments(source))


def disabled(facts: Facts) -> tuple[Span, ...]:
    """Return the comments that would be rules without their sign."""
    return () if facts.language is None else tuple(facts.language.disabled(facts.ruleset))


def remarks(facts: Facts) -> Remarks:
    """Return the comments that are about a line, by that line.

    A comment behind something is about its own line; comments alone in their lines are about the line right below.
    """
    found: dict[tuple[Source, int], list[Span]] = {}
    above: list[Span] = []
    for comment in comments(facts):
        source, line = comment.source, comment.line
        if source.line(line)[: comment.column - 1].strip():
            found.setdefault((source, line), []).append(comment)
            continue
        together = above and above[-1].source is source and above[-1].line == line - 1
        above = [*found.pop((source, line)), comment] if together else [comment]
        found[source, line + 1] = above
    return found


def remarks_at(remarks: Remarks, span: Span) -> Iterable[Span]:
    """Return the comments that are about a statement."""
    return [each for line in range(span.line, span.end_line + 1) for each in remarks.get((span.source, line), ())]
