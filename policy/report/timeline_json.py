"""A scenario that was played, as JSON: each step, its packets, and how sockets and tables are then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from policy.conntrack import ASSURED, SEEN_REPLY, Entry, Step, Tuple
from policy.diagnostic import Diagnostic
from policy.ir import Rule
from policy.packet import HOOKS
from policy.packet.address import format_address
from policy.packet.fields import FIELDS, ICMP, ICMP6, TCP, UDP
from policy.packet.names import protocol_name
from policy.packet.text import flags_text, number_text
from policy.report.deeds import deed_text, ports_text, target_text
from policy.report.diagnostics_json import VERSION, diagnostic_json
from policy.report.doers import doers
from policy.report.reasons import rule_text
from policy.simulate import scenario as s
from policy.simulate.log import Hop, Logged, Travel
from policy.simulate.play import Done
from policy.simulate.player import Outcome

_REWRITTEN = ("src", "sport", "dst", "dport")


def timeline_json(scenario: s.Scenario, dones: Sequence[Done], trouble: Diagnostic | None = None) -> dict[str, Any]:
    """Return the whole timeline; *trouble* is what the next step could not be done for.

    Times are seconds from the beginning. Every key is always there: what does not apply is null or empty.
    """
    hosts = doers(done.step.deed for done in dones)
    return {
        "version": VERSION,
        "title": scenario.title,
        "passed": trouble is None and not any(done.missed for done in dones),
        "steps": [_step(number, done, host) for number, (done, host) in enumerate(zip(dones, hosts, strict=True), 1)],
        "error": None if trouble is None else diagnostic_json(trouble),
    }


def _step(number: int, done: Done, host: str | None) -> dict[str, Any]:
    step = done.step
    return {
        "number": number,
        "line": None if step.span is None else step.span.line,
        "deed": type(step.deed).__name__.lower(),
        "says": deed_text(step.deed),
        "note": step.note,
        "host": host,
        **_deed(step.deed),
        "begin": _seconds(done.begin),
        "end": _seconds(done.end),
        **_outcome(done.outcome),
        "expected": None if step.expected is None else dict(_expected(step.expected)),
        "missed": list(done.missed),
        "packets": [_packet(event) for event in done.events if isinstance(event, Travel)],
        "logged": [_logged(event) for event in done.events if isinstance(event, Logged)],
        "sockets": dict(done.states),
        "connections": {name: [_entry(each, done.end) for each in table] for name, table in done.tables.items()},
    }


def _deed(deed: s.Deed) -> dict[str, Any]:
    """Return which socket a step is about, and to which hosts and ports it goes."""
    match deed:
        case s.Listen():
            to = None if deed.address is None else [format_address(deed.address)]
            return {"socket": deed.name, "to": to, "port": ports_text(deed.port)}
        case s.Connect():
            return {"socket": deed.name, "to": [target_text(deed.to)], "port": ports_text(deed.port)}
        case s.Send():
            to = None if deed.to is None else [target_text(deed.to)]
            return {"socket": deed.by, "to": to, "port": None if deed.port is None else ports_text(deed.port)}
        case s.Receive():
            return {"socket": deed.by, "to": None, "port": None}
        case s.Close():
            return {"socket": deed.what, "to": None, "port": None}
        case s.Ping():
            return {"socket": None, "to": [target_text(deed.to)], "port": None}
        case s.Scan():
            return {"socket": None, "to": [target_text(each) for each in deed.to], "port": ports_text(deed.ports)}
        case _:
            return {"socket": None, "to": None, "port": None}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    ports = outcome.ports.items()
    return {
        "result": outcome.result,
        "errno": None if outcome.failure is None else outcome.failure.code,
        "size": outcome.size,
        "text": outcome.text,
        "source": None if outcome.source is None else format_address(outcome.source),
        "ports": [{"address": format_address(at), "port": port, "found": found} for (at, port), found in ports],
    }


def _expected(expected: s.Expected) -> Iterator[tuple[str, Any]]:
    """Yield what is expected; nothing of what nothing is expected of."""
    for name in ("result", "rule", "size"):
        value = getattr(expected, name)
        if value is not None:
            yield name, value
    if expected.source is not None:
        yield "source", format_address(expected.source)
    for name in ("states", "entries"):
        if values := getattr(expected, name):
            yield name, dict(values)
    for name in ("open", "closed"):
        ports = getattr(expected, name)
        if ports is not None:
            yield name, list(ports)


def _packet(travel: Travel) -> dict[str, Any]:
    return {
        "number": travel.number,
        "time": _seconds(travel.start),
        "from": travel.sender,
        "packet": header_json(travel.sent.step),
        "text": travel.sent.data,
        "length": travel.sent.size,
        "again": travel.again,
        "answers": travel.answers,
        "fate": travel.fate,
        "end": _seconds(travel.end),
        "receiver": travel.receiver,
        "hops": [_hop(hop) for hop in travel.hops],
    }


def header_json(step: Step) -> dict[str, Any]:
    """Return the header of a packet with the keys of `packet.FIELDS`.

    *payload*: so many bytes it carries; *about* is the packet that an ICMP error carries.
    """
    found: dict[str, Any] = {"src": format_address(step.src), "dst": format_address(step.dst)}
    found |= {"proto": protocol_name(step.proto), "ttl": step.ttl}
    if step.proto in (TCP, UDP):
        found |= {"sport": step.sport, "dport": step.dport}
    if step.proto == TCP:
        found |= {"flags": flags_text(step.flags), "seq": step.segment.seq, "ack": step.segment.ack}
    elif step.proto in (ICMP, ICMP6):
        found |= {"icmp_type": step.icmp[0], "icmp_code": step.icmp[1]}
    found["payload"] = step.segment.length
    if step.about is not None:
        found["about"] = header_json(step.about)
    return found


def _hop(hop: Hop) -> dict[str, Any]:
    ruling = hop.ruling
    decision = None if ruling is None else ruling.decision
    verdict = None
    if ruling is not None:
        verdict = "allow" if ruling.allowed else "block" if ruling.reject is None else "reject"
    state = None if ruling is None or ruling.packet is None else ruling.packet.get("state")
    rule = None if decision is None else _rule(decision.rule)
    return {
        "time": _seconds(hop.at),
        "host": hop.host,
        "hook": HOOKS[hop.hook if ruling is None else ruling.hook],
        "in": hop.entering,
        "out": hop.leaving if ruling is None else ruling.out,
        "verdict": verdict,
        "rule": rule,
        "implicit": None if decision is None or rule is not None else decision.implicit or "default",
        "state": FIELDS["state"].labels[state] if isinstance(state, int) else None,
        "rewritten": _rewritten(hop),
    }


def _rule(rule: Rule | None) -> dict[str, Any] | None:
    """Return the place of a rule; None for what holds without one (its place is empty)."""
    if rule is None or not (text := rule_text(rule)):
        return None
    return {"file": rule.span.source.name, "line": rule.span.line, "text": text}


def _rewritten(hop: Hop) -> dict[str, Any]:
    """Return what address translation made of the header."""
    if hop.ruling is None:
        return {}
    came, left = hop.came.step, hop.ruling.left.step
    changed = (name for name in _REWRITTEN if getattr(came, name) != getattr(left, name))
    return {name: _value(name, getattr(left, name)) for name in changed}


def _value(name: str, value: int) -> int | str:
    return value if name in ("sport", "dport") else number_text(name, value)


def _logged(event: Logged) -> dict[str, Any]:
    return {
        "time": _seconds(event.at),
        "host": event.host,
        "rule": _rule(event.rule),
        "packet": header_json(event.datagram.step),
    }


def _entry(entry: Entry, now: float) -> dict[str, Any]:
    state = getattr(entry.track, "state", None)
    return {
        "proto": protocol_name(entry.original.proto),
        "original": _tuple(entry.original),
        "reply": _tuple(entry.reply),
        "state": None if state is None else state.name,
        "replied": bool(entry.status & SEEN_REPLY),
        "assured": bool(entry.status & ASSURED),
        "expires_in": None if entry.expires is None else _seconds(max(0.0, entry.expires - now)),
    }


def _tuple(of: Tuple) -> dict[str, Any]:
    found: dict[str, Any] = {"src": format_address(of.src), "dst": format_address(of.dst)}
    if of.proto in (ICMP, ICMP6):
        return found | {"icmp_type": of.dport >> 8, "icmp_code": of.dport & 255, "identifier": of.sport}
    return found | {"sport": of.sport, "dport": of.dport}


def _seconds(at: float) -> float:
    """Return a time without the last digits, in which sums of times differ."""
    return round(at, 6)
