"""Compare what `fwpolicy` finds in sets with what this machine's Linux finds.

    python -m tests.kernel.ipset --seed 1 --rounds 20 --family 4

Random sets are loaded with `ipset restore`, rules that ask for them with iptables-restore; random packets are injected.
Exit status 0: they agree; 1: they do not; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from policy.app.answer import Asking
from policy.app.bulk import Bulk
from policy.app.load import load
from policy.diagnostic import Mistakes
from policy.host import Host
from policy.kernel.namespace import enter
from policy.kernel.probe import Probe
from policy.kernel.tools import Unavailable, run
from policy.languages import ipset
from policy.source import Source
from tests.kernel.packets import question, random_probe
from tests.kernel.seen import HookJudge
from tests.kernel.setrules import Drawn, Refused, available, draw, load_sets, random_match
from tests.kernel.world import WORLDS

CANNOT = 77


class Comparison:
    """Round after round: sets, rules that ask for them, packets."""

    def __init__(self, family: int, seed: str, backend: str) -> None:
        self._world = WORLDS[family]
        self._seed = seed
        self._backend = backend
        self._judge = HookJudge(self._world, backend)
        self.types = available(family)
        if not self.types:
            raise Unavailable("this kernel has no sets")
        self.counts: Counter[str] = Counter()
        self.disagreements: list[dict[str, Any]] = []

    def round(self, number: int, packets: int) -> None:
        """Compare what a few sets find in some packets."""
        r = Random(f"{self._seed} {self._world.family} {number}")
        sets = draw(r, self._world, self.types)
        rules = self._rules(r, sets)
        tracked = False
        self._judge.forget()
        text, refused = load_sets(sets)
        for one in refused:
            self._refused(one)
        rules = self._judge.load(rules)
        version = "6" * (self._world.family == 6)
        host = Host(sets=ipset.read([Source("sets", text)]))
        saved = Host(sets=ipset.read([Source("saved", run("ipset", "save"))]))
        assert host.sets is not None
        assert saved.sets is not None
        ours = {name: dict(each.elements) for name, each in host.sets.items()}
        theirs = {name: dict(each.elements) for name, each in saved.sets.items()}
        if ours != theirs:
            differ = {
                name: str(ours[name].items() ^ theirs.get(name, {}).items())
                for name in ours
                if ours[name] != theirs.get(name)
            }
            self.disagreements.append({"saved": differ, "sets": text})
        answering = Bulk(load(Source("rules", "\n".join(rules) + "\n"), f"ip{version}tables", host), Asking())
        probes = [self._near(r, random_probe(r, self._world, [], tracked)) for _ in range(packets)]
        for probe, seen in zip(probes, self._judge.judge(probes, tracked, []), strict=True):
            row = question(probe, seen.length, seen.state, self._backend)
            answer = answering.answer(json.dumps(row).encode())
            verdict = str(answer.get("verdict", answer.get("error")))
            if seen.verdict is None:
                self.counts["packets that did not arrive"] += 1
            elif verdict not in ("allow", "block"):
                self.counts["answers that depend" if verdict == "depends" else "errors"] += 1
            else:
                self.counts["comparisons"] += 1
                self.counts[f"kernel: {seen.verdict}"] += 1
                if verdict != seen.verdict:
                    self.disagreements.append(
                        {"round": number, "kernel": seen.verdict, "packet": row, "rules": rules, "sets": text}
                    )  # fmt: skip

    def _refused(self, one: Refused) -> None:
        """What the kernel refuses, `fwpolicy` must refuse, too."""
        self.counts["lines the kernel refuses"] += 1
        wrong: list[int] = []
        try:
            ipset.read([Source("sets", one.text)])
        except Mistakes as mistakes:
            wrong = [each.span.line for each in mistakes.diagnostics]
        if one.number not in wrong:
            line = one.text.splitlines()[one.number - 1]
            self.disagreements.append({"refused": one.error, "line": line})

    def _near(self, r: Random, probe: Probe) -> Probe:
        """Return a packet as it is, or with an extension header less: behind one the protocol is not always known."""
        if probe.fragment == "later" and self._backend == "nft" and r.random() < 0.5:
            return replace(probe, fragment="no", extensions=())
        return probe

    def _rules(self, r: Random, sets: Sequence[Drawn]) -> list[str]:
        lines = [
            "*filter",
            *(f":{hook} {r.choice(('ACCEPT', 'DROP'))} [0:0]" for hook in ("INPUT", "FORWARD", "OUTPUT")),
        ]
        for hook in ("INPUT", "FORWARD", "OUTPUT"):
            for _ in range(5):
                words = random_match(r, sets)
                target = r.choice(("ACCEPT", "DROP"))
                lines.append(f"-A {hook} {words} -j {target}")
        return [*lines, "COMMIT"]


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernel.ipset", description="Compare sets with Linux.")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--first", type=int, default=0, metavar="N")
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    parser.add_argument("--packets", type=int, default=200, metavar="N")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    parser.add_argument("--backend", choices=("nft", "legacy"), default="nft")
    parser.add_argument("--limit", type=int, default=0, metavar="SECONDS", help="end then, whatever happens")
    given = parser.parse_args()
    signal.alarm(given.limit)
    try:
        enter()
        comparison = Comparison(given.family, given.seed, given.backend)
    except Unavailable as error:
        print(error)
        return CANNOT
    for number in range(given.first, given.first + given.rounds):
        comparison.round(number, given.packets)
    found = comparison.disagreements
    counts = comparison.counts | Counter({"disagreements": len(found)})
    print(json.dumps({"counts": counts, "types": comparison.types, "disagreements": found[:3]}, indent=1))
    return 1 if found or not counts["comparisons"] else 0


if __name__ == "__main__":
    sys.exit(main())
