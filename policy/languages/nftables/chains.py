"""The chains of the tables: which call which, where packets come from, in what order base chains are met.

Sources: nft(8), CHAINS; the kernel's net/netfilter/core.c (nf_hook_entries_grow: of two hooks with one priority the
later one is first), nf_nat_core.c (nf_nat_register_fn: all chains that translate stand at one place of a hook).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from policy._record import dataclass
from policy.diagnostic import Collector
from policy.host import Host
from policy.languages.nftables.assign import changed, rewrites
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.ast.command import Rule
from policy.languages.nftables.context import Context
from policy.languages.nftables.state import ChainState, State, TableState
from policy.netfilter import PRIORITIES

VERSIONS = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
"""The families whose chains see packets here, and the IP versions of these."""

POINTS = ("prerouting", "input", "forward", "output", "postrouting")
NAT_PRIORITIES = {"prerouting": -100, "output": -100, "input": 100, "postrouting": 100}
"""Where chains of the type nat are met, whatever priority they have among themselves."""

_TRACKED = frozenset({"state", "direction", "ctmark", "ctstatus"})
_TRANSLATED = frozenset({"src", "dst", "sport", "dport", "in", "out", "hook", "ctstatus"})


@dataclass(frozen=True, slots=True)
class Base:
    """A base chain that packets come to, in its table."""

    table: TableState
    chain: ChainState

    @property
    def name(self) -> str:
        """The name of its policy."""
        return f"{self.table.family} {self.table.name} {self.chain.name}"

    @property
    def type(self) -> str:
        """`filter`, `nat` or `route`."""
        return "" if self.chain.hook is None else self.chain.hook.type

    @property
    def point(self) -> str:
        """The hook that it stands at."""
        return "" if self.chain.hook is None else self.chain.hook.hook

    @property
    def order(self) -> tuple[int, int]:
        """What base chains at a hook are sorted by."""
        return self.chain.priority, -self.chain.order

    @property
    def versions(self) -> tuple[int, ...]:
        """The IP versions whose packets it sees."""
        return VERSIONS[self.table.family]


def bases(state: State) -> list[Base]:
    """Return the base chains that packets come to, in the order in which they were made."""
    found = [
        Base(table, chain)
        for table in state.tables.values()
        for chain in table.chains.values()
        if chain.hook is not None and not table.dormant and table.family in VERSIONS and chain.hook.hook in POINTS
    ]
    return sorted(found, key=lambda base: base.chain.order)


class Places:
    """Where the chains of one table are called from, and what its rules change."""

    def __init__(self, state: State, table: TableState, host: Host, mistakes: Collector) -> None:
        self.state = state
        self.table = table
        self.host = host
        self.mistakes = mistakes
        self.calls = {name: frozenset(_calls(table, chain.rules)) for name, chain in table.chains.items()}
        self.roots = self._roots()
        self.changing = frozenset(_changing(each for chain in table.chains.values() for each in chain.rules))

    def _roots(self) -> dict[str, tuple[ChainState, ...]]:
        """Return the base chains from which each chain is reached."""
        found: dict[str, dict[str, ChainState]] = {name: {} for name in self.table.chains}
        for root in self.table.chains.values():
            waiting = [root.name] if root.hook is not None else []
            while waiting:
                name = waiting.pop()
                if name in found and root.name not in found[name]:
                    found[name][root.name] = root
                    waiting += self.calls[name]
        return {name: tuple(roots.values()) for name, roots in found.items()}

    def context(self, chain: ChainState, roots: Iterable[ChainState] | None = None) -> Context:
        """Return what is known where the rules of a chain are lowered, if only *roots* call it (None: all that do)."""
        some = [*(self.roots[chain.name] if roots is None else roots)]
        hooks = [root.hook for root in some if root.hook is not None]
        tracked = {tracked_at(root) for root in some} or {True}
        return Context(
            self.state,
            self.table,
            chain,
            frozenset(hook.hook for hook in hooks),
            tracked.pop() if len(tracked) == 1 else None,
            self.host,
            self.mistakes,
            frozenset(hook.type for hook in hooks),
        )


def tracked_at(root: ChainState) -> bool | None:
    """Has connection tracking seen packets when they come to a base chain? At its own priority nobody knows."""
    if root.hook is None or root.hook.hook not in ("prerouting", "output"):
        return True
    first = PRIORITIES["conntrack"]
    return None if root.priority == first else root.priority > first


def verdicts(table: TableState, statement: s.Statement) -> Iterator[e.Verdict]:
    """Yield the verdicts that a statement may come to."""
    if isinstance(statement, e.Verdict):
        yield statement
    elif isinstance(statement, s.VerdictMap):
        map_ = statement.map
        if isinstance(map_, e.SetLiteral):
            elements: Iterable[e.Element] = map_.elements
        elif isinstance(map_, e.Reference) and map_.name in table.sets:
            elements = table.sets[map_.name].elements
        else:
            elements = ()
        for element in elements:
            if isinstance(element.value, e.Verdict):
                yield element.value


def _calls(table: TableState, rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        for statement in rule.statements:
            for verdict in verdicts(table, statement):
                if isinstance(verdict.chain, e.Word):
                    yield verdict.chain.text


def _changing(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield the fields that rules may change."""
    for rule in rules:
        for statement in rule.statements:
            match statement:
                case s.Assign(target) if rewrites(target):
                    yield from (*_TRANSLATED, *_TRACKED)
                case s.Assign(target) | s.Reset(target):
                    yield from changed(target)
                    yield "tcp_options"
                case s.NoTrack():
                    yield from _TRACKED
                case s.Nat() | s.Other():
                    yield from (*_TRANSLATED, "mark")


def tracks(state: State) -> bool:
    """Does a rule turn connection tracking on? Chains of the type nat alone do not (nf_ct_netns_get)."""
    kept = state.worked_out.get("tracks")
    if not isinstance(kept, bool):
        rules = (rule for table in state.tables.values() for chain in table.chains.values() for rule in chain.rules)
        kept = state.worked_out["tracks"] = any(_tracks(rule.statements) for rule in rules)
    return kept


def _tracks(value: object) -> bool:
    match value:
        case e.Selector("ct") | s.ConnectionCount():
            return True
        case s.Nat(kind):
            return kind != "tproxy"
        case s.Object(kind) | s.Other(kind):
            return kind.startswith(("ct ", "synproxy"))
        case tuple():
            return any(map(_tracks, value))
    if not is_dataclass(value):
        return False
    return any(_tracks(getattr(value, each.name)) for each in fields(value) if each.compare)


def accepting(places: Places, name: str) -> bool:
    """May a packet be accepted in a chain, or in one that it calls?"""
    waiting, seen = [name], {name}
    while waiting:
        chain = places.table.chains.get(waiting.pop())
        if chain is None:
            continue
        for rule in chain.rules:
            for statement in rule.statements:
                if any(verdict.kind == "accept" for verdict in verdicts(places.table, statement)):
                    return True
        more = places.calls[chain.name] - seen
        seen |= more
        waiting += more
    return False


def by_point(found: Iterable[Base]) -> Mapping[str, list[Base]]:
    """Return base chains by their hook, in the order in which packets meet them."""
    at: dict[str, list[Base]] = {point: [] for point in POINTS}
    for base in found:
        at[base.point].append(base)
    return {point: sorted(some, key=lambda base: base.order) for point, some in at.items()}
