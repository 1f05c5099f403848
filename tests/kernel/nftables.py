"""Compare rule sets of nftables with this machine's Linux: the whole ways of packets, and the connections they open.

    python -m tests.kernel.nftables --seed 1 --rulesets 100 --family 4

Exit status 0: they agree; 1: they do not, or nothing was compared; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from random import Random

from policy.app.load import load
from policy.ir import Ruleset
from policy.kernel.judge import NFTABLES
from policy.kernel.tools import Failed
from policy.source import Source
from tests.kernel import nat, natcompare
from tests.kernel.nftrules import is_rule, random_nftables
from tests.kernel.setrules import Drawn
from tests.kernel.world import World

_REFUSED = re.compile(r"/dev/stdin:(\d+):\S+ Error")
_MOST_REFUSED = 12


class Comparison(natcompare.Comparison):
    """The kernel against `fwpolicy`, with scripts of nftables and packets of one IP version."""

    is_rule = staticmethod(is_rule)

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, NFTABLES, seed)

    def draw(self, r: Random) -> tuple[Sequence[Drawn], list[str]]:
        """Return no sets of ipset, and the lines of a script."""
        return (), random_nftables(r, self._world)

    def accepted(self, lines: Sequence[str]) -> list[str]:
        """Return the lines that the kernel accepts; raises `Failed` where others are still there after some rounds."""
        lines = list(lines)
        for _ in range(_MOST_REFUSED):
            try:
                self._judge.load("\n".join(lines) + "\n")
            except Failed as error:
                wrong = {int(number) for number in _REFUSED.findall(str(error))}
                if not wrong:
                    raise
                lines = [line for number, line in enumerate(lines, 1) if number not in wrong]
            else:
                return lines
        raise Failed("too many lines are refused")

    def read(self, lines: Sequence[str]) -> Ruleset:
        """Return what `fwpolicy` reads; raises `Mistakes`."""
        return load(Source("rules", "\n".join(lines) + "\n"), NFTABLES, self._host)


if __name__ == "__main__":
    sys.exit(nat.main("nftables", lambda world, _, seed: Comparison(world, seed)))
