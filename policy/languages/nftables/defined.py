"""The values of the variables that stand in some places of a text, found again from what the text defines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from policy.diagnostic import Collector
from policy.ir import Definition, Ruleset
from policy.languages.nftables.ast.command import Define
from policy.languages.nftables.blocks import whole
from policy.languages.nftables.parse import parse
from policy.languages.nftables.variables import Scope
from policy.source import Source, Span

_NAMED = re.compile(r"\$([A-Za-z_][\w-]*)", re.ASCII)


def scope_for(ruleset: Ruleset, places: Iterable[Span]) -> Scope:
    """Return a scope with the variables that stand in *places*, but for those that are defined several times."""
    scope = Scope(Collector())
    names = {name for place in places for name in _NAMED.findall(place.text)}
    if names:
        given: dict[str, list[Definition]] = {}
        for each in ruleset.definitions:
            if each.kind == "variable":
                given.setdefault(each.name, []).append(each)
        for command in _needed(names, given):
            scope.define(command)
    return scope


def _needed(names: Iterable[str], given: Mapping[str, list[Definition]]) -> Iterator[Define]:
    """Yield the definitions of some names, behind those of the names in them."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[Define]:
        if name in done or len(given.get(name, ())) != 1:
            return
        done.add(name)
        place = whole(given[name][0].span)
        command = None if place is None else _read(place)
        if place is not None and command is not None:
            for inner in _NAMED.findall(place.text):
                yield from visit(inner)
            yield command

    for name in sorted(names):
        yield from visit(name)


def _read(place: Span) -> Define | None:
    commands = parse(Source(place.source.name, place.text), Collector()).commands
    return commands[0] if len(commands) == 1 and isinstance(commands[0], Define) else None
