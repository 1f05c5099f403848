"""Rule sets and packets from a seed, put to the kernel and to `fwpolicy`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from policy.app.answer import Asking
from policy.app.bulk import Bulk
from policy.app.load import load
from policy.diagnostic import Mistakes
from policy.host import Host
from policy.kernel.conntrack import Connection
from policy.kernel.probe import Probe
from policy.kernel.tools import Failed
from policy.packet import Intervals
from policy.packet.address import parse_address
from policy.source import Source
from tests.kernel.packets import ICMP, question, random_probe
from tests.kernel.rulesets import random_ruleset
from tests.kernel.seen import HookJudge, Seen
from tests.kernel.shrink import shrink
from tests.kernel.world import DEVICES, World

_MOST_SHRUNK = 3
"""Packets of one rule set whose rules are made smaller: that takes seconds."""
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Disagreement:
    """A packet that the kernel treats in another way than `fwpolicy` says."""

    seed: str
    number: int
    kernel: str
    answer: str
    packet: dict[str, Any]
    local: list[str]  # what `fwpolicy` was told of the host's addresses
    lines: list[str]


@dataclass
class Tally:
    """What has been compared so far."""

    counts: Counter[str] = field(default_factory=lambda: Counter({"comparisons": 0, "disagreements": 0}))
    disagreements: list[Disagreement] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """One dump with its packets."""

    lines: list[str]
    tracked: bool
    connections: list[tuple[Connection, bool]]
    probes: list[Probe]
    local: bool


class Comparison:
    """The kernel against `fwpolicy`, with one back end of iptables and one IP version."""

    judging: type[HookJudge] = HookJudge
    """What learns the kernel's verdicts."""

    def __init__(self, world: World, backend: str, seed: str) -> None:
        self.world = world
        self._backend = backend
        self._seed = seed
        self._judge = self.judging(world, backend)
        self._local = Intervals.of(*map(parse_address, world.local))
        self._tables = frozenset[str]()

    def run(self, first: int, rulesets: int, packets: int) -> Iterator[Tally]:
        """Compare rule set after rule set; yield what has been found so far after each."""
        tally = Tally()
        for number in range(first, first + rulesets):
            self._compare(number, packets, tally)
            yield tally

    def _compare(self, number: int, packets: int, tally: Tally) -> None:
        case = self.case(Random(f"{self._seed} {self._backend} {self.world.family} {number}"), packets)
        try:
            loaded = self._judge.load(case.lines)
        except Failed:
            tally.counts["rule sets the kernel refuses"] += 1
            return
        answering = self._answering(loaded, case.local)
        if answering is None:
            tally.counts["rule sets fwpolicy refuses"] += 1
            return
        tally.counts["rule sets"] += 1
        differing = []
        seen = self._judge.judge(case.probes, case.tracked, case.connections)
        for at, (probe, one) in enumerate(zip(case.probes, seen, strict=True)):
            answer = self._answer(answering, probe, one)
            tally.counts.update(_kinds(answer, one))
            if _differ(answer, one.verdict):
                differing.append(at)
        if not differing:
            return
        # What another look does not find again was the machine's hurry, and no disagreement.
        again = self._judge.judge(case.probes, case.tracked, case.connections)
        confirmed = [
            at for at in differing if _differ(self._answer(answering, case.probes[at], again[at]), again[at].verdict)
        ]
        tally.counts["not confirmed"] += len(differing) - len(confirmed)
        tally.counts["disagreements"] += len(confirmed)
        for at in confirmed[:_MOST_SHRUNK]:
            if len(tally.disagreements) >= _MOST_SHOWN:
                return
            probe, one = case.probes[at], again[at]
            lines = shrink(loaded, partial(self._still, case, probe))
            if lines not in [each.lines for each in tally.disagreements]:
                answer = self._answer(answering, probe, one)
                row = question(probe, one.length, one.state, self._backend)
                told = list(self.world.local) if case.local else []
                tally.disagreements.append(Disagreement(self._seed, number, str(one.verdict), answer, row, told, lines))

    def case(self, r: Random, packets: int) -> Case:
        """Return a random dump with its packets."""
        tracked = r.random() < 0.5
        lines = random_ruleset(r, self.world, self._backend, tracked)
        connections = _connections(r, self.world) if tracked else []
        # With a nat table, an entry that has seen no reply may be one that is yet to be translated.
        known = [(each, at % 3 != 2 or "*nat" in lines) for at, each in enumerate(connections)]
        probes = [random_probe(r, self.world, connections, tracked) for _ in range(packets)]
        return Case(lines, tracked, known, [each for each in probes if not self._known(each)], r.random() < 0.5)

    def _known(self, probe: Probe) -> bool:
        """Leave out what docs/languages/iptables.md names as a difference.

        Without connection tracking the nft back end matches ports and flags in later fragments, where it reads the
        payload. (A table that comes twice with legacy iptables is never made: `rulesets._edited`. Where the back ends
        differ otherwise, `fwpolicy` says `depends`, which is no definite answer.)
        """
        return self._backend == "nft" and probe.fragment == "later"

    def _answering(self, lines: Sequence[str], local: bool) -> Bulk | None:
        version = "6" * (self.world.family == 6)
        text = f"# Generated by ip{version}tables-save v1.8.9\n" + "\n".join(lines) + "\n"
        own = self._local if local else None
        self._tables = frozenset(line for line in lines if line.startswith("*"))
        try:
            return Bulk(load(Source("rules", text), f"ip{version}tables", host=Host(own)), Asking(False, Host(own), {}))
        except Mistakes:
            return None

    def _answer(self, answering: Bulk, probe: Probe, one: Seen) -> str:
        if (probe.device_in == "lo" and "*raw" in self._tables) or (
            probe.hook == "output" and probe.device_out == "lo" and "*nat" in self._tables
        ):
            return "depends"  # the judge stops at the end of a hook: `tests.kernel.nat` follows such packets
        row = answering.answer(json.dumps(question(probe, one.length, one.state, self._backend)).encode())
        return str(row["verdict"]) if "verdict" in row else f"error: {row['error']}"

    def _still(self, case: Case, probe: Probe, lines: Sequence[str]) -> bool:
        """Say whether the packet alone is still treated differently with fewer lines."""
        answering = self._answering(lines, case.local)
        if answering is None:
            return False
        try:
            if self._judge.load(lines) != list(lines):
                return False
        except Failed:
            return False
        (one,) = self._judge.judge([probe], case.tracked, case.connections)
        return _differ(self._answer(answering, probe, one), one.verdict)


def _differ(answer: str, verdict: str | None) -> bool:
    return verdict is not None and answer in ("allow", "block") and answer != verdict


def _kinds(answer: str, one: Seen) -> list[str]:
    """Return the names of what one packet counts as."""
    if one.verdict is None:
        return ["packets that did not arrive"]
    if answer.startswith("error"):
        return ["errors"]
    if answer not in ("allow", "block"):
        return ["answers that depend"]
    states = [f"state {one.state['state']}"] if "state" in one.state else []
    return ["comparisons", f"kernel: {one.verdict}", *states]


def _connections(r: Random, world: World) -> list[Connection]:
    """Return some connections that the host knows of; no two with the same addresses and ports."""
    found: dict[tuple[object, ...], Connection] = {}
    for _ in range(10):
        hook = r.choice(("input", "output", "forward"))
        proto = r.choice((6, 6, 6, 17, 17, ICMP[world.family], 132))
        src, dst = r.choice(world.sources[:4]), r.choice(world.local[2:])
        if hook == "output":
            src, dst = dst, src
        elif hook == "forward":
            src, dst = (r.choice(world.behind[r.choice(DEVICES)]) for _ in range(2))
        one = Connection(hook, proto, src, dst, r.choice((40000, 1024, 8080)), r.choice((22, 53, 80, 443)))
        found[proto, src, dst, one.sport, one.dport] = one
    return list(found.values())
