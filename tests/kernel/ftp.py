"""Compare the FTP helper (`policy.conntrack.helper`) with this machine's Linux, packet by packet.

    python -m tests.kernel.ftp --seed 1 --count 500 --family 4

Both see a control connection in which things are said that announce data connections, or nearly do, and then data
connections from both sides: to ports that were announced, and to others. Compared are the state of each packet,
whether it left, its addresses, numbers and text. Exit status 0: they agree; 1: they do not, or nothing was compared;
77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import argparse
import struct
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from policy.conntrack import CONFIRMED, DST_NAT, ORIGINAL, SRC_NAT, Seen, Segment, Step, Tracker, hear
from policy.kernel.namespace import enter
from policy.kernel.tools import Failed, Unavailable, run
from policy.packet.address import V4_BASE, format_address, parse_address
from policy.packet.fields import ACK, RELATED, SYN, TCP
from tests.kernel.line import Line
from tests.kernel.sequences import CANNOT
from tests.kernel.step_wire import build, number_of

SHOWN = 5
_HELPER = """table {family} ftp_helper {{
  ct helper reader {{ type "ftp" protocol tcp; }}
  chain c {{ type filter hook prerouting priority -140; tcp dport 21 ct helper set "reader"; }}
}}"""
_ADDRESSES = {4: ("10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1"), 6: ("fd01::1", "fd02::1", "fd03::1", "fd04::1")}
"""A client, a server, and what each is shown as where it is translated."""

_WAYS = ((False, False), (True, False), (False, True), (True, True))
"""Is the source translated, and is the destination?"""


@dataclass
class Side:
    """One end of the control connection: how it sees itself and the other, and the numbers that it has reached."""

    own: int
    peer: int
    port: int
    peer_port: int
    seq: int
    ack: int = 0


@dataclass
class Game:
    """A sequence that is played on both at once; *sent* are the packets with what the engine says of each."""

    line: Line
    random: Random
    family: int
    first: int
    ways: tuple[bool, bool]
    tracker: Tracker = field(default_factory=Tracker)
    sent: list[tuple[int, str, Seen]] = field(default_factory=list)
    dropped: int = 0
    announced: list[int] = field(default_factory=list)
    wrong: str | None = None

    def __post_init__(self) -> None:
        self.client, self.server, self.shown_client, self.shown_server = map(parse_address, _ADDRESSES[self.family])
        self.number = self.first
        known = self.shown_server if self.ways[1] else self.server
        seen_as = self.shown_client if self.ways[0] else self.client
        port = 2000 + self.first % 30000
        self.sides = (Side(self.client, known, port, 21, 1000), Side(self.server, seen_as, 21, port, 5000))

    def play(self, length: int) -> None:
        """Play the sequence, as long as they agree about what leaves."""
        self._segment(0, SYN)
        self._segment(1, SYN | ACK)
        self._segment(0, ACK)
        while self.number < self.first + length and self.wrong is None:
            if self.random.random() < 0.3:
                self._data_connection()
            else:
                self._say(self.random.randrange(2))

    def _say(self, direction: int) -> None:
        side = self.sides[direction]
        text = said(self.random, self.family, direction, format_address(side.own), format_address(self.sides[0].peer))
        again = self.random.random() < 0.1
        before = side.seq
        if self._segment(direction, ACK, text) and again:
            side.seq = before
            self._segment(direction, ACK, text)

    def _segment(self, direction: int, flags: int, data: bytes = b"") -> bool:
        """Send a segment of the control connection; did it leave?"""
        side, other = self.sides[direction], self.sides[1 - direction]
        numbers = Segment(side.seq, side.ack if flags & ACK else None, len(data))
        left = self._through(Step(TCP, side.own, side.peer, side.port, side.peer_port, flags, numbers), data)
        if left is None:
            return False
        side.seq += len(data) + bool(flags & SYN)
        other.ack = (left[0].segment.seq or 0) + len(left[1]) + bool(flags & SYN)
        return True

    def _data_connection(self) -> None:
        """Try a data connection: a SYN from either side, and perhaps its answer."""
        port = self.random.choice(self.announced[-1:] * 3 + list(_PORTS))
        by, to = self.random.choice(((self.sides[0].own, self.sides[0].peer), (self.sides[1].own, self.sides[1].peer)))
        source = 40000 + self.number % 20000
        left = self._through(Step(TCP, by, to, source, port, SYN, Segment(1, None)), b"")
        if left is not None and self.random.random() < 0.5:
            back = left[0]
            answer = Step(TCP, back.dst, back.src, back.dport, back.sport, SYN | ACK, Segment(1, 2))
            self._through(answer, b"")

    def _through(self, step: Step, data: bytes) -> tuple[Step, bytes] | None:
        """Send a packet through both; return what left."""
        seen = self.tracker.see(step, 0)
        entry = seen.entry
        if entry is not None and not entry.status & CONFIRMED and seen.direction == ORIGINAL:
            if not entry.status & (SRC_NAT | DST_NAT):
                seen = self._translated(seen, step)
            seen = self.tracker.confirm(seen, 0)
        hearing = hear(self.tracker, seen, step, data, 0)
        seen = hearing.seen
        expected = None if hearing.dropped else (seen.leaving(step), hearing.data or b"")
        self.announced += [port for port in _PORTS if any(each in data for each in _spellings(port))]
        self.dropped += expected is None
        self.number += 1
        self.sent.append((self.number, f"{data!r}", seen))
        self.line.send(build(step, self.number, data=data))
        left = [each for each in self.line.left() if number_of(each) == self.number]
        found = parsed(left[0]) if left else None
        wanted = None if expected is None else _told(*expected)
        if found != wanted:
            self.wrong = f"{step} {data!r}: {found} left, and it should be {wanted}"
        return expected

    def _translated(self, seen: Seen, step: Step) -> Seen:
        source = (self.shown_client, None) if self.ways[0] and step.src == self.client else None
        destination = (self.server, None) if self.ways[1] and step.dst == self.shown_server else None
        return self.tracker.translate(seen, source, destination) if source or destination else seen


def _spellings(port: int) -> tuple[bytes, bytes]:
    return f",{port >> 8},{port & 255}".encode(), f"{port}".encode()


_PORTS = (1024, 1025, 50000, 50001)


_CLIENT_SAYS = (
    *("PORT {six}", "port  {six}", "PORT x {six}", "PORT {six},9", "PORT {five}", "PORT", "PO", "NOOP", "USER me"),
    *("EPRT |{version}|{own}|{port}|", "eprt !{version}!{own}!{port}!", "EPRT |{other}|{own}|{port}|"),
    *("EPRT |{version}|{own}|0|", "EPRT |{version}|{own}|{port}", "EPRT |{version}|{own}|{large}|"),
    *("227 Entering ({six}).", "LIST", "QUIT now"),
)
_SERVER_SAYS = (
    *("227 Entering Passive Mode ({six}).", "227 {six}", "227 mode {six} 1", "227 no", "227-{six}", "22"),
    *("229 Extended (|||{port}|)", "229 Extended (!!!{port}!)", "229 ({port})", "229 (||{port}|)", "229 none"),
    *("229 (|||{port}x|)", "220 hello", "331 who", "150 here it comes", "PORT {six}"),
)
_ENDS = ("\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "")


def said(random: Random, family: int, direction: int, own: str, other: str) -> bytes:
    """Return something that a side says: mostly what announces a connection, sometimes broken."""
    port = random.choice(_PORTS)
    address = own if random.random() < 0.85 else other
    numbers = [*(address.split(".") if family == 4 else ["10", "1", "0", "1"]), str(port >> 8), str(port & 255)]
    text = random.choice(_SERVER_SAYS if direction else _CLIENT_SAYS).format(
        six=",".join(numbers),
        five=",".join(numbers[:5]),
        own=address,
        port=port,
        large=port + 65536,
        version=1 if family == 4 else 2,
        other=2 if family == 4 else 1,
    )
    return (text + random.choice(_ENDS)).encode()


def parsed(data: bytes) -> tuple[str, str, int, int, int, int, bytes]:
    """Return addresses, ports, numbers and data of a TCP packet; the acknowledgement only where there is one."""
    if data[0] >> 4 == 4:
        source, target = (V4_BASE + int.from_bytes(data[at : at + 4], "big") for at in (12, 16))
        body = data[(data[0] & 15) * 4 : int.from_bytes(data[2:4], "big")]
    else:
        source, target = (int.from_bytes(data[at : at + 16], "big") for at in (8, 24))
        body = data[40 : 40 + int.from_bytes(data[4:6], "big")]
    sport, dport, seq, ack = struct.unpack_from("!HHII", body)
    flags, size = body[13], (body[12] >> 4) * 4
    return format_address(source), format_address(target), sport, dport, seq, ack if flags & ACK else 0, body[size:]


def _told(step: Step, data: bytes) -> tuple[str, str, int, int, int, int, bytes]:
    seq, ack = step.segment.seq or 0, (step.segment.ack or 0) if step.flags & ACK else 0
    return format_address(step.src), format_address(step.dst), step.sport, step.dport, seq, ack, data


class Judge:
    """Plays games one after the other."""

    def __init__(self, family: int) -> None:
        self.family = family
        self.line = Line(family)
        self.counts: Counter[str] = Counter()
        version = "ip" if family == 4 else "ip6"
        client, server, shown_client, shown_server = _ADDRESSES[family]
        self._rules = {
            ways: {
                **({f"{version} saddr {client}": f"snat to {shown_client}"} if ways[0] else {}),
                **({f"{version} daddr {shown_server}": f"dnat to {server}"} if ways[1] else {}),
            }
            for ways in _WAYS
        }
        try:
            run("nft", "-f", "-", stdin=_HELPER.format(family=version))
        except Failed as error:
            raise Unavailable(f"there is no FTP helper here: {error}") from None

    def judge(self, seed: str, number: int) -> str | None:
        """Play a game; return what is wrong, if anything is."""
        random = Random(f"{seed} {number}")
        ways = _WAYS[number % len(_WAYS)]
        self.line.forget(self._rules[ways])
        self.line.flush()
        game = Game(self.line, random, self.family, 1, ways)
        game.play(30)
        self.counts["dropped"] += game.dropped
        kernel = self.line.seen()
        for at, about, seen in game.sent:
            self.counts["packets"] += 1
            self.counts["related"] += seen.state == RELATED
            self.counts["text changed"] += seen.entry is not None and seen.entry.shifts is not None
            if kernel.get(at) != (seen.state, seen.direction):
                return f"game {number}: {about}: {kernel.get(at)}, and it should be {(seen.state, seen.direction)}"
        return None if game.wrong is None else f"game {number}: {game.wrong}"


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernel.ftp", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", default="1", help="any text; the same one makes the same sequences")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="sequences")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4)
    given = parser.parse_args()
    try:
        enter()
        judge = Judge(given.family)
    except Unavailable as error:
        print(error)
        return CANNOT
    wrong = [found for number in range(given.count) if (found := judge.judge(given.seed, number)) is not None]
    print(*wrong[:SHOWN], sep="\n")
    release = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()
    print(f"Linux {release}, IPv{given.family}, seed {given.seed}, {given.count} sequences")
    print(*(f"{count:>9,}  {name}" for name, count in sorted(judge.counts.items())), sep="\n")
    print(f"{len(wrong):>9,}  disagreements")
    return 1 if wrong or not judge.counts["packets"] else 0


if __name__ == "__main__":
    sys.exit(main())
