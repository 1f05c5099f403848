"""What is there when a command is done: nft reads a script from top to bottom, a block of a table at once."""

from __future__ import annotations

import re
from dataclasses import replace

from policy.diagnostic import Collector, did_you_mean
from policy.languages.nftables.ast.command import Include, NamedSet, Rule
from policy.languages.nftables.ast.expression import Word
from policy.languages.nftables.chains import verdicts
from policy.languages.nftables.state import TableState
from policy.source import Span

_REFERENCE = re.compile(r'"[^"\n]*"|#[^\n]*|@(?!(?:ll|nh|th|ih),)([A-Za-z_][\w.-]*)', re.ASCII)
_HELP = "make it before, or in the same block"


def names_known(table: TableState, rule: Rule, mistakes: Collector) -> None:
    """Note which of the chains and sets that a rule names are not there by now."""
    for statement in rule.statements:
        for verdict in verdicts(table, statement):
            if isinstance(verdict.chain, Word) and verdict.chain.text not in table.chains:
                name = verdict.chain.text
                help = did_you_mean(name, table.chains) or _HELP
                message = f"there is no chain `{name}` in `{table.name}`"
                mistakes.add("FW701", message, verdict.chain.span, help)
    text = rule.span.text
    for found in _REFERENCE.finditer(text) if "@" in text else ():
        name = found[1]
        if name and name not in table.sets and ("flowtable", name) not in table.objects:
            start = rule.span.start + found.start(1) - 1
            span = Span(rule.span.source, start, start + len(name) + 1)
            help = did_you_mean(name, table.sets) or _HELP
            mistakes.add("FW701", f"there is no set `{name}` in `{table.name}`", span, help)


def alike(one: NamedSet, two: NamedSet) -> bool:
    """May a set be said twice like that? Its size and its elements may differ."""
    words = [each for each in (one.type, two.type) if isinstance(each, tuple)]
    values = [each for each in (one.value, two.value) if isinstance(each, tuple)]
    if any(len(each) == 2 and each[0] != each[1] for each in (words, values)):
        return False
    return (one.is_map, _flags(one), one.timeout) == (two.is_map, _flags(two), two.timeout)


def together(named: NamedSet, part: NamedSet, include: Include) -> NamedSet:
    """Return a set with what a *part* says that it *include*s; of what is said twice the last holds, as in nft."""
    fields = ("type", "value", "timeout", "gc", "size", "policy", "auto_merge", "comment", "statements", "flags")
    said = {name: getattr(named, name) or getattr(part, name) for name in fields}
    own = named.elements
    if part.elements is not None and (own is None or own.span.start < include.span.start):
        said["elements"] = part.elements
    return replace(named, **said)


def _flags(of: NamedSet) -> frozenset[str]:
    return frozenset(of.flags) | (frozenset({"timeout"}) if of.timeout is not None else frozenset())
