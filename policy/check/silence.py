"""What comments in the text silence: `# fwpolicy: ignore CHECKS: REASON`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from policy.diagnostic import Diagnostic
from policy.ir import Ruleset
from policy.source import Source, Span
from policy.written import Suppression

_Statement = tuple[Span, tuple[Suppression, ...]]


class Silence:
    """The suppressions of a set of rules, and which findings they silence.

    A finding belongs to the statement that it begins in, or whose comment it is about: a rule, a definition, or a
    policy, whose suppressions hold for its rules too. Others hold for all of the text in which they stand.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.used: set[tuple[Span, str]] = set()
        """The places of the suppressions that have silenced a finding, with its code."""
        self._statements: dict[Source, list[_Statement]] = {}
        self._whole: dict[Source, list[Suppression]] = {}
        for span, suppressions in _statements(ruleset):
            for place in (span, *(each.span for each in suppressions)):
                self._statements.setdefault(place.source, []).append((place, suppressions))
        for statements in self._statements.values():
            statements.sort(key=_start)
        for each in ruleset.suppressions:
            self._whole.setdefault(each.span.source, []).append(each)

    def covers(self, finding: Diagnostic) -> bool:
        """Is a finding silenced? Notes by which suppressions; those that name no check are silent of themselves."""
        source = finding.span.source
        statements = self._statements.get(source, [])
        at = bisect_right(statements, finding.span.start, key=_start)
        own = statements[at - 1][1] if at else ()
        found = [
            each
            for each in (*own, *self._whole.get(source, ()))
            if each.names(finding.code, finding.name) or (not each.checks and each.span != finding.span)
        ]
        self.used |= {(each.span, finding.code) for each in found}
        return bool(found)


def suppressions(ruleset: Ruleset) -> list[Suppression]:
    """Return the suppressions of a set of rules in the order of their places, each once."""
    found = [*ruleset.suppressions, *(each for _, some in _statements(ruleset) for each in some)]
    return sorted(
        {each.span: each for each in found}.values(), key=lambda each: (each.span.source.name, each.span.start)
    )


def _statements(ruleset: Ruleset) -> Iterator[_Statement]:
    """Yield the statements of a set of rules, with what holds for each."""
    for definition in ruleset.definitions:
        yield definition.span, definition.suppressions
    for policy in ruleset.policies.values():
        if policy.span is not None:
            yield policy.span, policy.suppressions
        if policy.default_span is not None:
            yield policy.default_span, (*policy.default_suppressions, *policy.suppressions)
        for rule in policy.rules:
            yield rule.span, (*rule.suppressions, *policy.suppressions)


def _start(statement: _Statement) -> int:
    return statement[0].start
