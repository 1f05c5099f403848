"""Random dumps: tables, chains that call each other, rules, and lines that insert, delete and empty."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random

from policy.netfilter import BUILT_IN
from tests.kernel.matches import Place, negate, random_match
from tests.kernel.world import World

_USED = {"raw": 0.1, "mangle": 0.35, "nat": 0.8, "filter": 1, "security": 0.9}
_TARGETS = {
    "raw": ("MARK", "ACCEPT", "RETURN", ""),
    "mangle": ("MARK", "MARK", "TTL", "TOS", "ACCEPT", "RETURN", ""),
    "nat": ("MARK", "ACCEPT", "RETURN", ""),
    "filter": ("ACCEPT", "DROP", "ACCEPT", "DROP", "RETURN", "REJECT", "", "MARK", "NFLOG --nflog-group 9"),
    "security": ("ACCEPT", "RETURN", "NFLOG"),
}
_PROTOCOLS = {
    "tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58, "sctp": 132, "udplite": 136, "dccp": 33, "gre": 47, "esp": 50,
    "ah": 51, "59": 59, "253": 253, "all": None, "0": None,
}  # fmt: skip
_MARK = (
    "set-mark 1",
    "set-mark 0x10/0xf0",
    "set-xmark 0x3/0x1",
    "or-mark 2",
    "and-mark 0xfe",
    "xor-mark 0x11",
    "set-xmark 0xff/0x0",
    "set-mark 0",
)
_TOS = (
    "DSCP --set-dscp 10",
    "DSCP --set-dscp-class EF",
    "TOS --set-tos 0x10",
    "TOS --or-tos 0x08",
    "TOS --and-tos 0xf0",
    "TOS --xor-tos 3",
    "TOS --set-tos 0x10/0x3f",
    "TOS --set-tos Minimize-Delay",
)


@dataclass(frozen=True)
class _Chain:
    name: str
    hooks: frozenset[str]

    @property
    def number(self) -> int:
        """A chain calls only those with a higher number."""
        return int(self.name[1:]) if self.name.startswith("u") else -1


def random_ruleset(r: Random, world: World, backend: str, tracked: bool) -> list[str]:
    """Return the lines of a dump; the filter table always has rules."""
    lines = []
    nat = tracked and r.random() < 0.3
    for table in BUILT_IN:
        if (table == "nat" and not nat) or (table == "security" and r.random() < 0.8):
            continue
        lines += _table(r, world, backend, tracked, table)
    return _edited(r, lines, backend) if r.random() < 0.25 else lines


def is_rule(line: str) -> bool:
    """Say whether the line could be left out."""
    return line.startswith(("-A", "-I", "-D", "-F", "-P"))


def _table(r: Random, world: World, backend: str, tracked: bool, table: str) -> list[str]:
    policies = ("ACCEPT", "DROP") if table == "filter" else ("ACCEPT",)
    lines = [f"*{table}", *(f":{name} {r.choice(policies)} [0:0]" for name in BUILT_IN[table])]
    if r.random() >= _USED[table]:
        return [*lines, "COMMIT"]
    roots = [name for name in BUILT_IN[table] if name != "POSTROUTING"]
    groups = r.choice(([roots], [[each for each in roots if each != "OUTPUT"], ["OUTPUT"]], [[each] for each in roots]))
    users = [_Chain(f"u{number}", frozenset(r.choice(groups))) for number in range(r.choice((0, 1, 2, 3, 4, 4, 8)))]
    lines += [f":{chain.name} - [0:0]" for chain in users]
    if table == "nat":
        lines.append("-A POSTROUTING -o eth1 -j MASQUERADE")  # behind the filter
    for chain in (*(_Chain(name, frozenset({name})) for name in roots), *users):
        targets = [f"-j {target}" if target else "" for target in _TARGETS[table]]
        for callee in users:
            if chain.hooks <= callee.hooks and callee.number > chain.number:
                targets += [f"-j {callee.name}", f"-j {callee.name}", f"-g {callee.name}"]
        place = Place(world, chain.hooks, chain.number >= 0, tracked, backend)
        for _ in range(r.choice((1, 2, 3, 5, 8) if table == "filter" else (0, 1, 2))):
            lines.append(_rule(r, chain.name, place, targets))
    return [*lines, "COMMIT"]


def _rule(r: Random, chain: str, place: Place, targets: list[str]) -> str:
    words, place = random_matches(r, chain, place)
    return " ".join(filter(None, (words, _target(r, place, r.choice(targets)))))


def random_matches(r: Random, chain: str, place: Place) -> tuple[str, Place]:
    """Return a rule without its target, and the place with the protocol that it is about."""
    words = [f"-A {chain}"]
    if r.random() < 0.55:
        common = ["tcp"] * 5 + ["udp"] * 3 + ["icmp" if place.v4 else "ipv6-icmp"] * 3
        name = r.choice((*common, *(each for each in _PROTOCOLS if each != ("59" if place.v4 else "ah"))))
        proto = _PROTOCOLS[name]
        place = replace(place, proto=proto, negated=proto is not None and r.random() < 0.15)
        words.append(f"{'! ' if place.negated else ''}-p {name}")
    seen = set()
    for _ in range(r.choice((0, 1, 1, 1, 2, 2, 3))):
        match = random_match(r, place)
        kind = re.search(r"-m \w+|--?\w+", match)
        assert kind is not None
        if kind[0] not in seen:
            words.append(match)
        seen.add(kind[0])
    return " ".join(words), place


def _target(r: Random, place: Place, target: str) -> str:
    match target:
        case "-j REJECT":
            if place.proto == 6 and not place.negated and r.random() < 0.5:
                return "-j REJECT --reject-with tcp-reset"
            kind = "icmp-host-prohibited" if place.v4 else "icmp6-adm-prohibited"
            return r.choice(("-j REJECT", f"-j REJECT --reject-with {kind}"))
        case "-j MARK":
            return f"-j MARK --{r.choice(_MARK)}"
        case "-j TTL":
            value = r.choice((1, 3, 64, 63, 0, 255))
            return f"-j TTL --ttl-set {value}" if place.v4 else f"-j HL --hl-set {value}"
        case "-j TOS":
            return f"-j {r.choice(_TOS)}"
    return target


def _edited(r: Random, lines: list[str], backend: str) -> list[str]:
    """Return the dump with rules of the filter table inserted, deleted, emptied and replaced."""
    edited: list[str] = []
    count: dict[str, int] = {}
    inside = False
    for line in lines:
        if line.startswith("*"):
            inside = line == "*filter"
        if inside and line.startswith("-A"):
            edited += _edit(r, line, count)
        # Known difference: where a table comes twice, legacy iptables keeps the policies of the first block.
        elif inside and line == "COMMIT" and backend == "nft" and r.random() < 0.15:
            edited += [line, "*filter"]
            edited += [f":{name} {r.choice(('DROP', 'ACCEPT', '-'))} [0:0]" for name in BUILT_IN["filter"]]
            for name in BUILT_IN["filter"]:
                edited.append(f"-A {name} {negate(r, '-p tcp')} -j {r.choice(('ACCEPT', 'DROP'))}")
            edited.append(line)
        else:
            edited.append(line)
    return edited


def _edit(r: Random, line: str, count: dict[str, int]) -> list[str]:
    """Return one rule, perhaps elsewhere in its chain; *count* is how many rules each chain has by now."""
    chain = line.split()[1]
    known, way = count.get(chain, 0), r.random()
    count[chain] = known + 1
    if way < 0.15:
        return [line.replace("-A", "-I", 1)]
    if way < 0.3 and known:
        return [line.replace(f"-A {chain}", f"-I {chain} {r.randint(1, known + 1)}", 1)]
    if way < 0.35 and known:
        count[chain] = known
        return [line, f"-D {chain} {r.randint(1, known + 1)}"]
    if way < 0.4 and known:
        count[chain] = known
        return [line, line.replace("-A", "-D", 1)]
    if way < 0.42 and chain in BUILT_IN["filter"]:
        return [line, f"-P {chain} {r.choice(('DROP', 'ACCEPT'))}"]
    if way < 0.43:
        count[chain] = 0
        return [line, f"-F {chain}"]
    return [line]
