"""What checks need of a language to offer fixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from policy.change import Change, Edit
from policy.ir import Rule, Ruleset
from policy.packet import ValueSet


class Writer(Protocol):
    """How a language writes changes: the part of `languages.FrontEnd` that checks need."""

    def with_values(
        self, ruleset: Ruleset, rule: Rule, field: str, values: ValueSet, others: Sequence[Rule] = ()
    ) -> str | None:
        """Return a rule as text with other values in one field; None: impossible."""

    def edits(self, change: Change) -> tuple[Edit, ...] | None:
        """Return the edits of the text that make a change; None: there are none."""
