"""What comments in the text silence: `# fwpolicy: ignore CODES: REASON`."""

from __future__ import annotations

from bisect import bisect_right

from policy.diagnostic import Diagnostic
from policy.ir import Ruleset, Suppression
from policy.source import Source, Span

_Beginnings = dict[Source, list[tuple[int, tuple[Suppression, ...]]]]


class Silence:
    """The suppressions of a set of rules, and which findings they silence.

    A finding belongs to the statement that it begins in: a rule, a definition, or a policy, whose suppressions hold for
    its rules too.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self.used: set[tuple[Span, str]] = set()
        """The places of the suppressions that have silenced a finding, with its code."""
        found: _Beginnings = {}

        def note(span: Span | None, suppressions: tuple[Suppression, ...]) -> None:
            if span is not None:
                found.setdefault(span.source, []).append((span.start, suppressions))

        for definition in ruleset.definitions:
            note(definition.span, definition.suppressions)
        for policy in ruleset.policies.values():
            note(policy.span, policy.suppressions)
            note(policy.default_span, policy.suppressions)
            for rule in policy.rules:
                note(rule.span, (*rule.suppressions, *policy.suppressions))
        for statements in found.values():
            statements.sort(key=lambda statement: statement[0])
        self._statements = {
            source: statements for source, statements in found.items() if any(each for _, each in statements)
        }

    def covers(self, finding: Diagnostic) -> bool:
        """Is a finding silenced? Notes by which suppressions."""
        statements = self._statements.get(finding.span.source, [])
        at = bisect_right(statements, finding.span.start, key=lambda statement: statement[0])
        suppressions = statements[at - 1][1] if at else ()
        found = [each for each in suppressions if not each.codes or finding.code in each.codes]
        self.used |= {(each.span, finding.code) for each in found}
        return bool(found)
