"""A scenario that was played, as text: each step, its packets, and what firewalls made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from textwrap import wrap

from policy.ir import Allow, Log, Reject
from policy.packet import HOOKS
from policy.packet.address import format_address
from policy.report.deeds import deed_text, endpoints_text, entry_text, packet_text, seconds_text
from policy.report.reasons import rule_text
from policy.report.style import PLAIN, Style, clean, shortened, width
from policy.simulate.failure import Failure
from policy.simulate.log import Change, Hop, Logged, Travel
from policy.simulate.play import Done
from policy.simulate.player import Outcome
from policy.simulate.scenario import Network, Scenario

GOOD = frozenset({"ok", "connected", "received", "answered"})
MOST = 100
"""So many columns a timeline has at most."""

MOST_PORTS = 20
_FATES = {
    "dropped": "dropped",
    "rejected": "rejected",
    "unreachable": "no way on",
    "expired": "its TTL ends",
    "not forwarded": "not forwarded: this host is no router",
    "ignored": "nobody wants it",
}


def heading(scenario: Scenario, style: Style = PLAIN) -> str:
    """Return what stands above a timeline: the title, and the hosts with their addresses and firewalls."""
    lines = [style(clean(scenario.title), "name"), ""]
    longest = max((len(host.name) for host in scenario.hosts), default=0)
    for host in scenario.hosts:
        own = [f"{name} {_networks(networks)}" for name, networks in host.interfaces.items()]
        own += ["router"] if host.forwards else []
        if host.firewall is not None:
            sources = host.firewall.rules.sources
            own.append(f"rules: {clean(sources[0].name)}" if sources else "rules")
        several = sum(map(len, own)) > 60
        lines.append(f"  {host.name:{longest}}  {own[0] if several else ', '.join(own)}")
        lines += [f"  {'':{longest}}  {each}" for each in own[1:] if several]
    return "\n".join(lines)


def _networks(networks: Sequence[Network]) -> str:
    return " ".join(f"{format_address(each.address)}/{each.length}" for each in networks)


def step_text(number: int, done: Done, style: Style = PLAIN, *, brief: bool = False) -> str:
    """Return what became of a step; *brief*: in a line, and what does not hold of what was expected."""
    return "\n".join(_step(number, done, style, brief))


def closing(steps: int, expected: int, missed: int, style: Style = PLAIN) -> str:
    """Return how many steps there were, and of how many what was *expected* holds, or not."""
    done = "1 step" if steps == 1 else f"{steps} steps"
    if not expected:
        return f"{done}, and nothing was expected of them"
    if missed:
        return f"{style('failed', 'bad')}: {missed} of {expected} expectations do not hold"
    return f"{style('passed', 'good')}: {done}, all {expected} expectations hold"


def _step(number: int, done: Done, style: Style, brief: bool) -> Iterator[str]:
    columns = min(style.columns or 80, MOST)
    result = result_text(done.outcome)
    look = "good" if done.outcome.result in GOOD else "bad"
    head = f"{number:3}  {clean(deed_text(done.step.deed))}"
    gap = max(2, columns - width(head) - width(result))
    yield f"{style(head, 'name')}{' ' * gap}{style(result, look)}"
    if done.step.note:
        for line in wrap(clean(done.step.note), columns - 5):
            yield f"     {style(line, 'faint')}"
    if done.outcome.failure is not None:
        yield f"     told: {_failure(done.outcome.failure)}"
    if not brief:
        yield from _happened(done, style, columns)
        yield from _then(done, style)
    for each in done.missed:
        yield f"     {style('not as expected', 'bad')}: {clean(each)}"


def result_text(outcome: Outcome) -> str:
    """Return what whoever did a step sees."""
    words: list[str] = [outcome.result]
    if outcome.size is not None:
        words.append(f"{outcome.size} bytes" if outcome.size else "the end of the data")
        if outcome.text:
            words.append(f"“{clean(outcome.text.strip())}”")
    return ", ".join(words)


def _failure(failure: Failure) -> str:
    return f"{failure.text} ({failure.code})"


def _happened(done: Done, style: Style, columns: int) -> Iterator[str]:
    """Say which packets there were, and what firewalls made of them; of several alike in a row the first one."""
    packets = [event for event in done.events if isinstance(event, Travel | Logged)]
    for again, group in groupby(packets, key=lambda each: isinstance(each, Travel) and each.again > 0):
        if again:
            yield from _repeated([each for each in group if isinstance(each, Travel)], done.begin)
            continue
        for _, alike in groupby(group, key=lambda each: _kind(each) if isinstance(each, Travel) else each):
            first, *others = alike
            if isinstance(first, Logged):
                yield f"{'':16}{first.host} logs it{_prefix(first)}, line {first.rule.span.line}"
                continue
            yield from _travel(first, done.begin, style, columns)
            if others:
                yield f"{'':16}and {len(others)} more like it"


def _prefix(logged: Logged) -> str:
    prefix = next((action.prefix for action in logged.rule.actions if isinstance(action, Log)), None)
    return f" as “{clean(prefix.strip())}”" if prefix else ""


def _kind(travel: Travel) -> object:
    """Return what two packets have in common that are told as one."""
    rules = tuple(None if hop.ruling is None else id(hop.ruling.decision) for hop in travel.hops)
    step = travel.sent.step
    sides = (step.src, step.dst, step.sport, step.dport)
    return travel.sender, travel.fate, sides, step.proto, step.icmp, step.flags, bool(step.segment.length), rules


def _repeated(several: Sequence[Travel], begin: float) -> Iterator[str]:
    """Say what was sent again, and how often."""
    kinds: dict[tuple[str, str, str], list[Travel]] = {}
    for each in several:
        kinds.setdefault((each.sender, packet_text(each.sent), each.fate), []).append(each)
    for (sender, what, fate), same in kinds.items():
        times = "once more" if len(same) == 1 else f"{len(same)} times more, at last"
        last = seconds_text(same[-1].start - begin)
        yield f"{'':16}{sender} sends {what} {times} after {last}: {_FATES.get(fate, fate)}"


def _when(at: float, begin: float) -> str:
    return f"{seconds_text(at - begin):>9}"


def _travel(travel: Travel, begin: float, style: Style, columns: int) -> Iterator[str]:
    hosts = list(dict.fromkeys((travel.sender, *(hop.host for hop in travel.hops))))
    path = " → ".join(hosts) if len(hosts) > 1 else f"{hosts[0]} → itself"
    if travel.fate == "unreachable" and len(hosts) == 1:
        path = hosts[0]
    head = f"{_when(travel.start, begin)}  {path}: {packet_text(travel.sent)}"
    yield f"     {style(clean(head), 'mark')}  {endpoints_text(travel.sent.step)}"
    for hop in travel.hops:
        yield from _hop(hop, style, columns)
    if travel.fate in _FATES:
        last = travel.last
        yield f"{'':16}{style(f'{last.host if last else travel.sender}: {_FATES[travel.fate]}', 'bad')}"


def _hop(hop: Hop, style: Style, columns: int) -> Iterator[str]:
    """Say what the rules of a host decided, and what they made of the addresses."""
    ruling = hop.ruling
    if ruling is None or ruling.decision is None:
        return
    decision = ruling.decision
    reject = isinstance(decision.action, Reject)
    verdict = style("allow", "good") if ruling.allowed else style("reject" if reject else "block", "bad")
    if ruling.helper is not None:
        place, text = "helper", ruling.helper
    elif decision.rule is not None:
        place = f"line {decision.rule.span.line}"
        text = rule_text(decision.rule)
    elif decision.implicit == "state":
        place, text = "implicit", "the connection is known"
    else:
        place = "default"
        text = "no rule decides" if not isinstance(decision.action, Allow) or decision.policy else "no rules here"
    came, left = hop.came.step, ruling.left.step
    routed = replace(came, dst=left.dst, dport=left.dport)
    if routed != came:  # before the rules that filter; the source is changed behind them
        yield f"{'':16}{hop.host} rewrites it: {endpoints_text(routed)}"
    start = f"{'':16}{hop.host} {HOOKS[ruling.hook]}: "
    room = max(20, columns - len(start) - len(place) - 9)
    yield f"{start}{verdict}, {place}  {style(shortened(text, room), 'faint')}"
    if ruling.allowed and (routed.src, routed.sport) != (left.src, left.sport):
        yield f"{'':16}{hop.host} rewrites it: {endpoints_text(left)}"


def _then(done: Done, style: Style) -> Iterator[str]:
    """Say how sockets and tables are behind a step, where it changed them; and what a scan found."""
    changes: dict[str, list[str]] = {}
    for event in done.events:
        if isinstance(event, Change):
            changes.setdefault(event.socket, [event.was]).append(event.now)
    for name, states in changes.items():
        yield f"     socket {style(clean(name), 'name')}: {' → '.join(states)}"
    for host, entries in done.tables.items():
        if done.changed(host):
            for entry in entries:
                first, *more = entry_text(entry, done.end)
                yield f"     {host} knows {first}"
                yield from (f"     {'':{len(host)}}       {each}" for each in more)
            if not entries:
                yield f"     {host} knows no connection"
    for how in ("open", "closed", "filtered"):
        ports = [port for (_, port), found in done.outcome.ports.items() if found == how]
        if ports:
            yield f"     {how}: {_numbers(sorted(ports))}"


def _numbers(ports: Sequence[int]) -> str:
    """Return ports with ranges in the place of neighbours."""
    runs: list[list[int]] = []
    for port in dict.fromkeys(ports):
        if runs and port == runs[-1][1] + 1:
            runs[-1][1] = port
        else:
            runs.append([port, port])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in runs]
    more = [f"and {len(texts) - MOST_PORTS} more"] if len(texts) > MOST_PORTS else []
    return ", ".join(texts[:MOST_PORTS] + more)
