"""Play a scenario: its steps as data, and what is in the way as a mistake at its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policy._record import dataclass
from policy.diagnostic import Diagnostic, Mistakes, Related
from policy.evaluate import Atom
from policy.ir import Unknown, UnknownAction
from policy.packet import FIELDS
from policy.packet.text import set_text
from policy.simulate.activity import Attempt
from policy.simulate.play import Done, Trouble, play
from policy.simulate.scenario import Scenario
from policy.simulate.wall import Undecided
from policy.simulate.watch import Watch
from policy.simulate.world import World
from policy.sockets import Socket

if TYPE_CHECKING:
    from policy.simulate.unmatched import Unmatched


@dataclass(frozen=True, slots=True)
class Tried:
    """Who tried ports of whom, as the firewall of a *host* saw it, and whether it *allowed* that."""

    host: str
    source: int
    target: int
    proto: int
    allowed: bool


def _tried(attempt: Attempt) -> Tried:
    return Tried(attempt.host, attempt.source, attempt.target, attempt.proto, attempt.allowed)


class Playing:
    """A scenario that is played: its steps as they are done, counted, and what is watched meanwhile.

    *steps* were done, of *expected* something was expected, of *missed* it does not hold. *tried* are the ports that
    were tried, each time.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.watch = Watch()
        self.steps = self.expected = self.missed = 0
        self.tried: dict[Tried, list[int]] = {}
        self._world = World(scenario)

    def __iter__(self) -> Iterator[Done]:
        """Yield the steps; raises `diagnostic.Mistakes` where one cannot be done."""
        try:
            for done in play(self.scenario, self._world):
                for attempt in self.watch.take(done.events):
                    self.tried.setdefault(_tried(attempt), []).append(attempt.port)
                self.steps += 1
                self.expected += done.step.expected is not None
                self.missed += bool(done.missed)
                yield done
        except Trouble as error:
            raise Mistakes([_mistake(error)]) from error

    def unmatched(self) -> Iterator[Unmatched]:
        """Yield for each host with rules the ports on which these and its sockets do not agree, as they are now."""
        from policy.simulate.unmatched import unmatched

        for host in self._world.hosts.values():
            found = unmatched(host)
            if found is not None:
                yield found

    @property
    def names(self) -> dict[Socket, str]:
        """What sockets are called."""
        return self._world.names


def _mistake(trouble: Trouble) -> Diagnostic:
    span = trouble.step.span
    assert span is not None
    cause = trouble.cause
    if not isinstance(cause, Undecided):
        return Diagnostic("FW006", str(cause), span, cause.help)
    texts = [_text(each) for each in cause.open]
    keys = [key for each in cause.open if (key := getattr(each, "key", None)) is not None]
    message = f"{cause}: {', '.join(texts)}" if texts else str(cause)
    help = f'say `assume: {{"{keys[0]}": yes}}` at the firewall of `{cause.host}`, or `no`' if keys else None
    places = (each.span for each in cause.open if not isinstance(each, UnknownAction) and each.span is not None)
    return Diagnostic("FW006", message, span, help, related=tuple(Related(place, "here") for place in places))


def _text(atom: Atom | UnknownAction) -> str:
    if isinstance(atom, Unknown | UnknownAction):
        return atom.text
    return f"{FIELDS[atom.name].title} {set_text(atom.name, atom.values)}"
