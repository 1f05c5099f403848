"""Random packets: what is injected, and the question that `fwpolicy` is asked about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from policy.kernel.conntrack import Connection
from policy.kernel.probe import Probe
from policy.kernel.wire import quoted
from tests.kernel.world import DEVICES, World

PORTS = (22, 53, 80, 443, 1023, 1024, 8080, 65535, 0)
MACS = ("02:11:22:33:44:55", "02:aa:bb:cc:dd:ee")
TTLS = (64, 64, 255, 2, 3, 5, 128, 63)
ICMP = {4: 1, 6: 58}

_IDS = (0, 1000, 1001)
_MARKS = (0, 0, 0, 1, 2, 0x10, 0xFF)
_TOS = (0, 0, 0x10, 0x08, 0x20, 0x28, 0xB8, 0xFF, 0x03, 0x2E)
_PADDING = (0, 0, 4, 12, 60, 100, 400)
_CHUNKS = (1, 1, 1, 4, 5, 8, 0, 3)
_OPTIONS: tuple[tuple[int, ...], ...] = ((), (), (), (2,), (2, 4, 8), (1, 3), (8,), (2, 3))
_FLAGS = "FSRPAUEC"
_USUAL_FLAGS = ("S", "S", "S", "SA", "A", "A", "F", "FA", "R", "RA", "", "SFPU", "SFRPAU", "SEC", "PA", "SF", "AE")
_ICMP_TYPES = {
    4: ((0, 0), (8, 0), (8, 1), (3, 0), (3, 1), (3, 3), (3, 4), (5, 1), (11, 0), (13, 0), (255, 0), (12, 0)),
    6: ((1, 0), (1, 4), (2, 0), (3, 0), (128, 0), (129, 0), (133, 0), (135, 0), (136, 0), (137, 0), (255, 3), (144, 0)),
}
_ECHO = {4: (8, 0), 6: (128, 129)}
_ERRORS = {4: ((3, 1), (3, 3), (11, 0)), 6: ((1, 0), (3, 0))}
_HEADERS = ("hop", "dst", "route", "frag", "auth", "esp", "none", "prot")
_WITH_PORTS = (6, 17, 33, 132, 136)


def question(probe: Probe, length: int, state: dict[str, str], backend: str) -> dict[str, Any]:
    """Return the packet as a line of `fwpolicy ask --packets`; *state* is what the kernel saw of the connection."""
    row: dict[str, Any] = {
        key: getattr(probe, key) for key in ("hook", "src", "dst", "proto", "fragment", "ttl", "tos")
    }
    # Behind an authentication header the nft back end compares 51: docs/languages/iptables.md wants what it sees.
    masked = probe.family == 6 and backend == "nft" and "auth" in probe.extensions
    row |= {"length": length} | ({"proto": 51} if masked else {})
    if probe.device_in:
        row |= {"in": probe.device_in, "pkttype": probe.pkttype}
        row |= {"mac": probe.mac} if probe.device_in != "lo" else {}
    if probe.device_out:
        row["out"] = probe.device_out
    if probe.hook == "output":
        row |= {"uid": probe.uid, "gid": probe.gid, "mark": probe.mark}
    if probe.fragment != "later" and not masked:
        if probe.proto in _WITH_PORTS:
            row |= {"sport": probe.sport, "dport": probe.dport}
        if probe.proto == 6:
            row["flags"] = "".join(name for bit, name in enumerate(_FLAGS) if probe.flags >> bit & 1) or "none"
            row["tcp_options"] = sum(1 << kind for kind in probe.options)
        if probe.icmp is not None:
            row |= {"icmp_type": probe.icmp[0], "icmp_code": probe.icmp[1]}
    if probe.family == 6:
        last = {59: "none", 50: "esp"}.get(probe.proto, "prot")
        row["exthdrs"] = sum(1 << _HEADERS.index(name) for name in {*probe.extensions, last})
    return row | state


def random_probe(r: Random, world: World, known: Sequence[Connection], tracked: bool) -> Probe:
    """Return a packet; with connection tracking there are no fragments, as it puts them together."""
    hook = r.choice(("input", "forward", "output"))
    probe = _at(r, world, hook)
    icmp = ICMP[world.family]
    odd = 51 if world.family == 4 else 59
    other = ICMP[10 - world.family]
    protos = (6, 6, 6, 6, 17, 17, 17, icmp, icmp, 132, 136, 33, 47, 50, odd, 253, other)
    flags = r.choice(_USUAL_FLAGS)
    probe = replace(
        probe,
        proto=r.choice(protos),
        sport=r.choice((*PORTS, 40000, 40000)),
        dport=r.choice(PORTS),
        flags=r.randrange(256) if r.random() < 0.3 else sum(1 << _FLAGS.index(name) for name in flags),
        options=r.choice(_OPTIONS),
        chunk=r.choice(_CHUNKS),
        ttl=r.choice(TTLS),
        tos=r.choice(_TOS),
        padding=r.choice(_PADDING),
    )
    if known and r.random() < 0.6:
        probe = _of_connection(r, world, probe, r.choice(known))
    if probe.proto == icmp and probe.icmp is None:
        probe = _icmp(r, world, probe, known)
    if probe.proto != icmp:
        probe = replace(probe, icmp=None)
    return _framed(r, _with_headers(r, probe, tracked))


def _at(r: Random, world: World, hook: str) -> Probe:
    """Return a packet that comes to *hook*, addresses and devices only."""
    if hook == "forward":
        out = r.choice(DEVICES)
        src, dst = r.choice(world.sources), r.choice(world.behind[out])
        return Probe(
            family=world.family, hook=hook, device_in=r.choice(DEVICES), device_out=out, src=src, dst=dst, proto=0
        )
    device = r.choice((*DEVICES, "lo"))
    if hook == "input":
        dst = r.choice(world.local[2:]) if r.random() < 0.85 else r.choice(world.broadcast)
        src = r.choice((*world.sources, world.local[1 if world.family == 6 else 2]))
        if device == "lo" and r.random() < 0.5:
            src, dst = r.choice(world.local), r.choice(world.local)
        return Probe(family=world.family, hook=hook, device_in=device, src=src, dst=dst, proto=0)
    src, dst = r.choice(world.local), r.choice(world.local)
    if device != "lo":
        src, dst = r.choice(world.local[2:]), r.choice((*world.behind[device], *world.sources[:3]))
        if r.random() < 0.08:
            dst = r.choice(world.broadcast_out)
    uid, gid, mark = r.choice(_IDS), r.choice(_IDS), r.choice(_MARKS)
    return Probe(
        family=world.family, hook=hook, device_out=device, src=src, dst=dst, proto=0, uid=uid, gid=gid, mark=mark
    )


def _of_connection(r: Random, world: World, probe: Probe, known: Connection) -> Probe:
    """Return the packet as one of a known connection, in either direction, if it can be one at its hook."""
    forwarded = probe.hook == "forward"
    if forwarded != (known.hook == "forward"):
        return probe
    reply = r.random() < 0.5 if forwarded else known.hook != probe.hook
    src, dst, sport, dport = known.src, known.dst, known.sport, known.dport
    if reply:
        src, dst, sport, dport = dst, src, dport, sport
    icmp = ICMP[world.family]
    if known.proto == icmp:
        probe = replace(probe, icmp=(_ECHO[world.family][reply], 0))
        sport = known.sport
    probe = replace(probe, proto=known.proto, src=src, dst=dst, sport=sport, dport=dport)
    if forwarded:
        return replace(probe, device_out=next(name for name in DEVICES if dst in world.behind[name]))
    if "lo" in (probe.device_in, probe.device_out):
        probe = replace(probe, **{"device_in" if probe.hook == "input" else "device_out": "eth0"})  # type: ignore[arg-type]
    return probe


def _icmp(r: Random, world: World, probe: Probe, known: Sequence[Connection]) -> Probe:
    """Return an ICMP packet with its type: anything, or an error about a known connection."""
    about = [each for each in known if each.proto in (6, 17)]
    if not about or r.random() < 0.6:
        return replace(probe, icmp=r.choice(_ICMP_TYPES[world.family]))
    one = r.choice(about)
    body = quoted(world.family, one.proto, one.src, one.dst, one.sport, one.dport)
    dst = one.src if probe.hook == "input" and one.src in world.local else probe.dst
    return replace(probe, icmp=r.choice(_ERRORS[world.family]), quoted=body, dst=dst)


def _with_headers(r: Random, probe: Probe, tracked: bool) -> Probe:
    """Return the packet with extension headers, or as a fragment."""
    names = set()
    if probe.family == 6 and r.random() < 0.3:
        names = {name for name in ("hop", "dst", "route", "auth") if r.random() < 0.45}
    whole = tracked or (probe.family == 4 and probe.hook == "input")  # IPv4 puts fragments together before INPUT
    if not whole and r.random() < 0.12:
        probe = replace(probe, fragment=r.choice(("first", "later")))
        names.add("frag")
    elif not whole and r.random() < 0.05:
        names.add("frag")
    if probe.proto in (50, 59) or probe.fragment == "later":
        names.discard("auth")
    if probe.family == 4:
        return probe
    return replace(probe, extensions=tuple(name for name in _HEADERS if name in names))


def _framed(r: Random, probe: Probe) -> Probe:
    """Return the packet with what its Ethernet frame says."""
    if probe.hook == "output" or probe.device_in == "lo":
        return probe
    kind = "unicast"
    if probe.family == 4 and probe.dst.endswith(".255"):
        kind = "broadcast"
    elif probe.dst.startswith(("224.", "ff0")):
        kind = "multicast"
    if probe.hook == "input" and r.random() < 0.08:
        kind = r.choice(("unicast", "broadcast", "multicast"))
    return replace(probe, pkttype=kind, mac=r.choice(MACS))
