"""Which chains call which: names that there are not, circles, and chains that are nested too deep.

Sources: the kernel's nf_tables_api.c (nft_chain_validate: only what packets can come to is looked at;
nft_verdict_init: no base chain is called).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from policy.diagnostic import Collector, Related, did_you_mean
from policy.languages.nftables.ast.expression import Word
from policy.languages.nftables.chains import verdicts
from policy.languages.nftables.state import TableState
from policy.source import Span

DEEPEST = 15
"""So many chains can be nested below a base chain (NFT_JUMP_STACK_SIZE)."""

_Edges = dict[str, dict[str, Span]]


def refuse(table: TableState, mistakes: Collector) -> None:
    """Note what is wrong with the calls of a table's chains."""
    edges = _edges(table, mistakes)
    order: list[str] = []
    done: set[str] = set()
    round = False
    for start in (chain.name for chain in table.chains.values() if chain.hook is not None):
        way: list[tuple[str, Iterator[tuple[str, Span]]]] = (
            [] if start in done else [(start, iter(edges[start].items()))]
        )
        open = {start}
        while way:
            name, rest = way[-1]
            step = next(rest, None)
            if step is None:
                way.pop()
                open.discard(name)
                done.add(name)
                order.append(name)
            elif step[0] in open:
                round = True
                _circle([each for each, _ in way], step, edges, mistakes)
            elif step[0] not in done:
                open.add(step[0])
                way.append((step[0], iter(edges[step[0]].items())))
    if not round:
        _deep(order, edges, mistakes)


def _edges(table: TableState, mistakes: Collector) -> _Edges:
    edges: _Edges = {}
    for chain in table.chains.values():
        found = edges[chain.name] = {}
        for rule in chain.rules:
            for statement in rule.statements:
                for verdict in verdicts(table, statement):
                    if isinstance(verdict.chain, Word) and _may_call(table, verdict.chain, mistakes):
                        found.setdefault(verdict.chain.text, verdict.span)
    return edges


def _may_call(table: TableState, name: Word, mistakes: Collector) -> bool:
    chain = table.chains.get(name.text)
    if chain is None:
        help = did_you_mean(name.text, table.chains) or "declare it in the table"
        mistakes.add("FW701", f"the table `{table.name}` has no chain `{name.text}`", name.span, help)
    elif chain.hook is not None:
        related = (Related(chain.span, "it is made here"),)
        help = "put its rules into a chain without a hook, and call that"
        mistakes.add("FW820", f"`{name.text}` is a base chain, which no rule can call", name.span, help, related)
    else:
        return True
    return False


def _circle(way: list[str], last: tuple[str, Span], edges: _Edges, mistakes: Collector) -> None:
    inner = [*way[way.index(last[0]) :], last[0]]
    related = tuple(Related(edges[one][two], "from here") for one, two in pairwise(inner[:-1]))
    text = " calls ".join(f"`{name}`" for name in inner)
    mistakes.add("FW116", f"this goes round in a circle: {text}", last[1], "take one of the calls out", related)


def _deep(order: list[str], edges: _Edges, mistakes: Collector) -> None:
    """Note what makes a chain too deep: it is as deep as the longest way to it; callers stand behind in *order*."""
    depth = dict.fromkeys(order, 0)
    for name in reversed(order):
        for other, span in edges[name].items():
            if depth[name] >= depth[other]:
                depth[other] = depth[name] + 1
                if depth[other] == DEEPEST + 1:
                    help = "call this chain from one that is not so deep"
                    mistakes.add("FW820", f"chains are nested deeper than {DEEPEST} below a base chain", span, help)
