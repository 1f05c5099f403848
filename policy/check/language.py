"""What checks need of the language of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from policy.change import Change, Edit
from policy.ir import Rule, Ruleset
from policy.packet import ValueSet
from policy.source import Source, Span


class Language(Protocol):
    """The part of `languages.FrontEnd` that checks need: it writes, and knows comments."""

    def with_values(
        self, ruleset: Ruleset, rule: Rule, field: str, values: ValueSet, others: Sequence[Rule] = ()
    ) -> str | None:
        """Return a rule as text with other values in one field; None: impossible."""

    def edits(self, change: Change) -> tuple[Edit, ...] | None:
        """Return the edits of the text that make a change; None: there are none."""

    def comments(self, source: Source) -> list[Span]:
        """Return the comments of a text."""

    def disabled(self, ruleset: Ruleset) -> list[Span]:
        """Return the comments that would be rules without their sign."""
