"""Comments in files for iptables-restore, and those that rules were made of."""

from __future__ import annotations

import re

from policy.ir import Ruleset
from policy.languages.iptables.parse import parse_rule
from policy.source import Source, Span

_COMMENT = re.compile(r"^#[^\n]*", re.MULTILINE)
_RULE = re.compile(r"#[# \t]*(?=-[AI][ \t])")


def comments(source: Source) -> list[Span]:
    """Return the comments of a text: lines that begin with `#`."""
    return [Span(source, *found.span()) for found in _COMMENT.finditer(source.text)]


def disabled(ruleset: Ruleset, family: int) -> list[Span]:
    """Return the comments in the texts of some rules that would be rules of theirs without the sign."""
    return [
        span
        for source in ruleset.sources
        for span in comments(source)
        if (sign := _RULE.match(span.text)) and parse_rule(Source(source.name, span.text[sign.end() :]), family)
    ]
