"""Compare `fwpolicy` with this machine's Linux, in a network namespace of its own.

    python -m tests.kernel --seed 1 --rulesets 100 --backend nft --family 4

Exit status 0: they agree; 1: they do not, or nothing was compared; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from policy.kernel.namespace import enter
from policy.kernel.tools import Unavailable
from tests.kernel.compare import Comparison, Disagreement, Tally
from tests.kernel.world import WORLDS

CANNOT = 77


def main(comparing: type[Comparison] = Comparison, module: str = "tests.kernel") -> int:
    """Run what the command line of a *module* says."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Compare fwpolicy with Linux.")
    parser.add_argument("--seed", default="1", help="any text; the same one makes the same rules and packets")
    parser.add_argument("--rulesets", type=int, default=100, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first rule set")
    parser.add_argument("--packets", type=int, default=250, metavar="N", help="packets for each rule set")
    parser.add_argument("--backend", choices=("nft", "legacy"), default="nft")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    parser.add_argument("--limit", type=int, default=0, metavar="SECONDS", help="end then, whatever happens")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    signal.alarm(given.limit)
    try:
        enter()
        comparison = comparing(WORLDS[given.family], given.backend, given.seed)
    except Unavailable as error:
        print(error)
        return CANNOT
    tally = Tally()
    shown = 0
    for tally in comparison.run(given.first, given.rulesets, given.packets):
        if not given.json:
            for one in tally.disagreements[shown:]:
                print(_text(one, given, module), flush=True)
        shown = len(tally.disagreements)
    if given.json:
        print(json.dumps({"counts": tally.counts, "disagreements": [asdict(one) for one in tally.disagreements]}))
    else:
        release = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()
        print(f"Linux {release}, {given.backend}, IPv{given.family}, seed {given.seed}")
        print("\n".join(f"{count:>9,}  {name}" for name, count in sorted(tally.counts.items())))
    return 1 if tally.counts["disagreements"] or not tally.counts["comparisons"] else 0


def _text(one: Disagreement, given: argparse.Namespace, module: str) -> str:
    """Return a disagreement for people: how to repeat it, the file, the packet."""
    again = f"--seed {one.seed} --first {one.number} --rulesets 1 --packets {given.packets}"
    told = f", with --local {','.join(one.local)}" if one.local else ""
    return "\n".join(
        (
            f"DISAGREEMENT: the kernel says {one.kernel}, fwpolicy {one.answer}{told}",
            f"again: python -m {module} {again} --backend {given.backend} --family {given.family}",
            *(f"    {line}" for line in one.lines),
            f"    {json.dumps(one.packet)}",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
