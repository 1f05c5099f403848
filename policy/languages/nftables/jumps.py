"""Which chains call which, from the base chains on: no circle, and not too deep (nf_tables_api.c: `nft_chain_validate`)."""

from __future__ import annotations

from collections.abc import Iterator

from policy.diagnostic import Collector, Related
from policy.languages.nftables.ast.command import Rule
from policy.languages.nftables.ast.expression import Element, Expression, Reference, SetLiteral, Verdict, Word
from policy.languages.nftables.ast.statement import VerdictMap
from policy.languages.nftables.state import TableState
from policy.source import Span

DEEPEST = 15
"""So many chains of one's own can be nested below a base chain."""

Call = tuple[str, Span]


def calls(table: TableState, rule: Rule) -> Iterator[Verdict]:
    """Yield the jumps and gotos of a rule, those of its verdict maps too."""
    for statement in rule.statements:
        if isinstance(statement, Verdict):
            if statement.chain is not None:
                yield statement
        elif isinstance(statement, VerdictMap):
            yield from called(table, statement.map)


def called(table: TableState, map: Expression) -> Iterator[Verdict]:
    """Yield the jumps and gotos of a verdict map."""
    elements: list[Element] | tuple[Element, ...] = ()
    if isinstance(map, SetLiteral):
        elements = map.elements
    elif isinstance(map, Reference) and map.name in table.sets:
        elements = table.sets[map.name].elements
    for element in elements:
        if isinstance(element.value, Verdict) and element.value.chain is not None:
            yield element.value


def check(table: TableState, mistakes: Collector) -> None:
    """Note circles among the chains that packets can reach, and chains that are nested too deep."""
    edges: dict[str, dict[str, Span]] = {}
    for chain in table.chains.values():
        found = edges[chain.name] = {}
        for rule in chain.rules:
            for verdict in calls(table, rule):
                if isinstance(verdict.chain, Word) and verdict.chain.text in table.chains:
                    found.setdefault(verdict.chain.text, verdict.span)
    order: list[str] = []
    done: set[str] = set()
    circle = False
    for start in (chain.name for chain in table.chains.values() if chain.hook is not None):
        way: list[tuple[str, Iterator[Call]]] = [] if start in done else [(start, iter(edges[start].items()))]
        on = {start}
        while way:
            name, rest = way[-1]
            step = next(rest, None)
            if step is None:
                way.pop()
                on.discard(name)
                done.add(name)
                order.append(name)
            elif step[0] in on:
                circle = True
                _circle([each for each, _ in way], step, edges, mistakes)
            elif step[0] not in done:
                on.add(step[0])
                way.append((step[0], iter(edges[step[0]].items())))
    if not circle:
        _deep(order, edges, mistakes)


def _circle(way: list[str], last: Call, edges: dict[str, dict[str, Span]], mistakes: Collector) -> None:
    inner = [*way[way.index(last[0]) :], last[0]]
    related = tuple(Related(edges[one][two], "from here") for one, two in zip(inner[:-2], inner[1:-1], strict=True))
    text = " calls ".join(f"`{name}`" for name in inner)
    mistakes.add("FW116", f"this goes round in a circle: {text}", last[1], "take one of the calls out", related)


def _deep(order: list[str], edges: dict[str, dict[str, Span]], mistakes: Collector) -> None:
    """Each chain is as deep as the longest way to it; *order* has callers behind those that they call."""
    depth = {name: 0 for name in order}
    for name in reversed(order):
        for other, span in edges[name].items():
            if depth[name] + 1 > depth[other]:
                depth[other] = depth[name] + 1
                if depth[other] == DEEPEST + 1:
                    message = f"chains are nested deeper than {DEEPEST} below a base chain"
                    mistakes.add("FW820", message, span, "call this chain from one that is not so deep")
