"""What is done in a scenario, and what is under way, in a few words."""

from __future__ import annotations

from typing import assert_never

from policy.conntrack import ASSURED, SEEN_REPLY, Entry, Step
from policy.packet.address import format_address
from policy.packet.fields import ICMP, ICMP6, TCP, UDP
from policy.packet.names import icmp_name, protocol_name
from policy.simulate import scenario as s
from policy.simulate.datagram import ACK, FIN, RST, SYN, Datagram

_FLAGS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (ACK, "ACK"))


def deed_text(deed: s.Deed) -> str:
    """Return what a step does."""
    match deed:
        case s.Listen():
            where = "" if deed.address is None else f" on {format_address(deed.address)}"
            verb = "listens at" if deed.port.proto == TCP else "waits at"
            return f"{deed.on} {verb} {ports_text(deed.port)}{where}, as {deed.name}"
        case s.Connect():
            return f"{deed.host} connects to {target_text(deed.to)} {ports_text(deed.port)}, as {deed.name}"
        case s.Send():
            what = f'"{deed.text}"' if deed.text is not None else _bytes(deed.size)
            to = "" if deed.to is None else f" to {target_text(deed.to)}"
            port = "" if deed.port is None else f" {ports_text(deed.port)}"
            return f"{deed.by} sends {what}{to}{port}"
        case s.Receive():
            return f"{deed.by} receives"
        case s.Close():
            if deed.abruptly:
                return f"{deed.what} is reset"
            return f"{deed.what} sends no more" if deed.sending else f"{deed.what} is closed"
        case s.Ping():
            return f"{deed.host} pings {target_text(deed.to)}"
        case s.Wait(seconds):
            return f"{seconds_text(seconds)} pass"
        case s.Reload(on, firewall):
            return f"{on} has no rules any more" if firewall is None else f"{on} gets other rules"
        case s.Flush(on):
            return f"the connection table of {on} is emptied"
        case s.Scan():
            targets = ", ".join(target_text(each) for each in deed.to)
            return f"{deed.host} scans {ports_text(deed.ports)} of {targets}"
        case _:
            assert_never(deed)


def target_text(to: str | int) -> str:
    """Return a host, or an address."""
    return to if isinstance(to, str) else format_address(to)


def ports_text(ports: s.Ports) -> str:
    """Return ports as the languages write them: `tcp/80`, `tcp/1-1024`."""
    numbers = str(ports.first) if ports.first == ports.last else f"{ports.first}-{ports.last}"
    return f"{protocol_name(ports.proto)}/{numbers}"


def seconds_text(seconds: float) -> str:
    """Return a time: in milliseconds below a second, in minutes, hours and days where these are many.

    >>> [seconds_text(each) for each in (0.0015, 1.5, 131, 7200, 432000)]
    ['1.5 ms', '1.5 s', '131 s', '2 h', '5 days']
    """
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 3 * size or (seconds >= 2 * size and seconds % size == 0 and size > 60):
            return f"{_number(seconds / size)} {unit}"
    return f"{_number(seconds)} s" if seconds >= 1 or seconds == 0 else f"{_number(seconds * 1000)} ms"


def _number(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _bytes(size: int) -> str:
    return "1 byte" if size == 1 else f"{size} bytes"


def packet_text(datagram: Datagram) -> str:
    """Return what a datagram is, without its addresses: `SYN`, `100 bytes`, `ICMP port-unreachable`."""
    step = datagram.step
    if step.proto == TCP:
        return _segment(datagram, step)
    if step.proto == UDP:
        return f"UDP, {_said(datagram, step)}"
    if step.proto in (ICMP, ICMP6):
        name = icmp_name(step.icmp[0], step.icmp[1], step.family) or f"type {step.icmp[0]} code {step.icmp[1]}"
        return f"ICMP{'' if step.family == 4 else 'v6'} {name}"
    return protocol_name(step.proto)


def _segment(datagram: Datagram, step: Step) -> str:
    flags = [name for bit, name in _FLAGS if step.flags & bit]
    if step.segment.length:
        return _said(datagram, step)
    if len(flags) > 1 and flags[-1] == "ACK" and flags[0] != "SYN":
        flags = flags[:-1]  # every segment but the first one acknowledges something
    return "+".join(flags) or "no flags"


def _said(datagram: Datagram, step: Step) -> str:
    if datagram.data is None or len(datagram.data) > 24:
        return _bytes(step.segment.length)
    return f"{_bytes(step.segment.length)} “{datagram.data.strip()}”"


def endpoints_text(step: Step) -> str:
    """Return the addresses and ports of a packet."""
    return f"{endpoint_text(step.src, step, step.sport)} → {endpoint_text(step.dst, step, step.dport)}"


def endpoint_text(address: int, step: Step, port: int) -> str:
    """Return an address, with a port where the protocol has ports."""
    text = format_address(address)
    if step.proto not in (TCP, UDP):
        return text
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def entry_text(entry: Entry, now: float) -> list[str]:
    """Return a connection as the table of a firewall knows it, with what is left of its time.

    Where addresses are translated, a second line says what the answers look like.
    """
    own, back = entry.original, entry.reply
    step = Step(own.proto, own.src, own.dst, own.sport, own.dport)
    state = getattr(entry.track, "state", None)
    words = [state.name] if state is not None else []
    words += [] if entry.status & SEEN_REPLY else ["no reply yet"]
    words += ["assured"] if entry.status & ASSURED else []
    if entry.expires is not None:
        words.append(f"{seconds_text(max(0.0, entry.expires - now))} left")
    lines = [f"{protocol_name(own.proto)} {endpoints_text(step)}: {', '.join(words)}"]
    if (back.src, back.sport, back.dst, back.dport) != (own.dst, own.dport, own.src, own.sport) and own.proto in (
        TCP,
        UDP,
    ):
        answer = Step(back.proto, back.src, back.dst, back.sport, back.dport)
        lines.append(f"answered by {endpoints_text(answer)}")
    return lines
