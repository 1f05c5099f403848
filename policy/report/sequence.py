"""A scenario that was played, as a sequence of packets between hosts: what diagrams show, before it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import PurePath

from policy._record import dataclass
from policy.conntrack import Step
from policy.ir import Log
from policy.packet import OUTPUT
from policy.packet.address import format_address
from policy.packet.fields import TCP, UDP
from policy.packet.text import set_text
from policy.packet.values import Intervals
from policy.report.deeds import deed_text, packet_text, seconds_text
from policy.report.style import clean, shortened
from policy.report.timeline_text import GOOD, closing, result_text
from policy.simulate import scenario as s
from policy.simulate.expect import rule_of
from policy.simulate.log import Change, Hop, Logged, Travel
from policy.simulate.play import Done

QUIET = 1.0
"""So many seconds without a packet are shown as a pause."""

MOST = 60
"""So many packets, and states, of a step are shown."""

_LONGEST = 46
"""Of a longer text of a packet the rest is left out."""

_ENDS = {
    "dropped": "dropped",
    "rejected": "rejected",
    "unreachable": "no way on",
    "expired": "its TTL ends",
    "not forwarded": "not forwarded",
}


@dataclass(frozen=True, slots=True)
class Lane:
    """A host: its *name*, and in a line each its addresses, and what it is."""

    name: str
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A step: what is done, and what whoever does it sees; *missed* says what is not as expected.

    *held*: all is as expected; None: nothing was expected, and then *result* does not say that it went well.
    """

    number: int
    text: str
    result: str
    good: bool
    held: bool | None
    note: str | None
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """A host that a packet comes to: the *rule* that decides there (`HOST:LINE`), if any does, and whether it goes on.

    *end* is why it goes no further; *remark* is said of one that has arrived.
    """

    lane: int
    rule: str | None = None
    end: str | None = None
    remark: str | None = None

    @property
    def text(self) -> str:
        """What is said of it: what decided, and why a packet goes no further."""
        if self.rule and self.end in ("dropped", "rejected"):
            return f"{self.end}: {self.rule}"
        return ", ".join(each for each in (self.rule, self.end, self.remark) if each)


@dataclass(frozen=True, slots=True)
class Leg:
    """A packet between two stops; *ends* are its ports, with the addresses that were *rewritten* on the way here."""

    ends: str
    rewritten: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """A packet on its way, or several that are alike: *stops* are one more than *legs*.

    *repeated*: it was sent before, and is sent again.
    """

    time: str
    label: str
    stops: tuple[Stop, ...]
    legs: tuple[Leg, ...]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """Something that a host notes: another state of a socket, a line of the log."""

    lane: int
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Time in which nothing is sent, or something that is not shown."""

    text: str


Item = Heading | Arrow | Tag | Pause


@dataclass(frozen=True, slots=True)
class Picture:
    """A sequence of *items* from top to bottom, between *lanes* from left to right."""

    title: str
    lanes: tuple[Lane, ...]
    items: tuple[Item, ...]
    closing: str


def sequence(scenario: s.Scenario, dones: Sequence[Done]) -> Picture:
    """Return what diagrams show of a scenario that was played; all texts are on one line, and clean."""
    lanes = {host.name: lane for lane, host in enumerate(scenario.hosts)}
    items = (item for number, done in enumerate(dones, 1) for item in _step(number, done, lanes))
    hosts = tuple(_lane(host) for host in scenario.hosts)
    return Picture(
        clean(scenario.title),
        hosts,
        tuple(items),
        closing(
            len(dones), sum(done.step.expected is not None for done in dones), sum(bool(done.missed) for done in dones)
        ),
    )


def _lane(host: s.HostSpec) -> Lane:
    own = [
        f"{name} {format_address(each.address)}/{each.length}"
        for name, networks in host.interfaces.items()
        for each in networks
    ]
    what = ["router"] if host.forwards else []
    if host.firewall is not None:
        sources = host.firewall.rules.sources
        what.append(f"rules: {PurePath(sources[0].name).name}" if sources else "rules")
    return Lane(shortened(host.name, 24), tuple(shortened(each, 32) for each in [*own, *what]))


def _step(number: int, done: Done, lanes: dict[str, int]) -> Iterator[Item]:
    step, outcome = done.step, done.outcome
    held = None if step.expected is None else not done.missed
    said = result_text(outcome) if held is not None or outcome.result != "ok" else ""
    if outcome.failure is not None:
        said += f" ({outcome.failure.code})"
    result = "; ".join([*_found(done)]) or said
    note = None if step.note is None else clean(step.note)
    missed = tuple(clean(each) for each in done.missed)
    good = outcome.result in GOOD
    yield Heading(number, _deed(step.deed), clean(result), good, held, note, missed)
    yield from _happened(done, lanes)


def _deed(deed: s.Deed) -> str:
    """Return what a step does, on one line, without the ends of lines that are sent."""
    if isinstance(deed, s.Send) and deed.text is not None:
        deed = replace(deed, text=" ".join(deed.text.split()))
    return clean(deed_text(deed))


def _found(done: Done) -> Iterator[str]:
    """Say what a scan found."""
    for how in ("open", "closed", "filtered"):
        ports = {port for (_, port), found in done.outcome.ports.items() if found == how}
        if ports:
            yield f"{how}: {_ports(ports)}"


def _ports(ports: Iterable[int]) -> str:
    return set_text("dport", Intervals.of(*((port, port) for port in ports)))


def _happened(done: Done, lanes: dict[str, int]) -> Iterator[Item]:
    """Yield the packets, states and pauses of a step."""
    now = done.begin
    for number, group in enumerate(_groups(done)):
        if number == MOST:
            yield Pause("and more that is not shown here")
            return
        first = group[0]
        start = first.start if isinstance(first, Travel) else first.at
        if start - now >= QUIET and not (isinstance(first, Travel) and first.again):
            yield Pause(f"{_time(start - now)} later")
        now = max(now, start)
        if isinstance(first, Travel):
            travels = [each for each in group if isinstance(each, Travel)]
            now = max(now, *(travel.end for travel in travels))
            yield _arrow(travels, done.begin, lanes)
        elif isinstance(first, Change):
            states = " → ".join(each.now for each in group if isinstance(each, Change))
            yield Tag(lanes[first.host], f"{shortened(first.socket, 24)}: {states}")
        else:
            yield Tag(lanes[first.host], _logged(first))
    if done.end - now >= QUIET:
        yield Pause(f"{_time(done.end - now)} later")


def _time(seconds: float) -> str:
    """Return a time without the last digits, in which sums of times differ."""
    return seconds_text(round(seconds, 6))


_Shown = Travel | Change | Logged


def _groups(done: Done) -> Iterator[list[_Shown]]:
    """Yield what is shown as one: packets that are alike, and states of a socket, that follow one another.

    Packets that are sent again are one with all of their kind; in a scan that are all that differ in their ports alone.
    """
    scans = isinstance(done.step.deed, s.Scan)
    for loose, run in groupby(_events(done), _Loose(scans)):
        if loose:
            kinds: dict[object, list[_Shown]] = {}
            for each in run:
                kinds.setdefault(_kind(each, scans), []).append(each)
            yield from kinds.values()
        else:
            yield from (list(alike) for _, alike in groupby(run, _kind))


class _Loose:
    """Says of events, in order, whether their order among one another does not matter.

    So it is of packets that are sent again, of the answers to these, and of what rules log of them.
    """

    def __init__(self, scans: bool) -> None:
        self._scans = scans
        self._again: set[int | None] = set()
        self._last = False

    def __call__(self, event: _Shown) -> bool:
        if isinstance(event, Travel):
            self._last = self._scans or bool(event.again) or event.answers in self._again
            if event.again or event.answers in self._again:
                self._again.add(event.number)
        elif isinstance(event, Change):
            self._last = False
        return self._last


def _events(done: Done) -> Iterator[_Shown]:
    """Yield what is shown; each rule that logs only once."""
    logged: set[tuple[str, int]] = set()
    for event in done.events:
        if isinstance(event, Logged):
            key = (event.host, id(event.rule))
            if key not in logged:
                logged.add(key)
                yield event
        elif isinstance(event, Travel | Change):
            yield event


def _kind(event: _Shown, scans: bool = False) -> object:
    """Return what events have in common that are shown as one."""
    if isinstance(event, Change):
        return event.host, event.socket
    if isinstance(event, Logged):
        return id(event)
    path = tuple((hop.host, rule_of(hop)) for hop in event.hops)
    step = event.sent.step
    sides = (step.src, step.dst) if scans else (step.src, step.dst, step.sport, step.dport)
    return event.sender, path, event.fate, packet_text(event.sent), sides


# Packets


def _arrow(travels: Sequence[Travel], begin: float, lanes: dict[str, int]) -> Arrow:
    first, *others = travels
    stops, legs = [Stop(lanes[first.sender])], []
    step = first.sent.step
    for number, hop in enumerate(first.hops):
        if number or hop.host != first.sender:
            legs.append(Leg(_ends(travels, number), _changed(step, hop.came.step)))
            stops.append(Stop(lanes[hop.host]))
        step = hop.came.step
        stops[-1] = Stop(stops[-1].lane, _rule(hop))
    last = stops[-1]
    remark = "nobody wants it" if first.fate == "ignored" else None
    stops[-1] = Stop(last.lane, last.rule, _ENDS.get(first.fate), remark)
    label = shortened(packet_text(first.sent), _LONGEST)
    if others:
        label = f"{len(travels)} × {label}"
    if first.again:
        label += f" again, last at {_time(travels[-1].start - begin)}" if others else " again"
    return Arrow(_time(first.start - begin), label, tuple(stops), tuple(legs), bool(first.again))


def _rule(hop: Hop) -> str | None:
    """Return what decides at a host; nothing where it lets out what it sends because nothing forbids that."""
    found = rule_of(hop)
    ruling = hop.ruling
    if found is None or ruling is None or ruling.decision is None:
        return None
    quiet = ruling.allowed and ruling.decision.rule is None and hop.hook == OUTPUT
    return None if quiet else clean(found)


def _changed(before: Step, now: Step) -> bool:
    return (before.src, before.sport, before.dst, before.dport) != (now.src, now.sport, now.dst, now.dport)


def _ends(travels: Sequence[Travel], number: int) -> str:
    """Return the ports of packets as they come to a hop, and the addresses that have changed on the way."""
    steps = [travel.hops[number].came.step for travel in travels if len(travel.hops) > number]
    sent, step = travels[0].sent.step, steps[0]
    before = sent if number == 0 else travels[0].hops[number - 1].came.step
    moved = step.src != before.src, step.dst != before.dst
    source = _end(step.src, step, {each.sport for each in steps}, moved[0])
    target = _end(step.dst, step, {each.dport for each in steps}, moved[1])
    if source and target:
        return f"{source} → {target}"
    return f"from {source}" if source else f"to {target}" if target else ""


def _end(address: int, step: Step, ports: set[int], moved: bool) -> str:
    ported = step.proto in (TCP, UDP)
    port = f":{_ports(ports)}" if ported else ""
    text = format_address(address) if moved else ""
    return f"[{text}]{port}" if ported and ":" in text else text + port


def _logged(event: Logged) -> str:
    prefix = next((action.prefix for action in event.rule.actions if isinstance(action, Log)), None)
    return f"logs it: “{shortened(prefix, 28)}”" if prefix and prefix.strip() else "logs it"
