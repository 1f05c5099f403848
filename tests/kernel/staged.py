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
from functools import partial

from policy.kernel.tools import Failed, Unavailable
from policy.packet.address import format_address
from policy.report.deeds import deed_text
from policy.report.timeline_text import result_text
from policy.simulate import scenario as s
from policy.simulate.log import Change
from policy.simulate.play import Done, play
from tests.kernel.stage import PATIENCE, Saw, Stage
from tests.kernel.stories import Author, story
from tests.kernel.street import begin

CANNOT = 2
SOON = 0.5
"""So many seconds the hosts may take until things are as the simulator says."""

LATER = 1.5
_QUIET = frozenset({"closed", "bound", "unconnected", "connected"})
_V4_MAPPED = "::ffff:"


def entries_of(done: Done, host: str) -> Counter[str]:
    """Return what the simulator's table of connections holds, as `Stage.entries` does."""
    found: Counter[str] = Counter()
    for entry in done.tables.get(host, ()):
        proto = {6: "tcp", 17: "udp"}.get(entry.original.proto)
        if proto is not None:
            state = entry.track.state.name if proto == "tcp" else ""
            known = "ASSURED " * bool(entry.status & 4) + "UNREPLIED" * (not entry.status & 2)
            found[f"{proto} {state} {known}".strip()] += 1
    return found


def differences(stage: Stage, done: Done, saw: Saw, hosts: dict[str, str]) -> Iterator[str]:
    """Yield what is not as the simulator says; *hosts* are those of its sockets, by name."""
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
    for spec in stage.scenario.hosts:
        states = Counter(
            state for name, state in done.states.items() if hosts[name] == spec.name and state not in _QUIET
        )
        del states["listen"]
        yield from _as_said(f"sockets of {spec.name}", +states, partial(stage.states, spec.name))
        if spec.firewall is not None:
            entries = entries_of(done, spec.name)
            yield from _as_said(f"table of {spec.name}", entries, partial(stage.entries, spec.name))


def _as_said(what: str, ours: Counter[str], theirs: Callable[[], Counter[str]]) -> Iterator[str]:
    until = time.monotonic() + SOON
    while (found := theirs()) != ours:
        if time.monotonic() > until:
            yield f"{what}: {dict(ours)} here, {dict(found)} there"
            return
        time.sleep(0.005)


def compared(scenario: s.Scenario, author: Author, counts: Counter[str]) -> list[str]:
    """Play a scenario on both; return the first thing that differs, with what was done before."""
    stage = Stage(scenario)
    stage.build()
    hosts: dict[str, str] = {}
    walls = [spec for spec in scenario.hosts if spec.firewall is not None]
    told = [f"{spec.name}:\n{spec.firewall.rules.sources[0].text}" for spec in walls if spec.firewall is not None]
    try:
        for done in play(scenario):
            failure = done.outcome.failure
            saw = stage.do(done.step.deed, LATER if failure is not None and failure.by is not None else PATIENCE)
            hosts |= _hosts(done)
            told.append(_told(done))
            author.heard(done)
            counts[type(done.step.deed).__name__] += 1
            counts[f"= {done.outcome.result}"] += 1
            if wrong := list(differences(stage, done, saw, hosts)):
                return [*told, *wrong]
    finally:
        stage.end()
    return []


def _told(done: Done) -> str:
    deed = done.step.deed
    rules = f"\n{deed.firewall.rules.sources[0].text}" if isinstance(deed, s.Reload) and deed.firewall else ""
    code = done.outcome.failure.code if done.outcome.failure else ""
    return f"{deed_text(deed)}: {result_text(done.outcome)} {code}{rules}"


def _hosts(done: Done) -> dict[str, str]:
    return {event.socket: event.host for event in done.events if isinstance(event, Change)}


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
