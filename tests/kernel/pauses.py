"""Many sequences side by side, so that all may wait at once; each has addresses of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from policy.conntrack import Seen, Settings, Step, Tracker
from policy.conntrack.settings import TIMEOUTS
from policy.packet.fields import STATES
from tests.conntrack_steps import Move, line_of, play, told
from tests.kernel.line import DEFAULTS
from tests.kernel.step_judge import Judge, differ, spoken
from tests.kernel.step_wire import build

_SHORT = (1.0, 2.0, 3.0, 4.0)
"""Timeouts in these sequences, in seconds."""

_PAUSES = (0.7, 1.3, 1.6, 2.4)
"""How long all wait behind a phase, in seconds."""

_NEAR = 0.12
_STREAM = 2


@dataclass
class Side:
    """One of the sequences: its tracker, what was said of each packet, and whether it came too near to a timeout."""

    tracker: Tracker
    phases: list[list[Move]]
    said: list[tuple[int, Move, Seen]] = field(default_factory=list)
    near: bool = False
    wrong: str = ""

    def close(self, at: float) -> bool:
        """Note whether at that time any entry is so near to a timeout that nobody can tell."""
        for entry in self.tracker.entries(at - 1):
            assert entry.expires is not None
            stream = isinstance(entry.track, float) and abs(at - entry.track - _STREAM) < _NEAR
            self.near = self.near or stream or abs(entry.expires - at) < _NEAR
        return self.near


def _short(random: Random) -> dict[str, float]:
    """Return short timeouts."""
    return {name: random.choice(_SHORT) for name in TIMEOUTS}


def _sides(made: Sequence[Sequence[Move]], timeouts: dict[str, float]) -> list[Side]:
    """Return the sequences, cut at their waits, each with addresses of its own."""
    found = []
    for number, moves in enumerate(made):
        phases: list[list[Move]] = [[]]
        for move in moves:
            if move.word == "wait":
                phases.append([])
            elif move.step is not None:
                phases[-1].append(replace(move, step=_moved(move.step, number + 1)))
        found.append(Side(Tracker(Settings(timeouts=timeouts, checksum=False)), phases))
    return found


def _text(side: Side) -> str:
    """Return a disagreement for people."""
    return "\n    ".join([f"DISAGREEMENT: {side.wrong}", *(line_of(move) for _, move, _ in side.said)])


def _moved(step: Step, number: int) -> Step:
    """Return a step in the addresses of a sequence; the addresses of neighbours stay."""
    by = number << 24 if step.family == 4 else number << 72
    about = None if step.about is None else _moved(step.about, number)
    local = step.family == 6 and step.src >> 112 == 0xFE80
    return replace(step, src=step.src + (0 if local else by), dst=step.dst + by, about=about)


def side_by_side(judge: Judge, made: Sequence[Sequence[Move]], seed: str) -> Iterator[str]:
    """Play sequences with pauses; yield what disagrees."""
    random = Random(seed)
    line, timeouts = judge.line, _short(random)
    line.forget()
    line.flush()
    line.set({**DEFAULTS, **timeouts, "checksum": 0})
    games, number = _sides(made, timeouts), 0
    for phase in range(max(len(side.phases) for side in games)):
        for side in games:
            for move in side.phases[phase] if phase < len(side.phases) and not side.near else ():
                number += 1
                at = time.monotonic()
                if side.close(at):
                    break
                sent = spoken(side.tracker, move, at)
                assert sent.step is not None
                line.send(build(sent.step, number, passes=sent.passes), sent.step.dst if sent.step.sent else None)
                seen = play(side.tracker, sent, at)
                assert seen is not None
                side.said.append((number, sent, seen))
        at = time.monotonic()
        kernel = {known.original: known for known in line.table()}
        for side in games:
            if side.close(at) or side.wrong:
                continue
            own = list(side.tracker.entries(at))
            side.wrong = differ([kernel.pop(each.original) for each in own if each.original in kernel], own, at)
            judge.counts["tables compared"] += 1
        line.left()
        time.sleep(random.choice(_PAUSES))
    states = line.seen()
    for side in games:
        for number, _, seen in side.said:
            judge.counts["steps"] += 1
            judge.counts[f"state {STATES[seen.state]}"] += 1
            if states.get(number) != (seen.state, seen.direction):
                side.wrong = side.wrong or f"packet {number}: the kernel says {states.get(number)}, not {told(seen)}"
        judge.counts["too near to a timeout"] += side.near
        if side.wrong:
            yield _text(side)
