"""What nft or the kernel refuses of a script whose syntax is right: names, order of statements, protocols, sets.

Beside it, lowering refuses what it cannot give a meaning: constants of another type, fields that there are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.diagnostic import Collector, Diagnostic
from policy.host import UNKNOWN_HOST
from policy.languages.nftables.chains import VERSIONS, Places
from policy.languages.nftables.refuse import calls, objects, sets
from policy.languages.nftables.refuse.rules import refuse_rule
from policy.languages.nftables.refuse.unseen import check_unseen
from policy.languages.nftables.state import State

_FOLLOWING = frozenset({"FW701", "FW703", "FW820", "FW504"})
"""The codes of mistakes that may be there only because of others."""


def refuse(state: State, mistakes: Collector) -> None:
    """Note what is wrong with the tables of *state*."""
    for table in state.tables.values():
        places = Places(state, table, UNKNOWN_HOST, mistakes)
        calls.refuse(table, mistakes)
        for made in table.objects.values():
            objects.refuse(table, made, mistakes)
        for named in table.sets.values():
            sets.refuse(places, named, mistakes)
        for chain in table.chains.values():
            context = places.context(chain)
            for rule in chain.rules:
                if mistakes.full:
                    return
                before = len(mistakes.found)
                refuse_rule(context, rule)
                if table.family not in VERSIONS and len(mistakes.found) == before:
                    check_unseen(context, rule)


def beside(found: Sequence[Diagnostic], more: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return mistakes that are about other places than those that were found before."""
    places = [(each.span.source.name, each.span.start, each.span.end) for each in found]
    return [
        each
        for each in more
        if not any(
            each.span.source.name == name and each.span.start < end and start < max(each.span.end, each.span.start + 1)
            for name, start, end in places
        )
    ]


def sure(found: Sequence[Diagnostic], more: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return mistakes that are none because of those before: where something was left out, names may be missing."""
    return [each for each in more if not found or each.code not in _FOLLOWING]


__all__ = ["beside", "refuse", "sure"]
