"""Who may reach whom: each kind of traffic, from each zone to each, exactly; for the first packets of connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from policy._record import dataclass
from policy.app.hooks import filters
from policy.app.kinds import kinds
from policy.app.pieces import Piece
from policy.app.problem import CannotAnswer
from policy.app.usual import in_words
from policy.app.zones import Zone, Zones, alike, anyone, named_zones
from policy.check.facts import Facts
from policy.evaluate.looks import looks_at_hook
from policy.ir import Field, Goto, Jump, Policy, Ruleset, walk
from policy.packet import FORWARD, HOOKS, INPUT, OUTPUT
from policy.reach import Flow
from policy.reach.first import first_packets
from policy.sets import Budget, Exhausted
from policy.sets.truth import Algebra

MOST_REGIONS = 60
SHOWN_REGIONS = 3

Answer = Literal["all", "none", "depends", "part", "no such packets"]


@dataclass(frozen=True, slots=True)
class Cell:
    """May packets of one kind go from one zone to another?

    *allowed* and *depends* say in words, where the answer is `part`, which of them are allowed and for which it
    depends on what is not known; the others are blocked. None: too many to say.
    """

    answer: Answer
    allowed: tuple[str, ...] | None = ()
    depends: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """Kinds of traffic with the same answers; `cells[row][column]` is from a sender to a receiver."""

    kinds: tuple[Piece[Any], ...]
    senders: tuple[Zone, ...]
    receivers: tuple[Zone, ...]
    cells: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Who may reach whom at *hook* (None: at every hook alike); *notes* say what is not shown one by one."""

    hook: int | None
    families: tuple[int, ...]
    grids: tuple[Grid, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Packets:
    """First packets by what becomes of them."""

    flow: Flow[Any, Any]
    within: Any
    match: Callable[[Any], Any]
    words: Callable[[Algebra], tuple[str, ...] | None]

    def cell(self, packets: Any) -> Cell:
        """Return what becomes of *packets*."""
        flow = self.flow
        answers: Iterable[tuple[Answer, Any]] = (
            ("all", flow.allowed),
            ("none", flow.blocked),
            ("depends", flow.depends),
        )
        if not packets:
            return Cell("no such packets")
        for answer, inside in answers:
            if packets <= inside:
                return Cell(answer)
        return Cell("part", self.words(packets & flow.allowed), self.words(packets & flow.depends))


def matrix(
    ruleset: Ruleset, hook: int | None = None, assume: Mapping[str, bool] | None = None, budget: Budget | None = None
) -> Matrix:
    """Return who may reach whom at *hook*; left out: the first of forward, input and output that has rules.

    Zones are the named networks, or where rules ask for interfaces, or the file has no names, the senders and
    receivers that the rules treat alike. Raises `CannotAnswer` where it is not found out within the budget.
    """
    at = _usual_hook(ruleset) if hook is None else hook
    if not ruleset.at(at):
        raise CannotAnswer(f"there are no rules at {HOOKS[at or 0]}", "say another hook with --hook")
    try:
        return _matrix(ruleset, at, assume or {}, budget)
    except Exhausted as limit:
        raise CannotAnswer(f"who may reach whom is undecided: it needs more than {limit}") from None
    except RecursionError:
        raise CannotAnswer("who may reach whom is undecided: conditions are nested too deeply") from None


def _usual_hook(ruleset: Ruleset) -> int | None:
    if None in ruleset.entries and not looks_at_hook(ruleset):
        return None
    order = [hook for hook in (FORWARD, INPUT, OUTPUT) if filters(ruleset, hook)]
    with_rules = [hook for hook in order if any(ruleset.policies[e.policy].rules for e in ruleset.at(hook) if e.main)]
    return [*with_rules, *order, INPUT][0]


def _matrix(ruleset: Ruleset, hook: int | None, assume: Mapping[str, bool], budget: Budget | None) -> Matrix:
    space = Facts(ruleset, budget).space(hook)
    within = space.of_match(first_packets(space.layout))

    def said(packets: Algebra) -> tuple[str, ...] | None:
        try:
            return tuple(in_words(packets, space.layout, ruleset.definitions, MOST_REGIONS, SHOWN_REGIONS))
        except Exhausted:
            return None

    packets = _Packets(Flow(ruleset, space, within, assume), within, space.of_match, said)
    policies = _called(ruleset, hook)
    found, untold = kinds(ruleset.definitions, policies, space, within)
    zones = None if _asks_for_interfaces(policies) else named_zones(ruleset, space.layout)
    notes = [f"{untold} services are not told apart from others"] if untold else []
    grids: dict[tuple[object, ...], Grid] = {}
    crowded = 0
    for kind in found:
        between, grouped = (zones, 0) if zones else _alike(packets, kind, ruleset)
        crowded += grouped
        _add(grids, _grid(packets, kind, between))
    if zones and zones.grouped:
        notes.append(f"{zones.grouped} names of networks are not shown as zones of their own")
    if crowded:
        who = "one kind of traffic has" if crowded == 1 else f"{crowded} kinds of traffic have"
        notes.append(f"{who} more zones than are shown: the smallest stand together")
    return Matrix(hook, tuple(sorted(ruleset.families)), tuple(grids.values()), tuple(notes))


def _called(ruleset: Ruleset, hook: int | None) -> list[Policy]:
    """Return the policies that packets at *hook* may come to."""
    waiting = [entry.policy for entry in ruleset.at(hook)]
    found: dict[str, Policy] = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = ruleset.policies[name]
            actions = [action for rule in found[name].rules for action in rule.actions]
            waiting += [action.policy for action in actions if isinstance(action, Jump | Goto)]
    return [policy for name, policy in ruleset.policies.items() if name in found]


def _asks_for_interfaces(policies: Iterable[Policy]) -> bool:
    return any(
        isinstance(part, Field) and part.name in ("in", "out")
        for policy in policies
        for rule in policy.rules
        for part in walk(rule.match)
    )


def _alike(packets: _Packets, kind: Piece[Any], ruleset: Ruleset) -> tuple[Zones, int]:
    flow = packets.flow
    try:
        found = alike(
            [kind.value & verdict for verdict in (flow.allowed, flow.blocked, flow.depends)],
            flow.sets.layout,
            ruleset.definitions,
        )
    except Exhausted:
        return anyone(), 1
    return found, int(found.grouped > 0)


def _grid(packets: _Packets, kind: Piece[Any], zones: Zones) -> Grid:
    def those(zone: Zone) -> Any:
        return packets.match(zone.match)

    receivers = [those(zone) for zone in zones.receivers]
    rows = []
    for sender in zones.senders:
        sent = kind.value & those(sender)
        rows.append(tuple(packets.cell(sent & receiver) for receiver in receivers))
    return Grid((kind,), zones.senders, zones.receivers, tuple(rows))


def _add(grids: dict[tuple[object, ...], Grid], grid: Grid) -> None:
    """Add a grid, together with one that is the same; what is said of parts is about one kind only."""
    partly = any(cell.answer == "part" for row in grid.cells for cell in row)
    key = (grid.senders, grid.receivers, grid.cells, grid.kinds[0].name if partly else None)
    before = grids.get(key)
    together = (*before.kinds, *grid.kinds) if before else grid.kinds
    grids[key] = Grid(together, grid.senders, grid.receivers, grid.cells)
