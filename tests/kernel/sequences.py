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
from collections.abc import Iterator
from pathlib import Path
from random import Random

from policy.kernel.namespace import enter
from policy.kernel.tools import Unavailable
from tests.conntrack_steps import Move, cases
from tests.kernel.line import Line
from tests.kernel.pauses import side_by_side
from tests.kernel.random_steps import sequence
from tests.kernel.step_judge import Judge, judged

CANNOT = 77
_LENGTH = 25
_BATCH = 100
_SHOWN = 10


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.kernel.sequences", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--seed", default="1", help="any text; the same one makes the same sequences")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="sequences")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first sequence")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    parser.add_argument("--cases", action="store_true", help="the sequences of the case files, and no others")
    parser.add_argument("--waits", action="store_true", help="short timeouts and pauses, many sequences side by side")
    parser.add_argument("--limit", type=int, default=0, metavar="SECONDS", help="end then, whatever happens")
    given = parser.parse_args()
    signal.alarm(given.limit)
    try:
        enter()
        judge = Judge(Line(given.family))
    except Unavailable as error:
        print(error)
        return CANNOT
    disagreements = 0
    for made in _made(given):
        for found in side_by_side(judge, made, f"{given.seed} {given.first}") if given.waits else judged(judge, made):
            disagreements += 1
            print(found if disagreements <= _SHOWN else ".", flush=True)
    release = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()
    print(f"Linux {release}, IPv{given.family}, seed {given.seed}, {given.count} sequences")
    print(*(f"{count:>9,}  {name}" for name, count in sorted(judge.counts.items())), sep="\n")
    print(f"{disagreements:>9,}  disagreements")
    return 1 if disagreements or not judge.counts["steps"] else 0


def _made(given: argparse.Namespace) -> Iterator[list[list[Move]]]:
    """Yield the sequences, some at a time."""
    if given.cases:
        yield [moves for moves in cases(given.family) if not any(move.word == "wait" for move in moves)]
        return
    end = given.first + given.count
    for first in range(given.first, end, _BATCH):
        numbers = range(first, min(first + _BATCH, end))
        yield [
            sequence(
                Random(f"{given.seed} {number}"), given.family, _LENGTH, waits=given.waits, translated=not given.waits
            )
            for number in numbers
        ]


if __name__ == "__main__":
    sys.exit(main())
