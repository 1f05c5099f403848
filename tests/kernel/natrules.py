"""Random dumps that rewrite: a nat table in front of and behind random rules of all other tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from policy.host import Host, Route, heard
from policy.netfilter import BUILT_IN
from policy.packet import Intervals
from policy.packet.address import parse_address, parse_prefix, whole
from tests.kernel.markrules import with_marks
from tests.kernel.matches import Place
from tests.kernel.rulesets import random_matches, random_ruleset
from tests.kernel.setrules import Drawn, random_match
from tests.kernel.world import DEVICES, World

_ON_EVERY_DEVICE = {
    4: {"ppp0": "10.3.255.1/32", "wan0": "10.4.255.1/32"},
    6: {"ppp0": "2001:db8:3:ff::1/128", "wan0": "2001:db8:4:ff::1/128"},
}
_NETWORKS = {
    4: ("10.2.0.0/24", "10.3.0.0/16", "10.0.0.1/32", "192.168.1.0/25", "10.4.0.0/30"),
    6: ("2001:db8:2::/64", "2001:db8::1/128", "2001:db8:3::/112", "fd00::/126"),
}
_PORTED = (6, 17, 33, 132)
_ARRIVING = frozenset({"PREROUTING", "OUTPUT"})
_GROUPS = (
    frozenset({"PREROUTING"}),
    frozenset({"OUTPUT"}),
    _ARRIVING,
    frozenset({"POSTROUTING"}),
    frozenset({"INPUT"}),
    frozenset({"POSTROUTING", "INPUT"}),
)
"""The built-in chains of the nat table that a chain of its own may be called from."""


def addressed(world: World) -> World:
    """Return the world with an address on every device: REDIRECT drops what comes by one that has none."""
    more = _ON_EVERY_DEVICE[world.family]
    option = " nodad" if world.family == 6 else ""
    setup = [f"addr add {address} dev {device}{option}" for device, address in more.items()]
    own = (address.partition("/")[0] for address in more.values())
    return replace(world, local=(*world.local, *own), setup=(*setup, *world.setup))


def host_of(world: World) -> Host:
    """Return what `fwpolicy` is told of the host: all its addresses, and all its routes."""
    own, routes = Intervals(), []
    for address in world.local:
        own |= Intervals.of(parse_address(address))
    for words in map(str.split, world.setup):
        if "metric" in words:
            continue
        to = words[words.index("add") + 1]
        device = words[words.index("dev") + 1]
        network = whole(world.family) if to == "default" else parse_prefix(to)
        routes.append(Route(network, device, heard(network) if "addr" in words else Intervals()))
    return Host(own, tuple(routes))


def random_rewriting(r: Random, world: World, backend: str, sets: Sequence[Drawn]) -> list[str]:
    """Return the lines of a dump whose last table is nat; half of them use marks, half of them one of the *sets*."""
    lines, table = [], ""
    for line in random_ruleset(r, world, backend, tracked=True):
        table = line if line.startswith("*") else table
        # A TTL of 1 ends a packet that is forwarded, and no rule has said so.
        if table == "*nat" or "TTL" in line or "HL" in line:
            continue
        drops = table != "*filter" and line.startswith("-A") and r.random() < 0.3
        lines.append(line.replace("-j ACCEPT", "-j DROP").replace("-j RETURN", "-j DROP") if drops else line)
    lines += _nat_table(r, world, backend)
    if r.random() < 0.5:
        lines = with_marks(r, lines, world)
    if sets and r.random() < 0.5:
        lines = [_with_set(r, line, sets) if line.startswith("-A") else line for line in lines]
    if r.random() < 0.3:
        lines = _with_untracked(r, lines, world, backend)
    if r.random() < 0.6:  # mostly let through, so that there is something to see
        lines = [line.replace(" DROP [", " ACCEPT [") for line in lines]
    if r.random() < 0.3:
        lines = [line for line in lines if not line.endswith("-j DROP") or r.random() < 0.5]
    return lines


def _with_set(r: Random, line: str, sets: Sequence[Drawn]) -> str:
    """Return a rule that asks for a set too, or, sometimes, for nothing else."""
    if r.random() < 0.7:
        return line
    words, dash, target = line.partition(" -j ")
    match = random_match(r, sets)
    # A target may need the protocol that the rule names.
    alone = target in ("ACCEPT", "DROP", "RETURN") and r.random() < 0.5
    return f"{' '.join(words.split()[:2]) if alone else words} {match}{dash}{target}"


def _with_untracked(r: Random, lines: Sequence[str], world: World, backend: str) -> list[str]:
    """Return a dump whose raw table leaves some packets without a connection."""
    if "*raw" not in lines:
        lines = ["*raw", *(f":{name} ACCEPT [0:0]" for name in BUILT_IN["raw"]), "COMMIT", *lines]
    added = []
    for chain in ("PREROUTING", "OUTPUT"):
        place = Place(world, frozenset({chain}), False, False, backend)
        words, _ = random_matches(r, chain, place)
        added += [f"{words} -j CT --notrack"] if r.random() < 0.7 else []
    start = lines.index("*raw")
    at = next(i for i in range(start + 1, len(lines)) if not lines[i].startswith(":"))
    return [*lines[:at], *added, *lines[at:]]


@dataclass(frozen=True)
class _Chain:
    name: str
    hooks: frozenset[str]
    number: int = -1

    def calls(self, other: _Chain) -> bool:
        return self.hooks <= other.hooks and other.number > self.number


def _nat_table(r: Random, world: World, backend: str) -> list[str]:
    roots = [_Chain(name, frozenset({name})) for name in BUILT_IN["nat"]]
    users = [_Chain(f"u{number}", r.choice(_GROUPS), number) for number in range(r.choice((0, 0, 1, 2, 3)))]
    policies = ("ACCEPT",) * 9 + ("DROP",)
    lines = ["*nat", *(f":{chain.name} {r.choice(policies)} [0:0]" for chain in roots)]
    lines += [f":{chain.name} - [0:0]" for chain in users]
    for chain in (*roots, *users):
        called = [f"{way} {other.name}" for other in users if chain.calls(other) for way in ("-j", "-j", "-g")]
        for _ in range(r.choice((0, 1, 1, 2, 3) if chain in roots else (1, 2, 3))):
            lines.append(_rule(r, world, backend, chain, called))
    return [*lines, "COMMIT"]


def _rule(r: Random, world: World, backend: str, chain: _Chain, called: Sequence[str]) -> str:
    place = Place(world, chain.hooks, chain.number >= 0, True, backend)
    words, place = random_matches(r, chain.name, place) if r.random() < 0.5 else _plain(r, chain, place)
    if called and r.random() < 0.4:
        return f"{words} {r.choice(called)}"
    way = r.random()
    if way < 0.15:
        return words + r.choice((" -j ACCEPT", " -j RETURN", " -j MARK --set-mark 2", ""))
    ported = place.proto in _PORTED and not place.negated
    if chain.hooks <= _ARRIVING:
        return f"{words} -j {_destination(r, world, ported)}"
    return f"{words} -j {_source(r, world, chain.hooks, ported)}"


def _plain(r: Random, chain: _Chain, place: Place) -> tuple[str, Place]:
    """Return a rule that many packets match."""
    name, proto = r.choice((("tcp", 6), ("tcp", 6), ("udp", 17), ("sctp", 132), ("", None)))
    words = [f"-A {chain.name}", *([f"-p {name}"] if name else [])]
    if name and r.random() < 0.5:
        ports = r.choice(("80", "22", "1024:65535", "0:1023", "443"))
        words.append(f"-m {name} {r.choice(('', '! '))}--dport {ports}")
    if r.random() < 0.2:
        words.append(f"{r.choice(('', '! '))}-d {r.choice((*place.world.local[2:], *_far(place.world)))}")
    if r.random() < 0.15:
        words.append(f"{r.choice(('', '! '))}-s {r.choice(place.world.sources)}")
    return " ".join(words), replace(place, proto=proto)


def _destination(r: Random, world: World, ported: bool) -> str:
    address, ports = _addresses(r, world), _ports(r, ported)
    way = r.random()
    if way < 0.2:
        return "REDIRECT" + (r.choice(("", " --to-ports 3128", " --to-ports 22", " --to-ports 2000-2004")) * ported)
    if way < 0.4:
        return f"NETMAP --to {r.choice(_NETWORKS[world.family])}"
    if ports and r.random() < 0.2:
        return f"DNAT --to-destination {ports}"
    return f"DNAT --to-destination {_with(world, address, ports)}"


def _source(r: Random, world: World, hooks: frozenset[str], ported: bool) -> str:
    way = r.random()
    if way < 0.4 and hooks == {"POSTROUTING"}:
        return "MASQUERADE" + (r.choice(("", " --to-ports 2000-2999", " --random")) if ported else "")
    if way < 0.6:
        return f"NETMAP --to {r.choice(_NETWORKS[world.family])}"
    return f"SNAT --to-source {_with(world, _addresses(r, world), _ports(r, ported))}"


def _addresses(r: Random, world: World) -> str:
    address = r.choice((*world.local[2:], *_far(world), world.local[0 if r.random() < 0.3 else -1]))
    if r.random() < 0.8 or address[-1] not in "1234567":
        return address
    return f"{address}-{address[:-1]}{int(address[-1]) + 2}"


def _ports(r: Random, ported: bool) -> str:
    return r.choice(("", "", ":8080", ":22", ":3000-3009")) if ported else ""


def _with(world: World, addresses: str, ports: str) -> str:
    return f"[{addresses}]{ports}" if world.family == 6 and ports else f"{addresses}{ports}"


def _far(world: World) -> list[str]:
    return [address for device in DEVICES for address in world.behind[device]]
