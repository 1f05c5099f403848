"""Seeded rule lists with the structure that ClassBench found in real ones: as text and as IR, of any size.

Addresses come from trees of networks, so that prefixes nest; ports are exact, ranges or any, as in access lists. Some
rules are dead by construction: repeated, or inside one earlier rule, or inside the union of several; others become
dead by chance.

    python benchmarks/classbench.py RULES [SEED [native|iptables]]

prints a list in the native language, or as a dump.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from policy.ir import Action, Allow, Block, Entry, Field, Policy, Rule, Ruleset, all_of
from policy.packet import Intervals
from policy.packet.address import V4_BASE, format_range
from policy.source import Source, Span

TWINS, COVERED, BY_UNION = 0.02, 0.03, 0.01

PORTS = (
    22, 25, 53, 80, 110, 123, 143, 161, 389, 443, 445, 514, 636, 993, 1433, 1521, 3306, 3389, 5060, 5432, 6379, 8080,
    8443, 9200,
)  # fmt: skip
RANGES = ((0, 1023), (1024, 65535), (5000, 5100), (6000, 6063), (8000, 8099), (32768, 60999), (49152, 65535))
PROTOCOLS = {"tcp": 6, "udp": 17}

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: a protocol (None: any), two networks and, for protocols that have them, ranges of ports."""

    action: str
    proto: str | None
    src: Range
    dst: Range
    sport: Range | None = None
    dport: Range | None = None


class _Tree:
    """Networks that nest: a few sites, their subnets, and hosts in them."""

    def __init__(self, rng: random.Random, sites: int) -> None:
        self.rng = rng
        self.sites = [self._cut((1 << 24, (224 << 24) - 1), rng.choice((14, 15, 16, 16))) for _ in range(sites)]

    def _cut(self, outer: Range, length: int) -> Range:
        size = 1 << 32 - length
        first = outer[0] + self.rng.randrange(max((outer[1] - outer[0] + 1) // size, 1)) * size
        return (first, first + size - 1) if size <= outer[1] - outer[0] + 1 else outer

    def network(self) -> Range:
        """Return a network, at some depth of the tree."""
        found = self.rng.choice(self.sites)
        for length in (20, 24, 28, 32):
            if self.rng.random() < 0.2:
                break
            found = self._cut(found, length)
        return found


def lines(count: int, seed: int = 1) -> list[Line]:
    """Return a list of *count* rules."""
    rng = random.Random(seed)
    sources, targets = _Tree(rng, 8 + count // 100), _Tree(rng, 8 + count // 100)
    found: list[Line] = []
    while len(found) < count:
        kind = rng.random()
        if found and kind < TWINS:
            found.append(replace(rng.choice(found), action=rng.choice(("allow", "block"))))
        elif found and kind < TWINS + COVERED:
            found.append(_inside(rng, rng.choice(found)))
        elif kind < TWINS + COVERED + BY_UNION and len(found) + 3 <= count:
            found += _union(rng, _fresh(rng, sources, targets))
        else:
            found.append(_fresh(rng, sources, targets))
    return found


def _fresh(rng: random.Random, sources: _Tree, targets: _Tree) -> Line:
    action = rng.choice(("allow", "allow", "allow", "block"))
    src = (0, (1 << 32) - 1) if rng.random() < 0.08 else sources.network()
    dst = (0, (1 << 32) - 1) if rng.random() < 0.04 and src[1] - src[0] < 256 else targets.network()
    proto = rng.choice(("tcp", "tcp", "tcp", "udp", None)) if src[1] - src[0] < 1 << 16 else rng.choice(("tcp", "udp"))
    if proto is None:
        return Line(action, None, src, dst)
    port, shape = rng.choice(PORTS), rng.random()
    dport = None if shape < 0.06 and src[1] - src[0] < 1 << 16 else rng.choice(RANGES) if shape < 0.2 else (port, port)
    return Line(action, proto, src, dst, (1024, 65535) if rng.random() < 0.05 else None, dport)


def _inside(rng: random.Random, line: Line) -> Line:
    """Return a rule that *line* covers: a quarter of its sources, half of its destinations."""
    (low, high), (first, last) = line.src, line.dst
    size, half = (high - low + 1) // 4 or 1, (last - first + 1) // 2 or 1
    start = low + rng.randrange((high - low + 1) // size) * size
    return replace(
        line, action=rng.choice(("allow", "block")), src=(start, start + size - 1), dst=(first, first + half - 1)
    )


def _union(rng: random.Random, line: Line) -> list[Line]:
    """Return two halves of a rule, by destination port or protocol, and then the rule itself."""
    if line.proto is None or rng.random() < 0.5:
        low, high = line.dst
        if low == high:
            low, high = low & ~255, low | 255
        middle = (low + high) // 2
        halves = [replace(line, dst=(low, middle)), replace(line, dst=(middle + 1, high))]
        return [*halves, replace(line, dst=(low, high), action="block")]
    halves = [replace(line, dport=(0, 8191)), replace(line, dport=(8192, 65535))]
    return [*halves, replace(line, dport=rng.choice(((8000, 8999), (1, 65535), None)), action="block")]


def native(count: int, seed: int = 1) -> Iterator[str]:
    """Yield the lines of a policy in the native language."""
    yield "policy border {"
    yield "    default block"
    for line in lines(count, seed):
        words = [f"    {line.action}"]
        if line.proto is not None:
            words.append(f"{line.proto}/{_ports(line.dport)}" if line.dport else line.proto)
        words.append(f"from {_network(line.src)}" + (f" port {_ports(line.sport)}" if line.sport else ""))
        words.append(f"to {_network(line.dst)}")
        yield " ".join(words)
    yield "}"


def iptables(count: int, seed: int = 1) -> Iterator[str]:
    """Yield the lines of the same rules as an iptables-save dump (what is not a prefix as an address range)."""
    yield from ("*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]")
    yield "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    for line in lines(count, seed):
        words = ["-A FORWARD"]
        ranges = []
        for option, side, addresses in (("-s", "src", line.src), ("-d", "dst", line.dst)):
            network = _network(addresses)
            if "-" in network:
                ranges.append(f"-m iprange --{side}-range {network}")
            elif network != "0.0.0.0/0":
                words.append(f"{option} {network if '/' in network else f'{network}/32'}")
        words += ranges
        if line.proto is not None:
            words.append(f"-p {line.proto} -m {line.proto}")
            sides = (("--sport", line.sport), ("--dport", line.dport))
            words += [f"{option} {_ports(ports).replace('-', ':')}" for option, ports in sides if ports]
        words.append("-j ACCEPT" if line.action == "allow" else "-j DROP")
        yield " ".join(words)
    yield "COMMIT"


def _ports(ports: Range) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def _network(addresses: Range) -> str:
    return format_range(V4_BASE + addresses[0], V4_BASE + addresses[1])


def ruleset(count: int, seed: int = 1) -> Ruleset:
    """Return the same list as the IR."""
    span = Span(Source("classbench", ""), 0, 0)
    actions: dict[str, tuple[Action, ...]] = {"allow": (Allow(),), "block": (Block(),)}
    rules = []
    for line in lines(count, seed):
        fields = [] if line.proto is None else [Field("proto", Intervals.of(PROTOCOLS[line.proto]))]
        fields += [Field(name, Intervals.of(r)) for name, r in (("dport", line.dport), ("sport", line.sport)) if r]
        for name, (low, high) in (("src", line.src), ("dst", line.dst)):
            fields.append(Field(name, Intervals.of((V4_BASE + low, V4_BASE + high))))
        rules.append(Rule(all_of(*fields), actions[line.action], span=span))
    policy = Policy("border", tuple(rules), Block())
    return Ruleset("native", frozenset({4, 6}), {"border": policy}, {None: (Entry("border", Block(), stateful=True),)})


if __name__ == "__main__":
    text = iptables if sys.argv[3:] == ["iptables"] else native
    print(*text(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1), sep="\n")
