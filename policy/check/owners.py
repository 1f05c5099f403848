"""Which definition or rule a place in the text belongs to."""

from __future__ import annotations

from bisect import bisect_right

from policy.ir import Definition, Rule, Ruleset
from policy.source import Source, Span

Owner = Definition | Rule


class Owners:
    """The definitions and rules of a set of rules by the places where they begin."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._starts: dict[Source, list[tuple[int, Owner | None]]] = {}
        for policy in ruleset.policies.values():
            self._note(policy.span, None)
            self._note(policy.default_span, None)
            for rule in policy.rules:
                self._note(rule.span, rule)
        for definition in ruleset.definitions:
            self._note(definition.span, definition)
        for starts in self._starts.values():
            starts.sort(key=lambda start: start[0])

    def _note(self, span: Span | None, owner: Owner | None) -> None:
        if span is not None:
            self._starts.setdefault(span.source, []).append((span.start, owner))

    def of(self, place: Span) -> Owner | None:
        """Return the statement that a place stands in, None where it is neither a definition nor a rule."""
        starts = self._starts.get(place.source, [])
        at = bisect_right(starts, place.start, key=lambda start: start[0])
        return starts[at - 1][1] if at else None


def parts(ruleset: Ruleset) -> dict[str, frozenset[str]]:
    """Return the names of addresses that each definition of addresses is made of, directly or not, and its own."""
    owners = Owners(ruleset)
    named = [definition for definition in ruleset.definitions if definition.kind in ("network", "host")]
    direct: dict[str, set[str]] = {definition.name: {definition.name} for definition in named}
    for definition in named:
        for use in definition.uses:
            owner = owners.of(use)
            if isinstance(owner, Definition) and owner.name in direct and owner.kind != "service":
                direct[owner.name].add(definition.name)
    found: dict[str, frozenset[str]] = {}
    for name in direct:
        seen, left = {name}, [name]
        while left:
            new = direct[left.pop()] - seen
            seen |= new
            left += new
        found[name] = frozenset(seen)
    return found
