"""The front end of the project's own language: `docs/language.md`."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from policy.host import UNKNOWN_HOST, Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policy.change import Change, Edit
    from policy.ir import Rule, Ruleset
    from policy.packet import ValueSet
    from policy.source import Source, Span

_STATEMENT = re.compile(
    r"^[ \t\ufeff]*(?:policy[ \t]+\S[^\n{]*\{|(?:network|host|service)[ \t]+\S+[ \t]*=|include[ \t]+\")", re.MULTILINE
)
_INCLUDE = re.compile(r'^[ \t\ufeff]*include[ \t]*"([^"\n]+)"', re.MULTILINE)
_ENOUGH = 1 << 16


class Native:
    """The native language as a front end."""

    def read(self, source: Source, *, host: Host = UNKNOWN_HOST) -> Ruleset:  # noqa: ARG002 (no word of ours means the host itself)
        """Return the rules of a file and of all that it includes; raises `diagnostic.Mistakes`."""
        from policy.languages.native.lower import read

        return read(source)

    def looks_like(self, text: str) -> bool:
        """Does a line of the beginning define something or begin a policy?"""
        return _STATEMENT.search(text, 0, _ENOUGH) is not None

    def format(self, source: Source) -> str:
        """Return the text in its canonical layout; raises `diagnostic.Mistakes`."""
        from policy.languages.native.layout import format_text

        return format_text(source)

    def with_values(
        self, ruleset: Ruleset, rule: Rule, field: str, values: ValueSet, others: Sequence[Rule] = ()
    ) -> str | None:
        """Return a rule with other values in one field, as text, with the words of *others* too; None: impossible."""
        from policy.languages.native.edit import with_values

        return with_values(ruleset, rule, field, values, others)

    def edits(self, change: Change) -> tuple[Edit, ...] | None:
        """Return the edits of the text that make a change of the rules; None: there are none."""
        from policy.languages.native.changes import edits

        return edits(change)

    def comments(self, source: Source) -> list[Span]:
        """Return the comments of a text, each from its sign to its end, in order."""
        from policy.languages.native.comments import comments

        return comments(source)

    def disabled(self, ruleset: Ruleset) -> list[Span]:
        """Return the comments in the texts of *ruleset* that would be rules of theirs without the sign."""
        from policy.languages.native.comments import disabled

        return disabled(ruleset)

    def includes(self, source: Source) -> list[str]:
        """Return the paths of the files that a text includes, whether they are there or not."""
        folder = PurePath(source.name).parent
        return [str(folder / words) for words in _INCLUDE.findall(source.text)]


native = Native()
