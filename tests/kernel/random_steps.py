"""Random sequences: conversations that are right for a while, and then are not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from policy.conntrack import GRE, Chunk, Segment, Step
from policy.conntrack.sctp import COOKIE_ACK, COOKIE_ECHO, INIT, INIT_ACK
from policy.packet.address import parse_address
from policy.packet.fields import ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE
from tests.conntrack_steps import CHUNKS, Move

SETTINGS = {
    "tcp_loose": (0, 1),
    "tcp_be_liberal": (0, 1),
    "tcp_ignore_invalid_rst": (0, 1),
    "tcp_max_retrans": (1, 2, 3),
    "checksum": (0, 0, 1),
}
_ADDRESSES = {
    4: "10.1.0.1 10.1.0.2 10.1.0.9 10.2.0.1 10.2.0.2 10.2.0.9 10.3.0.9 10.4.0.9 10.5.0.5",
    6: "2001:db8:1::1 2001:db8:1::2 2001:db8:1::9 2001:db8:2::1 2001:db8:2::2 2001:db8:2::9 2001:db8:3::9"
    " 2001:db8:4::9 2001:db8:5::5",
}
_CLIENTS, _SERVERS, _INSTEAD, _SHOWN, _ROUTER = (0, 1, 2), (3, 4, 5), 6, 7, 8
"""The last server is translated to another, the last client is shown as another."""

_FLAGS = (2, 18, 16, 24, 17, 4, 20, 1, 0, 41, 63, 3, 6, 34, 48, 52, 2 | 0xC0, 0xD0, 25, 49, 8, 22, 80)
_WEIGHTS = (8, 6, 12, 4, 6, 3, 4, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1)
_OFFSETS = (-70000, -66001, -9000, -2000, -1000, -2, -1, 1, 2, 1000, 8192, 8193, 9000, 70000, 1 << 31)
_QUERIES = {4: ((8, 0), (13, 14), (15, 16), (17, 18)), 6: ((128, 129), (139, 140))}
_ERRORS = {4: (3, 4, 5, 11, 12), 6: (1, 2, 3, 4, 100, 127, 137)}
_ODD = {
    4: (0, 1, 6, 9, 10, 14, 18, 19, 30, 40, 255),
    6: (129, 130, 133, 134, 135, 136, 137, 138, 140, 143, 144, 151, 152, 200),
}
_PROTOCOLS = (TCP, UDP, UDPLITE, SCTP, GRE, 0, 50, 33)
_PROTOCOL_WEIGHTS = (10, 2, 1, 5, 2, 3, 1, 1)
_HANDSHAKE = ((0, 2), (1, 18), (0, 16))
_CLOSE = ((0, 17), (1, 16), (1, 17), (0, 16))
_ASSOCIATION = ((0, INIT), (1, INIT_ACK), (0, COOKIE_ECHO), (1, COOKIE_ACK))
_GOODBYE = ((0, 7), (1, 8), (0, 14))


@dataclass
class Talk:
    """Two endpoints that speak one protocol; *script* is what they would rightly say next."""

    proto: int
    client: tuple[int, int]
    server: tuple[int, int]
    source: int | None
    destination: int | None
    code: int
    script: list[tuple[int, int]]

    def ends(self, direction: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return sender and receiver, as packets of that direction arrive."""
        if direction == 0:
            return self.client, self.server
        sender = self.server if self.destination is None else (self.destination, self.server[1])
        return sender, (self.client if self.source is None else (self.source, self.client[1]))


def addresses(family: int) -> tuple[int, ...]:
    """Return all addresses that take part."""
    return tuple(map(parse_address, _ADDRESSES[family].split()))


def sequence(random: Random, family: int, length: int, *, waits: bool = False, translated: bool = True) -> list[Move]:
    """Return *length* moves; the first ones change settings."""
    moves = [
        Move(word="set", name=name, seconds=random.choice(values))
        for name, values in SETTINGS.items()
        if random.random() < 0.1
    ]
    talks = [_talk(random, family, translated=translated) for _ in range(random.randint(1, 4))]
    while len(moves) < length:
        if random.random() < 0.02:
            moves.append(Move(word="flush"))
        elif waits and random.random() < 0.1:
            moves.append(Move(word="wait"))
        else:
            moves.append(_move(random, family, random.choice(talks), talks))
    return moves


def _talk(random: Random, family: int, *, translated: bool) -> Talk:
    known = addresses(family)
    client, server = (
        random.choice(_CLIENTS[: None if translated else 2]),
        random.choice(_SERVERS[: None if translated else 2]),
    )
    ports = (random.choice((1000, 1001)), random.choice((22, 80)))
    proto = random.choices(_PROTOCOLS, _PROTOCOL_WEIGHTS)[0] or (ICMP if family == 4 else ICMP6)
    if random.random() < 0.02:
        proto = ICMP if proto == ICMP6 else ICMP6
    destination = known[_INSTEAD] if server == _SERVERS[-1] else None
    source = known[_SHOWN] if client == _CLIENTS[-1] else None
    one, other = (known[client], ports[0]), (known[server], ports[1])
    if random.random() < 0.02:
        other, destination = one, None
    script: list[tuple[int, int]] = []
    if random.random() < 0.7:
        data = [(random.randint(0, 1), 24) for _ in range(random.randint(0, 3))]
        script = [*_HANDSHAKE, *data, *_CLOSE] if proto == TCP else [*_ASSOCIATION, *_GOODBYE]
    return Talk(proto, one, other, source, destination, random.choice((0, 0, 1)), script)


def _move(random: Random, family: int, talk: Talk, talks: list[Talk]) -> Move:
    wrong, own = random.random() < 0.12, random.random() < 0.1
    step = _error(random, family, random.choice(talks)) if wrong else _step(random, family, talk)
    if own:
        step = replace(step, sent=True)
    known = addresses(family)
    return Move(
        step=step,
        passes=random.random() < 0.85,
        source=(known[_SHOWN], None) if step.src == known[_CLIENTS[-1]] else None,
        destination=(known[_INSTEAD], None) if step.dst == known[_SERVERS[-1]] else None,
        near=step.proto == TCP,
    )


def _step(random: Random, family: int, talk: Talk, *, strange: bool = True) -> Step:
    direction = random.randint(0, 1) if random.random() < 0.8 else 0
    scripted: int | None = None
    if talk.script and random.random() < 0.85:
        direction, scripted = talk.script.pop(0)
    (src, sport), (dst, dport) = talk.ends(direction)
    step = Step(talk.proto, src, dst, sport, dport)
    match talk.proto:
        case 6:
            flags = random.choices(_FLAGS, _WEIGHTS)[0] if scripted is None else scripted
            return replace(step, flags=flags, segment=_segment(random, flags, strange=strange))
        case 132:
            chunks, tag = _sctp(random, scripted)
            return replace(step, chunks=chunks, tag=tag)
        case 47:
            return replace(step, key=talk.code or None)
        case 1 | 58:
            queries = _QUERIES[family]
            kind = queries[(talk.client[1] + talk.server[1]) % len(queries)][direction]
            if random.random() < 0.1:
                kind = random.choice(_ODD[family])
            ident = talk.client[1]
            return replace(step, sport=0, dport=0, icmp=(kind, talk.code), identifier=ident)
        case 17 | 136:
            return step
    return replace(step, sport=0, dport=0)


def _segment(random: Random, flags: int, *, strange: bool) -> Segment:
    """Return a segment; *strange* numbers are offsets from the right ones until `placed` makes numbers of them."""
    segment = Segment(length=random.choice((0, 0, 0, 1, 100, 1000)) if flags & 16 and not flags & 2 else 0)
    if random.random() < 0.1:
        segment = replace(segment, window=random.choice((0, 1, 100, 65535)))
    if flags & 2 and random.random() < 0.5:
        segment = replace(segment, scale=random.choice((0, 2, 7, 14, 15, None)), selective=random.random() < 0.5)
    if strange and random.random() < 0.15:
        segment = replace(segment, seq=random.choice(_OFFSETS))
    if strange and random.random() < 0.1:
        segment = replace(segment, ack=random.choice(_OFFSETS))
    return segment


def _sctp(random: Random, scripted: int | None) -> tuple[tuple[Chunk, ...], int | None]:
    kinds = list(CHUNKS.values())
    kind = random.choice(kinds) if scripted is None else scripted
    chunks = [Chunk(kind, random.random() < 0.1 and kind in (6, 14), random.choice((None, None, None, 0, 5)))]
    while random.random() < 0.15:
        chunks.append(Chunk(random.choice(kinds)))
    tag = random.choice((0, 5, 0x0A0A0A0A)) if random.random() < 0.12 else None
    return tuple(chunks), tag


def _error(random: Random, family: int, talk: Talk) -> Step:
    """An error about a packet of a conversation, as its sender would get it; sometimes it goes astray."""
    about = _step(random, family, talk, strange=False)
    if random.random() < 0.1:
        about = replace(about, dport=about.dport + 1, identifier=about.identifier + 1)
    router = addresses(family)[_ROUTER]
    kind = random.choice(_ERRORS[family])
    src, dst = random.choice((router, about.dst)), about.src
    if random.random() < 0.1:
        dst = addresses(family)[random.choice(_CLIENTS)]
    step = Step(ICMP if family == 4 else ICMP6, src, dst, icmp=(kind, random.choice((0, 0, 1))), about=about)
    if kind == 137 and random.random() < 0.7:
        step = replace(step, src=parse_address("fe80::1"), ttl=255)
    if random.random() < 0.03 and kind != 137:
        step = replace(step, about=None)
    return step


def placed(said: Segment, right: Segment) -> Segment:
    """Return a segment whose offsets have become numbers near the right ones."""
    numbers = {}
    for name in ("seq", "ack"):
        offset, number = getattr(said, name), getattr(right, name)
        numbers[name] = number if offset is None else (number + offset) % (1 << 32)
    return replace(right, **numbers)
