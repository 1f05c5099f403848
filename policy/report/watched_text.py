"""What was watched while a scenario was played, as text: scans, and ports on which rules and sockets do not agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from policy.app.play import Playing, Tried
from policy.packet import Intervals
from policy.packet.address import format_address
from policy.packet.names import protocol_name
from policy.report.deeds import seconds_text
from policy.report.style import PLAIN, Style, clean
from policy.simulate.unmatched import Unmatched
from policy.simulate.watch import Scan
from policy.sockets import Socket

MOST_NAMED = 8
"""So many addresses, or ranges of ports, are named."""


def watched_text(playing: Playing, style: Style = PLAIN, *, everything: bool = False) -> str:
    """Return which scans were seen, a line for each; nothing without any.

    *everything*: and which ports were tried, and where rules and sockets do not agree.
    """
    lines = [tried_text(playing.tried, style)] if everything and playing.tried else []
    lines += [scans_text(playing.watch.scans, style)] if playing.watch.scans else []
    if everything:
        lines += [text for each in playing.unmatched() if (text := unmatched_text(each, playing.names, style))]
    return "\n".join(lines)


def scans_text(scans: Iterable[Scan], style: Style = PLAIN) -> str:
    """Return the scans that firewalls saw, a line for each; nothing without any."""
    return "\n".join(_scan(scan, style) for scan in scans)


def unmatched_text(found: Unmatched, names: dict[Socket, str], style: Style = PLAIN) -> str:
    """Return the ports of a host on which rules and sockets do not agree, a line for each group; nothing without any.

    *names* are those of sockets.
    """
    return "\n".join(_unmatched(found, names, style))


def tried_text(tried: Mapping[Tried, Sequence[int]], style: Style = PLAIN) -> str:
    """Return the log of what ports were tried at each firewall: a line for each source, target and verdict."""
    lines = []
    for each, ports in tried.items():
        verdict = style("let through", "good") if each.allowed else style("blocked", "bad")
        what = _ports(Intervals.of(*ports), each.proto)
        times = "" if len(ports) == 1 else f", {len(ports)} times in all"
        host, source, target = style(clean(each.host), "name"), format_address(each.source), format_address(each.target)
        lines.append(f"{host} saw {source} try {what} of {target}: {verdict}{times}")
    return "\n".join(lines)


def _scan(scan: Scan, style: Style) -> str:
    targets, ports = _addresses(scan.targets), _ports(Intervals.of(*scan.ports), scan.proto)
    pace = seconds_text(scan.end - scan.begin)
    outcome = f"{scan.blocked} blocked, {scan.allowed} let through"
    what = style(f"{scan.kind} scan", "bad")
    who = f"{style(clean(scan.host), 'name')} sees a {what} by {format_address(scan.source)}"
    return f"{who}: {ports} of {targets}, within {pace}; {outcome}"


def _unmatched(found: Unmatched, names: dict[Socket, str], style: Style) -> Iterator[str]:
    host = style(clean(found.host), "name")
    if found.undecided is not None:
        yield f"{host}: it is undecided which ports are open: that takes {found.undecided}"
    for each in found.open:
        where = _addresses(each.addresses)
        yield f"{host} lets in what comes to {_ports(each.ports, each.proto)} of {where}, and nothing listens there"
    for socket in found.unreached:
        assert socket.local is not None
        port = f"{protocol_name(socket.proto)}/{socket.local.port}"
        name = clean(names.get(socket, f"#{socket.number}"))
        yield f"{host} lets in nothing that is for {style(name, 'name')} at {port}"


def _addresses(addresses: Sequence[int]) -> str:
    more = f" and {len(addresses) - MOST_NAMED} more" if len(addresses) > MOST_NAMED else ""
    return ", ".join(format_address(each) for each in addresses[:MOST_NAMED]) + more


def _ports(ports: Intervals, proto: int) -> str:
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in ports.ranges]
    more = f" and {len(texts) - MOST_NAMED} more ranges" if len(texts) > MOST_NAMED else ""
    return f"{protocol_name(proto)}/{','.join(texts[:MOST_NAMED])}{more}"
