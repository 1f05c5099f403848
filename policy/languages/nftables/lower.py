"""From what a script has made to the IR: chains as policies, and the ways of packets through the base chains.

`accept` ends a base chain only, `drop` ends everything. A chain sees the IP versions of its family; those of bridge,
arp and netdev see no packets as they are asked about, so they are read and left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from policy.diagnostic import Collector
from policy.host import Host
from policy.ir import Definition, Goto, Jump, Policy, Ruleset
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.chains import VERSIONS, Places, bases
from policy.languages.nftables.entries import Entering
from policy.languages.nftables.rules import Lowering
from policy.languages.nftables.state import State, TableState
from policy.looping import arriving, looping
from policy.packet import OUTPUT, Intervals
from policy.routing import ending, minds_ttl
from policy.source import Span

_SET = re.compile(r"@([A-Za-z_][\w.-]*)", re.ASCII)


def lower(state: State, host: Host, mistakes: Collector) -> Ruleset:
    """Return the ruleset of the tables of *state*; what is wrong goes to *mistakes*."""
    found = bases(state)
    entering = Entering(found, host)
    policies: dict[str, Policy] = {}
    for table in state.tables.values():
        if table.family not in VERSIONS:
            continue
        lowering = Lowering(Places(state, table, host, mistakes), entering.accepted)
        for base in found:
            if base.table is table:
                lowering.base(base)
        lowering.others()
        policies.update(_in_order(table, lowering.policies))
    entries = entering.entries(state, policies)
    ruleset = Ruleset(
        "nftables",
        entering.families,
        policies,
        entries,
        tuple(_definitions(state, policies)),
        sources=tuple(state.sources),
        suppressions=tuple(state.suppressions),
        stray=tuple(state.stray),
        replaced=tuple(state.replaced),
    )
    ruleset = arriving(ruleset) if ruleset.policies else ruleset
    if any(entry.translates for entry in ruleset.at(OUTPUT)):
        ruleset = looping(ruleset)
    return ending(ruleset) if minds_ttl(policies.values()) else ruleset


def _in_order(table: TableState, policies: Mapping[str, Policy]) -> Iterator[tuple[str, Policy]]:
    """Yield the policies of a table in the order of its chains."""
    names = [f"{table.family} {table.name} {chain}" for chain in table.chains]
    places = {name: number for number, name in enumerate(names)}
    yield from sorted(policies.items(), key=lambda item: places.get(item[0].partition(":")[0], len(places)))


def _definitions(state: State, policies: Mapping[str, Policy]) -> Iterator[Definition]:
    """Yield the names that the text gives: chains, sets, variables, with the places that use them."""
    uses: dict[str, list[Span]] = {}
    for policy in policies.values():
        for rule in policy.rules:
            for action in rule.actions:
                if isinstance(action, Jump | Goto) and action.span is not None:
                    uses.setdefault(action.policy.partition(":")[0], []).append(action.span)
    for table in state.tables.values():
        named: dict[str, list[Span]] = {}
        for name, span in _uses(table):
            named.setdefault(name, []).append(span)
        for chain in table.chains.values():
            if chain.hook is None and table.family in VERSIONS:
                name = f"{table.family} {table.name} {chain.name}"
                places = tuple(dict.fromkeys(uses.get(name, ())))
                yield Definition(name, "chain", chain.name, span=chain.span, uses=places)
        for name, each in table.sets.items() if table.family in VERSIONS else ():
            said = each.definition
            yield Definition(
                name,
                "map" if said.is_map else "set",
                f"@{name}",
                None if each.elements else Intervals(),
                span=said.name_span,
                uses=tuple(named.get(name, ())),
                suppressions=said.suppressions,
            )
    for variable in state.variables:
        yield Definition(
            variable.name,
            "variable",
            variable.span.text,
            span=variable.span,
            uses=tuple(variable.uses),
            suppressions=variable.suppressions,
        )


def _uses(table: TableState) -> Iterator[tuple[str, Span]]:
    """Yield the names of sets that rules of a table mention, with the place."""
    for chain in table.chains.values():
        for rule in chain.rules:
            yield from _named(rule.statements)


def _named(statements: Iterable[object]) -> Iterator[tuple[str, Span]]:
    for each in statements:
        match each:
            case s.SetUpdate(set=name, key=key, value=value, statements=inner, span=span):
                yield name, span
                yield from _named((key, value, *inner))
            case e.Reference(name, span=span):
                yield name, span
            case s.Match(left, _, right):
                yield from _named((left, right))
            case s.VerdictMap(key, map_) | e.Lookup(key, map_):
                yield from _named((key, map_))
            case s.Assign(_, value) | s.Object(_, value) | s.Queue(target=value):
                yield from _named((value,))
            case s.Meter(name, key, inner, span=span):
                yield name, span
                yield from _named((key, *inner))
            case s.Other(text=text, span=span):
                yield from ((name, span) for name in _SET.findall(text))
            case s.Nat(address=address, port=port):
                yield from _named((address, port))
            case e.Concat(parts) | e.List(parts):
                yield from _named(parts)
            case e.Binary(_, left, right):
                yield from _named((left, right))
