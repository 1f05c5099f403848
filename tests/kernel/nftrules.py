"""Random rule sets of nftables, a command a line: tables, base chains with priorities, chains, sets, maps, rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.kernel.nftmatches import (
    ARRIVES,
    VMAPS,
    Place,
    address,
    addresses,
    listed,
    network,
    ports,
    random_match,
)
from tests.kernel.world import DEVICES, World

_HOOKS = ("prerouting", "input", "forward", "output", "postrouting")
_PRIORITIES = ("filter", "mangle", "security", "filter + 5", "-10", "0", "-149", "10", "raw", "mangle - 1")
_NAT = {"prerouting": "dstnat", "output": "-100", "input": "100", "postrouting": "srcnat"}
_GROUPS = (
    ("prerouting",),
    ("input",),
    ("forward",),
    ("output",),
    ("postrouting",),
    ("input", "forward"),
    ("input", "forward", "output"),
    _HOOKS,
)
_MAPS: tuple[tuple[str, str, Callable[[Random], str]], ...] = (
    ("tcp dport", "inet_service", lambda r: ports(r, False)),
    ("udp sport", "inet_service", lambda r: ports(r, False)),
    ("meta mark", "mark", lambda r: str(r.choice((0, 1, 2, 3, 16)))),
    (
        "meta l4proto . th dport",
        "inet_proto . inet_service",
        lambda r: f"{r.choice(('tcp', 'udp'))} . {ports(r, False)}",
    ),
)
_IN_NAT = ("accept", "return", "drop", "meta mark set 2")
_BEFORE_TRACKING = ("raw", "-300", "-250", "raw + 10")


@dataclass
class _Chain:
    """A chain while its table is drawn; one calls only those with a higher number."""

    name: str
    hooks: frozenset[str]
    number: int = -1
    kind: str = "filter"
    tracked: bool = True
    filters: bool = False


@dataclass
class _Table:
    family: str
    name: str
    chains: list[_Chain] = field(default_factory=list)
    sets: list[tuple[str, str]] = field(default_factory=list)
    maps: list[tuple[str, str]] = field(default_factory=list)

    @property
    def at(self) -> str:
        return f"{self.family} {self.name}"


def random_nftables(r: Random, world: World) -> list[str]:
    """Return the lines of a script."""
    ip = "ip" if world.family == 4 else "ip6"
    tables = [_Table(r.choice(("inet", ip)), f"t{number}") for number in range(r.choice((1, 1, 2, 3)))]
    lines = []
    for table in tables:
        lines.append(f"add table {table.at}")
        lines += _sets(r, world, table)
        lines += _chains(r, table)
        for chain in table.chains:
            lines += _rules(r, world, table, chain)
    for number in range(r.choice((0, 0, 1, 1, 1, 2))):
        # A reply that is not tracked goes where its destination is: fwpolicy takes that to be the host's own.
        sources = world.local if any("notrack" in line for line in lines) else ()
        lines += _nat_table(r, world, f"{r.choice(('inet', ip))} nat{number}", sources)
    return [*lines, *_foreign(r, "ip6" if ip == "ip" else "ip")]


def _foreign(r: Random, family: str) -> list[str]:
    """Return a table whose chains no packet of the world comes to, half of the time."""
    if r.random() < 0.5:
        return []
    where = f"hook {r.choice(_HOOKS)} priority {r.choice(_PRIORITIES[:7])}"
    return [
        f"add table {family} other",
        f"add chain {family} other b {{ type filter {where}; policy {r.choice(('accept', 'drop'))}; }}",
        f"add rule {family} other b {r.choice(('drop', 'meta mark set 3', 'accept'))}",
    ]


def is_rule(line: str) -> bool:
    """Say whether the line could be left out."""
    return line.startswith(("add rule", "insert rule", "add element"))


def _sets(r: Random, world: World, table: _Table) -> list[str]:
    kind = "ipv4_addr" if world.family == 4 else "ipv6_addr"
    lines = []
    for number in range(r.choice((0, 0, 1, 2))):
        key, type, draw = r.choice(_MAPS)
        lines.append(f"add map {table.at} m{number} {{ type {type} : verdict; }}")
        keys = dict.fromkeys(draw(r) for _ in range(3))
        verdicts = ("accept", "drop", "return", "continue")
        lines += [f"add element {table.at} m{number} {{ {each} : {r.choice(verdicts)} }}" for each in keys]
        table.maps.append((key, f"m{number}"))
    for number in range(r.choice((0, 1, 2, 3))):
        what, name = r.choice(("addresses", "ports", "pairs", "interfaces")), f"s{number}"
        intervals = r.random() < 0.5 and what != "interfaces"
        words = {"addresses": kind, "ports": "inet_service", "pairs": f"{kind} . inet_service", "interfaces": "ifname"}
        flags = " flags interval; auto-merge;" if intervals and what != "pairs" else " flags interval;" * intervals
        lines.append(f"add set {table.at} {name} {{ type {words[what]};{flags} }}")
        elements = [_element(r, world, what, intervals) for _ in range(r.choice((0, 1, 3, 5)))]
        lines += [f"add element {table.at} {name} {{ {element} }}" for element in elements]
        table.sets.append((what, name))
    return lines


def _element(r: Random, world: World, what: str, intervals: bool) -> str:
    match what:
        case "addresses":
            return addresses(r, world, intervals)
        case "ports":
            return ports(r, intervals)
        case "pairs":
            return f"{addresses(r, world, intervals)} . {ports(r, intervals)}"
    return f'"{r.choice((*DEVICES, "lo"))}"'


def _chains(r: Random, table: _Table) -> list[str]:
    lines = []
    for number in range(r.choice((0, 1, 2, 3))):
        hooks = frozenset(r.choice(_GROUPS))
        table.chains.append(_Chain(f"u{number}", hooks, number))
        lines.append(f"add chain {table.at} u{number}")
    for number in range(r.choice((1, 2, 3, 4))):
        hook = r.choice(_HOOKS)
        early = hook in ("prerouting", "output") and r.random() < 0.2
        priority = r.choice(_BEFORE_TRACKING if early else [each for each in _PRIORITIES if "raw" not in each])
        chain = _Chain(f"b{number}", frozenset({hook}), tracked=not early, filters=True)
        table.chains.append(chain)
        policy = r.choice(("accept", "accept", "accept", "drop"))
        lines.append(
            f"add chain {table.at} {chain.name} {{ type filter hook {hook} priority {priority}; policy {policy}; }}"
        )
    return lines


def _rules(r: Random, world: World, table: _Table, chain: _Chain) -> list[str]:
    place = Place(world, table.family, chain.hooks, chain.tracked, tuple(table.sets), tuple(table.maps))
    lines = []
    for _ in range(r.choice((1, 2, 3, 5))):
        called = [
            f"{way} {other.name}"
            for other in table.chains
            if other.number > chain.number and chain.hooks <= other.hooks and not other.filters
            for way in ("jump", "jump", "goto")
        ]
        command = "insert rule" if r.random() < 0.1 else "add rule"
        lines.append(f"{command} {table.at} {chain.name} {_rule(r, place, chain, called)}")
    return lines


def _rule(r: Random, place: Place, chain: _Chain, called: Sequence[str]) -> str:
    words = [random_match(r, place) for _ in range(r.choice((0, 1, 1, 2, 2)))]
    if r.random() < 0.2:
        words.append(_vmap(r, place, called))
        if r.random() < 0.6:
            return " ".join(words)
    if r.random() < 0.35:
        words.insert(r.randint(0, len(words)), _change(r, place, chain))
        if r.random() < 0.3:
            words += [_change(r, place, chain), random_match(r, place)]
    if r.random() < 0.15:
        words.insert(r.randint(0, len(words)), "counter")
    verdicts = ["accept", "accept", "drop", "drop", "return", "continue", ""]
    verdicts += ["reject"] if chain.hooks <= {"input", "forward", "output"} else []
    verdicts += ["reject with tcp reset"] if chain.hooks <= {"input", "forward", "output"} and r.random() < 0.3 else []
    verdict = r.choice((*verdicts, *called, *called))
    return " ".join(filter(None, (*words, verdict))) or "counter"


def _change(r: Random, place: Place, chain: _Chain) -> str:
    changes = [
        f"meta mark set {r.choice((0, 1, 2, 0x10))}",
        "meta mark set meta mark | 0x1",
        "meta mark set meta mark & 0xf",
    ]
    changes += [f"{place.ip} dscp set {r.choice((0, 10, 46))}", f"{place.ip} ecn set {r.choice(('ce', 'not-ect'))}"]
    changes += [f"{place.ip} {'ttl' if place.world.family == 4 else 'hoplimit'} set {r.choice((33, 64, 200))}"]
    changes += [
        f"meta mark set {r.choice(('tcp', 'udp', 'th'))} dport map {{ 22 : 1, 80 : 2, 443 : {r.choice((1, 3))} }}"
    ]
    if place.tracked:
        changes += ["notrack"] if chain.filters and chain.hooks <= {"prerouting", "output"} else []
        changes += [f"ct mark set {r.choice((0, 1, 2))}", "ct mark set meta mark", "meta mark set ct mark"]
        changes += ["ct mark set ct mark | 0x2", "meta mark set ct mark & 0x3", "ct mark set meta mark ^ 0x11"]
        changes += ["meta mark set ct state map { new : 1, established : 2 }"]
    elif chain.filters:
        changes = ["notrack"] * 3
    return r.choice(changes)


def _vmap(r: Random, place: Place, called: Sequence[str]) -> str:
    usable = [each for each in VMAPS if not ("ct" in each[0] and not place.tracked)]
    usable = [each for each in usable if each[0] != "iifname" or place.hooks <= ARRIVES]
    key, draw, ranged = r.choice(usable)
    drawn = dict.fromkeys(draw(r, place.world) for _ in range(r.randint(1, 3)))
    if ranged and any("-" in each or "/" in each for each in drawn):  # intervals may not overlap
        drawn = dict.fromkeys(list(drawn)[:1])
    verdicts = ("accept", "drop", "return", "continue", *called)
    if place.maps and r.random() < 0.3:
        key, name = r.choice(place.maps)
        return f"{key} vmap @{name}"
    elements = [f"{each} : {r.choice(verdicts)}" for each in drawn]
    if r.random() < 0.2 and " . " not in key:
        elements.append(f"* : {r.choice(('accept', 'drop', 'continue'))}")
    side = f"{place.ip} {r.choice('sd')}addr"
    return f"{key.replace('ADDRESS', side)} vmap {{ {', '.join(elements)} }}"


def _nat_table(r: Random, world: World, table: str, sources: Sequence[str]) -> list[str]:
    family = table.split(maxsplit=1)[0]
    lines = [f"add table {table}", f"add chain {table} u"]
    lines += [f"add rule {table} u {random_match(r, Place(world, family, frozenset()))} {r.choice(_IN_NAT)}"]
    for hook, priority in _NAT.items():
        if r.random() < 0.25:
            continue
        number = priority if r.random() < 0.6 else f"{priority} + 5" if "nat" in priority else f"{priority}5"
        policy = r.choice(("accept",) * 9 + ("drop",))
        lines.append(f"add chain {table} {hook} {{ type nat hook {hook} priority {number}; policy {policy}; }}")
        place = Place(world, family, frozenset({hook}))
        for _ in range(r.choice((0, 1, 2, 3))):
            words = [random_match(r, place) for _ in range(r.choice((0, 1, 1)))]
            lines.append(f"add rule {table} {hook} {' '.join((*words, _translation(r, world, family, hook, sources)))}")
    return lines


def _translation(r: Random, world: World, family: str, hook: str, sources: Sequence[str]) -> str:
    """Return a statement; new sources are some of *sources*, if there are any."""
    if r.random() < 0.1:
        return r.choice((*_IN_NAT, *_IN_NAT, "jump u", "goto u"))
    ip = "ip" if world.family == 4 else "ip6"
    said = f" {ip}" if family == "inet" else ""
    ported = r.random() < 0.6
    protocol = r.choice(("tcp", "udp", "{ tcp, udp }"))
    before = f"meta l4proto {protocol} " if ported else ""
    port = r.choice((":8080", ":22", ":3000-3009")) if ported else ""
    arrives = hook in ("prerouting", "output")
    to = address(r, world) if arrives or not sources else r.choice(sources)
    where = f"[{to}]{port}" if world.family == 6 and port else f"{to}{port}"
    if r.random() < 0.12 and (arrives or not sources):
        return _network(r, world, said, "dnat" if arrives else "snat")
    if arrives:
        way = r.random()
        if way < 0.25:
            return f"{before}redirect" + (f" to {port}" if port else "")
        if way < 0.4:
            inside = listed(r, lambda: f"{ports(r, False)} : {address(r, world)}", 1)
            return f"tcp dport {r.choice((80, 443, 22))} dnat{said} to tcp dport map {inside}"
        return f"{before}dnat{said} to {where}"
    if hook == "postrouting" and r.random() < 0.4:
        return f"{before}masquerade" + (" to :2000-2999" if ported and r.random() < 0.5 else "")
    return f"{before}snat{said} to {where}"


def _network(r: Random, world: World, said: str, kind: str) -> str:
    """Return the translation of a network into another one."""
    ip, side = said.strip() or ("ip" if world.family == 4 else "ip6"), "daddr" if kind == "dnat" else "saddr"
    length = 24 if world.family == 4 else 64
    old, new = (network(address(r, world), length) for _ in range(2))
    return f"{kind} {ip} prefix to {ip} {side} map {{ {old} : {new} }}"
