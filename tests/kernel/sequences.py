"""Compare the sequence engine (`policy.conntrack`) with this machine's Linux, step by step.

    python -m tests.kernel.sequences --seed 1 --count 1000 --family 4

After every packet: the state and direction that a rule sees, whether and how the packet left, and the whole table of
connections with its timeouts. With `--waits` many sequences go side by side, with short timeouts and pauses.
Exit status 0: they agree; 1: they do not, or nothing was compared; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from policy.conntrack import TIMEOUTS, Entry, Seen, Settings, Step, Tracker
from policy.conntrack.sctp import Sctp
from policy.conntrack.tuples import ANSWERS
from policy.conntrack.window import Tcp
from policy.packet.fields import DIRECTIONS, STATES
from tests.conntrack_steps import Move, line_of, play, told
from tests.kernel.line import DEFAULTS, Known, Line, rules
from tests.kernel.net import Unavailable, enter
from tests.kernel.random_steps import addresses, placed, sequence
from tests.kernel.step_wire import address, build

CANNOT = 77
LENGTH = 25
_BATCH = 60
_STATUS = 2 | 4 | 8 | 0x10 | 0x20
_NOT_EXACT = 0.3
_APART = {name: 1000.0 + 50 * number for number, name in enumerate(TIMEOUTS)}
"""Timeouts that tell from one another which one was taken, and never pass."""

_TRANSLATES = {
    4: ("10.2.0.9", "10.3.0.9", "10.1.0.9", "10.4.0.9"),
    6: ("2001:db8:2::9", "2001:db8:3::9", "2001:db8:1::9", "2001:db8:4::9"),
}


@dataclass(frozen=True)
class Played:
    """What was sent as which number, and what both said of it."""

    number: int
    move: Move
    seen: Seen
    wrong: str


class Judge:
    """Plays sequences on a `Line` and on the engine at once."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._number = 0
        self._changed: set[str] = set()
        self.counts: Counter[str] = Counter()

    def play(self, sequences: Sequence[Sequence[Move]]) -> list[tuple[list[Move], str] | None]:
        """Play each; return for each the moves up to the first disagreement, with all numbers said, and what it is."""
        self._line.forget()
        self._number = 0
        games = [self._game(moves) for moves in sequences]
        kernel = self._line.seen()
        return [self._verdict(game, kernel) for game in games]

    def _game(self, moves: Sequence[Move]) -> list[Played]:
        line = self._line
        line.flush()
        line.set({**{name: DEFAULTS[name] for name in self._changed}, **_APART})
        self._changed = {move.name for move in moves if move.word == "set"}
        tracker = Tracker(Settings(timeouts=_APART))
        game: list[Played] = []
        for move in moves:
            at = time.monotonic()
            match move.word:
                case "set":
                    line.set({move.name: move.seconds})
                case "flush":
                    line.flush()
                case "wait":
                    time.sleep(move.seconds)
            if move.step is None:
                play(tracker, move, at)
                continue
            game.append(self._packet(tracker, _placed(tracker, move, at)))
            if game[-1].wrong:
                break
        return game

    def _packet(self, tracker: Tracker, move: Move) -> Played:
        """Send one packet, and compare all but what a rule sees of it."""
        assert move.step is not None
        line = self._line
        self._number += 1
        line.send(build(move.step, self._number, passes=move.passes))
        at = time.monotonic()
        move = _chosen(tracker, move, line, at)
        try:
            seen = play(tracker, move, at)
        except ValueError as error:
            return Played(self._number, move, Seen(3), str(error))
        assert seen is not None
        left = [each for each in line.left() if len(each) > 20]
        own = list(tracker.entries(at))
        found = [line.entry(entry.original) for entry in own]
        table = line.table() if None in found or line.size() != len(own) else [each for each in found if each]
        wrong = _table(table, own, at) or _frame(left, move, seen)
        return Played(self._number, move, seen, wrong)

    def _verdict(self, game: list[Played], kernel: dict[int, tuple[int, int | None]]) -> tuple[list[Move], str] | None:
        for at, played in enumerate(game):
            said = kernel.get(played.number)
            own = (played.seen.state, played.seen.direction)
            wrong = played.wrong
            if said is None:
                wrong = wrong or "the packet did not arrive"
            elif said != own:
                direction = "" if said[1] is None else DIRECTIONS[said[1]]
                wrong = f"the kernel says {STATES[said[0]]} {direction}, not {told(played.seen)}"
            self.counts["steps"] += 1
            self.counts[f"state {STATES[played.seen.state]}"] += 1
            if isinstance(played.seen.entry and played.seen.entry.track, Tcp | Sctp):
                self.counts["steps with a state of TCP or SCTP"] += 1
            if wrong:
                return [each.move for each in game[: at + 1]], wrong
        return None


def _placed(tracker: Tracker, move: Move, at: float) -> Move:
    """Return a move with all that its packet leaves open said, and its offsets made numbers."""
    assert move.step is not None
    if not move.near:
        return replace(move, step=tracker.spoken(move.step, at))
    usual = replace(move.step, segment=replace(move.step.segment, seq=None, ack=None))
    right = tracker.spoken(usual, at)
    step = replace(right, segment=placed(move.step.segment, right.segment))
    return replace(move, step=step, near=False)


def _chosen(tracker: Tracker, move: Move, line: Line, at: float) -> Move:
    """Take over the port that the kernel chose, where it has a choice: another source, or a port that is taken."""
    assert move.step is not None
    seen = Tracker.see(tracker_copy(tracker), move.step, at)
    if seen.entry is None or seen.entry.status & 8 or not move.passes:
        return move
    entry = seen.entry
    if move.source or move.destination:
        translated = tracker.translate(seen, move.source, move.destination).entry
        assert translated is not None
        entry = translated
    if move.source is None and not tracker.taken(entry.reply, at):
        return move
    known = line.entry(entry.original)
    if known is None:
        return replace(move, passes=False)
    return replace(
        move, source=(known.reply.dst, known.reply.dport if entry.original.proto not in ANSWERS else known.reply.sport)
    )


def tracker_copy(tracker: Tracker) -> Tracker:
    """Return a tracker of its own with the same entries."""
    copied = Tracker(tracker.settings)
    copied._entries, copied._found = dict(tracker._entries), dict(tracker._found)
    copied._number = tracker._number
    return copied


def _table(kernel: list[Known], own: list[Entry], at: float) -> str:
    """Return how the tables differ."""
    left = {entry.original: entry for entry in own}
    for known in kernel:
        entry = left.pop(known.original, None)
        if entry is None:
            return f"the kernel has an entry more: {known}"
        assert entry.expires is not None
        state = int(entry.track.state) if isinstance(entry.track, Tcp | Sctp) else None
        tags = entry.track.tags if isinstance(entry.track, Sctp) else None
        said = (known.reply, known.status & _STATUS, known.state, known.tags)
        if said != (entry.reply, entry.status, state, tags):
            return f"the kernel has {known}, not {entry}"
        lasts = entry.expires - at
        if not int(lasts - _NOT_EXACT) <= known.lasts <= int(lasts + _NOT_EXACT):
            return f"in the kernel {known} lasts {known.lasts} s, not {lasts:.1f}"
    return f"the kernel lacks {next(iter(left.values()))}" if left else ""


def _frame(left: list[bytes], move: Move, seen: Seen) -> str:
    """Return what is wrong with the packet that went out, of a connection whose addresses are translated."""
    step = move.step
    assert step is not None
    if seen.leaves is None or seen.state == 2 or not left or not move.passes:
        return ""
    data = left[-1]
    at, size = (12, 4) if step.family == 4 else (8, 16)
    wanted = address(seen.leaves.src) + address(seen.leaves.dst)
    if data[at : at + 2 * size] != wanted:
        return f"the packet left from {data[at : at + size].hex()} to {data[at + size : at + 2 * size].hex()}"
    return ""


def shrink(judge: Judge, moves: Sequence[Move]) -> list[Move]:
    """Return fewer moves that still disagree; the same where a second look finds nothing."""
    best = list(moves)
    at = len(best) - 1
    while at >= 0:
        fewer = best[:at] + best[at + 1 :]
        (found,) = judge.play([fewer])
        if found is not None:
            best = fewer
        at -= 1
    return best


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.kernel.sequences", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--seed", default="1", help="any text; the same one makes the same sequences")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="sequences")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first sequence")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    parser.add_argument("--limit", type=int, default=0, metavar="SECONDS", help="end then, whatever happens")
    given = parser.parse_args()
    signal.alarm(given.limit)
    try:
        enter()
        judge = Judge(Line(given.family, _static(given.family)))
    except Unavailable as error:
        print(error)
        return CANNOT
    disagreements = 0
    for first in range(given.first, given.first + given.count, _BATCH):
        numbers = range(first, min(first + _BATCH, given.first + given.count))
        made = [sequence(Random(f"{given.seed} {number}"), given.family, LENGTH) for number in numbers]
        for number, moves, found in zip(numbers, made, judge.play(made), strict=True):
            if found is None:
                continue
            (again,) = judge.play([moves])
            if again is None:
                judge.counts["not found again"] += 1
                continue
            disagreements += 1
            if disagreements <= 10:
                least = shrink(judge, moves)
                (last,) = judge.play([least])
                said = [move for move in least if move.step is None] + (last[0] if last else [])
                print(f"DISAGREEMENT in sequence {number}: {(last or again)[1]}")
                print(*(f"    {line_of(move)}" for move in said), sep="\n", flush=True)
    release = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()
    print(f"Linux {release}, IPv{given.family}, seed {given.seed}, {given.count} sequences")
    print(*(f"{count:>9,}  {name}" for name, count in sorted(judge.counts.items())), sep="\n")
    print(f"{disagreements:>9,}  disagreements")
    return 1 if disagreements or not judge.counts["steps"] else 0


def _static(family: int) -> dict[str, str]:
    """Return the translations that random sequences have."""
    server, instead, client, shown = (addresses(family)[at] for at in (5, 6, 2, 7))
    step = Step(17, client, server)
    return rules([Move(step=step, source=(shown, None), destination=(instead, None))])


if __name__ == "__main__":
    sys.exit(main())
