"""What rules of a script do that decides what others may take for granted; found out once for each script."""

from __future__ import annotations

from collections.abc import Iterator

from policy._record import dataclass
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.state import State, TableState


@dataclass(frozen=True, slots=True)
class Facts:
    """*translates*: a rule rewrites addresses or ports; *untracks*: one takes packets out of connection tracking.

    *adds* and *deletes* are the sets, by their table and name, to which rules add elements and from which they delete.
    """

    translates: bool
    untracks: bool
    adds: frozenset[tuple[str, str, str]]
    deletes: frozenset[tuple[str, str, str]]


def facts(state: State) -> Facts:
    """Return what the rules of a script do."""
    kept = state.worked_out.get("facts")
    if not isinstance(kept, Facts):
        kept = state.worked_out["facts"] = _found(state)
    return kept


def _found(state: State) -> Facts:
    translates = untracks = False
    changed: dict[str, set[tuple[str, str, str]]] = {"add": set(), "update": set(), "delete": set()}
    for table, statement in _statements(state):
        match statement:
            case s.Nat():
                translates = True
            case s.Assign(target):
                translates |= target.kind in ("payload", "raw")
            case s.Other(kind):
                translates |= kind == "xt target"
                untracks |= kind == "xt target"
            case s.NoTrack():
                untracks = True
            case s.SetUpdate(operation, name):
                changed[operation].add((table.family, table.name, name))
            case s.Meter(name):
                changed["add"].add((table.family, table.name, name))
    return Facts(translates, untracks, frozenset(changed["add"] | changed["update"]), frozenset(changed["delete"]))


def _statements(state: State) -> Iterator[tuple[TableState, s.Statement]]:
    for table in state.tables.values():
        for chain in table.chains.values():
            for rule in chain.rules:
                for statement in rule.statements:
                    yield table, statement
