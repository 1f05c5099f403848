"""The languages that rules are read from. Each is a front end: a module or object with

* `read(source: Source, *, host: Host = UNKNOWN_HOST) -> ir.Ruleset`: the rules of a text, or
  `diagnostic.Mistakes` with everything that is wrong with it; *host* is what is known beside the text;
* `looks_like(text: str) -> bool`: a cheap guess at whether a text is of this language;
* `with_values(ruleset, rule, field, values, others=()) -> str | None`: a rule with other values in one field;
* `edits(change: change.Change) -> tuple[change.Edit, ...] | None`: a change of the rules in the text;
* `comments(source: Source) -> list[Span]`: the comments of a text, from their sign to their end;
* `disabled(ruleset: Ruleset) -> list[Span]`: the comments in the texts of some rules that would be rules without it;
* `format(source: Source) -> str`, where the language has one layout that is right: the text in that
  layout, with the same meaning, or `Mistakes`;
* `includes(source: Source) -> list[str]`, where the language has them: the paths of the files that a text includes.

A front end is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from policy.host import UNKNOWN_HOST, Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policy.change import Change, Edit
    from policy.ir import Rule, Ruleset
    from policy.packet import ValueSet
    from policy.source import Source, Span


class FrontEnd(Protocol):
    """What reads a language."""

    def read(self, source: Source, *, host: Host = UNKNOWN_HOST) -> Ruleset:
        """Return the rules of a text; raises `diagnostic.Mistakes`."""

    def looks_like(self, text: str) -> bool:
        """Is the text probably of this language?"""

    def with_values(
        self, ruleset: Ruleset, rule: Rule, field: str, values: ValueSet, others: Sequence[Rule] = ()
    ) -> str | None:
        """Return *rule* of *ruleset* as text, with *values* in *field* and everything else as it is.

        None where the language cannot say that in one rule. *others* are rules whose words may be used.
        """

    def edits(self, change: Change) -> tuple[Edit, ...] | None:
        """Return the edits of the text that make a change of the rules and keep its comments; None: there are none."""

    def comments(self, source: Source) -> list[Span]:
        """Return the comments of a text, each from its sign to its end, in order."""

    def disabled(self, ruleset: Ruleset) -> list[Span]:
        """Return the comments in the texts of *ruleset* that would be rules of theirs without the sign."""


class Formatting(FrontEnd, Protocol):
    """A front end that also knows how its language is laid out."""

    def format(self, source: Source) -> str:
        """Return the text in its canonical layout; raises `diagnostic.Mistakes`."""


LANGUAGES: dict[str, str] = {
    "nftables": "policy.languages.nftables:nftables",
    "native": "policy.languages.native:native",
    "ip6tables": "policy.languages.iptables:ip6tables",
    "iptables": "policy.languages.iptables:iptables",
}
"""Every language, and where its front end is; a text is offered to them in this order."""


class Including(FrontEnd, Protocol):
    """A front end whose texts may include others."""

    def includes(self, source: Source) -> list[str]:
        """Return the paths of the files that a text includes, whether they are there or not."""


def front_end(name: str) -> FrontEnd:
    """Return the front end of a language, a key of `LANGUAGES`."""
    module, _, attribute = LANGUAGES[name].partition(":")
    found: FrontEnd = getattr(import_module(module), attribute)
    return found


def claimed(text: str) -> str | None:
    """Return the first language that claims a text, None where none does."""
    return next((name for name in LANGUAGES if front_end(name).looks_like(text)), None)


def sniff(text: str) -> str:
    """Return the language that a text is probably written in, `native` if none claims it."""
    return claimed(text) or "native"


def formatter(name: str) -> Formatting | None:
    """Return the front end of a language that can lay out its texts, or None."""
    found = front_end(name)
    return found if hasattr(found, "format") else None  # type: ignore[return-value] # hasattr does not narrow


def including(name: str) -> Including | None:
    """Return the front end of a language whose texts may include others, or None."""
    found = front_end(name)
    return found if hasattr(found, "includes") else None  # type: ignore[return-value] # hasattr does not narrow
