"""Rule sets that rewrite, and packets, from a seed: what the kernel makes of them, and what `fwpolicy` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from policy.app.load import load
from policy.conntrack.first import first_state, step_of
from policy.diagnostic import Mistakes
from policy.evaluate import Decision, Translation, decide
from policy.ir import Ruleset
from policy.kernel.judge import Judge
from policy.kernel.probe import Probe
from policy.kernel.recorder import Header, Recording, Way
from policy.kernel.tools import Failed
from policy.kernel.wire import build
from policy.languages import ipset
from policy.looping import looping
from policy.packet import FIELDS, HOOKS, STATES, Intervals, Names, Packet, Value, complete
from policy.packet.address import format_address, parse_address
from policy.packet.codec import values_from_json
from policy.packet.connection import Known, known
from policy.source import Source
from tests.kernel.natrules import host_of, random_rewriting
from tests.kernel.packets import ICMP, question, random_probe
from tests.kernel.seen import load_accepted
from tests.kernel.setrules import Drawn, available, draw, load_sets
from tests.kernel.shrink import shrink
from tests.kernel.world import World, devices

_PORTED = (6, 17, 33, 132, 136)
_MOST_SHOWN = 3
_SYN, _ACK = 2, 16
_OPENING = ("new", "untracked")
_SETTINGS = {"route-localnet": True}


@dataclass(frozen=True)
class Disagreement:
    """A packet that the kernel treats in another way than `fwpolicy` says."""

    what: str
    number: int
    lines: list[str]
    packet: str


@dataclass(frozen=True)
class _Opened:
    """A packet that came through as the first one of a connection."""

    probe: Probe
    way: Way
    decision: Decision


_Wrong = tuple[Probe, str]
"""The first packet of a connection, and what is wrong with it, or with those that follow it."""


class Comparison:
    """The kernel against `fwpolicy`, with one back end of iptables and one IP version."""

    def __init__(self, world: World, backend: str, seed: str) -> None:
        self._world = world
        self._backend = backend
        self._seed = seed
        self._plain = self._host = host_of(world)
        self._judge = Judge(devices(world), world.family, backend)
        self._types = available(world.family)
        self.counts: Counter[str] = Counter({"comparisons": 0, "disagreements": 0, "answers that depend": 0})
        self.found: list[Disagreement] = []

    def run(self, first: int, rulesets: int, packets: int) -> Iterator[Disagreement]:
        """Compare rule set after rule set; yield what disagrees, the first few with as few lines as still do."""
        for number in range(first, first + rulesets):
            r = Random(f"nat {self._seed} {self._backend} {self._world.family} {number}")
            sets = self._sets(r)
            lines = random_rewriting(r, self._world, self._backend, sets)
            probes = [self._probe(r) for _ in range(packets)]
            with suppress(Failed):  # what is refused even so is counted there
                lines = load_accepted(self._judge, lines)
            ruleset = self._load(lines)
            if ruleset is None:
                continue
            self.counts["rule sets"] += 1
            for probe, _ in self._look(ruleset, probes):
                again = self._alone(ruleset, probe)
                if not again:  # what another look does not find again was the machine's hurry
                    self.counts["not confirmed"] += 1
                    continue
                self.counts["disagreements"] += 1
                if len(self.found) < _MOST_SHOWN:
                    fewer = shrink(lines, partial(self._still, probe))
                    asked = [line for each in sets if f"-set {each.name} " in " ".join(fewer) for line in each.lines]
                    self.found.append(Disagreement(again[0][1], number, [*asked, *fewer], str(probe)))
                    yield self.found[-1]
                    self._load(lines)

    def _sets(self, r: Random) -> list[Drawn]:
        """Load sets, of which `fwpolicy` is told, too; none where the kernel has none."""
        if not self._types:
            return []
        sets = draw(r, self._world, self._types)
        self._judge.forget()
        text, _ = load_sets(sets)
        self._host = replace(self._plain, sets=ipset.read([Source("sets", text)]))
        return sets

    def _probe(self, r: Random) -> Probe:
        world = self._world
        while True:
            probe = random_probe(r, world, (), tracked=True)
            plain = probe.pkttype == "unicast" and "lo" not in (probe.device_in, probe.device_out)
            if not plain or probe.proto not in (*_PORTED, ICMP[world.family]) or probe.ttl < 3:
                continue
            flags = probe.flags if r.random() < 0.1 else _SYN
            probe = replace(probe, extensions=(), flags=flags, padding=8)
            if probe.hook == "output":
                probe = replace(probe, src=r.choice(world.local[2:]), dst=r.choice(world.behind[probe.device_out]))
                if r.random() < 0.25:  # to itself
                    probe = replace(probe, dst=r.choice(world.local), device_out="lo")
            if probe.dst in world.broadcast or probe.dst in world.broadcast_out or probe.sport == 0 or probe.dport == 0:
                continue
            return probe

    def _load(self, lines: Sequence[str]) -> Ruleset | None:
        version = "6" * (self._world.family == 6)
        try:
            self._judge.load("\n".join(lines) + "\n")
        except Failed:
            self.counts["rule sets the kernel refuses"] += 1
            return None
        text = f"# Generated by ip{version}tables-save v1.8.9\n" + "\n".join(lines) + "\n"
        try:
            return looping(load(Source("rules", text), f"ip{version}tables", self._host))
        except Mistakes:
            self.counts["rule sets fwpolicy refuses"] += 1
            return None

    def _look(self, ruleset: Ruleset, probes: Sequence[Probe]) -> list[_Wrong]:
        """Compare packets, and then the connections that they open."""
        wrong, opened = [], []
        for probe, way in zip(probes, self._judge.judge(_free(probes), Recording(looping=True)), strict=True):
            what, decision = self._compare(ruleset, way, Known("first", self._packet(probe, way.state)))
            if what:
                wrong.append((probe, what))
            elif decision is not None and way.hook and way.state in _OPENING:
                opened.append(_Opened(probe, way, decision))
        return wrong + self._connections(ruleset, opened)

    def _alone(self, ruleset: Ruleset, probe: Probe) -> list[_Wrong]:
        before = self.counts.copy()
        found = self._look(ruleset, [probe])
        self.counts = before
        return found

    def _still(self, probe: Probe, lines: Sequence[str]) -> bool:
        before = self.counts.copy()
        ruleset = self._load(lines)
        self.counts = before
        return ruleset is not None and bool(self._alone(ruleset, probe))

    def _packet(self, probe: Probe, state: str | None) -> Packet:
        """Return a probe as a packet; its hook is the one by its destination as it arrives."""
        row = question(probe, len(build(probe, 1)), {}, self._backend)
        if probe.hook != "output":
            here = probe.dst in self._world.local
            row["hook"] = "input" if here else "forward"
            row.pop("out", None)
            if not here:
                row["out"] = self._host.way(parse_address(probe.dst))
        values = values_from_json(row)
        if state in (None, "untracked"):  # it ended before connection tracking, or rules say that it is not tracked
            step = step_of(complete(values))
            state = STATES[first_state(step)] if step is not None else "new"
        return complete({**values, "state": STATES.index(state)})

    def _compare(self, ruleset: Ruleset, way: Way, sent: Known) -> tuple[str | None, Decision | None]:
        """Return what is wrong, None where nothing is, and what `fwpolicy` decides."""
        if not way.arrived:
            self.counts["packets that did not arrive"] += 1
            return None, None
        translation = Translation(sent.destination, sent.source, sent.open)
        decision = decide(ruleset, sent.packet, assume=_SETTINGS, translation=translation)
        if decision.verdict not in ("allow", "block"):
            self.counts["answers that depend"] += 1
            return None, None
        self.counts["comparisons"] += 1
        self.counts[f"kernel: {'comes through at ' + way.hook if way.hook else 'block'}"] += 1
        if sent.role != "first":
            self.counts["packets of known connections"] += 1
        if (decision.verdict == "allow") is not bool(way.hook):
            return f"{sent.role}: the kernel {'lets it through' if way.hook else 'blocks it'}, not fwpolicy", None
        self.counts["sent to itself"] += any(final.packet.get("in") == "lo" for final in decision.finals)
        if way.hook and way.header:
            self.counts["rewritten"] += any(final.rewritten for final in decision.finals)
            if not any(_is(final.packet, way.hook, way.header) for final in decision.finals):
                ours = "; ".join(_shown(final.packet) for final in decision.finals)
                return f"{sent.role}: the kernel makes {way.hook} {way.header} of it, fwpolicy {ours}", None
        return None, decision

    def _connections(self, ruleset: Ruleset, opened: Sequence[_Opened]) -> list[_Wrong]:
        """Compare replies and next packets of connections that are let through."""
        chosen = _apart([one for one in opened if self._opens(one.probe)])
        kept = Recording(kept=range(1, len(chosen) + 1), looping=True)
        firsts = self._judge.judge(_free([one.probe for one in chosen]), kept)
        sent: list[tuple[Probe, Known, Probe]] = []
        for one, way in zip(chosen, firsts, strict=True):
            first = self._packet(one.probe, way.state)
            final = next((each for each in one.decision.finals if _came(each.packet, way)), None)
            reply = self._reply(one.probe, way)
            if final is None or reply is None or way.header is None or way.state not in _OPENING:
                self.counts["connections that have no reply"] += 1
                continue
            left = final.packet.with_values(_exact(final.packet, way.header))
            again = replace(one.probe, flags=_ACK)
            for each in known(first, left, final.rewritten):
                probe = reply if each.role == "reply" else again
                sent.append((probe, each, one.probe))
        # Every next packet comes behind the reply to the first.
        seen = self._judge.judge(_free([probe for probe, _, _ in sent]), Recording(looping=True), known=None)
        wrong, answered, mark = [], False, dict[str, Value]()
        for (probe, each, opener), way in zip(sent, seen, strict=True):
            expected = STATES[int(str(each.packet.values["state"]))]
            if each.role == "reply":
                answered = way.state == expected
            what: str | None
            if way.state not in (expected, "untracked", None) and (answered or each.role == "reply"):
                what = f"{each.role}: the kernel takes it for {way.state}"
            elif not answered and each.role == "next":  # what the kernel has not seen opens no connection
                self.counts["connections that have no reply"] += 1
                continue
            else:
                packet = _as_sent(each.packet, probe)
                if each.role == "next":
                    packet = packet.with_values(mark)
                what, decision = self._compare(ruleset, way, replace(each, packet=packet))
                if each.role == "reply":
                    mark = _marked(packet, decision)
            if what:
                wrong.append((opener, f"{what} (it is {probe})"))
        return wrong

    def _opens(self, probe: Probe) -> bool:
        """Can the packet open a connection to which somebody else answers?

        `fwpolicy` takes replies to go out where the first packet came in: docs/languages/iptables.md.
        """
        here = probe.src in self._world.local
        there = not here and self._host.way(parse_address(probe.src)) == probe.device_in
        return (probe.hook == "output" or there) and (probe.proto == 17 or (probe.proto == 6 and probe.flags == _SYN))

    def _reply(self, first: Probe, way: Way) -> Probe | None:
        """Return the answer to what came through, as it arrives (or is sent); None where nobody sends it."""
        left = way.header
        if left is None or left.src == left.dst:  # each of its packets would be its own reply
            return None
        mirror = replace(
            first,
            src=left.dst,
            dst=left.src,
            sport=left.dport or 0,
            dport=left.sport or 0,
            flags=_SYN | _ACK,
            options=(),
            mark=0,
            uid=0,
            gid=0,
        )
        if way.hook == "input":
            itself = left.src in self._world.local
            out = "lo" if itself else self._host.way(parse_address(left.src))
            if (itself and first.hook != "output") or left.dst not in self._world.local or out is None:
                return None
            return replace(mirror, hook="output", device_in="", device_out=out)
        come = self._host.way(parse_address(left.dst))
        if come is None or come == "lo" or left.dst in self._world.local:
            return None
        return replace(mirror, hook="input", device_in=come, device_out="", mac="02:11:22:33:44:55")


def _free(probes: Sequence[Probe]) -> list[Probe]:
    """Return packets that leave by the device that the routing says, also of a new destination."""
    return [replace(each, device_out="") for each in probes]


def _apart(opened: Sequence[_Opened]) -> list[_Opened]:
    """Return connections that have nothing to do with each other: no two with the same addresses and ports."""
    used: set[object] = set()
    found = []
    for one in opened:
        header = one.way.header
        assert header is not None
        probe = one.probe
        came = (probe.proto, frozenset({(probe.src, probe.sport), (probe.dst, probe.dport)}))
        left = (probe.proto, frozenset({(header.src, header.sport), (header.dst, header.dport)}))
        if not used & {came, left}:
            found.append(one)
        used |= {came, left}
    return found


def _as_sent(packet: Packet, probe: Probe) -> Packet:
    """Return a packet that follows the first one with what a probe has of its own, and its connection has not."""
    values: dict[str, Value] = {"ttl": probe.ttl, "tos": probe.tos, "length": len(build(probe, 1))}
    values |= {"flags": probe.flags, "tcp_options": sum(1 << kind for kind in probe.options)}
    values |= {"uid": probe.uid, "gid": probe.gid, "mac": int(probe.mac.replace(":", ""), 16), "pkttype": 0}
    return packet.with_values({name: value for name, value in values.items() if name in packet.values})


def _marked(reply: Packet, decision: Decision | None) -> dict[str, Value]:
    """Return the mark of the connection for the next packet, where the reply may have changed it."""
    finals = decision.finals if decision is not None and decision.verdict == "allow" else ()
    marks = {final.packet.get("ctmark") for final in finals}
    if len(marks) == 1 and (mark := marks.pop()) is not None:
        return {"ctmark": mark}
    domain = FIELDS["ctmark"].domain
    assert isinstance(domain, Intervals)
    return {"ctmark": domain} if "ctmark" in reply.values else {}


def _came(packet: Packet, way: Way) -> bool:
    return way.hook is not None and way.header is not None and _is(packet, way.hook, way.header)


def _is(packet: Packet, hook: str, header: Header) -> bool:
    """May a packet that leaves the rules be what the kernel saw?"""
    if packet.values.get("hook") != HOOKS.index(hook):
        return False
    if header.out is not None and packet.test("out", Names(frozenset({header.out}))) is False:
        return False
    return all(
        value is None or name not in packet.values or packet.test(name, Intervals.of(value)) is not False
        for name, value in _numbers(header).items()
    )


def _numbers(header: Header) -> dict[str, int | None]:
    src, dst = parse_address(header.src), parse_address(header.dst)
    return {"src": src, "dst": dst, "sport": header.sport, "dport": header.dport}


def _exact(packet: Packet, header: Header) -> dict[str, Value]:
    return {name: value for name, value in _numbers(header).items() if value is not None and name in packet.values}


def _shown(packet: Packet) -> str:
    values = packet.values
    sides = [format_address(v) if isinstance(v := values[name], int) else str(v) for name in ("src", "dst")]
    hook = values["hook"]
    assert isinstance(hook, int)
    return f"{HOOKS[hook]} {sides[0]}:{values.get('sport')} → {sides[1]}:{values.get('dport')} by {values.get('out')}"
