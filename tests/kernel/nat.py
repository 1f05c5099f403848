"""Compare rewriting with this machine's Linux: whole ways of packets, and the connections that they open.

    python -m tests.kernel.nat --seed 1 --rulesets 100 --backend nft --family 4

Exit status 0: they agree; 1: they do not, or nothing was compared; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from policy.app.load import load
from policy.conntrack.first import first_state, step_of
from policy.diagnostic import Mistakes
from policy.evaluate import Decision, Translation, decide
from policy.host import Host, Route
from policy.ir import Ruleset
from policy.packet import HOOKS, STATES, Intervals, Packet, Value, complete
from policy.packet.address import format_address, parse_address, parse_prefix, whole
from policy.packet.codec import values_from_json
from policy.packet.connection import Known, known
from policy.source import Source
from tests.kernel.net import Failed, Unavailable, enter
from tests.kernel.packets import ICMP, Probe, question, random_probe
from tests.kernel.rulesets import random_ruleset
from tests.kernel.shrink import shrink
from tests.kernel.way import Header, Way, WayJudge
from tests.kernel.world import DEVICES, WORLDS, World

CANNOT = 77
_PORTED = (6, 17, 33, 132, 136)
_MOST_SHOWN = 5


def addressed(world: World) -> World:
    """Return the world with an address on every device: REDIRECT drops what comes by one that has none."""
    more = {
        4: {"ppp0": "10.3.255.1/32", "wan0": "10.4.255.1/32"},
        6: {"ppp0": "2001:db8:3:ff::1/128", "wan0": "2001:db8:4:ff::1/128"},
    }[world.family]
    option = ("-6 ", " nodad") if world.family == 6 else ("", "")
    setup = [f"{option[0]}addr add {address} dev {device}{option[1]}" for device, address in more.items()]
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
        routes.append(Route(whole(world.family) if to == "default" else parse_prefix(to), device))
    return Host(own, tuple(routes))


def nat_table(r: Random, world: World) -> list[str]:
    """Return a nat table that rewrites."""
    roots = ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")
    lines = ["*nat", *(f":{name} {r.choice(('ACCEPT', 'ACCEPT', 'ACCEPT', 'DROP'))} [0:0]" for name in roots)]
    users = [f"u{number}" for number in range(r.choice((0, 0, 1, 2)))]
    hooks = {name: r.choice((("PREROUTING", "OUTPUT"), ("POSTROUTING", "INPUT"))) for name in users}
    lines += [f":{name} - [0:0]" for name in users]
    for root in roots:
        for _ in range(r.choice((0, 1, 1, 2, 3))):
            called = [f"-j {name}" for name in users if root in hooks[name]]
            lines.append(_rule(r, world, root, root in ("PREROUTING", "OUTPUT"), called))
    for name in users:
        for _ in range(r.choice((1, 2, 3))):
            lines.append(_rule(r, world, name, "OUTPUT" in hooks[name], []))
    return [*lines, "COMMIT"]


def _rule(r: Random, world: World, chain: str, destination: bool, called: Sequence[str]) -> str:
    proto = r.choice(("tcp", "tcp", "tcp", "udp", "udp", "", "sctp"))
    words = [f"-A {chain}", *([f"-p {proto}"] if proto else [])]
    ported = proto in ("tcp", "udp", "sctp")
    if ported and r.random() < 0.5:
        words.append(
            f"-m {proto} {r.choice(('', '! '))}--dport {r.choice(('80', '22', '1024:65535', '0:1023', '443'))}"
        )
    if r.random() < 0.25:
        words.append(f"{r.choice(('', '! '))}-d {r.choice((*world.local[2:], *_far(world)))}")
    if r.random() < 0.2:
        words.append(f"{r.choice(('', '! '))}-s {r.choice(world.sources)}")
    if r.random() < 0.2 and chain in ("PREROUTING", "INPUT"):
        words.append(f"-i {r.choice(DEVICES)}")
    if r.random() < 0.2 and chain in ("OUTPUT", "POSTROUTING"):
        words.append(f"-o {r.choice(DEVICES)}")
    if r.random() < 0.1:
        words.append("-m addrtype --dst-type LOCAL")
    if called and r.random() < 0.4:
        return " ".join((*words, r.choice(called)))
    return " ".join((*words, _target(r, world, chain, destination, ported)))


def _target(r: Random, world: World, chain: str, destination: bool, ported: bool) -> str:
    if r.random() < 0.15:
        return r.choice(("-j ACCEPT", "-j RETURN", "-j MARK --set-mark 5"))
    address = r.choice((*world.local[2:], *_far(world)))
    last = address[:-1] + str(min(9, int(address[-1], 16) + 2)) if address[-1] in "1234567" else address
    text = address if r.random() < 0.8 else f"{address}-{last}"
    ports = r.choice(("", "", ":8080", ":22", ":3000-3009")) if ported else ""
    bracketed = f"[{text}]" if world.family == 6 and ports else text
    network = r.choice(
        ("10.2.0.0/24", "10.3.0.0/16", "10.0.0.1/32") if world.family == 4 else ("2001:db8:2::/64", "2001:db8::1/128")
    )
    if destination:
        redirect = f"-j REDIRECT{r.choice(('', ' --to-ports 3128', ' --to-ports 22')) if ported else ''}"
        if chain.startswith("u"):
            redirect = f"-j DNAT --to-destination {bracketed}{ports}"
        return r.choice((f"-j DNAT --to-destination {bracketed}{ports}",) * 3 + (redirect, f"-j NETMAP --to {network}"))
    masquerade = f"-j MASQUERADE{r.choice(('', ' --to-ports 2000-2999')) if ported else ''}"
    if chain == "INPUT" or chain.startswith("u"):
        masquerade = f"-j SNAT --to-source {address}"
    return r.choice((f"-j SNAT --to-source {bracketed}{ports}", masquerade, masquerade, f"-j NETMAP --to {network}"))


def _far(world: World) -> list[str]:
    return [address for device in DEVICES for address in world.behind[device]]


@dataclass(frozen=True)
class Disagreement:
    """A packet that the kernel treats in another way than `fwpolicy` says."""

    what: str
    lines: list[str]
    probe: Probe


class Comparison:
    """The kernel against `fwpolicy`, with one back end of iptables and one IP version."""

    def __init__(self, world: World, backend: str, seed: str) -> None:
        self._world = world
        self._backend = backend
        self._seed = seed
        self._host = host_of(world)
        self._judge = WayJudge(world, backend)
        self.counts: Counter[str] = Counter(comparisons=0, disagreements=0)
        self.found: list[Disagreement] = []

    def run(self, first: int, rulesets: int, packets: int) -> None:
        """Compare rule set after rule set."""
        for number in range(first, first + rulesets):
            r = Random(f"nat {self._seed} {self._backend} {self._world.family} {number}")
            lines = self._lines(r)
            probes = [self._probe(r) for _ in range(packets)]
            ruleset = self._load(lines)
            if ruleset is None:
                continue
            self.counts["rule sets"] += 1
            ways = self._judge.judge(probes)
            opened = []
            for probe, way in zip(probes, ways, strict=True):
                wrong, decision = self._compare(ruleset, probe, way)
                if wrong:
                    self._disagrees(wrong, lines, probe)
                elif decision is not None and way.hook and way.state == "new":
                    opened.append((probe, way, decision))
            self._connections(ruleset, lines, opened[:12])

    def _lines(self, r: Random) -> list[str]:
        lines: list[str] = []
        inside = ""
        for line in random_ruleset(r, self._world, self._backend, tracked=True):
            inside = line if line.startswith("*") else inside
            # A TTL of 1 ends a packet that is forwarded, and no rule has said so.
            if (inside != "*nat" and not line.startswith("-") | ("TTL" in line or "HL" in line)) or (
                inside != "*nat" and line.startswith("-") and "TTL" not in line and "HL" not in line
            ):
                lines.append(line)
        if r.random() < 0.5:  # mostly let through, so that there is something to see
            lines = [line.replace(" DROP [", " ACCEPT [") for line in lines]
        return [*lines, *nat_table(r, self._world)]

    def _probe(self, r: Random) -> Probe:
        world = self._world
        while True:
            probe = random_probe(r, world, (), tracked=True)
            plain = probe.pkttype == "unicast" and "lo" not in (probe.device_in, probe.device_out)
            if not plain or probe.proto not in (*_PORTED, ICMP[world.family]) or probe.ttl < 3:
                continue
            flags = probe.flags if r.random() < 0.1 else 2
            probe = replace(probe, extensions=(), flags=flags, mark=0, uid=0, gid=0, padding=8)
            if probe.hook == "output":
                probe = replace(probe, src=r.choice(world.local[2:]), dst=r.choice(world.behind[probe.device_out]))
            if probe.dst in world.broadcast or probe.dst in world.broadcast_out or probe.sport == 0 or probe.dport == 0:
                continue
            return probe

    def _load(self, lines: Sequence[str]) -> Ruleset | None:
        version = "6" * (self._world.family == 6)
        try:
            self._judge.load(lines)
        except Failed:
            self.counts["rule sets the kernel refuses"] += 1
            return None
        text = f"# Generated by ip{version}tables-save v1.8.9\n" + "\n".join(lines) + "\n"
        try:
            return load(Source("rules", text), f"ip{version}tables", self._host)
        except Mistakes:
            self.counts["rule sets fwpolicy refuses"] += 1
            return None

    def _packet(self, probe: Probe, state: str | None) -> Packet:
        """Return a probe as a packet; its hook is the one by its destination as it arrives."""
        row = question(probe, 0, {}, self._backend)
        row.pop("length")
        if probe.hook != "output":
            here = probe.dst in self._world.local
            row["hook"] = "input" if here else "forward"
            row.pop("out", None)
            if not here:
                row["out"] = self._host.way(parse_address(probe.dst))
        values = values_from_json(row)
        if state is None:
            step = step_of(complete(values))
            state = STATES[first_state(step)] if step is not None else "new"
        return complete({**values, "state": STATES.index(state)})

    def _compare(
        self, ruleset: Ruleset, probe: Probe, way: Way, sent: Known | None = None
    ) -> tuple[str | None, Decision | None]:
        """Return what is wrong, None where nothing is, and what `fwpolicy` decides."""
        if not way.arrived:
            self.counts["packets that did not arrive"] += 1
            return None, None
        if sent is None:
            sent = Known("first", self._packet(probe, way.state))
        decision = decide(ruleset, sent.packet, translation=Translation(sent.destination, sent.source))
        if decision.verdict not in ("allow", "block"):
            self.counts["answers that depend"] += 1
            return None, None
        self.counts["comparisons"] += 1
        self.counts[f"kernel: {'comes through at ' + way.hook if way.hook else 'block'}"] += 1
        if (decision.verdict == "allow") is not bool(way.hook):
            return f"{sent.role}: the kernel {'lets it through' if way.hook else 'blocks it'}, not fwpolicy", None
        if way.hook and way.header:
            self.counts["rewritten"] += any(final.rewritten for final in decision.finals)
            if not any(_is(final.packet, way.hook, way.header) for final in decision.finals):
                ours = "; ".join(_shown(final.packet) for final in decision.finals)
                return f"{sent.role}: the kernel makes {way.hook} {way.header} of it, fwpolicy {ours}", None
        return None, decision

    def _connections(self, ruleset: Ruleset, lines: list[str], opened: Sequence[tuple[Probe, Way, Decision]]) -> None:
        """Compare replies and next packets of connections that were let through."""
        usable = [
            (probe, way, decision)
            for probe, way, decision in opened
            if probe.proto == 17 or (probe.proto == 6 and probe.flags == 2)
        ]
        tuples = Counter((probe.proto, way.header) for probe, way, _ in usable)
        for probe, way, decision in usable:
            if tuples[probe.proto, way.header] > 1 or way.hook is None or way.header is None:
                continue
            final = next(final for final in decision.finals if _is(final.packet, way.hook, way.header))
            first = self._packet(probe, way.state)
            left = final.packet.with_values(_exact(final.packet, way.header))
            reply = self._reply(probe, way.hook, way.header)
            come = self._host.way(parse_address(probe.src))
            if probe.hook != "output" and (probe.src in self._world.local or come != probe.device_in):
                continue  # its reply does not go where it came from
            again = replace(probe, flags=16)
            if reply is None:
                continue
            ways = self._judge.judge([probe, reply, again], known=[1])
            if ways[0].hook != way.hook or ways[0].header != way.header or ways[1].state not in ("established", None):
                self.counts["connections that were another one"] += 1
                continue
            for sent in known(first, left, final.rewritten):
                each, at = (reply, ways[1]) if sent.role == "reply" else (again, ways[2])
                values: dict[str, Value] = {"ttl": each.ttl, "tos": each.tos}
                if each.proto == 6:
                    values |= {"flags": each.flags, "tcp_options": sum(1 << kind for kind in each.options)}
                wrong, _ = self._compare(ruleset, each, at, replace(sent, packet=sent.packet.with_values(values)))
                self.counts["packets of known connections"] += 1
                if wrong:
                    self.found.append(Disagreement(f"{wrong} (after {_shown(first)})", lines, each))
                    self.counts["disagreements"] += 1

    def _reply(self, first: Probe, hook: str, left: Header) -> Probe | None:
        """Return the answer to what left, as it arrives (or is sent)."""
        mirror = replace(
            first, src=left.dst, dst=left.src, sport=left.dport or 0, dport=left.sport or 0, flags=18, options=()
        )
        if hook == "input":
            out = self._host.way(parse_address(left.src))
            if left.src in self._world.local or left.dst not in self._world.local or out is None:
                return None
            return replace(mirror, hook="output", device_in="", device_out=out)
        if left.dst == left.src:  # each of its packets is its own reply
            return None
        come = self._host.way(parse_address(left.dst))
        if come is None or come == "lo" or left.dst in self._world.local:
            return None
        return replace(mirror, hook="input", device_in=come, device_out="", mac="02:11:22:33:44:55")

    def _disagrees(self, what: str, lines: list[str], probe: Probe) -> None:
        self.counts["disagreements"] += 1
        if len(self.found) < _MOST_SHOWN:
            self.found.append(Disagreement(what, shrink(lines, partial(self._still, probe)), probe))

    def _still(self, probe: Probe, lines: Sequence[str]) -> bool:
        before = self.counts.copy()
        ruleset = self._load(lines)
        try:
            return ruleset is not None and self._compare(ruleset, probe, self._judge.judge([probe])[0])[0] is not None
        finally:
            self.counts = before


def _is(packet: Packet, hook: str, header: Header) -> bool:
    """May a packet that leaves the rules be what the kernel saw?"""
    if packet.values.get("hook") != HOOKS.index(hook):
        return False
    return all(
        value is None or name not in packet.values or _holds(packet.values[name], value)
        for name, value in _numbers(header).items()
    )


def _holds(value: Value, number: int) -> bool:
    return value == number if isinstance(value, int) else isinstance(value, Intervals) and number in value


def _numbers(header: Header) -> dict[str, int | None]:
    src, dst = parse_address(header.src), parse_address(header.dst)
    return {"src": src, "dst": dst, "sport": header.sport, "dport": header.dport}


def _exact(packet: Packet, header: Header) -> dict[str, Value]:
    return {name: value for name, value in _numbers(header).items() if value is not None and name in packet.values}


def _shown(packet: Packet) -> str:
    values = packet.values
    sides = [format_address(v) if isinstance(v := values[name], int) else str(v) for name in ("src", "dst")]
    return f"{HOOKS[values['hook']]} {sides[0]}:{values.get('sport')} → {sides[1]}:{values.get('dport')}"  # type: ignore[index] # an arrived packet has one hook


def _text(one: Disagreement) -> Iterator[str]:
    yield f"DISAGREEMENT: {one.what}"
    yield from (f"    {line}" for line in one.lines)
    yield f"    {one.probe}"


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernel.nat", description="Compare rewriting with Linux.")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--rulesets", type=int, default=100, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N")
    parser.add_argument("--packets", type=int, default=60, metavar="N")
    parser.add_argument("--backend", choices=("nft", "legacy"), default="nft")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    parser.add_argument("--limit", type=int, default=0, metavar="SECONDS", help="end then, whatever happens")
    given = parser.parse_args()
    signal.alarm(given.limit)
    try:
        enter()
        comparison = Comparison(addressed(WORLDS[given.family]), given.backend, given.seed)
    except Unavailable as error:
        print(error)
        return CANNOT
    comparison.run(given.first, given.rulesets, given.packets)
    for one in comparison.found:
        print("\n".join(_text(one)))
    print(f"{given.backend}, IPv{given.family}, seed {given.seed}")
    print("\n".join(f"{count:>9,}  {name}" for name, count in sorted(comparison.counts.items())))
    return 1 if comparison.counts["disagreements"] or not comparison.counts["comparisons"] else 0


if __name__ == "__main__":
    sys.exit(main())
