"""Plays a scenario: its steps one after another, each with what happened and how things are then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import islice

from policy._record import dataclass
from policy.conntrack import Entry
from policy.simulate import scenario as s
from policy.simulate.expect import missed
from policy.simulate.log import Change, Event, Tracked
from policy.simulate.player import Impossible, Outcome, Player
from policy.simulate.wall import Undecided
from policy.simulate.world import World

MOST_SHOWN = 64
"""Of so many sockets, and connections of a host, the states are kept with each step."""


@dataclass(slots=True)
class Done:
    """A step that was done, from *begin* to *end*: its outcome, what happened meanwhile, and how things are then.

    *states* are those of sockets by name, *tables* the connections of the hosts that have a firewall. *missed* says in
    words which expectations do not hold.
    """

    step: s.Step
    begin: float
    end: float
    outcome: Outcome
    events: list[Event]
    states: dict[str, str]
    tables: dict[str, list[Entry]]
    missed: list[str] = field(default_factory=list)

    def changed(self, host: str) -> bool:
        """Has the table of connections of a host changed in this step?"""
        deed = self.step.deed
        if isinstance(deed, s.Wait) or (isinstance(deed, s.Flush) and deed.on == host):
            return True
        return any(isinstance(event, Tracked) and event.host == host for event in self.events)


class Trouble(Exception):
    """A step of a scenario that cannot be done, and why."""

    def __init__(self, step: s.Step, cause: Undecided | Impossible) -> None:
        super().__init__(str(cause))
        self.step = step
        self.cause = cause


def play(scenario: s.Scenario, world: World | None = None) -> Iterator[Done]:
    """Yield the steps of a scenario as they are done. Raises `Trouble` where one cannot be done.

    Whoever wants to look at the hosts meanwhile, or afterwards, gives the *world* that it is played in.
    """
    world = world or World(scenario)
    player = Player(world)
    tables: dict[str, list[Entry]] = {}
    for step in scenario.steps:
        begin = world.network.now
        events = world.network.log = []
        try:
            outcome = player.do(step.deed)
            world.network.settle()
        except (Undecided, Impossible) as error:
            raise Trouble(step, error) from error
        if isinstance(step.deed, s.Wait | s.Flush) or any(isinstance(each, Tracked) for each in events):
            tables = _tables(world)
        done = Done(step, begin, world.network.now, outcome, events, _states(world, events), tables)
        if step.expected is not None:
            done.missed = missed(step.expected, outcome, events, world)
        yield done


def _tables(world: World) -> dict[str, list[Entry]]:
    now = world.network.now
    walls = ((host.name, host.machine.wall) for host in world.hosts.values())
    return {name: list(islice(wall.tracker.entries(now), MOST_SHOWN)) for name, wall in walls if wall is not None}


def _states(world: World, events: list[Event]) -> dict[str, str]:
    if len(world.states) <= MOST_SHOWN:
        return dict(world.states)
    changed = dict.fromkeys(each.socket for each in events if isinstance(each, Change))
    return {name: world.states[name] for name in islice(changed, MOST_SHOWN)}
