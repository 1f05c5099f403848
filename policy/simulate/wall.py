"""The firewall of a host: its rules, its table of connections, and what they make of a datagram.

The rules are asked by the evaluator, and the table is that of `policy.conntrack`: nothing here decides by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from policy._record import dataclass
from policy.conntrack import CONFIRMED, DST_NAT, SRC_NAT, Seen, Settings, Step, Tracker, hear
from policy.conntrack.settings import TIMEOUTS
from policy.evaluate import Atom, Decision, Final, Translation
from policy.ir import Reject, Rule, Ruleset, UnknownAction
from policy.looping import loops
from policy.netfilter import LO
from policy.packet import FORWARD, INPUT, INVALID, NEW, OUTPUT, RELATED, ROUTING, UNTRACKED, Intervals, Packet, Value
from policy.packet.address import V4_BASE
from policy.simulate.datagram import Datagram, packet_of
from policy.simulate.rules import Rules
from policy.simulate.scenario import Firewall


class Routing(Protocol):
    """What a firewall asks the routing of its host."""

    def way_of(self, address: int) -> tuple[int, str | None]:
        """Return where a packet that has come goes: to a hook (input or forward), and out of an interface."""

    def source_of(self, address: int) -> int | None:
        """Return the own address that packets to an address come from."""

    def own_of(self, interface: str, family: int) -> int | None:
        """Return the first address of an interface."""

    @property
    def own(self) -> Intervals:
        """The own addresses."""


class Undecided(Exception):
    """What becomes of a packet hangs on what no scenario said; *open* are the conditions."""

    def __init__(self, host: str, decision: Decision) -> None:
        super().__init__(f"what the rules of `{host}` do with it hangs on what is not known")
        self.host = host
        self.open: tuple[Atom | UnknownAction, ...] = decision.open


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a firewall decided about a datagram.

    *allowed*, or not; *decision* is None where no rules were asked. *seen* is what connection tracking said, *logs* are
    the rules that wrote it to the log. *left* is the datagram with the addresses that it then has, at *hook*, *out* of
    an interface. What the rules allow may be dropped behind them, by a *helper* (for what reason).
    """

    allowed: bool
    hook: int
    left: Datagram
    out: str | None = None
    decision: Decision | None = None
    seen: Seen | None = None
    packet: Packet | None = None
    logs: tuple[Rule, ...] = ()
    helper: str | None = None

    @property
    def reject(self) -> Reject | None:
        """How the sender is told, if it is."""
        action = None if self.decision is None or self.allowed else self.decision.action
        return action if isinstance(action, Reject) else None

    @property
    def attached(self) -> Seen | None:
        """What connection tracking says of what the host sends because of this; None: it is seen by itself."""
        if self.seen is None or self.seen.entry is None or self.seen.state in (INVALID, UNTRACKED):
            return None
        assert self.seen.direction is not None
        return Seen(RELATED, 1 - self.seen.direction, self.seen.entry)


class Wall:
    """Rules with their table of connections. Times are seconds, and never go back.

    As in Linux, connections are tracked if rules ask for that, or translate addresses (nf_ct_netns_get).
    """

    def __init__(self, host: str, firewall: Firewall, routing: Routing) -> None:
        self.host = host
        self.routing = routing
        self.tracker = Tracker(Settings(timeouts={**TIMEOUTS, **firewall.timeouts}))
        self.marks: dict[int, Value] = {}
        self.load(firewall)

    def load(self, firewall: Firewall) -> None:
        """Take other rules; the table of connections stays as it is."""
        self.firewall = firewall
        given = [firewall.rules] if firewall.also is None else [firewall.rules, firewall.also]
        self._sides = {
            family: Rules(ruleset, family, self.firewall.assume, self.near)
            for ruleset in reversed(given)
            for family in ruleset.families
        }

    def rules(self, family: int) -> Ruleset | None:
        """Return the rules for an IP version; None where there are none."""
        side = self._sides.get(family)
        return None if side is None else side.ruleset

    def loops(self, family: int) -> bool:
        """Do the rules themselves say what becomes of packets that the host sends to itself?"""
        side = self._sides.get(family)
        return side is not None and loops(side.ruleset)

    def rewrites(self, family: int) -> bool:
        """May rules rewrite addresses?"""
        side = self._sides.get(family)
        return side is not None and side.rewrites

    def near(self, interface: str, family: int) -> tuple[int, Intervals] | None:
        """Return the first address of an interface, and all own ones; None where it has none."""
        address = self.routing.own_of(interface, family)
        return None if address is None else (address, self.routing.own)

    def flush(self) -> None:
        """Forget all connections."""
        self.tracker.flush()
        self.marks.clear()

    def ask(
        self,
        datagram: Datagram,
        hook: int,
        entering: str | None,
        leaving: str | None,
        at: float,
        attached: Seen | None = None,
    ) -> Ruling:
        """Return what becomes of a datagram; raises `Undecided`.

        One that the host sends because of another belongs to the connection of that (*attached*; nf_ct_attach).
        """
        side = self._sides.get(datagram.step.family)
        if side is None:
            return Ruling(True, hook, datagram, leaving)
        tracker = self.tracker.copied() if side.untracks else self.tracker
        seen = attached or (tracker.see(datagram.step, at) if side.tracks or self.firewall.helpers else Seen(NEW))
        packet = packet_of(datagram, hook, entering, leaving, self._more(seen, hook))
        known = attached is not None or (seen.entry is not None and bool(seen.entry.status & CONFIRMED))
        announced = not known and seen.entry is not None and bool(seen.entry.status & (SRC_NAT | DST_NAT))
        left = datagram.having(seen.leaving(datagram.step)) if known or announced else datagram
        decided = side.decide(packet, entering, self._translation(datagram.step, left.step, hook))
        decision, logs = decided.decision, decided.logs
        if decision.verdict not in ("allow", "block"):
            raise Undecided(self.host, decision)
        if decision.verdict == "block":
            self._keep(tracker, seen.state != UNTRACKED)
            if not known and not announced and seen.entry is not None:
                seen = self._towards(seen, Final(decision.packet, _changed(packet, decision.packet)), entering)
                left = datagram.having(seen.leaving(datagram.step))
            if decision.action == Reject("tcp-reset") and seen.entry is not None:
                seen = replace(seen, entry=self.tracker.closing(seen.entry, at))
            return Ruling(False, hook, left, leaving, decision, seen, packet, logs)
        final = decision.finals[0] if decision.finals else Final(packet)
        if final.packet.get("state") == UNTRACKED and seen.state != UNTRACKED:
            seen = Seen(UNTRACKED)  # a rule took it out before connection tracking saw it
            left = datagram
        else:
            self._keep(tracker, True)
            if announced:
                seen = self.tracker.confirm(seen, at)
            elif not known and seen.entry is not None and not self._is_lost(final, hook):
                seen = self._made(seen, final, entering, at)
                left = datagram.having(seen.leaving(datagram.step))
            self._mark(seen, final)
            if attached is None and "ftp" in self.firewall.helpers:
                hearing = hear(self.tracker, seen, datagram.step, _bytes(datagram.data), at)
                seen = hearing.seen
                if hearing.dropped is not None:
                    return Ruling(False, hook, left, leaving, decision, seen, packet, logs, hearing.dropped)
                left = _saying(left, hearing.data)
        hook, out = self._way(final, left.step, hook, leaving)
        ttl = final.packet.get("ttl")
        if isinstance(ttl, int) and ttl != left.step.ttl:
            left = left.having(replace(left.step, ttl=ttl))
        return Ruling(True, hook, left, out, decision, seen, packet, logs)

    def _more(self, seen: Seen, hook: int) -> dict[str, Value]:
        more: dict[str, Value] = {"state": seen.state}
        if seen.state not in (INVALID, UNTRACKED) and seen.entry is not None:
            status = seen.entry.status & 0x3F
            if seen.entry.master is not None and seen.entry.number not in self.marks:
                self.marks[seen.entry.number] = self.marks.get(seen.entry.master, 0)  # nf_conntrack_core.c
            more |= {
                "direction": seen.direction or 0,
                "ctstatus": status,
                "ctmark": self.marks.get(seen.entry.number, 0),
            }
        if hook == OUTPUT:
            more |= {"uid": 0, "gid": 0}
        return more

    def _translation(self, came: Step, left: Step, hook: int) -> Translation | None:
        """Return what connection tracking does to a packet of a known connection, if it changes anything."""
        if came == left:
            return None
        destination: dict[str, Value] = {}
        if came.dst != left.dst:
            destination["dst"] = left.dst
            if hook == OUTPUT:
                destination["hook"] = ROUTING
            else:
                to, out = self.routing.way_of(left.dst)
                destination["hook"] = to
                if to == FORWARD:
                    destination["out"] = out or LO
        if came.dport != left.dport:
            destination["dport"] = left.dport
        source: dict[str, Value] = {}
        if came.src != left.src:
            source["src"] = left.src
        if came.sport != left.sport:
            source["sport"] = left.sport
        ordered = tuple(destination.items())
        return Translation(tuple(sorted(ordered, key=lambda each: each[0] != "hook")), tuple(source.items()))

    def _is_lost(self, final: Final, hook: int) -> bool:
        """Does the host know no way for a packet that it should forward? Then nothing is remembered of it."""
        to = final.packet.get("dst")
        return hook == FORWARD and isinstance(to, int) and self.routing.way_of(to) == (FORWARD, None)

    def _made(self, seen: Seen, final: Final, entering: str | None, at: float) -> Seen:
        """Give a new entry the addresses that the rules gave its packet, and put it into the table."""
        seen = self._towards(seen, final, entering)
        values, rewritten = final.packet.values, final.rewritten
        if rewritten & {"src", "sport"}:
            seen = self._from(seen, values, at)
        assert seen.entry is not None
        if self.tracker.taken(seen.entry.reply, at) and not rewritten:
            seen = self._from(seen, values, at)
        return self.tracker.confirm(seen, at)

    def _towards(self, seen: Seen, final: Final, entering: str | None) -> Seen:
        """Give a new entry the destination that the rules gave its packet.

        Where that may be any own address, it is the one of the interface (nf_nat_redirect.c).
        """
        assert seen.entry is not None
        was, values = seen.entry.original, final.packet.values
        if not final.rewritten & {"dst", "dport"}:
            return seen
        port = _picked(values.get("dport", was.dport), was.dport)
        family = 4 if was.dst >= V4_BASE else 6
        near = None if entering is None else self.routing.own_of(entering, family)
        return self.tracker.translate(seen, destination=(_picked(values["dst"], was.dst, near), port))

    def _from(self, seen: Seen, values: object, at: float) -> Seen:
        """Give an entry its source: the port that it has if that is free, else the next one of those that may be.

        Where that may be any own address, it is that which packets to the destination come from (nf_nat_masquerade.c).
        """
        assert seen.entry is not None
        assert isinstance(values, dict)
        was = seen.entry.original
        address = _picked(values["src"], was.src, self.routing.source_of(seen.entry.reply.src))
        ports = values.get("sport", was.sport)
        candidates = [_picked(ports, was.sport)]
        if isinstance(ports, Intervals):
            candidates += [port for low, high in ports.ranges for port in range(low, high + 1) if port != candidates[0]]
        for port in candidates:
            found = self.tracker.translate(seen, source=(address, port))
            assert found.entry is not None
            if not self.tracker.taken(found.entry.reply, at):
                return found
        return self.tracker.translate(seen, source=(address, candidates[0]))

    def _mark(self, seen: Seen, final: Final) -> None:
        mark = final.packet.get("ctmark")
        if seen.entry is not None and isinstance(mark, int) and mark != self.marks.get(seen.entry.number, 0):
            self.marks[seen.entry.number] = mark

    def _keep(self, tracker: Tracker, tracked: bool) -> None:
        if tracked:
            self.tracker = tracker

    def _way(self, final: Final, left: Step, hook: int, leaving: str | None) -> tuple[int, str | None]:
        found = final.packet.get("hook")
        hook = found if isinstance(found, int) and found != ROUTING else hook
        out = final.packet.get("out")
        if hook == INPUT:
            return hook, None
        if isinstance(out, str):
            return hook, out
        return hook, self.routing.way_of(left.dst)[1] or leaving


def _changed(before: Packet, now: Packet) -> frozenset[str]:
    return frozenset(name for name in ("dst", "dport") if before.get(name) != now.get(name))


def _bytes(data: str | None) -> bytes | None:
    return None if data is None else data.encode()


def _saying(left: Datagram, data: bytes | None) -> Datagram:
    """Return a datagram with other text, if it is another one."""
    if data is None or data == _bytes(left.data):
        return left
    segment = replace(left.step.segment, length=len(data))
    return replace(left, data=data.decode(), step=replace(left.step, segment=segment))


def _picked(value: object, old: int, near: int | None = None) -> int:
    """Return one of the values that something may become: what it was, or what is *near*, if that is one of them."""
    if isinstance(value, int):
        return value
    assert isinstance(value, Intervals)
    return next((each for each in (old, near) if each is not None and each in value), value.first)
