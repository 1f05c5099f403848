"""Sequences of packets as lines of text, for cases, for the kernel, and for disagreements with it.

    tcp 10.1.0.1:1000 > 10.2.0.1:80 S             => new original SYN_SENT
    tcp 10.2.0.1:80 > 10.1.0.1:1000 SA drop       => established reply SYN_RECV
    icmp/3/1 10.2.0.9 > 10.1.0.1 about tcp 10.1.0.1:1000 > 10.2.0.1:80   => related reply
    wait 31
    flush
    set tcp_timeout_close=1

A packet that is not marked `drop` passes. Behind the flags stand `seq= ack= len= win= scale=` and `selective`,
else the numbers are those of a well-behaved sender. `id=` is the identifier of an ICMP query, `key=` the
call of GRE, `tag=` and a list of chunks (`INIT`, `ABORT/T`, `INIT/tag=7`) are those of SCTP. `dnat ADDRESS[:PORT]` and
`snat` translate the connection that the packet begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from policy.conntrack import GRE, Chunk, Seen, Segment, Settings, Step, Tracker
from policy.conntrack.sctp import Sctp
from policy.conntrack.tuples import WITH_PORTS
from policy.conntrack.window import Tcp
from policy.packet.address import format_address, parse_address
from policy.packet.fields import DIRECTIONS, ICMP, ICMP6, STATES, TCP
from policy.packet.text import flags_number, flags_text

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "icmp6": 58, "sctp": 132, "udplite": 136}
CHUNKS = {
    "DATA": 0,
    "INIT": 1,
    "INIT_ACK": 2,
    "SACK": 3,
    "HEARTBEAT": 4,
    "HEARTBEAT_ACK": 5,
    "ABORT": 6,
    "SHUTDOWN": 7,
    "SHUTDOWN_ACK": 8,
    "ERROR": 9,
    "COOKIE_ECHO": 10,
    "COOKIE_ACK": 11,
    "SHUTDOWN_COMPLETE": 14,
}
_NAMES = {number: name for name, number in PROTOCOLS.items()}
_CHUNK_NAMES = {number: name for name, number in CHUNKS.items()}
_SEGMENT = {"seq": "seq", "ack": "ack", "len": "length", "win": "window", "scale": "scale"}


@dataclass(frozen=True)
class Move:
    """One thing that happens: a packet, or `wait`, `flush`, `set` (*seconds* is its value).

    *near*: the numbers of a TCP segment are offsets from what a well-behaved sender would say.
    """

    step: Step | None = None
    passes: bool = True
    source: tuple[int, int | None] | None = None
    destination: tuple[int, int | None] | None = None
    word: str = ""
    name: str = ""
    seconds: float = 0
    near: bool = False


def changed(settings: Settings, name: str, value: float) -> Settings:
    """Return the settings with one of them, by its name for `sysctl`, changed."""
    match name:
        case "tcp_max_retrans":
            return replace(settings, max_retrans=int(value))
        case "tcp_loose":
            return replace(settings, loose=bool(value))
        case "tcp_be_liberal":
            return replace(settings, liberal=bool(value))
        case "tcp_ignore_invalid_rst":
            return replace(settings, ignore_invalid_rst=bool(value))
        case "checksum":
            return replace(settings, checksum=bool(value))
    assert name in settings.timeouts, name
    return replace(settings, timeouts={**settings.timeouts, name: value})


def play(tracker: Tracker, move: Move, at: float) -> Seen | None:
    """Do to *tracker* what happens; return what a packet was seen as."""
    match move.word:
        case "flush":
            tracker.flush()
        case "set":
            tracker.settings = changed(tracker.settings, move.name, move.seconds)
    if move.step is None:
        return None
    seen = tracker.see(move.step, at)
    if seen.entry is not None and not seen.entry.status & 8 and (move.source or move.destination):
        seen = tracker.translate(seen, move.source, move.destination)
    return tracker.confirm(seen, at) if move.passes else seen


def chunks() -> Iterator[tuple[str, list[tuple[Move, str | None]]]]:
    """Yield every case: its name, its moves and what is expected of each."""
    for path in sorted((Path(__file__).parent / "cases" / "conntrack").glob("*.case")):
        for number, chunk in enumerate(re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE), 1):
            lines = [line for line in chunk.splitlines() if line.strip() and not line.startswith("#")]
            yield f"{path.stem}-{number}", [parsed(line) for line in lines]


def cases(family: int) -> list[list[Move]]:
    """Return the moves of every case of an IP version."""
    found = [[move for move, _ in lines] for _, lines in chunks()]
    return [moves for moves in found if {move.step.family for move in moves if move.step} == {family}]


def told(seen: Seen) -> str:
    """Return what a packet was seen as: state, direction, the state of the protocol, `assured`."""
    words = [STATES[seen.state]]
    if seen.direction is not None:
        words.append(DIRECTIONS[seen.direction])
    if seen.entry is not None and seen.state != 2:
        if isinstance(seen.entry.track, Tcp | Sctp):
            words.append(seen.entry.track.state.name)
        if seen.entry.status & 4:
            words.append("assured")
    return " ".join(words)


def parsed(line: str) -> tuple[Move, str | None]:
    """Return a line, and what is expected of it."""
    said, _, expected = line.partition("=>")
    words = said.split()
    want = expected.strip() or None
    match words[0]:
        case "flush":
            return Move(word="flush"), want
        case "wait":
            return Move(word="wait", seconds=float(words[1])), want
        case "set":
            name, _, value = words[1].partition("=")
            return Move(word="set", name=name, seconds=float(value)), want
    move = Move(step=_step(words))
    while words:
        match words.pop(0):
            case "drop":
                move = replace(move, passes=False)
            case "dnat":
                move = replace(move, destination=_instead(words.pop(0)))
            case "snat":
                move = replace(move, source=_instead(words.pop(0)))
            case other:
                raise ValueError(f"`{other}` in `{line}`")
    return move, want


def _step(words: list[str]) -> Step:
    """Take a packet from the front of *words*."""
    name, *icmp = words.pop(0).split("/")
    proto = PROTOCOLS[name] if name in PROTOCOLS else int(name)
    src, sport = _endpoint(words.pop(0))
    assert words.pop(0) == ">"
    dst, dport = _endpoint(words.pop(0))
    step = Step(proto, src, dst, sport, dport)
    if icmp:
        step = replace(step, icmp=(int(icmp[0]), int(icmp[1]) if len(icmp) > 1 else 0))
    if proto == TCP:
        step = replace(step, flags=flags_number(words.pop(0)))
    while words and (said := _said(step, words[0])) is not None:
        step = said
        if words.pop(0) == "about":
            return replace(step, about=_step(words))
    return step


def _said(step: Step, word: str) -> Step | None:
    """Return a step with what a word says of it; None for a word that is not about the packet."""
    name, _, value = word.partition("=")
    segment = step.segment
    match name:
        case "seq":
            return replace(step, segment=replace(segment, seq=int(value)))
        case "ack":
            return replace(step, segment=replace(segment, ack=int(value)))
        case "len":
            return replace(step, segment=replace(segment, length=int(value)))
        case "win":
            return replace(step, segment=replace(segment, window=int(value)))
        case "scale":
            return replace(step, segment=replace(segment, scale=int(value)))
        case "selective":
            return replace(step, segment=replace(segment, selective=True))
        case "id":
            return replace(step, identifier=int(value))
        case "key":
            return replace(step, key=int(value))
        case "tag":
            return replace(step, tag=int(value))
        case "ttl":
            return replace(step, ttl=int(value))
        case "sent":
            return replace(step, sent=True)
        case "about":
            return step
    if name.split("/")[0].split(",")[0] in CHUNKS:
        return replace(step, chunks=tuple(map(_chunk, word.split(","))))
    return None


def _chunk(text: str) -> Chunk:
    name, *rest = text.split("/")
    tags = [int(each.removeprefix("tag=")) for each in rest if each != "T"]
    return Chunk(CHUNKS[name], "T" in rest, tags[0] if tags else None)


def _endpoint(text: str) -> tuple[int, int]:
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return parse_address(address), int(port[1:] or 0)
    if text.count(":") > 1:
        return parse_address(text), 0
    address, _, port = text.partition(":")
    return parse_address(address), int(port or 0)


def _instead(text: str) -> tuple[int, int | None]:
    address, port = _endpoint(text)
    return address, port or None


def line_of(move: Move) -> str:
    """Return the line that `parsed` reads."""
    if move.word == "set":
        return f"set {move.name}={move.seconds:g}"
    if move.word:
        return f"{move.word} {move.seconds:g}" if move.word == "wait" else move.word
    assert move.step is not None
    words = [_packet(move.step)]
    for name, endpoint in (("dnat", move.destination), ("snat", move.source)):
        if endpoint is not None:
            words.append(f"{name} {_address(endpoint[0], endpoint[1] or 0)}")
    return " ".join(words if move.passes else [*words, "drop"])


def _packet(step: Step) -> str:
    name = _NAMES.get(step.proto, str(step.proto))
    if step.proto in (ICMP, ICMP6):
        name += f"/{step.icmp[0]}/{step.icmp[1]}"
    ports = step.proto in WITH_PORTS
    words = [name, _address(step.src, step.sport if ports else 0), ">", _address(step.dst, step.dport if ports else 0)]
    if step.proto == TCP:
        words.append(flags_text(step.flags))
    usual = Segment()
    for word, field in _SEGMENT.items():
        value = getattr(step.segment, field)
        if value != getattr(usual, field):
            words.append(f"{word}={value}")
    if step.segment.selective:
        words.append("selective")
    words += [f"id={step.identifier}"] if step.identifier else []
    words += [f"key={step.key}"] if step.key is not None and step.proto == GRE else []
    words += [f"tag={step.tag}"] if step.tag is not None else []
    words += [f"ttl={step.ttl}"] if step.ttl != 64 else []
    words += ["sent"] if step.sent else []
    if step.chunks:
        words.append(",".join(map(_chunk_text, step.chunks)))
    return " ".join(words) + (f" about {_packet(step.about)}" if step.about else "")


def _chunk_text(chunk: Chunk) -> str:
    return (
        _CHUNK_NAMES[chunk.kind]
        + ("/T" if chunk.reflected else "")
        + (f"/tag={chunk.tag}" if chunk.tag is not None else "")
    )


def _address(address: int, port: int) -> str:
    text = format_address(address)
    if not port:
        return text
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
