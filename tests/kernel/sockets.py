"""Compare the table of sockets (`policy.sockets`) with this machine's Linux, operation by operation.

    python -m tests.kernel.sockets --seed 1 --count 1000

The same random operations are done to the table and to real sockets. Compared are the error of each, the endpoint that
the socket then has, and who gets the connections and datagrams.
Exit status 0: they agree; 1: they do not, or nothing was compared; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from pathlib import Path
from random import Random

from policy.kernel.tools import Failed, Unavailable
from policy.packet.address import BROADCAST, MULTICAST, family_of, parse_address
from policy.packet.fields import TCP, UDP
from tests.kernel.real_sockets import NOBODY
from tests.kernel.socket_judge import Disagreement, Pair, Twins, Undecided

CANNOT = 77
_LENGTH = 40
_SHOWN = 5
_V4 = ("127.0.0.1", "127.0.0.1", "127.0.0.2", "10.9.0.1")
_V6 = ("::1", "fd00::1")
_FOREIGN = ("10.99.0.1", "fd00::99", "224.0.0.5", "ff05::5")
_GROUPS = MULTICAST | BROADCAST
_ODDS = {"open": 20, "bind": 35, "listen": 20, "connect": 30, "send": 25, "close": 12, "option": 6, "disconnect": 4}
_OPTIONS = ("reuse_address", "reuse_port", "v6only")


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernel.sockets", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", default="1", help="any text; the same one makes the same sequences")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="sequences")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first sequence")
    parser.add_argument("--limit", type=int, default=0, metavar="SECONDS", help="end then, whatever happens")
    given = parser.parse_args()
    signal.alarm(given.limit)
    counts: Counter[str] = Counter()
    disagreements = 0
    for number in range(given.first, given.first + given.count):
        try:
            found = _played(Random(f"{given.seed} {number}"), counts)
        except (Unavailable, Failed) as error:
            print(error)
            return CANNOT
        if found:
            disagreements += 1
            print(f"sequence {number}\n{found}" if disagreements <= _SHOWN else ".", flush=True)
    release = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()
    print(f"Linux {release}, seed {given.seed}, {given.count} sequences")
    print(*(f"{count:>9,}  {name}" for name, count in sorted(counts.items())), sep="\n")
    return 1 if disagreements or not counts["operations"] else 0


def _played(random: Random, counts: Counter[str]) -> str:
    """Play a sequence; return how it ends in a disagreement, nothing where it does not."""
    low = 50000 + random.randrange(2)
    twins = Twins((low, low + random.choice((0, 3, 7, 11))), counts)
    player = Player(random, twins)
    try:
        for _ in range(_LENGTH):
            player.step()
    except Undecided:
        counts["sequences given up"] += 1
    except Disagreement as error:
        return "\n".join("  " + line for line in (*twins.log, str(error)))
    finally:
        twins.end()
    return ""


class Player:
    """Does one random thing after the other, in the style of this sequence."""

    def __init__(self, random: Random, twins: Twins) -> None:
        self.random, self.twins = random, twins
        self.protos = random.choice(((TCP,), (UDP,), (TCP, UDP)))
        self.families = random.choice(((4,), (6,), (4, 4, 6)))
        self.options = random.choice((0.1, 0.35, 0.8))
        self.v4, self.v6 = (random.sample(pool, random.randint(1, len(pool))) for pool in (_V4, _V6))

    def step(self) -> None:
        """Do something to a socket."""
        random, twins = self.random, self.twins
        what = random.choices(list(_ODDS), list(_ODDS.values()))[0]
        if what == "open" or not twins.pairs:
            user = NOBODY if twins.world.users and random.random() < 0.2 else 0
            options = tuple(name for name in _OPTIONS if random.random() < self.options)
            twins.open(random.choice(self.protos), random.choice(self.families), user, options)
            return
        fit = [pair for pair in twins.pairs if _fits(pair, what)]
        pair = random.choice(fit if fit and random.random() < 0.9 else twins.pairs)
        if what == "bind":
            twins.bind(pair, self.address(pair, foreign=0.08), self.port(dynamic=0.3))
        elif what == "connect":
            twins.connect(pair, *self.destination(pair))
        elif what == "send":
            twins.send(pair, *((None, 0) if pair.ours.remote else self.destination(pair)))
        elif what == "option":
            twins.option(pair, random.choice(_OPTIONS), random.random() < 0.6)
        elif what == "listen":
            twins.listen(pair)
        elif what == "close":
            twins.close(pair)
        else:
            twins.disconnect(pair)

    def address(self, pair: Pair, foreign: float) -> int | None:
        """Return an address that a socket can name, None for any."""
        random = self.random
        if random.random() < 0.35:
            return None
        if random.random() < foreign:
            found = parse_address(random.choice(_FOREIGN))
            return found if family_of(found) == pair.ours.family else None
        return parse_address(random.choice(self.v4 if pair.ours.family == 4 or random.random() < 0.4 else self.v6))

    def port(self, dynamic: float) -> int:
        """Return a port: 0, one of another socket's, a usual one, one of the dynamic ones."""
        random, twins = self.random, self.twins
        if random.random() < dynamic:
            return 0
        taken = [sock.port for sock in twins.table.sockets() if sock.port]
        if taken and random.random() < 0.7:
            return random.choice(taken)
        return random.choice((80, 2000, 2001, twins.range.low, twins.range.high))

    def destination(self, pair: Pair) -> tuple[int | None, int]:
        """Return where to connect or send to, mostly to where somebody is."""
        random = self.random
        ours = pair.ours
        there = [other.ours for other in self.twins.pairs if other.ours.port and other.ours.proto == ours.proto]
        there = [sock for sock in there if sock.state == "listen" and random.random() < 0.8] or there
        if there and random.random() < 0.8:
            chosen = random.choice(there)
            address = chosen.address
            if address is not None and address not in _GROUPS and (ours.family == 6 or address >> 128):
                return address, chosen.port
            return self.address(pair, foreign=0), chosen.port
        return self.address(pair, foreign=0), self.port(dynamic=0) or 9


def _fits(pair: Pair, what: str) -> bool:
    """Return whether something is usually done to a socket like this."""
    ours = pair.ours
    if what == "bind":
        return not ours.port
    if what == "listen":
        return ours.state == "bound"
    if what == "connect":
        return ours.state in ("closed", "bound", "unconnected")
    if what == "close":
        return ours.remote is not None
    return what != "send" or ours.proto == UDP


if __name__ == "__main__":
    sys.exit(main())
