"""Compare what `fwpolicy` finds in sets with what this machine's Linux finds.

    python -m tests.kernel.ipset --seed 1 --rounds 20 --family 4

Random sets are loaded with `ipset restore`, rules that ask for them with iptables-restore; random packets are injected.
Exit status 0: they agree; 1: they do not; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from policy.app.answer import Asking
from policy.app.bulk import Bulk
from policy.app.load import load
from policy.diagnostic import Mistakes
from policy.host import Host
from policy.ipset import TYPES
from policy.kernel.namespace import enter
from policy.kernel.probe import Probe
from policy.kernel.tools import Failed, Unavailable, run
from policy.languages import ipset
from policy.source import Source
from tests.kernel.packets import MACS, PORTS, question, random_probe
from tests.kernel.seen import HookJudge
from tests.kernel.world import DEVICES, WORLDS, World

CANNOT = 77
_PROTOCOLS = {4: ("tcp", "tcp", "udp", "sctp", "udplite"), 6: ("tcp", "tcp", "udp", "sctp", "udplite")}
_ICMP = {4: ("icmp:8/0", "icmp:0/0", "icmp:echo-request", "icmp:host-unreachable", "icmp:8/1"),
         6: ("icmpv6:128/0", "icmpv6:echo-reply", "icmpv6:1/4", "icmpv6:packet-too-big")}  # fmt: skip
_OTHER = ("gre:0", "esp:0", "dccp:0", "253:0")
_LENGTHS = {4: (1, 2, 4, 8, 12, 15, 16, 20, 24, 25, 30, 31, 32), 6: (1, 3, 16, 32, 33, 48, 49, 64, 112, 127, 128)}
_DEVICES = (*DEVICES, "lo")


@dataclass(frozen=True)
class Drawn:
    """One random set: the lines that make it, and how many parts its elements have."""

    name: str
    type: str
    lines: list[str]
    parts: int


class Sets:
    """Random sets of one IP version."""

    def __init__(self, r: Random, world: World, types: Sequence[str]) -> None:
        self._r = r
        self._family = world.family
        behind = [each for addresses in world.behind.values() for each in addresses]
        self._addresses = sorted({*world.sources, *world.local, *behind})
        self._types = types

    def draw(self, number: int) -> Drawn:
        """Return a set of any type, with elements near the packets."""
        r = self._r
        type = r.choice(self._types)
        name = f"s{number}"
        options = ""
        if type.startswith("hash:") and type != "hash:mac":
            options += " family inet6" if self._family == 6 else r.choice(("", " family inet"))
        low = high = None
        mask = None
        if type == "bitmap:port":
            low, high = r.choice(((0, 65535), (20, 100), (1000, 9000)))
            options += f" range {low}-{high}"
        elif type.startswith("bitmap:ip"):
            options += " range 10.1.0.0/16"
        if type == "hash:ip" and r.random() < 0.4:
            mask = r.choice(_LENGTHS[self._family])
            options += f" netmask {mask}"
        timeout = r.random() < 0.25
        options += r.choice((" timeout 0", " timeout 900")) if timeout else ""
        lines = [f"create {name} {type}{options}"]
        lines += [
            f"add {name} {self._element(type, (low, high))}{self._options(type, timeout)}"
            for _ in range(r.choice((0, 1, 3, 6, 12, 25)))
        ]
        return Drawn(name, type, lines, len(TYPES[type].parts))

    def list_of(self, number: int, members: Sequence[Drawn]) -> Drawn:
        """Return a list of some of the sets."""
        r = self._r
        name = f"s{number}"
        timeout = r.random() < 0.2
        lines = [f"create {name} list:set" + " timeout 0" * timeout]
        lines += [
            f"add {name} {each.name}" + " timeout 800" * (timeout and r.random() < 0.5)
            for each in r.sample(list(members), min(len(members), r.choice((0, 1, 2, 3))))
        ]
        return Drawn(name, "list:set", lines, max((each.parts for each in members), default=1))

    def _options(self, type: str, timeout: bool) -> str:
        r = self._r
        found = ""
        if timeout and r.random() < 0.5:
            found += r.choice((" timeout 0", " timeout 800"))
        if TYPES[type].nomatch and r.random() < 0.3:
            found += " nomatch"
        if type == "hash:net,iface" and r.random() < 0.2:
            found += " wildcard"
        return found

    def _element(self, type: str, bounds: tuple[int | None, int | None]) -> str:
        if type == "bitmap:port":
            low, high = bounds
            inside = [port for port in PORTS if low is not None and high is not None and low <= port <= high]
            one, other = self._r.choice(inside), self._r.choice(inside)
            return str(one) if self._r.random() < 0.7 else f"{one}-{other}"
        if type.startswith("bitmap:ip"):
            inside_range = [each for each in self._addresses if each.startswith("10.1.")]
            found = self._r.choice((*inside_range, "10.1.3.4"))
            return f"{found},{self._r.choice(MACS)}" if type.endswith("mac") else found
        words = [self._part(kind, number, type) for number, kind in enumerate(TYPES[type].parts)]
        return ",".join(words)

    def _part(self, kind: str, number: int, type: str) -> str:
        r = self._r
        match kind:
            case "ip":
                found = r.choice(self._addresses)
                if self._family == 4 and number == 0 and r.random() < 0.1:
                    return f"{found}/{r.choice((29, 30, 31))}"
                return found
            case "net":
                if self._family == 4 and r.random() < 0.08:
                    near = [each for each in self._addresses if each.startswith("10.")]
                    return "-".join(r.sample(near, 2))
                if type == "hash:net,iface" and r.random() < 0.1:
                    return "0.0.0.0/0" if self._family == 4 else "::/0"
                return f"{r.choice(self._addresses)}/{r.choice(_LENGTHS[self._family])}"
            case "port":
                return self._service()
            case "mac":
                return r.choice(MACS)
            case "mark":
                return r.choice(("0", "1", "0x10"))
            case _:
                return r.choice((*_DEVICES, "eth", "e", "physdev:eth0"))

    def _service(self) -> str:
        r = self._r
        way = r.random()
        if way < 0.15:
            return r.choice(_ICMP[self._family])
        if way < 0.25:
            return r.choice(_OTHER)
        port = r.choice(PORTS)
        proto = r.choice(_PROTOCOLS[self._family])
        if way < 0.4:
            return f"{proto}:{port}-{min(65535, port + r.choice((1, 5, 60)))}"
        return r.choice((f"{proto}:{port}", f"{proto}:{port}", str(port)))


def available(family: int) -> list[str]:
    """Return the types of sets that this kernel has."""
    found = []
    for name, type in TYPES.items():
        if name == "list:set" or (type.families and family not in type.families):
            continue
        words = {"bitmap:port": ("range", "0-9")}.get(name, ("range", "10.0.0.0/24") if "bitmap" in name else ())
        try:
            run("ipset", "create", "trial", name, *words)
            run("ipset", "destroy", "trial")
        except Failed:
            continue
        found.append(name)
    return found


def _destroy() -> None:
    """Take all sets away; nf_tables lets go of those of its rules a little after these are gone."""
    run("ipset", "flush")  # what is in a list is in use
    for _ in range(100):
        try:
            run("ipset", "destroy")
        except Failed:
            time.sleep(0.02)
        else:
            return
    raise Failed("sets are still in use")


class Comparison:
    """Round after round: sets, rules that ask for them, packets."""

    def __init__(self, family: int, seed: str, backend: str) -> None:
        self._world = WORLDS[family]
        self._seed = seed
        self._backend = backend
        self._judge = HookJudge(self._world, backend)
        try:
            self.types = available(family)
        except Unavailable:
            raise
        if not self.types:
            raise Unavailable("this kernel has no sets")
        self.counts: Counter[str] = Counter()
        self.disagreements: list[dict[str, Any]] = []

    def round(self, number: int, packets: int) -> None:
        """Compare what a few sets find in some packets."""
        r = Random(f"{self._seed} {self._world.family} {number}")
        maker = Sets(r, self._world, self.types)
        sets = [maker.draw(at) for at in range(6)]
        sets += [maker.list_of(at, sets[:6]) for at in (6, 7)]
        rules = self._rules(r, sets)
        tracked = False
        self._judge.forget()
        text = self._loaded([line for each in sets for line in each.lines])
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
        answering = Bulk(
            load(Source("rules", "\n".join(rules) + "\n"), f"ip{version}tables", host), Asking(False, None, {})
        )
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

    def _loaded(self, lines: list[str]) -> str:
        """Load a file without the lines that the kernel refuses, and return it; `fwpolicy` must refuse them, too."""
        while True:
            _destroy()
            text = "\n".join(lines) + "\n"
            try:
                run("ipset", "-exist", "restore", stdin=text)
            except Failed as error:
                found = re.search(r"line (\d+)", str(error))
                if found is None:
                    raise
                number = int(found[1])
                self.counts["lines the kernel refuses"] += 1
                wrong: list[int] = []
                try:
                    ipset.read([Source("sets", text)])
                except Mistakes as mistakes:
                    wrong = [each.span.line for each in mistakes.diagnostics]
                if number not in wrong:
                    self.disagreements.append({"refused": str(error), "line": lines[number - 1]})
                del lines[number - 1]
            else:
                return text

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
                one = r.choice(sets)
                count = max(1, one.parts + r.choice((0, 0, 0, 0, 1, -1)))
                directions = ",".join(r.choice(("src", "dst")) for _ in range(count))
                sign = "! " if r.random() < 0.25 else ""
                more = " --return-nomatch" if r.random() < 0.2 else ""
                target = r.choice(("ACCEPT", "DROP"))
                lines.append(f"-A {hook} -m set {sign}--match-set {one.name} {directions}{more} -j {target}")
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
