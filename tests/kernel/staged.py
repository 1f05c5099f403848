"""A scenario on Linux itself, beside the simulator: what is compared, step by step.

What whoever does a step sees, the states of all TCP sockets, and what the tables of connections hold.

    python -m tests.kernel.staged --seed NAME --scenarios 20
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from policy.kernel.tools import Failed, Unavailable
from policy.packet.address import format_address
from policy.report.deeds import deed_text
from policy.report.timeline_text import result_text
from policy.simulate import scenario as s
from policy.simulate.play import Done, play
from policy.simulate.world import World
from tests.kernel.stage import PATIENCE, Saw, Stage
from tests.kernel.stories import Author, story
from tests.kernel.street import begin

CANNOT = 2
SOON = 0.5
"""So many seconds the hosts may take until things are as the simulator says."""

LATER = 1.5
_QUIET = frozenset({"closed", "bound", "unconnected", "connected"})
_V4_MAPPED = "::ffff:"


@dataclass
class Both:
    """A scenario in both worlds, whose times are the same: that of the simulator never stays behind."""

    stage: Stage
    world: World
    start: float

    def states(self, host: str) -> Counter[str]:
        """Return the states of the TCP sockets of a host in the simulator, as `Stage.states` does."""
        ours = self.world.hosts[host]
        found = Counter(
            self.world.states[name]
            for name, (where, _) in self.world.sockets.items()
            if where is ours and self.world.states.get(name, "closed") not in _QUIET
        )
        del found["listen"]
        return +found

    def entries(self, host: str) -> Counter[str]:
        """Return what the simulator's table of connections holds, as `Stage.entries` does."""
        found: Counter[str] = Counter()
        wall = self.world.hosts[host].machine.wall
        assert wall is not None
        for entry in wall.tracker.entries(self.world.network.now):
            proto = {6: "tcp", 17: "udp"}.get(entry.original.proto)
            if proto is not None:
                state = entry.track.state.name if proto == "tcp" else ""
                known = "ASSURED " * bool(entry.status & 4) + "UNREPLIED" * (not entry.status & 2)
                found[f"{proto} {state} {known}".strip()] += 1
        return found

    def keep_up(self) -> None:
        """Let the simulator's time be at least what the clock says."""
        self.world.network.run(time.monotonic() - self.start)
        self.world.network.settle()

    def agree(self, what: str, ours: Callable[[], Counter[str]], theirs: Callable[[], Counter[str]]) -> Iterator[str]:
        """Yield what is not the same, if it does not become that soon."""
        until = time.monotonic() + SOON
        self.keep_up()
        while (found := theirs()) != ours():
            if time.monotonic() > until:
                yield f"{what}: {dict(ours())} here, {dict(found)} there"
                return
            time.sleep(0.005)
            self.keep_up()


def differences(both: Both, done: Done, saw: Saw) -> Iterator[str]:
    """Yield what is not as the simulator says."""
    outcome = done.outcome
    code = None if outcome.failure is None else outcome.failure.code
    failed = saw.result == "failed"
    if failed != (code is not None and outcome.result != "timed out") or (failed and saw.code != code):
        yield f"{outcome.result} {code} here, {saw.result} {saw.code} there"
    elif not failed and saw.result != outcome.result:
        yield f"{outcome.result} here, {saw.result} there"
    if saw.size != outcome.size:
        yield f"{outcome.size} bytes here, {saw.size} there"
    if isinstance(done.step.deed, s.Connect) and saw.source is not None and outcome.source is not None:
        ours = format_address(outcome.source)
        if saw.source.removeprefix(_V4_MAPPED) != ours:
            yield f"from {ours} here, from {saw.source} there"
    for spec in both.stage.scenario.hosts:
        name = spec.name
        yield from both.agree(f"sockets of {name}", partial(both.states, name), partial(both.stage.states, name))
        if spec.firewall is not None:
            yield from both.agree(f"table of {name}", partial(both.entries, name), partial(both.stage.entries, name))


def compared(scenario: s.Scenario, author: Author, counts: Counter[str]) -> list[str]:
    """Play a scenario on both; return the first thing that differs, with what was done before."""
    stage = Stage(scenario)
    stage.build()
    both = Both(stage, World(scenario), time.monotonic())
    walls = [spec for spec in scenario.hosts if spec.firewall is not None]
    told = [f"{spec.name}:\n{spec.firewall.rules.sources[0].text}" for spec in walls if spec.firewall is not None]
    try:
        for done in play(scenario, both.world):
            failure = done.outcome.failure
            saw = stage.do(done.step.deed, LATER if failure is not None and failure.by is not None else PATIENCE)
            told.append(_told(done))
            author.heard(done)
            counts[type(done.step.deed).__name__] += 1
            counts[f"= {done.outcome.result}"] += 1
            if wrong := list(differences(both, done, saw)):
                return [*told, *wrong]
    finally:
        stage.end()
    return []


def _told(done: Done) -> str:
    deed = done.step.deed
    rules = f"\n{deed.firewall.rules.sources[0].text}" if isinstance(deed, s.Reload) and deed.firewall else ""
    code = done.outcome.failure.code if done.outcome.failure else ""
    return f"{deed_text(deed)}: {result_text(done.outcome)} {code}{rules}"


def main() -> int:
    """Compare random scenarios; 1 where one differs, 2 where Linux cannot be asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", default="0")
    parser.add_argument("--scenarios", type=int, default=10)
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    wrong = 0
    try:
        begin()
        for number in range(given.scenarios):
            found = compared(*story(random.Random(f"{given.seed}-{number}"), given.steps), counts)
            if found:
                wrong += 1
                sys.stdout.write(f"scenario {number} differs:\n  " + "\n  ".join(found) + "\n")
    except (Unavailable, Failed, OSError) as error:
        sys.stdout.write(f"the kernel cannot be asked: {error}\n")
        return CANNOT
    for name, number in sorted(counts.items()):
        sys.stdout.write(f"{number:9,}  {name}\n")
    sys.stdout.write(f"{wrong:9,}  scenarios that differ\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
