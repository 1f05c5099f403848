"""The front end for nftables: scripts for `nft -f`, what `nft list ruleset` prints, and the JSON of `nft -j`.

The judge of what loads is nft 1.0.6; docs/languages/nftables.md says what is exact.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Sequence

from policy._record import dataclass
from policy.change import Change, Edit
from policy.diagnostic import Collector
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Rule, Ruleset
from policy.packet import ValueSet
from policy.source import Source, Span

_FAMILY = r"(?:(?:ip6?|inet|arp|bridge|netdev)\s+)?"
_SCRIPT = re.compile(
    rf"^\s*(?:table\s+{_FAMILY}[\w$.\"-]+\s*\{{"
    r"|(?:add|create|insert|delete|flush)\s+(?:table|chain|rule|set|map|element|ruleset)\b"
    r"|type\s+(?:filter|nat|route)\s+hook\s)"
    r"|\A#!\s*\S*nft\b",
    re.MULTILINE,
)
_JSON = re.compile(r'\A\{\s*[\'"]?(?:nftables|metainfo)\b|"nftables"\s*:\s*\[')
_BLANK = "\ufeff \t\r\n"


def read(source: Source, *, host: Host = UNKNOWN_HOST) -> Ruleset:
    """Return the rules of a script; *host* is what is known beside it. Raises `Mistakes` with all that is wrong."""
    from policy.languages.nftables import jsontext
    from policy.languages.nftables.lower import lower
    from policy.languages.nftables.parse import parse
    from policy.languages.nftables.refuse import beside, refuse, sure
    from policy.languages.nftables.script import run

    collecting = gc.isenabled()
    gc.disable()
    try:
        mistakes = Collector()
        script = jsontext.parse(source, mistakes) if is_json(source.text) else parse(source, mistakes)
        state = run(script, source, mistakes)
        more = Collector()
        refuse(state, more)
        mistakes.found += sure(mistakes.found, beside(mistakes.found, more.found))
        ruleset = lower(state, host, more := Collector())
        mistakes.found += sure(mistakes.found, beside(mistakes.found, more.found))
        mistakes.check()
        return ruleset
    finally:
        if collecting:
            gc.enable()


def looks_like(text: str) -> bool:
    """Is this text a script of nftables, or the JSON of `nft -j`?"""
    text = text.lstrip(_BLANK)
    return (_JSON if is_json(text) else _SCRIPT).search(text) is not None


def is_json(text: str) -> bool:
    """Is a text of this language JSON? No script begins with a brace."""
    return text.lstrip(_BLANK).startswith("{")


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """The language of `nft`."""

    def read(self, source: Source, *, host: Host = UNKNOWN_HOST) -> Ruleset:
        """Return the rules of a script; raises `Mistakes`."""
        return read(source, host=host)

    def looks_like(self, text: str) -> bool:
        """Is this text a script of nftables, or the JSON of `nft -j`?"""
        return looks_like(text)

    def with_values(
        self, ruleset: Ruleset, rule: Rule, field: str, values: ValueSet, others: Sequence[Rule] = ()
    ) -> str | None:
        """Return a rule with other values in one field, as text; None where one rule cannot say it, and in JSON."""
        from policy.languages.nftables.edit import with_values

        return None if is_json(rule.span.source.text) else with_values(ruleset, rule, field, values, others)

    def edits(self, change: Change) -> tuple[Edit, ...] | None:
        """Return the edits of the text that make a change of the rules; None: there are none."""
        from policy.languages.nftables.changes import edits

        found = edits(change)
        # JSON is what a program wrote: rules are changed where that has them from.
        return None if found is None or any(is_json(each.span.source.text) for each in found) else found

    def comments(self, source: Source) -> list[Span]:
        """Return the comments of a text, each from its sign to its end, in order."""
        from policy.languages.nftables.comments import comments

        return [] if is_json(source.text) else comments(source)

    def disabled(self, ruleset: Ruleset) -> list[Span]:
        """Return the comments in the texts of *ruleset* that would be rules of theirs without the sign."""
        from policy.languages.nftables.comments import disabled

        return disabled(ruleset)

    def includes(self, source: Source) -> list[str]:
        """Return the paths of the files that a text includes, whether they are there or not."""
        from policy.languages.nftables.comments import includes

        return [] if is_json(source.text) else includes(source)


nftables = FrontEnd()
