"""From the tree of a file, and of all that it includes, to the IR."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from policy import ir
from policy.diagnostic import Collector
from policy.languages.native import ast
from policy.languages.native.entries import entries
from policy.languages.native.includes import load
from policy.languages.native.names import Names, resolve, unique
from policy.question.ast import Word
from policy.question.hints import hint
from policy.question.lists import host_bits, match_lists
from policy.question.lower import terms
from policy.question.terms import match_of
from policy.source import Source

if TYPE_CHECKING:
    from datetime import date

_VERDICTS: dict[str, ir.Verdict] = {"allow": ir.Allow(), "block": ir.Block(), "reject": ir.Reject()}
_RETURN = ir.Return()
_LOG = ir.Log()


def read(source: Source) -> ir.Ruleset:
    """Return the rules of a file and of all that it includes; raises `diagnostic.Mistakes`."""
    with _no_collection():
        collector = Collector()
        loaded = load(source, collector)
        names = resolve([s for s in loaded.statements if isinstance(s, ast.Definition)], loaded.broken, collector)
        whole = not collector.found
        written = [s for s in loaded.statements if isinstance(s, ast.Policy)]
        nodes = unique(written, "a policy", collector)
        known = {*nodes, *(name for kind, name in loaded.broken if kind == "policy")}
        lowered = [_Policy(names, collector, known).lower(node) for node in written]
        policies = {
            policy.name: policy for node, policy in zip(written, lowered, strict=True) if nodes[policy.name] is node
        }
        bound = entries(nodes, policies, whole, collector)
        collector.check()
        return ir.Ruleset(
            "native",
            frozenset({4, 6}),
            policies,
            bound,
            names.finished(),
            sources=tuple(loaded.sources),
            suppressions=tuple(loaded.suppressions),
            stray=tuple(loaded.stray),
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Do without garbage collection while many small objects are made that all stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Policy:
    """Lowers one policy."""

    def __init__(self, names: Names, collector: Collector, policies: set[str]) -> None:
        self.names = names
        self.environment = names.environment
        self.collector = collector
        self.policies = policies

    def lower(self, node: ast.Policy) -> ir.Policy:
        """Return the policy."""
        default: ast.Default | None = None
        rules: list[ir.Rule] = []
        for each in node.body:
            if self.collector.full:
                break
            if isinstance(each, ast.Rule):
                rules.append(self.rule(each))
            elif default is None:
                default = each
            else:
                self.collector.add("FW703", "the policy has a default already", each.span, "take one of them out")
        return ir.Policy(
            node.name.text,
            tuple(rules),
            None if default is None else _VERDICTS[default.action.text],
            node.last_match,
            span=node.name.span,
            default_span=None if default is None else default.span,
            suppressions=node.suppressions,
            default_suppressions=() if default is None else default.suppressions,
        )

    def rule(self, node: ast.Rule) -> ir.Rule:
        """Return a rule."""
        self.names.note_uses(node.match)
        match = match_of(terms(node.match, self.environment, self.collector))
        action = self.action(node)
        return ir.Rule(
            match,
            (_LOG, action) if node.log else (action,),
            None if node.label is None else node.label.text,
            node.note,
            node.owner,
            None if node.until is None else self.expiry(node.until),
            suppressions=node.suppressions,
            span=node.span,
            action_span=node.action.span,
            lists=() if self.collector.found else match_lists(node.match, self.environment),
            host_bits=() if self.collector.found else host_bits(*node.match.addresses),
        )

    def action(self, node: ast.Rule) -> ir.Action:
        """Return what a rule does."""
        if node.target is None:
            return _VERDICTS.get(node.action.text, _RETURN)
        name, span = node.target.text, node.target.span
        if name not in self.policies:
            help = hint(name, self.policies, self.collector)
            self.collector.add("FW701", f"there is no policy `{name}`", span, help or f"write it: `policy {name} {{`")
        return ir.Jump(name, span=span)

    def expiry(self, word: Word) -> date | None:
        """Return a date."""
        from datetime import date

        try:
            if len(word.text) == 10:
                return date.fromisoformat(word.text)
        except ValueError:
            pass
        self.collector.add("FW001", f"`{word.text}` is no date", word.span, "write year, month and day: `2027-01-31`")
        return None
