"""One sequence at a time: the engine and the kernel see every packet, and all that they say of it is compared."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policy.conntrack import CONFIRMED, TIMEOUTS, Entry, Seen, Settings, Tracker
from policy.conntrack.sctp import Sctp
from policy.conntrack.tuples import ANSWERS
from policy.conntrack.window import Tcp
from policy.packet.fields import DIRECTIONS, INVALID, STATES
from tests.conntrack_steps import Move, line_of, play, told
from tests.kernel.line import DEFAULTS, Known, Line, rules
from tests.kernel.random_steps import placed
from tests.kernel.step_wire import build, number_of

_STATUS = 2 | 4 | 8 | 0x10 | 0x20
_NOT_EXACT = 0.3
_APART = {name: 1000.0 + 50 * number for number, name in enumerate(TIMEOUTS)}
"""Timeouts that tell from one another which one was taken, and never pass."""


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
        self.line = line
        self._number = 0
        self._changed: set[str] = set()
        self.counts: Counter[str] = Counter()

    def play(self, sequences: Sequence[Sequence[Move]]) -> list[tuple[list[Move], str] | None]:
        """Play each; return for each the moves up to the first disagreement, with all numbers said, and what it is."""
        self.line.forget(rules([move for moves in sequences for move in moves]))
        self._number = 0
        games = [self._game(moves) for moves in sequences]
        kernel = self.line.seen()
        return [self._verdict(game, kernel) for game in games]

    def _game(self, moves: Sequence[Move]) -> list[Played]:
        line = self.line
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
            game.append(self._packet(tracker, spoken(tracker, move, at)))
            if game[-1].wrong:
                break
        return game

    def _packet(self, tracker: Tracker, move: Move) -> Played:
        """Send one packet, and compare all but what a rule sees of it."""
        assert move.step is not None
        line = self.line
        self._number += 1
        line.send(build(move.step, self._number, passes=move.passes), move.step.dst if move.step.sent else None)
        at = time.monotonic()
        move = _chosen(tracker, move, line, at)
        try:
            seen = play(tracker, move, at)
        except ValueError as error:
            return Played(self._number, move, Seen(INVALID), str(error))
        assert seen is not None
        left = [each for each in line.left() if number_of(each) == self._number]  # some leave late
        own = list(tracker.entries(at))
        found = [line.entry(entry.original) for entry in own]
        table = line.table() if None in found or line.size() != len(own) else [each for each in found if each]
        self.counts["packets compared as they left"] += bool(left)
        wrong = differ(table, own, at) or _frame(left, move, seen, self._number)
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


def spoken(tracker: Tracker, move: Move, at: float) -> Move:
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
    trial = tracker.copied()
    seen = trial.see(move.step, at)
    if seen.entry is None or seen.entry.status & CONFIRMED or not move.passes:
        return move
    if move.source or move.destination:
        seen = trial.translate(seen, move.source, move.destination)
    entry = seen.entry
    assert entry is not None
    if move.source is None and not trial.taken(entry.reply, at):
        return move
    known = line.entry(entry.original)
    if known is None:
        return replace(move, passes=False)
    source = entry.original.src if move.source is None else move.source[0]
    return replace(move, source=(source, known.reply.sport if entry.original.proto in ANSWERS else known.reply.dport))


def differ(kernel: list[Known], own: list[Entry], at: float) -> str:
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


def _frame(left: list[bytes], move: Move, seen: Seen, number: int) -> str:
    """Return what is wrong with the packet that went out, byte for byte."""
    assert move.step is not None
    if not left:
        return ""
    if not move.passes:
        return "a packet left that was dropped"
    step = seen.leaving(move.step)
    wanted = build(step if step.sent else replace(step, ttl=step.ttl - 1), number)
    return "" if left[-1] == wanted else f"the packet left as {left[-1].hex()}, not as {wanted.hex()}"


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


def judged(judge: Judge, made: Sequence[Sequence[Move]]) -> Iterator[str]:
    """Yield what disagrees, also at a second look, and the least that shows it."""
    for number, (moves, found) in enumerate(zip(made, judge.play(made), strict=True)):
        if found is None:
            continue
        (again,) = judge.play([moves])
        if again is None:
            judge.counts["not found again"] += 1
            continue
        least = shrink(judge, moves)
        (last,) = judge.play([least])
        sent, wrong = last or again
        settings = [move for move in least if move.word == "set"]
        yield "\n    ".join([f"DISAGREEMENT in number {number}: {wrong}", *map(line_of, [*settings, *sent])])
