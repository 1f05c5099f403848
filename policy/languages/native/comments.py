"""Comments in the native language, and those that rules were made of."""

from __future__ import annotations

from collections.abc import Iterator

from policy.ir import Ruleset
from policy.languages.native import ast
from policy.languages.native.names import address_names, service_names
from policy.languages.native.parse import parse_rule
from policy.languages.native.split import ACTIONS, split
from policy.packet.names import protocol_number
from policy.source import Source, Span


def comments(source: Source) -> list[Span]:
    """Return the comments of a text, each from its sign to its end, in order."""
    pieces = [piece for piece in split(source.text, comments=True) if piece.kind == "comment"]
    return [Span(source, piece.start, piece.end) for piece in pieces]


def disabled(ruleset: Ruleset) -> list[Span]:
    """Return the comments in the texts of some rules that would be rules of theirs without the sign.

    Our rules read like sentences, and so do comments: only what names nothing that the rules do not know is one, and
    what a rule there says word for word only describes it.
    """
    known = _Known(ruleset)
    return [span for source in ruleset.sources for span in comments(source) if known.is_rule(span)]


class _Known:
    """What the rules know: names, and what they say already."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.addresses = {each.name for each in ruleset.definitions if each.kind != "service"}
        self.services = {each.name for each in ruleset.definitions if each.kind == "service"} | {"any", "ping"}
        self.policies = ruleset.policies.keys()
        self.said = {" ".join(rule.span.text.split()) for policy in ruleset.policies.values() for rule in policy.rules}

    def is_rule(self, comment: Span) -> bool:
        """Is a comment a rule that was shut off?"""
        text = comment.text.lstrip("# \t")
        if text.partition(" ")[0] not in ACTIONS or " ".join(text.split()) in self.said:
            return False
        rule = parse_rule(Span(Source(comment.source.name, text), 0, len(text)))
        return rule is not None and all(self._names(rule))

    def _names(self, rule: ast.Rule) -> Iterator[bool]:
        if rule.target is not None:
            yield rule.target.text in self.policies
        for word in service_names(rule.match.services):
            yield word.text in self.services or protocol_number(word.text) is not None
        for endpoint in (rule.match.source, rule.match.destination):
            if endpoint is not None:
                yield from (word.text in self.addresses for word in address_names(endpoint.addresses))
