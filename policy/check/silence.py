"""The statements to which findings belong, and what comments silence there: `# fwpolicy: ignore CHECKS: REASON`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from policy._record import dataclass
from policy.diagnostic import Diagnostic
from policy.ir import Definition, Policy, Rule, Ruleset
from policy.source import Source, Span
from policy.written import Place, Suppression


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement and what holds for it; or, with *comment*, what holds for one of its comments."""

    what: Definition | Policy | Rule
    place: Span
    suppressions: tuple[Suppression, ...]
    comment: Span | None = None

    @property
    def begin(self) -> int:
        return (self.comment or self.place).start

    @property
    def text(self) -> str:
        """What the statement says."""
        if isinstance(self.what, Definition) and self.what.kind != "chain":
            return f"{self.what.kind} {self.what.name} = {self.what.text}"
        return self.place.text


class Silence:
    """The suppressions of a set of rules, and which findings they silence.

    A finding belongs to the statement that it begins in, or whose comment it is about: a rule, a definition, or a
    policy, whose suppressions hold for its rules too. Others hold for all of the text in which they stand.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.used: set[tuple[Place, str]] = set()
        """The places of the suppressions that have silenced a finding, with its code."""
        self._statements: dict[Source, list[_Statement]] = {}
        self._whole: dict[Source, list[Suppression]] = {}
        for statement in _statements(ruleset):
            self._statements.setdefault(statement.place.source, []).append(statement)
        for statements in self._statements.values():
            statements.sort(key=_begin)
        for suppression in ruleset.suppressions:
            self._whole.setdefault(suppression.span.source, []).append(suppression)

    def covers(self, finding: Diagnostic) -> bool:
        """Is a finding silenced? Notes by which suppressions; those that name no check are silent of themselves."""
        statement = self._statement(finding)
        own = statement.suppressions if statement else ()
        found = [
            each
            for each in (*own, *self._whole.get(finding.span.source, ()))
            if each.names(finding.code, finding.name) or (not each.checks and each.span != finding.span)
        ]
        self.used |= {(each.place, finding.code) for each in found}
        return bool(found)

    def statement(self, finding: Diagnostic) -> str | None:
        """Return the text of the statement that a finding belongs to."""
        statement = self._statement(finding)
        return statement.text if statement and statement.comment != finding.span else None

    def _statement(self, finding: Diagnostic) -> _Statement | None:
        statements = self._statements.get(finding.span.source, [])
        at = bisect_right(statements, finding.span.start, key=_begin)
        return statements[at - 1] if at else None


def suppressions(ruleset: Ruleset) -> list[Suppression]:
    """Return the suppressions of a set of rules in the order of their places, each once."""
    found = [*ruleset.suppressions, *(each for statement in _statements(ruleset) for each in statement.suppressions)]
    return sorted(
        {each.span: each for each in found}.values(), key=lambda each: (each.span.source.name, each.span.start)
    )


def _statements(ruleset: Ruleset) -> Iterator[_Statement]:
    """Yield the statements of a set of rules, with what holds for each."""
    for definition in ruleset.definitions:
        yield from _with_comments(definition, definition.span, definition.suppressions)
    for policy in ruleset.policies.values():
        if policy.span is not None:
            yield from _with_comments(policy, policy.span, policy.suppressions)
        if policy.default_span is not None:
            yield from _with_comments(policy, policy.default_span, policy.default_suppressions, policy.suppressions)
        for rule in policy.rules:
            yield from _with_comments(rule, rule.span, rule.suppressions, policy.suppressions)


def _with_comments(
    what: Definition | Policy | Rule, place: Span, own: tuple[Suppression, ...], more: tuple[Suppression, ...] = ()
) -> Iterator[_Statement]:
    yield _Statement(what, place, (*own, *more))
    for each in own:
        yield _Statement(what, place, (*own, *more), each.span)


def _begin(statement: _Statement) -> int:
    return statement.begin
