"""Compare whole ways of packets with this machine's Linux, and the connections that they open.

The rule sets have everything: rewriting, sets, marks of connections, packets that are not tracked.

    python -m tests.kernel.nat --seed 1 --rulesets 100 --backend nft --family 4

Exit status 0: they agree; 1: they do not, or nothing was compared; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from policy.kernel.namespace import enter
from policy.kernel.tools import Unavailable
from tests.kernel.__main__ import CANNOT
from tests.kernel.natcompare import Comparison, Disagreement
from tests.kernel.natrules import addressed
from tests.kernel.world import WORLDS, World


def main(module: str = "nat", making: Callable[[World, str, str], Comparison] = Comparison) -> int:
    """Run what the command line says, with the comparison that *making* gives for a world, a back end and a seed."""
    prog = f"python -m tests.kernel.{module}"
    parser = argparse.ArgumentParser(prog=prog, description="Compare whole ways of packets with Linux.")
    parser.add_argument("--seed", default="1", help="any text; the same one makes the same rules and packets")
    parser.add_argument("--rulesets", type=int, default=100, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first rule set")
    parser.add_argument("--packets", type=int, default=120, metavar="N", help="packets for each rule set")
    parser.add_argument("--backend", choices=("nft", "legacy"), default="nft")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    parser.add_argument("--limit", type=int, default=0, metavar="SECONDS", help="end then, whatever happens")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    signal.alarm(given.limit)
    try:
        enter()
        comparison = making(addressed(WORLDS[given.family]), given.backend, given.seed)
    except Unavailable as error:
        print(error)
        return CANNOT
    for one in comparison.run(given.first, given.rulesets, given.packets):
        if not given.json:
            print(_text(one, given, prog), flush=True)
    if given.json:
        print(json.dumps({"counts": comparison.counts, "disagreements": [asdict(one) for one in comparison.found]}))
    else:
        release = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()
        print(f"Linux {release}, {given.backend}, IPv{given.family}, seed {given.seed}")
        print("\n".join(f"{count:>9,}  {name}" for name, count in sorted(comparison.counts.items())))
        print("\n".join(f"refused by fwpolicy: {said}" for said in comparison.refused))
    return 1 if comparison.counts["disagreements"] or not comparison.counts["comparisons"] else 0


def _text(one: Disagreement, given: argparse.Namespace, prog: str) -> str:
    """Return a disagreement for people: how to repeat it, the file, the packet."""
    again = f"--seed {given.seed!r} --first {one.number} --rulesets 1 --packets {given.packets}"
    return "\n".join(
        (
            f"DISAGREEMENT: {one.what}",
            f"again: {prog} {again} --backend {given.backend} --family {given.family}",
            *(f"    {line}" for line in one.lines),
            f"    {one.packet}",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
